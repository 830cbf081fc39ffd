import { randomBytes } from "node:crypto";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { stringify } from "yaml";
import { type SshKeyPair, sshKeyPair } from "../../../formats/ssh-key.ts";
import { siteId, siteKeys } from "../../../site/keys.ts";
import type { RunOptions } from "../../../tools/lib/run.ts";
import { type Checkout, type CommandResult, makeCheckout } from "./checkout.ts";
import { type EngineEvent, type Step, stepsOf } from "./engine-events.ts";
import { succeeds } from "./steps.ts";

export type StackOperation = "preview" | "up" | "refresh" | "destroy";

/** What one operation of the engine did. */
export interface OperationResult extends CommandResult {
  /** What it did, or would do, to each resource, in that order; what stays as it is left out. */
  readonly steps: readonly Step[];
  readonly events: readonly EngineEvent[];
}

/** One resource in an exported state. */
export interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly inputs?: Record<string, unknown>;
  readonly outputs?: Record<string, unknown>;
}

/** A person's computer with the project, from which a stack is worked on. */
export interface Runner {
  readonly checkout: Checkout;
  /** Runs `bramble preview|up|refresh|destroy` on the stack, without asking back. */
  operate(operation: StackOperation, args?: readonly string[], options?: RunOptions): Promise<OperationResult>;
  /** Runs another command of the project on the stack. */
  bramble(args: readonly string[], options?: RunOptions): Promise<CommandResult>;
}

/** A stack of its own, with its site file, passphrase and state; gone when it is removed. */
export interface ThrowAwaySite extends Runner {
  readonly stack: string;
  /** Writes the site file. */
  write(document: unknown): Promise<void>;
  /** The resources in the stack's state. */
  state(): Promise<readonly StateResource[]>;
  /** Another runner with the same stack and state, but nothing else of this one: no keys, no cache. */
  freshRunner(): Promise<Runner>;
  /** Removes the files of all its runners and the state. What the stack made has to be destroyed before. */
  remove(): Promise<void>;
}

/** Makes a stack on the engine that is installed here. It has no secret yet: `bramble(["secret", "new"])` makes it. */
export async function throwAwaySite(stack: string, environment: NodeJS.ProcessEnv = {}): Promise<ThrowAwaySite> {
  const folder = await mkdtemp(join(tmpdir(), "bramble-state-"));
  const ownEnvironment = {
    PULUMI_BACKEND_URL: pathToFileURL(folder).href,
    PULUMI_CONFIG_PASSPHRASE: randomBytes(12).toString("hex"),
    PULUMI_DEBUG_COMMANDS: "true", // lets --event-log through
    BRAMBLE_STACK: stack,
    ...environment,
  };
  const checkouts: Checkout[] = [];
  const newRunner = async (): Promise<Runner> => {
    const checkout = await makeCheckout(ownEnvironment);
    checkouts.push(checkout);
    return runnerOn(checkout, folder);
  };
  const first = await newRunner();
  const stackFiles = [`${stack}.yaml`, `Pulumi.${stack}.yaml`];
  return {
    stack,
    ...first,
    write: (document) => writeFile(join(first.checkout.folder, "stacks", `${stack}.yaml`), stringify(document)),
    state: async () => {
      const text = await readFile(join(folder, ".pulumi/stacks/bramble", `${stack}.json`), "utf8");
      const state: { checkpoint: { latest: { resources?: StateResource[] } | null } } = JSON.parse(text);
      return state.checkpoint.latest?.resources ?? [];
    },
    freshRunner: async () => {
      const other = await newRunner();
      for (const file of stackFiles) {
        await copyFile(join(first.checkout.folder, "stacks", file), join(other.checkout.folder, "stacks", file));
      }
      return other;
    },
    remove: async () => {
      for (const checkout of checkouts) await checkout.remove();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Makes a site's secret, and gives what machines know of it that are there before its first `up`. */
export async function makeSecret(
  site: ThrowAwaySite,
): Promise<{ readonly siteId: string; readonly authorizedKey: string; hostKey(machine: string): SshKeyPair }> {
  await succeeds(site.bramble(["secret", "new"], { input: "" }));
  const secret = Buffer.from((await succeeds(site.bramble(["secret", "show"]))).stdout.trim(), "hex");
  const first = { sshCa: 1, sshHostKey: 1, deployKey: 1, mungeKey: 1, k3sCa: 1, k3sToken: 1 };
  const keys = siteKeys(secret, site.stack, first);
  return {
    siteId: siteId(secret),
    authorizedKey: sshKeyPair(keys.deployKey()).publicKey,
    hostKey: (machine) => sshKeyPair(keys.sshHostKey(machine)),
  };
}

let operations = 0;

/** A runner on a checkout; `folder` takes the event logs. */
export function runnerOn(checkout: Checkout, folder: string): Runner {
  const { bramble } = checkout;
  return {
    checkout,
    bramble,
    operate: async (operation, args = [], options = {}) => {
      const log = join(folder, `events-${operations++}.json`);
      const unattended = operation === "preview" ? [] : ["--yes", "--skip-preview"];
      const settings = ["--non-interactive", "--color", "never", "--event-log", log];
      const result = await bramble([operation, ...unattended, ...settings, ...args], options);
      const text = await readFile(log, "utf8").catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return ""; // it failed before the engine started
        throw error;
      });
      const events = text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as EngineEvent]));
      return { ...result, events, steps: stepsOf(events) };
    },
  };
}
