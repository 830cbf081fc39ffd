/** Every package of an image with its exact version, and the one moment that stands in for all times in it. */
export interface Manifest {
  readonly suite: string;
  readonly arch: string;
  /** ISO 8601 in UTC, to the second; SOURCE_DATE_EPOCH of the build. */
  readonly time: string;
  /** Version by package name. */
  readonly packages: ReadonlyMap<string, string>;
}

/** A package whose wanted version is not the one there; `there` is undefined where there is none at all. */
export interface Mismatch {
  readonly name: string;
  readonly wanted: string | undefined;
  readonly there: string | undefined;
}

/** The command that writes manifests anew; every message that asks for it names it so. */
export const renewCommand = "npm run bramble -- image renew";

/** @throws Error naming file and line of what is not a manifest's line. */
export function parseManifest(text: string, path: string): Manifest {
  const facts = new Map<string, string>();
  const packages = new Map<string, string>();
  for (const [index, line] of text.split("\n").entries()) {
    if (line === "" || line.startsWith("#")) continue;
    const fail = (why: string) =>
      new Error(`${path}:${index + 1}: ${why}; write the file anew with \`${renewCommand}\`.`);
    const [word = "", first = "", second, ...rest] = line.split(" ");
    if (rest.length > 0) throw fail(`"${line}" has too many words`);
    if (word === "package") {
      if (!packageName.test(first) || second === undefined || !packageVersion.test(second)) {
        throw fail(`"${line}" should be "package NAME VERSION"`);
      }
      if (packages.has(first)) throw fail(`package ${first} is there twice`);
      packages.set(first, second);
    } else if (["suite", "arch", "time"].includes(word) && second === undefined && first !== "") {
      facts.set(word, first);
    } else throw fail(`"${line}" is not "suite", "arch", "time" or "package"`);
  }
  const fact = (name: string): string => {
    const value = facts.get(name);
    if (value === undefined) throw new Error(`${path}: the line "${name} …" is missing; run \`${renewCommand}\`.`);
    return value;
  };
  if (Number.isNaN(Date.parse(fact("time"))))
    throw new Error(`${path}: time "${fact("time")}" is no moment; run \`${renewCommand}\`.`);
  return { suite: fact("suite"), arch: fact("arch"), time: fact("time"), packages };
}

/** The manifest as a file, sorted: the same packages give the same text. */
export function printManifest(manifest: Manifest, image: string): string {
  const names = [...manifest.packages.keys()].sort();
  return [
    `# The Debian packages of ${image} on ${manifest.arch}, all of them. The image holds exactly these.`,
    `# Written by \`${renewCommand}\`, which takes what the mirror has now; not edited by hand.`,
    `suite ${manifest.suite}`,
    `arch ${manifest.arch}`,
    `time ${manifest.time}`,
    ...names.map((name) => `package ${name} ${manifest.packages.get(name)}`),
    "",
  ].join("\n");
}

/** What differs between wanted packages and those that are there, by name. Packages only there count when `exactly`. */
export function mismatches(
  wanted: ReadonlyMap<string, string>,
  there: ReadonlyMap<string, string>,
  exactly: boolean,
): readonly Mismatch[] {
  const names = exactly ? new Set([...wanted.keys(), ...there.keys()]) : wanted.keys();
  return [...names]
    .map((name) => ({ name, wanted: wanted.get(name), there: there.get(name) }))
    .filter((each) => each.wanted !== each.there)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** One line for a person: `slurmd 24.11.5-4 → 24.11.6-1`. */
export function describeChange({ name, wanted, there }: Mismatch): string {
  if (wanted === undefined) return `${name} ${there} (new)`;
  if (there === undefined) return `${name} ${wanted} (gone)`;
  return `${name} ${wanted} → ${there}`;
}

/** Debian Policy 5.6.1 and 5.6.12; nothing else ever reaches apt's command line. */
const packageName = /^[a-z0-9][a-z0-9+.-]+$/;
const packageVersion = /^[0-9][A-Za-z0-9.+~:-]*$/;
