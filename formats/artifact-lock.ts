import { z } from "zod";

/** Where the lock file lies in a project; every message names it so. */
export const lockPath = "stacks/artifacts.lock.json";

/** The command that writes the entry of an artifact. */
export const updateCommand = (name: string) => `npm run bramble -- artifacts update ${name}`;

/** The name of an artifact: `alpine-rpi`, `alpine-packages-x86_64`, `k3s-v1.35.0+k3s3-x86_64`. */
export const artifactName = /^[a-z0-9][a-z0-9_-]{0,62}$|^k3s-v[a-z0-9.+_-]{1,58}$/;

/**
 * Whether a path may stand for a file in an archive: relative, with `/`, without `.` or `..` in it, and in characters
 * that mean nothing else on any file system or server.
 */
export function isMemberPath(path: string): boolean {
  const part = /^[\w+,@=~ .-]{1,255}$/;
  return path.split("/").every((each) => part.test(each) && each !== "." && each !== ".." && each !== "__proto__");
}

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "should be 64 hexadecimal digits in lower case");
const bytes = z.int("should be a whole number").nonnegative("should not be negative");
const lockedFileSchema = z.strictObject({ sha256, bytes });
const memberPath = z.string().refine(isMemberPath, "should be a path inside the archive, such as boot/vmlinuz-rpi");

const facts = {
  version: z.string().regex(/^[\w.+~:-]{1,100}$/, "should be a version, such as 3.24.4"),
  /** When it was published: `2026-11-05`. */
  released: z.iso.date("should be a date, such as 2026-11-05").optional(),
};
const address = z.url({ protocol: /^https?$/, error: "should be an address with http:// or https://" });

const fileSchema = z.strictObject({
  ...facts,
  /** Missing where somebody brought the file, and nobody knows where it can be had. */
  url: address.optional(),
  sha256,
  bytes,
  /** The files of an archive, by their path in it. */
  files: z.record(memberPath, lockedFileSchema).optional(),
});

const setSchema = z.strictObject({
  ...facts,
  /** The address that the paths of the files go behind. */
  url: address,
  /** What the packages were found for: words of apk's world. */
  world: z.array(z.string().regex(/^\S{1,200}$/, "should be a word of apk's world, such as chrony or chrony>=4.8")),
  /** Indexes and packages: `main/aarch64/APKINDEX.tar.gz`. */
  files: z.record(memberPath, lockedFileSchema),
});

const releasedBundleSchema = z.strictObject({
  ...facts,
  /** The address that the names of the parts go behind. */
  url: address,
  sha256,
  bytes,
  /** The files of a release that it is packed from here. */
  parts: z.record(memberPath, lockedFileSchema),
});

const builtBundleSchema = z.strictObject({
  ...facts,
  sha256,
  bytes,
  /** Over all that it was built from here. */
  inputs: sha256,
});

/** Told apart before they are checked, so that messages are about the one that is meant. */
const artifactSchema = z.unknown().transform((value, context) => {
  const has = (key: string) => typeof value === "object" && value !== null && key in value;
  const read: z.ZodSafeParseResult<Artifact> = has("world")
    ? setSchema.safeParse(value)
    : has("parts")
      ? releasedBundleSchema.safeParse(value)
      : has("inputs")
        ? builtBundleSchema.safeParse(value)
        : fileSchema.safeParse(value);
  if (read.success) return read.data;
  context.issues.push(...read.error.issues.map((issue) => ({ ...issue, input: value }) as z.core.$ZodRawIssue));
  return z.NEVER;
});

const lockSchema = z.strictObject({
  format: z.literal(1, "should be 1; a newer Bramble wrote this file"),
  artifacts: z.record(z.string().regex(artifactName, "should be a name such as alpine-rpi"), artifactSchema),
});

/** A file that is pinned: hash in hex, and length. */
export type LockedFile = Readonly<z.infer<typeof lockedFileSchema>>;
/** A file that is downloaded as one, perhaps an archive. */
export type FileArtifact = Readonly<z.infer<typeof fileSchema>>;
/** Files that are downloaded one by one: the packages of a release, with their indexes. */
export type ArtifactSet = Readonly<z.infer<typeof setSchema>>;
/** A file that is packed here, from a release's files: it has the same bytes on every machine. */
export type ReleasedBundle = Readonly<z.infer<typeof releasedBundleSchema>> & { readonly files?: never };
/** A file that was built here, and has other bytes where another compiler builds it. */
export type BuiltBundle = Readonly<z.infer<typeof builtBundleSchema>> & {
  readonly url?: never;
  readonly files?: never;
};
export type Bundle = ReleasedBundle | BuiltBundle;
/** Something that is pinned. A set has a `world`, a bundle has `parts` or `inputs`. */
export type Artifact = FileArtifact | ArtifactSet | Bundle;
/** Every download of a project. */
export type ArtifactLock = Readonly<z.infer<typeof lockSchema>>;

/** The lock of a project that pins nothing yet. */
export const emptyLock: ArtifactLock = { format: 1, artifacts: {} };

/**
 * Reads the text of a lock file, which messages call `path`.
 * @throws Error with a line for each mistake, which says where in the JSON it is
 */
export function parseLock(text: string, path = lockPath): ArtifactLock {
  const read = lockSchema.safeParse(parseJson(text, path));
  if (read.success) return read.data;
  const mistakes = read.error.issues.flatMap((issue) => describeIssue(issue, `${path}: `));
  throw new Error(`${mistakes.join("\n")}\n${wayOut}`);
}

/** The lock as a file: sorted, a line for each file of an archive or set, the same lock the same text. */
export function printLock(lock: ArtifactLock): string {
  const artifacts = sorted(lock.artifacts).map(([name, artifact]) => {
    const { version, released, url, files } = artifact;
    const content = isSet(artifact) ? {} : { sha256: artifact.sha256, bytes: artifact.bytes };
    const inputs = "inputs" in artifact ? artifact.inputs : undefined;
    const facts = Object.entries({ version, released, url, ...content, inputs })
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => `      ${member(key, value)}`);
    const world = isSet(artifact) ? [`      "world": ${list([...artifact.world].sort(), "      ")}`] : [];
    const members = files === undefined ? [] : [`      "files": ${block(sorted(files).map(printFile), "      ")}`];
    const parts =
      "parts" in artifact ? [`      "parts": ${block(sorted(artifact.parts).map(printFile), "      ")}`] : [];
    return `    ${JSON.stringify(name)}: ${block([...facts, ...world, ...members, ...parts], "    ")}`;
  });
  return `${block(['  "format": 1', `  "artifacts": ${block(artifacts, "  ")}`], "")}\n`;
}

/**
 * The lock with an artifact pinned, in place of what it had under that name.
 * @throws Error with a line for each value that cannot be
 */
export function pin(lock: ArtifactLock, name: string, artifact: Artifact): ArtifactLock {
  const pinned = lockSchema.safeParse({ ...lock, artifacts: { ...lock.artifacts, [name]: artifact } });
  if (pinned.success) return pinned.data;
  throw new Error(pinned.error.issues.flatMap((issue) => describeIssue(issue, "")).join("\n"));
}

/**
 * The pinned hash and length of an artifact, or of a file in one that is an archive. For previews: it needs no file.
 * @throws Error that names what is not pinned and the command that pins it
 */
export function lockedFile(lock: ArtifactLock, name: string, path?: string): LockedFile {
  if (path === undefined) {
    const artifact = lockedArtifact(lock, name);
    if (!isSet(artifact)) return { sha256: artifact.sha256, bytes: artifact.bytes };
    throw new Error(
      `${name} ${artifact.version} in ${lockPath} is a set of packages, and a single file is needed here`,
    );
  }
  const file = own(lockedFiles(lock, name), path);
  if (file !== undefined) return file;
  throw new Error(
    `${name} ${lockedArtifact(lock, name).version} has no file ${JSON.stringify(path)} in ${lockPath}; ` +
      `\`npm run bramble -- artifacts list ${name}\` shows those that it has`,
  );
}

/** Whether an artifact is a set of files that are downloaded one by one. */
export function isSet(artifact: Artifact): artifact is ArtifactSet {
  return "world" in artifact;
}

/** Whether an artifact is a file that is packed or built here. */
export function isBundle(artifact: Artifact): artifact is Bundle {
  return isReleased(artifact) || isBuilt(artifact);
}

/** Whether an artifact is packed from files of a release. */
export function isReleased(artifact: Artifact): artifact is ReleasedBundle {
  return "parts" in artifact;
}

/** Whether an artifact was built here. */
export function isBuilt(artifact: Artifact): artifact is BuiltBundle {
  return "inputs" in artifact;
}

/** All that belongs to an artifact: the file itself, without a path, and the files of an archive or a set. */
export function filesOf(artifact: Artifact): readonly { readonly path?: string; readonly file: LockedFile }[] {
  const { files = {} } = artifact;
  const whole = isSet(artifact) ? [] : [{ file: { sha256: artifact.sha256, bytes: artifact.bytes } }];
  return [...whole, ...Object.entries(files).map(([path, file]) => ({ path, file }))];
}

/**
 * The files of an archive by their path in it, or of a set.
 * @throws Error like {@link lockedFile}, also for an artifact that is no archive
 */
export function lockedFiles(lock: ArtifactLock, name: string): Readonly<Record<string, LockedFile>> {
  const { files, version } = lockedArtifact(lock, name);
  if (files !== undefined) return files;
  throw new Error(`${name} ${version} in ${lockPath} is a single file, and an archive with files in it is needed here`);
}

/** An artifact's entry. @throws Error like {@link lockedFile} */
export function lockedArtifact(lock: ArtifactLock, name: string): Artifact {
  const artifact = own(lock.artifacts, name);
  if (artifact === undefined) throw new Error(`${lockPath} has no ${name}: run \`${updateCommand(name)}\``);
  return artifact;
}

const wayOut = `Take the file back from git, or delete it and run \`npm run bramble -- artifacts update\`.`;

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new Error(`${path} is no JSON: ${error.message}\n${wayOut}`);
  }
}

function describeIssue(issue: z.core.$ZodIssue, file: string): readonly string[] {
  const place = issue.path.length === 0 ? file : `${file}${z.core.toDotPath(issue.path)}: `;
  const problems = issue.code === "invalid_key" ? issue.issues : [issue];
  return problems.map(({ message }) => `${place}${message}`);
}

/** Only what is really in it: a file may be called `constructor`. */
function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

/** By code unit, so that no locale changes the order. */
function sorted<T>(record: Readonly<Record<string, T>>): readonly (readonly [string, T])[] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}

function printFile([path, { sha256, bytes }]: readonly [string, LockedFile]): string {
  return `        ${JSON.stringify(path)}: { ${member("sha256", sha256)}, ${member("bytes", bytes)} }`;
}

function member(key: string, value: unknown): string {
  return `${JSON.stringify(key)}: ${JSON.stringify(value)}`;
}

function block(lines: readonly string[], indent: string): string {
  return lines.length === 0 ? "{}" : `{\n${lines.join(",\n")}\n${indent}}`;
}

function list(values: readonly string[], indent: string): string {
  const lines = values.map((value) => `${indent}  ${JSON.stringify(value)}`);
  return lines.length === 0 ? "[]" : `[\n${lines.join(",\n")}\n${indent}]`;
}
