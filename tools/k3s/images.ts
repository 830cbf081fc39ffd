import { readFile } from "node:fs/promises";
import { type ContainerImage, dockerArchive, type RootEntry } from "../../formats/docker-archive.ts";
import { k3sImages } from "../../formats/k3s-bundle.ts";
import { k3sNode, machineArch, manifestPath } from "../../images/recipe.ts";
import { parseManifest } from "../image/manifest.ts";
import { chooseMirror } from "../image/mirror.ts";
import { fetchLists } from "../image/packages.ts";
import { keyringPath } from "../image/requirements.ts";
import { run } from "../lib/run.ts";

/** The sandbox of every pod: one static program. */
export async function pauseImage(program: string): Promise<Buffer> {
  return ofProgram(k3sImages.pause, program);
}

/** The cluster's DNS. As root, as its manifest takes all rights but one from it. */
export async function corednsImage(program: string): Promise<Buffer> {
  return ofProgram(k3sImages.coredns, program);
}

/** A shell and what goes with it, for small pods. @param applets what `busybox --list` says */
export async function busyboxImage(program: string, applets: readonly string[]): Promise<Buffer> {
  const root: RootEntry[] = [
    ...["bin", "etc", "root"].map((path) => ({ kind: "folder", path, mode: 0o755 }) as const),
    { kind: "folder", path: "tmp", mode: 0o1777 },
    { kind: "file", path: "bin/busybox", mode: 0o755, bytes: await readFile(program) },
    ...applets.filter((name) => name !== "busybox").map((name) => link(`bin/${name}`, "busybox")),
    text("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"),
    text("etc/group", "root:x:0:\nnogroup:x:65534:\n"),
  ];
  const image = { tag: k3sImages.busybox, arch: machineArch(), command: ["sh"], environment: ["PATH=/bin"], root };
  return dockerArchive(image);
}

/** The version of Debian's busybox that guests have, as their manifest pins it. */
export async function pinnedBusybox(): Promise<string> {
  const path = manifestPath(k3sNode, machineArch());
  const version = parseManifest(await readFile(path, "utf8"), path).packages.get(busybox);
  if (version === undefined) throw new Error(`${path} has no ${busybox}, which the image for small pods is made of`);
  const tag = k3sImages.busybox.split(":").at(-1) ?? "";
  if (version.replace(/^\d+:/, "").startsWith(`${tag}-`)) return version;
  throw new Error(
    `${path} has ${busybox} ${version}, and k3s asks for busybox ${tag}: take the tag of k3sImages along`,
  );
}

/**
 * Debian's busybox, unpacked into `folder`, its signature checked by apt. @returns the program's path
 * @throws Error where the mirror has moved on from the pinned version
 */
export async function fetchBusybox(version: string, folder: string, signal: AbortSignal): Promise<string> {
  const { suite } = k3sNode;
  const mirror = await chooseMirror(undefined, suite);
  const apt = await fetchLists(folder, { mirror, suite, arch: machineArch(), keyring: keyringPath(), signal });
  await run(["apt-get", "download", "-q", `${busybox}=${version}`], { ...apt, cwd: folder });
  const deb = `${busybox}_${version.replaceAll(":", "%3a")}_${machineArch()}.deb`;
  await run(["dpkg-deb", "--extract", `${folder}/${deb}`, `${folder}/root`], { signal });
  return `${folder}/root/usr/bin/busybox`;
}

/** The names under which busybox is another program. */
export async function appletsOf(program: string, signal: AbortSignal): Promise<readonly string[]> {
  const { stdout } = await run([program, "--list"], { signal });
  return stdout.split("\n").filter((name) => /^[\w.[-]+$/.test(name));
}

const busybox = "busybox-static";

async function ofProgram(tag: string, program: string): Promise<Buffer> {
  const name = tag === k3sImages.pause ? "pause" : "coredns";
  const root: RootEntry[] = [{ kind: "file", path: name, mode: 0o755, bytes: await readFile(program) }];
  const image: ContainerImage = { tag, arch: machineArch(), entrypoint: [`/${name}`], root };
  return dockerArchive(image);
}

function text(path: string, content: string): RootEntry {
  return { kind: "file", path, mode: 0o644, bytes: Buffer.from(content) };
}

function link(path: string, target: string): RootEntry {
  return { kind: "link", path, target };
}
