import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { inflateSync } from "node:zlib";
import { run } from "../../tools/lib/run.ts";

/** What the real Chromium makes of a page, without any network. */
export interface Rendered {
  /** The document as it was understood, as HTML. */
  readonly dom: string;
  /** The colour of the first pixel: red, green, blue. */
  readonly corner: readonly number[];
  /** What the page was refused or failed at, by the browser's words. */
  readonly complaints: readonly string[];
}

export type ColorScheme = "dark" | "light";

/** Debian's chromium. */
export const chromium = "/usr/bin/chromium";
/** Chromium's blink::mojom::PreferredColorScheme. */
const schemes: Readonly<Record<ColorScheme, number>> = { dark: 0, light: 1 };

/** Shows a page on a screen of so many pixels, in a network namespace in which there is no network. */
export async function renderPage(html: string, scheme: ColorScheme): Promise<Rendered> {
  const folder = await mkdtemp(join(tmpdir(), "bramble-page-"));
  try {
    const page = join(folder, "page.html");
    const image = join(folder, "page.png");
    await writeFile(page, html);
    const browse = async (...options: readonly string[]) => {
      const common = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--enable-logging=stderr",
        "--window-size=1280,1600",
      ];
      const own = [`--user-data-dir=${folder}/profile`, `--blink-settings=preferredColorScheme=${schemes[scheme]}`];
      const command = [chromium, ...common, ...own, ...options, pathToFileURL(page).href];
      return run(["unshare", "--net", ...command], { timeout: 60_000, env: { ...process.env, HOME: folder } });
    };
    const { stdout: dom, stderr } = await browse("--dump-dom");
    await browse(`--screenshot=${image}`);
    const complaints = stderr.split("\n").filter((line) => line.includes("CONSOLE"));
    return { dom, corner: firstPixel(await readFile(image)), complaints };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Of a PNG with 8 bits a channel (PNG specification, sections 5 and 9): before the first pixel all filters see zeros. */
function firstPixel(png: Buffer): number[] {
  const data: Buffer[] = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    const kind = png.toString("latin1", at + 4, at + 8);
    if (kind === "IDAT") data.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  }
  return [...inflateSync(Buffer.concat(data)).subarray(1, 4)];
}
