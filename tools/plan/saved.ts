import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import * as z from "zod";
import { lockPath } from "../../formats/artifact-lock.ts";
import { projectRoot } from "../lib/paths.ts";
import { tryRun } from "../lib/run.ts";
import { stackFile } from "../stack/chosen.ts";
import { askPulumi } from "../stack/pulumi.ts";
import { siteOf } from "../stack/stacks.ts";
import { type Plan, plan } from "./model.ts";

/** What a plan was made from. Another value of any of these, and it says nothing of what `up` would do now. */
export interface Origin {
  /** The checkout's commit; null outside of git. */
  readonly commit: string | null;
  /** SHA-256 of what differs from that commit. */
  readonly edits: string;
  /** SHA-256 of the site as it was read, with its stack file and the lock of artifacts. */
  readonly site: string;
  /** SHA-256 of the stack's state. */
  readonly state: string;
}

const saved = z.strictObject({
  made: z.iso.datetime(),
  origin: z.strictObject({ commit: z.string().nullable(), edits: z.string(), site: z.string(), state: z.string() }),
  plan,
});

/** What a plan for this stack would be made from now. */
export async function originOf(stack: string): Promise<Origin> {
  const [git, site, state] = await Promise.all([checkout(), siteNow(stack), stateNow(stack)]);
  return { ...git, site, state };
}

/** A plan as text, to be read again later. */
export function printSaved(plan: Plan, origin: Origin): string {
  return `${JSON.stringify({ made: new Date().toISOString(), origin, plan }, null, 2)}\n`;
}

/** A plan that was saved. @throws Error when the file is none, or not a whole one. */
export async function readSaved(
  path: string,
): Promise<{ readonly made: string; readonly origin: Origin; readonly plan: Plan }> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${path} can't be read: ${error.code === "ENOENT" ? "there is no such file" : error.message}.`);
  });
  const parsed = saved.safeParse(jsonOf(text, path));
  if (!parsed.success) throw new Error(`${path} is no plan that this version wrote. Make one: ${again}`);
  return parsed.data;
}

/** Why a plan no longer says what `up` would do, or undefined if it still does. */
export function staleness(then: Origin, now: Origin): string | undefined {
  if (then.commit !== now.commit)
    return `it was made at commit ${short(then.commit)}, and this is ${short(now.commit)}`;
  if (then.state !== now.state)
    return "the stack's state has changed since: somebody ran `up`, or another command that writes it";
  if (then.site !== now.site) return "the site, its stack file or stacks/artifacts.lock.json is not what it was";
  if (then.edits !== now.edits) return "files that are not committed have changed since";
  return undefined;
}

/** How a plan is made and kept. */
export const again = "npm run bramble -- plan --stack NAME --out FILE";

function short(commit: string | null): string {
  return commit === null ? "none (no git checkout)" : commit.slice(0, 12);
}

function jsonOf(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new Error(`${path} is not whole: it ends in the middle, or is no JSON. Make the plan again: ${again}`);
  }
}

async function checkout(): Promise<Pick<Origin, "commit" | "edits">> {
  const head = await tryRun(["git", "rev-parse", "HEAD"], { cwd: projectRoot });
  if (head.code !== 0) return { commit: null, edits: "" };
  const { stdout } = await tryRun(["git", "diff", "--no-ext-diff", "--no-textconv", "HEAD"], { cwd: projectRoot });
  return { commit: head.stdout.trim(), edits: stdout === "" ? "" : sha256(stdout) };
}

async function siteNow(stack: string): Promise<string> {
  const texts = await Promise.all([stackFile(stack), `${projectRoot}/${lockPath}`].map(textOf));
  return sha256(JSON.stringify([await siteOf(stack), ...texts]));
}

async function textOf(path: string): Promise<string> {
  return await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
}

/** Secrets are encrypted in what the engine exports, and stay as they are as long as nobody writes the state. */
async function stateNow(stack: string): Promise<string> {
  const { stdout } = await askPulumi(stack, ["stack", "export"]);
  const { deployment } = z
    .object({ deployment: z.object({ resources: z.unknown().optional() }) })
    .parse(JSON.parse(stdout));
  return sha256(JSON.stringify(deployment.resources ?? []));
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
