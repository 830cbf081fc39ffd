import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { type Header, pack } from "tar-stream";
import type { AlpineArch } from "./alpine-root.ts";

/** A package to be made, with nothing in it but what is said here. Words are those of apk: `so:libc.so.6=6`, `!b`, `c<2`. */
export interface StubPackage {
  readonly name: string;
  /** `1-r0` unless said. */
  readonly version?: string;
  /** Also conflicts: `!other`. */
  readonly depends?: readonly string[];
  readonly provides?: readonly string[];
  readonly installIf?: readonly string[];
  /** Which of the providers of a name without a version is chosen: the highest. */
  readonly priority?: number;
  /** By absolute path. Folders above are made, root's and 0755. */
  readonly files?: Readonly<Record<string, StubFile>>;
  readonly scripts?: Readonly<Partial<Record<StubScript, string>>>;
}

/** Mode 0644, owner and group 0 unless said; or a symbolic link. */
export type StubFile =
  | { readonly text: string | Uint8Array; readonly mode?: number; readonly uid?: number; readonly gid?: number }
  | { readonly link: string };

type StubScript = `${"pre" | "post"}-${"install" | "upgrade" | "deinstall"}`;

/** A key that signs packages. apk trusts it where `publicPem` lies in etc/apk/keys under the name `file`. */
export interface SigningKey {
  readonly file: string;
  readonly publicPem: string;
  readonly privateKey: KeyObject;
}

export interface RepositoryOptions {
  /** x86_64 unless said. */
  readonly arch?: AlpineArch;
  /** {@link testKey} unless said. */
  readonly key?: SigningKey;
  /** Of the signatures; abuild uses SHA-1 with `.SIGN.RSA.`. */
  readonly digest?: "sha1" | "sha256" | "sha512";
}

export interface ApkRepository {
  /** The file name of each package, and APKINDEX.tar.gz. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** The text of the index. */
  readonly index: string;
  readonly key: SigningKey;
}

const keys = new Map<string, SigningKey>();

/** An RSA key of 2048 bits, made once in this process for each file name. */
export function testKey(file = "bramble-test.rsa.pub"): SigningKey {
  const known = keys.get(file);
  if (known !== undefined) return known;
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const made = { file, publicPem: publicKey.export({ type: "spki", format: "pem" }).toString(), privateKey };
  keys.set(file, made);
  return made;
}

/** Makes packages and their signed index, as abuild and `apk index` do (reference alpine-boot.md 3.6). */
export async function apkRepository(
  packages: readonly StubPackage[],
  options: RepositoryOptions = {},
): Promise<ApkRepository> {
  const files = new Map<string, Buffer>();
  const entries: string[] = [];
  for (const each of packages) {
    const { file, bytes, entry } = await stubPackage(each, options);
    files.set(file, bytes);
    entries.push(entry);
  }
  const index = entries.map((entry) => `${entry}\n`).join("");
  files.set("APKINDEX.tar.gz", await signedIndex(index, options));
  return { files, index, key: options.key ?? testKey() };
}

/** Makes a repository in a folder, where apk looks for it: `<folder>/<arch>/`. */
export async function writeRepository(
  folder: string,
  packages: readonly StubPackage[],
  options: RepositoryOptions = {},
): Promise<ApkRepository> {
  const repository = await apkRepository(packages, options);
  const place = `${folder}/${options.arch ?? "x86_64"}`;
  await mkdir(place, { recursive: true });
  for (const [name, bytes] of repository.files) await writeFile(`${place}/${name}`, bytes);
  return repository;
}

/** An index with its signature in front. */
export async function signedIndex(text: string, options: RepositoryOptions = {}): Promise<Buffer> {
  const files = [
    { name: "DESCRIPTION", content: "test\n" },
    { name: "APKINDEX", content: text },
  ];
  return signed(gzipSync(await tar(files)), options);
}

/** One package: its file, and its lines in the index. */
export async function stubPackage(
  stub: StubPackage,
  options: RepositoryOptions = {},
): Promise<{ readonly file: string; readonly bytes: Buffer; readonly entry: string }> {
  const { name, version = "1-r0", scripts = {} } = stub;
  const data = gzipSync(await tar(dataEntries(stub.files ?? {})));
  const info = packageInfo(stub, options.arch ?? "x86_64", data);
  const control = gzipSync(
    withoutEnd(
      await tar([
        { name: ".PKGINFO", content: info },
        ...Object.entries(scripts).map(([script, content]) => ({ name: `.${script}`, content, mode: 0o755 })),
      ]),
    ),
  );
  const bytes = Buffer.concat([await signed(control, options), data]);
  const checksum = `Q1${createHash("sha1").update(control).digest("base64")}`;
  return { file: `${name}-${version}.apk`, bytes, entry: indexEntry(stub, options.arch ?? "x86_64", checksum, bytes) };
}

function packageInfo(stub: StubPackage, arch: string, data: Buffer): string {
  const { name, version = "1-r0", depends = [], provides = [], installIf = [], priority } = stub;
  const lines = [
    ["pkgname", name],
    ["pkgver", version],
    ["pkgdesc", `stub of ${name}`],
    ["url", "https://example.org"],
    ["builddate", "1767225600"],
    ["size", "4096"],
    ["arch", arch],
    ["origin", name],
    ["license", "MIT"],
    ...(priority === undefined ? [] : [["provider_priority", priority]]),
    ...depends.map((word) => ["depend", word]),
    ...provides.map((word) => ["provides", word]),
    ...(installIf.length === 0 ? [] : [["install_if", installIf.join(" ")]]),
    ["datahash", createHash("sha256").update(data).digest("hex")],
  ];
  return lines.map(([key, value]) => `${key} = ${value}\n`).join("");
}

function indexEntry(stub: StubPackage, arch: string, checksum: string, bytes: Buffer): string {
  const { name, version = "1-r0", depends = [], provides = [], installIf = [], priority } = stub;
  const lines = [
    `C:${checksum}`,
    `P:${name}`,
    `V:${version}`,
    `A:${arch}`,
    `S:${bytes.length}`,
    "I:4096",
    `T:stub of ${name}`,
    "U:https://example.org",
    "L:MIT",
    `o:${name}`,
    "t:1767225600",
    ...(priority === undefined ? [] : [`k:${priority}`]),
    ...(depends.length === 0 ? [] : [`D:${depends.join(" ")}`]),
    ...(provides.length === 0 ? [] : [`p:${provides.join(" ")}`]),
    ...(installIf.length === 0 ? [] : [`i:${installIf.join(" ")}`]),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

/** A folder's mode where it is not 0755, as alpine-baselayout has it. */
const folderModes: Readonly<Record<string, number>> = { root: 0o700, tmp: 0o1777, "var/tmp": 0o1777 };

type Entry = Partial<Header> & { readonly name: string; readonly content?: string | Uint8Array };

function dataEntries(files: Readonly<Record<string, StubFile>>): readonly Entry[] {
  const entries = new Map<string, Entry>();
  for (const [path, file] of Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const name = path.replace(/^\/+/, "");
    const parts = name.split("/").slice(0, -1);
    for (const depth of parts.keys()) {
      const folder = parts.slice(0, depth + 1).join("/");
      entries.set(folder, { name: folder, type: "directory", mode: folderModes[folder] ?? 0o755 });
    }
    entries.set(name, "link" in file ? link(name, file.link) : content(name, file));
  }
  return [...entries.values()];
}

function link(name: string, target: string): Entry {
  return { name, type: "symlink", linkname: target, mode: 0o777, ...checksum(target) };
}

function content(name: string, { text, mode = 0o644, uid = 0, gid = 0 }: Exclude<StubFile, { link: string }>): Entry {
  return { name, content: text, mode, uid, gid, ...checksum(text) };
}

/** What apk holds a file against when it looks for changes. */
function checksum(of: string | Uint8Array) {
  return { pax: { "APK-TOOLS.checksum.SHA1": createHash("sha1").update(of).digest("hex") } };
}

async function signed(bytes: Buffer, { key = testKey(), digest = "sha1" }: RepositoryOptions): Promise<Buffer> {
  const variant = digest === "sha1" ? "RSA" : `RSA${digest.slice(3)}`;
  const signature = sign(digest, bytes, key.privateKey);
  return Buffer.concat([
    gzipSync(withoutEnd(await tar([{ name: `.SIGN.${variant}.${key.file}`, content: signature }]))),
    bytes,
  ]);
}

async function tar(entries: readonly Entry[]): Promise<Buffer> {
  const archive = pack();
  for (const { content: text, ...header } of entries) {
    const whole = { mode: 0o644, uid: 0, gid: 0, mtime: new Date("2026-01-01T00:00:00Z"), ...header };
    archive.entry(whole, text ?? "");
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A tar that another goes on from has no end mark (two blocks of zeros). */
function withoutEnd(archive: Buffer): Buffer {
  return archive.subarray(0, -1024);
}
