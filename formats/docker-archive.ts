import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";

/** Something in the root of a container, by its path in there. */
export type RootEntry =
  | { readonly kind: "file"; readonly path: string; readonly mode: number; readonly bytes: Uint8Array }
  | { readonly kind: "folder"; readonly path: string; readonly mode: number }
  | { readonly kind: "link"; readonly path: string; readonly target: string };

/** A container image of one layer. */
export interface ContainerImage {
  /** In full, as `docker.io/rancher/mirrored-pause:3.6`: containerd looks for exactly this. */
  readonly tag: string;
  readonly arch: "amd64" | "arm64";
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  /** As `PATH=/bin`. */
  readonly environment?: readonly string[];
  /** Folders before what is in them. All is root's. */
  readonly root: readonly RootEntry[];
}

/**
 * The image as `docker save` writes it, which containerd imports: manifest.json, the configuration named after its hash,
 * the layer named after its own (Docker image specification v1.2). The same image is the same bytes everywhere.
 * @throws Error for a tag that is not in full, and for a path that is not below the root
 */
export async function dockerArchive(image: ContainerImage): Promise<Buffer> {
  if (!/^[a-z0-9.-]+\.[a-z]+(\/[a-z0-9._-]+)+:[\w.-]{1,128}$/.test(image.tag))
    throw new Error(`${image.tag} is no full name of an image: write it as docker.io/library/busybox:1.37.0`);
  const layer = await tar(image.root);
  const { tag, arch, entrypoint, command, environment } = image;
  const config = json({
    architecture: arch,
    os: "linux",
    config: { Entrypoint: entrypoint, Cmd: command, Env: environment },
    rootfs: { type: "layers", diff_ids: [`sha256:${sha256(layer)}`] },
  });
  const names = { config: `${sha256(config)}.json`, layer: `${sha256(layer)}/layer.tar` };
  const manifest = json([{ Config: names.config, RepoTags: [tag], Layers: [names.layer] }]);
  return tar([
    { kind: "file", path: "manifest.json", mode: 0o644, bytes: manifest },
    { kind: "file", path: names.config, mode: 0o644, bytes: config },
    { kind: "file", path: names.layer, mode: 0o644, bytes: layer },
  ]);
}

async function tar(entries: readonly RootEntry[]): Promise<Buffer> {
  const archive = pack();
  const whole = buffer(archive);
  const usual = { mtime: new Date(0), uid: 0, gid: 0, uname: "", gname: "" };
  for (const entry of entries) {
    const { path, kind } = entry;
    if (path.startsWith("/") || path.split("/").some((part) => part === "" || part === "." || part === ".."))
      throw new Error(`${JSON.stringify(path)} is no path below the root of an image: write it as etc/passwd`);
    if (kind === "file") {
      archive.entry({ ...usual, name: path, type: "file", mode: entry.mode }, Buffer.from(entry.bytes));
    } else if (kind === "folder") {
      archive.entry({ ...usual, name: `${path}/`, type: "directory", mode: entry.mode });
    } else {
      archive.entry({ ...usual, name: path, type: "symlink", mode: 0o777, linkname: entry.target });
    }
  }
  archive.finalize();
  return whole;
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
