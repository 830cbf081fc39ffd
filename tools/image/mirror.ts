import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { tryRun } from "../lib/run.ts";

/** Where Debian's packages come from, and who said so (for messages). */
export interface Mirror {
  readonly address: string;
  readonly from: string;
}

/**
 * The mirror: the one given (option, else BRAMBLE_DEBIAN_MIRROR), else the machine's own, else mmdebstrap's default.
 * @throws Error for an address that is no http(s) or file URL.
 */
export async function chooseMirror(given: string | undefined, suite: string): Promise<Mirror> {
  const setting = given ?? process.env.BRAMBLE_DEBIAN_MIRROR;
  if (setting !== undefined && setting !== "") return { address: checked(setting), from: "the setting" };
  const own = await machineMirror();
  if (own !== undefined) return { address: own, from: "this machine's apt configuration" };
  return { address: checked(await mmdebstrapDefault(suite)), from: "mmdebstrap's default" };
}

/**
 * The address of Debian's main archive among what `apt-get indextargets` prints (paragraphs of `Field: value`), or
 * undefined where there is none, as on Ubuntu. Where apt has never fetched, targets have no Label yet, and an
 * address that ends in /debian is taken.
 */
export function debianMirrorOf(indexTargets: string): string | undefined {
  const targets = indexTargets.split(/\n\s*\n/).map(
    (paragraph) =>
      new Map(
        paragraph.split("\n").map((line): [string, string] => {
          const colon = line.indexOf(":");
          return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
        }),
      ),
  );
  const main = targets
    .filter((target) => target.get("created-by") === "Packages" && target.get("component") === "main")
    .filter(
      (target) => (target.get("label") ?? "Debian") === "Debian" && (target.get("origin") ?? "Debian") === "Debian",
    )
    .map((target) => ({ site: (target.get("site") ?? "").replace(/\/+$/, ""), known: target.has("label") }))
    .filter(({ site, known }) => /^(https?|file):/.test(site) && (known || /\/debian$/.test(site)));
  return (main.find(({ known }) => known) ?? main[0])?.site;
}

/** With labels where apt has fetched lists; without, apt names its targets only when asked not to look for labels. */
async function machineMirror(): Promise<string | undefined> {
  for (const options of [[], ["--no-release-info"]]) {
    const targets = await tryRun(["apt-get", "indextargets", ...options]);
    const own = targets.code === 0 ? debianMirrorOf(targets.stdout) : undefined;
    if (own !== undefined) return own;
  }
  return undefined;
}

/** Asks mmdebstrap for its own default by stopping it just after it wrote its list of sources. */
async function mmdebstrapDefault(suite: string): Promise<string> {
  const folder = await mkdtemp(`${tmpdir()}/bramble-mirror-`);
  try {
    const list = `${folder}/sources`;
    await tryRun(
      [
        "mmdebstrap",
        "--variant=custom",
        '--setup-hook=cat "$1"/etc/apt/sources.list > "$BRAMBLE_SOURCES"; exit 1',
        suite,
        `${folder}/root.tar`,
      ],
      { env: { ...process.env, BRAMBLE_SOURCES: list, TMPDIR: folder } },
    );
    const address = /^deb (?:\[[^\]]*\] )?(\S+) /m.exec(await readFile(list, "utf8"))?.[1];
    if (address === undefined)
      throw new Error("mmdebstrap names no mirror of its own; set BRAMBLE_DEBIAN_MIRROR to one.");
    return address;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function checked(address: string): string {
  if (/^(https?|file):\/\/?[^\s\][]+$/.test(address)) return address.replace(/\/+$/, "");
  throw new Error(`"${address}" is no address of a Debian mirror; it should look like http://host/debian.`);
}
