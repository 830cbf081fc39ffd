import { deepEqual, equal } from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { printBootConf } from "../../formats/bootconf.ts";
import type { ApkovlInputs } from "../../providers/apkovl/inputs.ts";
import { digestOf as imageDigest } from "../../providers/apkovl/provider.ts";
import { type BoardIdentityInputs, digestOf as identityDigest } from "../../providers/board-identity/inputs.ts";
import type { BootloaderInputs } from "../../providers/bootloader-config/inputs.ts";
import { digestOf as bootloaderDigest } from "../../providers/bootloader-config/provider.ts";
import type { GuardInputs } from "../../providers/guard/inputs.ts";
import { digestOf as guardDigest } from "../../providers/guard/provider.ts";
import { digestOf as treeDigest } from "../../providers/tftp-tree/digest.ts";
import { type TftpTreeInputs, unknownValue } from "../../providers/tftp-tree/inputs.ts";
import type { Trial } from "./trial.ts";

interface State {
  readonly urn: string;
  readonly type: string;
  readonly custom?: boolean;
  readonly inputs?: Readonly<Record<string, unknown>>;
}

/** What the resources of a stack come to, by their URNs; secrets are as they are. */
export type Made = ReadonlyMap<string, Readonly<Record<string, unknown>>>;

/**
 * Gives a stack that has nothing the state that it has after an `up` of its site, without a site: what the engine would
 * make stands there as made. So previews of changes to a site with hosts and boards can be had where there are none.
 */
export async function pretendUp(trial: Trial, stack: string): Promise<Made> {
  // Only what the engine writes for itself, to hold an `up` to a preview, has secrets in it.
  const planFile = join(trial.folder, `${stack}-inputs.json`);
  const args = ["preview", "--stack", stack, "--json", `--save-plan=${planFile}`, "--show-secrets"];
  const command = ["node", join(trial.folder, "tools/bramble.js"), ...args] as const;
  const { code, stdout, stderr } = await trial.run(command, { PULUMI_EXPERIMENTAL: "true" });
  equal(code, 0, stderr + stdout);
  const { resourcePlans }: { resourcePlans: Record<string, Planned> } = JSON.parse(await readFile(planFile, "utf8"));
  await rm(planFile);
  const { steps: masked }: { steps: { op: string; newState: State }[] } = JSON.parse(
    stdout.replaceAll(unknownValue, known),
  );
  const steps = masked.map(({ op, newState }) => {
    const inputs = unmasked(newState.inputs, resourcePlans[newState.urn]?.goal.inputDiff.adds);
    return { op, newState: { ...newState, inputs: isRecord(inputs) ? inputs : {} } };
  });
  deepEqual([...new Set(steps.map(({ op }) => op))], ["create"]);
  const updates = new Map(
    steps.flatMap(({ newState }) =>
      kindOf(newState) === "BootloaderConfig" ? [[newState.urn.replace(/.*::/, ""), updateOf(newState)]] : [],
    ),
  );
  const resources = steps.map(({ newState }) => made(newState, updates));
  const [root, ...rest] = resources;
  await replaceState(trial, stack, [root, ...defaultProviders(stack), ...rest]);
  return new Map(steps.map(({ newState: { urn, inputs } }) => [urn, inputs]));
}

/** Gives a stack the state in which nothing was ever made. */
export async function forgetAll(trial: Trial, stack: string): Promise<void> {
  await replaceState(trial, stack, []);
}

async function replaceState(trial: Trial, stack: string, resources: readonly unknown[]): Promise<void> {
  const exported = JSON.parse((await trial.pulumi("stack", "export", "--stack", stack)).stdout);
  exported.deployment.resources = resources;
  const file = join(trial.folder, `${stack}-state.json`);
  await trial.run(["tee", file], {}, { input: JSON.stringify(exported) });
  const imported = await trial.pulumi("stack", "import", "--stack", stack, "--file", file);
  equal(imported.code, 0, imported.stderr);
}

interface Planned {
  readonly goal: { readonly inputDiff: { readonly adds?: unknown } };
}

/** A value with its secrets, which are marked as such, from the same value that has them. */
function unmasked(value: unknown, whole: unknown): unknown {
  if (value === "[secret]") return whole;
  if (!isRecord(value) || !isRecord(whole)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, unmasked(part, whole[key])]));
}

/** A secret as it is. */
function revealed(value: unknown): unknown {
  return isRecord(value) && typeof value.plaintext === "string" ? JSON.parse(value.plaintext) : value;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What stands for ids and all else that a provider makes up. */
const known = "known";

function made(state: State, updates: ReadonlyMap<string, unknown>): object {
  if (state.custom !== true) return state;
  const { inputs = {} } = state;
  const name = state.urn.replace(/.*::/, "");
  switch (kindOf(state)) {
    case "TftpTree": {
      const update = updates.get(name);
      const whole = update === undefined || inputs.device === undefined ? inputs : { ...inputs, update };
      const digest = treeDigest(whole as unknown as TftpTreeInputs);
      const outputs = {
        ...whole,
        lingering: [],
        claim: known,
        version: known,
        manifest: known,
        updateTime: 1,
        digest,
        drift: [],
      };
      return { ...state, id: known, inputs: whole, outputs };
    }
    case "Apkovl": {
      const digest = imageDigest(inputs as unknown as ApkovlInputs);
      return {
        ...state,
        id: known,
        outputs: { ...inputs, lingering: [], claim: known, version: known, manifest: known, digest, drift: [] },
      };
    }
    case "BootloaderConfig": {
      const of = inputs as unknown as BootloaderInputs;
      return { ...state, id: known, outputs: { ...inputs, digest: bootloaderDigest(of), config: known, state: taken } };
    }
    case "BoardIdentity": {
      const plain = Object.fromEntries(Object.entries(inputs).map(([key, value]) => [key, revealed(value)]));
      const digest = identityDigest(plain as unknown as BoardIdentityInputs);
      const expires = Math.floor(Date.now() / 1000) + 30 * 24 * 3600;
      return {
        ...state,
        id: known,
        outputs: { ...inputs, digest, drift: [], issued: expires - 30 * 24 * 3600, expires },
      };
    }
    case "PlanGuard": {
      const digest = guardDigest(inputs as unknown as GuardInputs);
      return { ...state, id: known, outputs: { ...inputs, schemaVersion: 1, digest } };
    }
    case "Roster":
      return { ...state, id: known, outputs: { schemaVersion: 1, ...inputs } };
    case "libvirt":
      return { ...state, id: known, outputs: { uri: inputs.uri, version: inputs.version } };
    default:
      return {
        ...state,
        id: known,
        outputs: { ...inputs, ...madeUp[kindOf(state)], ...parts(inputs) },
      };
  }
}

/** What providers add to the inputs, by kind of resource. */
const madeUp: Readonly<Record<string, object>> = {
  Command: { stdout: "", stderr: "" },
  Pool: { poolId: known, allocation: 1, available: 1, capacity: 1 },
  Volume: { volumeId: known },
  CloudinitDisk: { cloudinitDiskId: known },
  Domain: { domainId: known, fwCfgName: "opt/com.coreos/config", qemuAgent: false, running: true },
};

/** The parts of a domain with what the provider adds to each. */
function parts({ disks, consoles, networkInterfaces }: Readonly<Record<string, unknown>>): object {
  const completed = (list: unknown, more: object) =>
    Array.isArray(list) ? list.map((part: unknown) => ({ ...more, ...(isRecord(part) ? part : {}) })) : undefined;
  return {
    disks: completed(disks, { scsi: false, blockDevice: "", file: "", url: "", wwn: "" }),
    consoles: completed(consoles, { sourceHost: "127.0.0.1", sourceService: "0", sourcePath: "" }),
    networkInterfaces: completed(networkInterfaces, {
      ...{ addresses: [], hostname: "", networkId: "", networkName: "" },
      ...{ passthrough: "", vepa: "", macvtap: "", waitForLease: false },
    }),
  };
}

/** Of a board that has never reported. */
const taken = { sha256: "0".repeat(64), taken: 0, confirmed: false };

function updateOf({ inputs }: State): object {
  const { image, model, settings } = inputs as unknown as BootloaderInputs;
  return { image: image.sha256, model, config: printBootConf(settings), ...taken };
}

function kindOf({ type }: State): string {
  return type.split(":").at(-1) ?? "";
}

function defaultProviders(stack: string): object[] {
  return [
    { kind: "command", name: "default_0_9_2", version: "0.9.2" },
    { kind: "pulumi-nodejs", name: "default" },
  ].map(({ kind, name, ...inputs }) => ({
    urn: `urn:pulumi:${stack}::bramble::pulumi:providers:${kind}::${name}`,
    type: `pulumi:providers:${kind}`,
    custom: true,
    id: known,
    inputs,
    outputs: inputs,
  }));
}
