import { chmod, lstat, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { renderSystem } from "../../../formats/alpine-system.ts";
import { type BoardRole, boardLayers } from "../../../images/alpine/layers.ts";
import { unlessAbsent } from "../../../tools/lib/files.ts";
import type { RunResult } from "../../../tools/lib/run.ts";
import { makeAlpineRoot } from "../../doubles/alpine-root.ts";
import { sampleFacts, sampleRelease } from "./sample-facts.ts";

/**
 * A board's root: Alpine's own programs, and on them the files of an image. Mounts and processes end with each command,
 * files stay. What a board has of the kernel is made of files too: /sys, and a kernel command line of its own.
 */
export interface BoardRoot {
  readonly path: string;
  /** The id of the image, as its kernel command line should say it. */
  readonly image: string;
  write(path: string, text: string | Uint8Array, mode?: number): Promise<void>;
  /** The text of a file, or undefined if there is none. */
  read(path: string): Promise<string | undefined>;
  /** Permissions of a file, as 0o644. */
  mode(path: string): Promise<number>;
  /** What was noted for the report, by kind. */
  problem(kind: string): Promise<string | undefined>;
  /** Runs a command of the shell, with this kernel command line and this machine's network. */
  sh(script: string, words?: readonly string[]): Promise<RunResult>;
  remove(): Promise<void>;
}

export const boardMac = "dc:a6:32:00:00:01";

export async function makeBoardRoot(role: BoardRole = "hypervisor"): Promise<BoardRoot> {
  const rendered = renderSystem(boardLayers(role, sampleFacts), { arch: "x86_64", released: sampleRelease });
  const root = await makeAlpineRoot();
  const write: BoardRoot["write"] = async (path, text, mode = 0o644) => {
    await mkdir(dirname(`${root.path}${path}`), { recursive: true });
    await writeFile(`${root.path}${path}`, text);
    await chmod(`${root.path}${path}`, mode);
  };
  const read: BoardRoot["read"] = (path) => readFile(`${root.path}${path}`, "utf8").catch(unlessAbsent);
  try {
    for (const entry of rendered.entries) {
      if (entry.kind === "file") {
        await write(`/${entry.path}`, entry.text, entry.mode);
        continue;
      }
      await mkdir(dirname(`${root.path}/${entry.path}`), { recursive: true });
      await symlink(entry.target, `${root.path}/${entry.path}`);
    }
    await write("/sys/class/net/eth0/address", `${boardMac}\n`);
  } catch (error) {
    await root.remove();
    throw error;
  }
  return {
    path: root.path,
    image: rendered.id,
    write,
    read,
    mode: async (path) => (await lstat(`${root.path}${path}`)).mode & 0o7777,
    problem: (kind) => read(`/run/bramble/problems/${kind}`),
    sh: async (script, words = []) => {
      await write("/run/cmdline", `${["console=tty1", ...words].join(" ")}\n`);
      const inside = 'mount --bind /run/cmdline /proc/cmdline && exec sh -c "$1"';
      return await root.tryRun(["sh", "-c", inside, "sh", script], { network: "host" });
    },
    remove: async () => {
      await root.remove();
      await rm(root.path, { recursive: true, force: true });
    },
  };
}
