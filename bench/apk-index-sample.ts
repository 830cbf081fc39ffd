import { createHash } from "node:crypto";

/** An index of as many packages as Alpine's two repositories have together, and as dense: made up, always the same. */
export interface IndexSample {
  /** By repository, as text. */
  readonly texts: { readonly main: string; readonly community: string };
  /** A world with as many words as a hypervisor's. */
  readonly world: readonly string[];
  readonly count: number;
}

/**
 * A quarter of the packages is in main. A project is a package with its libraries, documentation, services, completions
 * and headers, which come by themselves as Alpine's do (`install_if`), and it needs libraries of projects before it.
 */
export function indexSample(count = 25_000): IndexSample {
  const random = randomNumbers(20_261_125);
  const below = (limit: number) => Math.floor(random() * limit);
  const entries: { readonly repository: "main" | "community"; readonly lines: string }[] = [];
  const libraries: string[] = ["so:libc.musl-aarch64.so.1=1"];
  const packages: string[] = [];
  entries.push(entry("main", "musl", "1.2.5-r9", { p: [libraries[0] ?? ""] }));
  entries.push(
    entry("main", "busybox", "1.37.0-r14", { D: ["so:libc.musl-aarch64.so.1"], p: ["/bin/sh", "cmd:sh=1.37.0-r14"] }),
  );
  entries.push(entry("main", "openrc", "0.63.1-r0", { D: ["/bin/sh", "so:libc.musl-aarch64.so.1"] }));
  entries.push(entry("main", "docs", "0.2-r6", {}));
  for (let project = 0; entries.length < count; project++) {
    const repository = entries.length * 4 < count ? "main" : "community";
    const name = `project${project}`;
    const version = `${1 + below(9)}.${below(30)}.${below(20)}-r${below(8)}`;
    const needs = [
      ...new Set(Array.from({ length: 1 + below(6) }, () => libraries[nearby(libraries.length, random)] ?? "")),
    ];
    const others =
      packages.length === 0 ? [] : Array.from({ length: below(2) }, () => packages[below(packages.length)] ?? "");
    const depends = [...needs.map((word) => word.split("=", 1)[0] ?? ""), ...others];
    const commands = Array.from({ length: below(6) }, (_, index) => `cmd:${name}-tool${index}=${version}`);
    entries.push(entry(repository, name, version, { D: depends, p: [`cmd:${name}=${version}`, ...commands] }));
    const part = (suffix: string, fields: Fields) =>
      entries.push(entry(repository, `${name}-${suffix}`, version, fields));
    if (random() < 0.6) {
      const library = `so:lib${name}.so.${below(9)}=${below(9)}.${below(9)}.0`;
      libraries.push(library);
      part("libs", { D: ["so:libc.musl-aarch64.so.1", ...depends.slice(0, 2)], p: [library] });
      part("dev", { D: [`${name}=${version}`], p: [`pc:${name}=${version.replace(/-r\d+$/, "")}`] });
    }
    if (random() < 0.7) part("doc", { i: ["docs", `${name}=${version}`] });
    if (random() < 0.12) part("openrc", { i: ["openrc", `${name}=${version}`] });
    if (random() < 0.2) part("bash-completion", { i: ["bash-completion", `${name}=${version}`] });
    if (random() < 0.1) part("lang", { i: ["lang", `${name}=${version}`] });
    packages.push(name);
  }
  const world = ["busybox", "openrc", ...Array.from({ length: 40 }, () => packages[below(packages.length)] ?? "")];
  const text = (repository: string) =>
    entries.flatMap((each) => (each.repository === repository ? [each.lines] : [])).join("\n");
  return { texts: { main: text("main"), community: text("community") }, world, count: entries.length };
}

type Fields = { readonly D?: readonly string[]; readonly p?: readonly string[]; readonly i?: readonly string[] };

function entry(repository: "main" | "community", name: string, version: string, fields: Fields) {
  const lines = [
    // apk takes packages of one checksum to be one package.
    `C:Q1${createHash("sha1").update(`${name}-${version}`).digest("base64")}`,
    `P:${name}`,
    `V:${version}`,
    "A:aarch64",
    "S:85150",
    "I:315392",
    `T:What ${name} does, said in the length of one such line`,
    `U:https://example.org/projects/${name}`,
    "L:GPL-2.0-or-later",
    `o:${name.split("-", 1)[0]}`,
    "m:Somebody Who Maintains <somebody@example.org>",
    "t:1767225600",
    "c:66187892e05b03a41d08e9acabd19b7576a1c875",
    ...Object.entries(fields).flatMap(([key, words]) => (words.length === 0 ? [] : [`${key}:${words.join(" ")}`])),
  ];
  return { repository, lines: `${lines.join("\n")}\n` };
}

/** Mostly libraries that much depends on: few are in the middle of everything. */
function nearby(limit: number, random: () => number): number {
  return Math.floor(limit * random() ** 3);
}

/** Numbers from 0 to 1 that only look as if by chance (a linear congruential generator, Numerical Recipes). */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
