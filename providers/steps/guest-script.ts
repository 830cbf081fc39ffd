import { readFile } from "node:fs/promises";
import type { Connection } from "../transport/connection.ts";

/** A file that a guest must have, with exactly this content, owner and mode. */
export interface GuestFile {
  readonly path: string;
  readonly content: string | Uint8Array;
  /** As chmod takes it; 0644 if not given. */
  readonly mode?: string;
  /** As chown takes it; root:root if not given. */
  readonly owner?: string;
}

export interface GuestWork {
  /** For messages: "configuring the Slurm controller physics-controller". */
  readonly what: string;
  readonly files?: readonly GuestFile[];
  /** Names of scripts in guest/, run one after the other in one shell. */
  readonly scripts: readonly string[];
  /** Their positional parameters; nothing secret. */
  readonly args?: readonly string[];
}

/**
 * Puts files in place on a guest and runs scripts there, all in one go over standard input.
 * @returns what the scripts printed.
 * @throws Error with what the guest said when one of them failed.
 */
export async function onGuest(connection: Connection, work: GuestWork): Promise<string> {
  const { code, stdout, stderr } = await connection.run(await guestScripts(work.scripts, work.files), work.args);
  if (code === 0) return stdout.trim();
  throw new Error(`${work.what} failed (exit code ${code}): ${(stderr || stdout).trim() || "nothing was said"}`);
}

/** The text that does it: what all scripts share, the files, and the scripts. */
export async function guestScripts(names: readonly string[], files: readonly GuestFile[] = []): Promise<string> {
  const [prelude = "", ...scripts] = await Promise.all(["prelude", ...names].map(guestScript));
  return [prelude, ...files.map(put), ...scripts, "[ $? = 0 ] && taken_up\n"].join("\n");
}

function guestScript(name: string): Promise<string> {
  return readFile(new URL(`guest/${name}.sh`, import.meta.url), "utf8");
}

/** A call of `put` in guest/prelude.sh; base64 keeps the shell from reading anything into the content. */
function put({ path, content, mode = "0644", owner = "root:root" }: GuestFile): string {
  return `put ${mode} ${owner} ${path} <<'EOF'\n${Buffer.from(content).toString("base64")}\nEOF\n`;
}
