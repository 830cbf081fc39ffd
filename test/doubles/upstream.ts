import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import type { Mirrors } from "../../tools/artifacts/upstream.ts";
import { apkRepository, type RepositoryOptions, type StubPackage } from "./apk-repository.ts";

/** How the server answers for an address, instead of well. */
export type Fault =
  /** Sends this many bytes, and nothing more. */
  | { readonly kind: "stall"; readonly after: number }
  | { readonly kind: "status"; readonly status: number; readonly headers?: Record<string, string> }
  /** Sends other bytes. */
  | { readonly kind: "other"; readonly bytes: Buffer }
  | { readonly kind: "redirect"; readonly to: string }
  /** Sends all, and knows nothing of ranges. */
  | { readonly kind: "no-ranges" };

/** A web server that has what Alpine and Raspberry Pi publish, laid out as they do, with contents of our own. */
export interface UpstreamServer {
  readonly origin: string;
  readonly mirrors: Mirrors;
  /** Each request: path and query, and the range that was asked for. */
  readonly requests: { readonly path: string; readonly range: string | undefined }[];
  /** Files by their path, beside those of GitHub. */
  readonly files: Map<string, Buffer>;
  /** By the end of the path; the first that fits counts. */
  readonly faults: Map<string, Fault>;
  /** Commits of raspberrypi/rpi-eeprom, the newest last, each with its whole tree. */
  readonly commits: Commit[];
  /** Breaks off whatever is being sent. */
  breakOff(): void;
  stop(): void;
}

export interface Commit {
  readonly sha: string;
  readonly date: string;
  readonly tree: ReadonlyMap<string, Buffer>;
}

const repository = "/repos/raspberrypi/rpi-eeprom/";

export async function startUpstream(): Promise<UpstreamServer> {
  const requests: { path: string; range: string | undefined }[] = [];
  const files = new Map<string, Buffer>();
  const faults = new Map<string, Fault>();
  const commits: Commit[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? "/";
    if (request.method === "HEAD") return response.end();
    requests.push({ path, range: request.headers.range });
    const fault = [...faults].find(([end]) => path.endsWith(end))?.[1];
    if (fault?.kind === "status") return response.writeHead(fault.status, fault.headers).end();
    if (fault?.kind === "redirect") return response.writeHead(302, { location: fault.to }).end();
    const bytes = fault?.kind === "other" ? fault.bytes : (files.get(path) ?? github(commits, path));
    if (bytes === undefined) return response.writeHead(404).end();
    send(request, response, bytes, fault);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    mirrors: {
      alpine: `${origin}/alpine`,
      github: `${origin}/github`,
      "github-api": `${origin}/api`,
      "github-raw": `${origin}/raw`,
    },
    requests,
    files,
    faults,
    commits,
    breakOff: () => server.closeAllConnections(),
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Publishes a release of Alpine for Raspberry Pis; the branch's list names the one that was published last. */
export async function publishAlpine(
  server: UpstreamServer,
  version: string,
  files: Record<string, Buffer>,
): Promise<Buffer> {
  const archive = await alpineArchive(files);
  const folder = `/alpine/v${version.replace(/\.\d+$/, "")}/releases/aarch64`;
  const name = `alpine-rpi-${version}-aarch64.tar.gz`;
  server.files.set(`${folder}/${name}`, archive);
  server.files.set(`${folder}/${name}.sha256`, Buffer.from(`${sha256(archive)}  ${name}\n`));
  const list = Buffer.from(latestReleases(version, archive));
  server.files.set(`${folder}/latest-releases.yaml`, list);
  server.files.set("/alpine/latest-stable/releases/aarch64/latest-releases.yaml", list);
  return archive;
}

/**
 * Publishes the packages of a branch with their signed indexes, in place of those that it had: as on Alpine's mirrors,
 * only the newest are there.
 */
export async function publishPackages(
  server: UpstreamServer,
  branch: string,
  packages: Readonly<Record<"main" | "community", readonly StubPackage[]>>,
  options: RepositoryOptions = {},
): Promise<void> {
  for (const repository of ["main", "community"] as const) {
    const folder = `/alpine/${branch}/${repository}/${options.arch ?? "aarch64"}/`;
    for (const path of server.files.keys()) if (path.startsWith(folder)) server.files.delete(path);
    const { files } = await apkRepository(packages[repository], { arch: "aarch64", ...options });
    for (const [name, bytes] of files) server.files.set(`${folder}${name}`, bytes);
  }
}

/** The archive as Alpine's scripts/mkimg.base.sh makes it: of the folder `.`, and the initramfs readable by root only. */
export async function alpineArchive(files: Record<string, Buffer>): Promise<Buffer> {
  const folder = await mkdtemp(`${tmpdir()}/bramble-alpine-`);
  try {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(`${folder}/root/${path}`), { recursive: true });
      await writeFile(`${folder}/root/${path}`, content, { mode: path.endsWith("initramfs-rpi") ? 0o600 : 0o644 });
    }
    const owner = ["--owner=0", "--group=0", "--numeric-owner", "--mtime=@0"];
    execFileSync("tar", ["-C", `${folder}/root`, ...owner, "-chzf", `${folder}/archive.tar.gz`, "."]);
    return await readFile(`${folder}/archive.tar.gz`);
  } finally {
    await rm(folder, { recursive: true });
  }
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** What `git hash-object` says. */
export function gitBlob(bytes: Uint8Array): string {
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
}

/** As aports' scripts/mkimage-yaml.sh writes it; the disk image is of the same flavor as the archive. */
function latestReleases(version: string, archive: Buffer): string {
  const item = (title: string, flavor: string, file: string, content: Buffer) => `-
  title: "${title}"
  desc: |
    First generation Pis to latest.
    Text: with a colon.
  branch: v${version.replace(/\.\d+$/, "")}
  arch: aarch64
  version: ${version}
  flavor: ${flavor}
  file: ${file}
  iso: ${file}
  date: 2026-11-05
  time: 12:06:30
  size: ${content.length}
  sha256: ${sha256(content)}
  sha512: ${createHash("sha512").update(content).digest("hex")}
`;
  const other = Buffer.from("something else");
  return [
    "---\n",
    item("Mini root filesystem", "alpine-minirootfs", `alpine-minirootfs-${version}-aarch64.tar.gz`, other),
    item("Raspberry Pi disk image", "alpine-rpi", `alpine-rpi-${version}-aarch64.img.gz`, other),
    item("Raspberry Pi", "alpine-rpi", `alpine-rpi-${version}-aarch64.tar.gz`, archive),
    item("Netboot", "alpine-netboot", `alpine-netboot-${version}-aarch64.tar.gz`, other),
  ].join("");
}

/** What GitHub's API and its raw files say of the repository. */
function github(commits: readonly Commit[], path: string): Buffer | undefined {
  const url = new URL(path, "http://github.example");
  const json = (value: unknown) => Buffer.from(JSON.stringify(value));
  if (url.pathname === `/api${repository}commits`) {
    const wanted = url.searchParams.get("path") ?? "";
    const until = url.searchParams.get("until") ?? "9999";
    const changed = commits.filter((commit, index) => part(commit, wanted) !== part(commits[index - 1], wanted));
    const newest = changed.filter(({ date }) => date <= until).at(-1);
    return json(newest === undefined ? [] : [{ sha: newest.sha, commit: { committer: { date: newest.date } } }]);
  }
  const [, folder] = /^\/api\/repos\/raspberrypi\/rpi-eeprom\/contents\/(.*)$/.exec(url.pathname) ?? [];
  if (folder !== undefined) {
    const tree = commits.find(({ sha }) => sha === url.searchParams.get("ref"))?.tree ?? new Map<string, Buffer>();
    const listed = [...tree].filter(([name]) => dirname(name) === folder);
    if (listed.length === 0) return undefined;
    return json(
      listed.map(([name, bytes]) => {
        return {
          name: name.slice(folder.length + 1),
          path: name,
          type: "file",
          size: bytes.length,
          sha: gitBlob(bytes),
        };
      }),
    );
  }
  const [, sha, file] = /^\/raw\/raspberrypi\/rpi-eeprom\/([0-9a-f]{40})\/(.*)$/.exec(url.pathname) ?? [];
  return commits.find((commit) => commit.sha === sha)?.tree.get(file ?? "");
}

/** A file, or all under a folder, in a form to compare. */
function part(commit: Commit | undefined, path: string): string {
  const under = [...(commit?.tree ?? [])].filter(([name]) => name === path || name.startsWith(`${path}/`));
  return under.map(([name, bytes]) => `${name} ${gitBlob(bytes)}`).join("\n");
}

function send(request: IncomingMessage, response: ServerResponse, bytes: Buffer, fault: Fault | undefined): void {
  const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1];
  const begin = asked === undefined || fault?.kind === "no-ranges" ? 0 : Number(asked);
  if (begin > 0 && begin >= bytes.length) {
    response.writeHead(416, { "content-range": `bytes */${bytes.length}` }).end();
    return;
  }
  const body = bytes.subarray(begin);
  response.writeHead(begin === 0 ? 200 : 206, {
    "content-length": body.length,
    ...(begin === 0 ? {} : { "content-range": `bytes ${begin}-${bytes.length - 1}/${bytes.length}` }),
  });
  if (fault?.kind === "stall") response.write(body.subarray(0, fault.after));
  else response.end(body);
}
