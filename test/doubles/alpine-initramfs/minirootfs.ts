import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import { minirootfs } from "../alpine-root.ts";
import type { StubFile, StubPackage } from "../apk-repository.ts";

/** A file of Alpine's mini root filesystem for aarch64, by its path without a slash in front. */
export interface RootFile {
  readonly path: string;
  readonly content: StubFile;
}

let read: Promise<readonly RootFile[]> | undefined;

/** All its files and links, read once. */
export function minirootfsFiles(): Promise<readonly RootFile[]> {
  read ??= minirootfs("aarch64").then(readArchive);
  return read;
}

/**
 * The packages that it was made of, as apk's database in it tells: so that a root can be made from nothing, as on a
 * diskless board, where no mirror of Alpine is in reach. What a package does when another one is installed (a trigger)
 * is not among it.
 */
export async function minirootfsPackages(): Promise<StubPackage[]> {
  const files = new Map((await minirootfsFiles()).map(({ path, content }) => [path, content]));
  const text = async (path: string) => {
    const file = files.get(path);
    if (file === undefined || "link" in file) throw new Error(`the mini root filesystem has no ${path}`);
    return Buffer.from(file.text);
  };
  const scripts = await readTar(await text("lib/apk/db/scripts.tar"));
  const database = (await text("lib/apk/db/installed")).toString();
  return database
    .split("\n\n")
    .filter((entry) => entry.trim() !== "")
    .map((entry) => packageOf(entry.trim().split("\n"), files, scripts));
}

function packageOf(
  lines: readonly string[],
  files: ReadonlyMap<string, StubFile>,
  scripts: readonly RootFile[],
): StubPackage {
  const field = (key: string) => lines.find((line) => line.startsWith(`${key}:`))?.slice(2);
  const words = (key: string) => field(key)?.split(" ") ?? [];
  const name = field("P") ?? "";
  const version = field("V") ?? "";
  const own: Record<string, StubFile> = {};
  const folders: string[] = [];
  for (const line of lines) {
    if (line.startsWith("F:")) folders.push(line.slice(2));
    if (!line.startsWith("R:")) continue;
    const path = `${folders.at(-1)}/${line.slice(2)}`.replace(/^\//, "");
    const content = files.get(path);
    if (content !== undefined) own[`/${path}`] = content;
  }
  const empty = folders.filter(
    (folder) => folder !== "" && !Object.keys(own).some((path) => path.startsWith(`/${folder}/`)),
  );
  const script = (kind: string) => {
    const found = scripts.find(({ path }) => path.startsWith(`${name}-${version}.`) && path.endsWith(`.${kind}`));
    return found === undefined || "link" in found.content ? undefined : Buffer.from(found.content.text).toString();
  };
  const preInstall = script("pre-install");
  const postInstall = [script("post-install")?.replace(/\nexit 0\n*$/, "\n"), folderLines(name, empty)].filter(
    (part) => part,
  );
  return {
    name,
    version,
    depends: words("D"),
    provides: words("p"),
    installIf: words("i"),
    files: own,
    scripts: {
      ...(preInstall === undefined ? {} : { "pre-install": preInstall }),
      ...(postInstall.length === 0 ? {} : { "post-install": postInstall.join("\n") }),
    },
  };
}

/** Folders without files, which the packages of these tests cannot have. */
function folderLines(name: string, folders: readonly string[]): string {
  if (name !== "alpine-baselayout") return "";
  return `mkdir -p ${folders.join(" ")}\nchmod 1777 tmp var/tmp\nchmod 0700 root\nchmod 0555 var/empty\n`;
}

async function readArchive(path: string): Promise<readonly RootFile[]> {
  return await entries(createReadStream(path).pipe(createGunzip()));
}

async function readTar(bytes: Uint8Array): Promise<readonly RootFile[]> {
  const archive = extract();
  archive.end(bytes);
  return await entriesOf(archive);
}

async function entries(stream: NodeJS.ReadableStream): Promise<readonly RootFile[]> {
  return await entriesOf(stream.pipe(extract()));
}

async function entriesOf(archive: ReturnType<typeof extract>): Promise<readonly RootFile[]> {
  const found: RootFile[] = [];
  for await (const entry of archive) {
    const { name, type, mode = 0o644, uid = 0, gid = 0, linkname } = entry.header;
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    const path = name.replace(/^\.?\//, "");
    if (type === "symlink") found.push({ path, content: { link: linkname ?? "" } });
    if (type === "file") found.push({ path, content: { text: Buffer.concat(chunks), mode, uid, gid } });
  }
  return found;
}
