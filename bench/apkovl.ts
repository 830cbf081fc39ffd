import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { argv, execPath, stdout } from "node:process";
import { fileURLToPath } from "node:url";
import type { OverlayFile } from "../formats/alpine-system.ts";
import { apkovl } from "../formats/apkovl.ts";
import { run } from "../tools/lib/run.ts";
import { type Figure, table } from "./table.ts";

/**
 * Building the largest image that is allowed, beside what `tar | gzip -9` takes for the same tree: `node bench/apkovl.ts
 * [RUNS]`. Each build is in a process of its own, where nothing is compiled yet, as an update of one image is.
 */
export async function apkovlFigures(runs: number): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), "bramble-bench-apkovl-"));
  try {
    for (const { path, text } of entries()) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    const values: number[] = [];
    const others: number[] = [];
    let sizes = "";
    for (let index = 0; index < runs; index++) {
      const { stdout } = await run([execPath, fileURLToPath(import.meta.url), "once"]);
      const [time, bytes] = stdout.split(" ").map(Number);
      values.push(time ?? Number.NaN);
      const started = performance.now();
      const { stdout: theirs } = await run(["sh", "-c", 'tar -c -C "$1" etc | gzip -9n | wc -c', "sh", folder]);
      others.push(performance.now() - started);
      sizes = `${bytes} bytes, theirs ${theirs.trim()}`;
    }
    const note = `tar | gzip -9: ${others.map((time) => time.toFixed(0)).join(", ")} ms; ${sizes}`;
    return [{ name: "build an image of 2 MB", unit: "ms", target: 150, values, note }];
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** 200 files of 10,000 bytes, of words that repeat about as often as those of configuration do. */
function entries(): OverlayFile[] {
  return Array.from({ length: 200 }, (_, index) => {
    const hash = (word: number) => createHash("md5").update(`${index} ${word}`).digest("base64");
    const lines = Array.from(
      { length: 300 },
      (_, line) => `option-${hash(line % 40).slice(0, 9)} = ${hash(line).slice(0, 6)}\n`,
    );
    const text = lines.join("").repeat(2).slice(0, 10_000);
    return { kind: "file", path: `etc/bench/${index % 20}/${index}.conf`, text, mode: 0o644, uid: 0, gid: 0 };
  });
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  if (argv[2] === "once") {
    const all = entries();
    const started = performance.now();
    const { length } = await apkovl(all, { released: "2026-11-05" });
    stdout.write(`${performance.now() - started} ${length}`);
  } else stdout.write(table(await apkovlFigures(Number(argv[2] ?? 3))));
}
