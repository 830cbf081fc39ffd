import { mkdir, writeFile } from "node:fs/promises";
import { apkClosure } from "../formats/apk-closure.ts";
import { parseApkIndex } from "../formats/apk-index.ts";
import { verifiedIndex } from "../formats/apk-signature.ts";
import { type AlpineRoot, makeAlpineRoot } from "../test/doubles/alpine-root.ts";
import { signedIndex, testKey } from "../test/doubles/apk-repository.ts";
import { indexSample } from "./apk-index-sample.ts";
import { type Figure, median } from "./table.ts";

/** From the signed indexes of 25,000 packages to the packages of a hypervisor, in this process; beside it, by apk. */
export async function apkClosureFigures(runs: number): Promise<Figure[]> {
  const { texts, world } = indexSample();
  const indexes = [
    { name: "main", bytes: await signedIndex(texts.main, { arch: "x86_64" }) },
    { name: "community", bytes: await signedIndex(texts.community, { arch: "x86_64" }) },
  ];
  const keys = new Map([[testKey().file, testKey().publicPem]]);
  const values: number[] = [];
  let found = 0;
  for (let run = 0; run < runs; run++) {
    const started = performance.now();
    const repositories = await Promise.all(
      indexes.map(async ({ name, bytes }) => ({ name, packages: parseApkIndex(await verifiedIndex(bytes, keys)) })),
    );
    const wanted = world.map((word) => ({ word, where: "bench" }));
    const closure = apkClosure(wanted, repositories);
    values.push(performance.now() - started);
    if (closure.kind === "impossible") throw new Error(closure.problems.join("\n"));
    found = closure.packages.length;
  }
  const { taken, milliseconds } = await byApk(indexes, world, runs);
  if (taken !== found) throw new Error(`apk takes ${taken} packages, and this project ${found}`);
  const note = `${found} packages; apk 2 itself takes the same ones, in ${milliseconds.toFixed(0)} ms with its start`;
  return [{ name: "packages of a hypervisor out of 25,000", unit: "ms", target: 300, values, note }];
}

async function byApk(
  indexes: readonly { readonly name: string; readonly bytes: Buffer }[],
  world: readonly string[],
  runs: number,
): Promise<{ readonly taken: number; readonly milliseconds: number }> {
  const root = await makeAlpineRoot("x86_64");
  try {
    await writeFile(`${root.path}/etc/apk/keys/${testKey().file}`, testKey().publicPem);
    await writeFile(`${root.path}/etc/apk/repositories`, indexes.map(({ name }) => `/srv/${name}\n`).join(""));
    for (const { name, bytes } of indexes) {
      await mkdir(`${root.path}/srv/${name}/aarch64`, { recursive: true });
      await writeFile(`${root.path}/srv/${name}/aarch64/APKINDEX.tar.gz`, bytes);
    }
    const target = ["--root", "/target", "--arch", "aarch64", "--keys-dir", "/etc/apk/keys", "--no-network"];
    await mkdir(`${root.path}/target`);
    await root.run(["apk", "add", "--initdb", ...target, "--repositories-file", "/dev/null"]);
    const command = ["apk", "add", "--simulate", ...target, "--repositories-file", "/etc/apk/repositories"] as const;
    return await timed(root, [...command, ...world], runs);
  } finally {
    await root.remove();
  }
}

async function timed(root: AlpineRoot, command: readonly [string, ...string[]], runs: number) {
  const values: number[] = [];
  let taken = 0;
  for (let run = 0; run < runs; run++) {
    const started = performance.now();
    const { stdout } = await root.run(command);
    values.push(performance.now() - started);
    taken = [...stdout.matchAll(/ Installing /g)].length;
  }
  return { taken, milliseconds: median(values) };
}
