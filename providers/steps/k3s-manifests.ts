import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { SshTarget } from "../transport/ssh.ts";
import { required, requiredSeconds } from "./environment.ts";
import { onGuest } from "./guest-script.ts";
import { findServer, whySilent } from "./k3s-look.ts";

/** What the variable `k3sResources` holds, as JSON. */
export interface K3sManifestsSpec {
  readonly cluster: string;
  readonly servers: readonly SshTarget[];
  /** Manifests that are pinned, on the machine that runs Pulumi; they come before the others. */
  readonly pinned?: { readonly file: string; readonly sha256: string };
}

/** Has a cluster hold Kubernetes resources as they are planned. */
export async function applyManifests(): Promise<string> {
  const spec = specOf();
  const manifests = `${await pinnedManifests(spec)}${required("manifests")}`;
  await atSomeServer(spec, "apply", manifests);
  return `${spec.cluster} has its resources`;
}

/** Deletes what was applied; what came with pinned manifests stays, since volumes of pods may depend on it. */
export async function removeManifests(): Promise<string> {
  const spec = specOf();
  await atSomeServer(spec, "delete", required("manifests"));
  return `the resources of ${spec.cluster} are deleted`;
}

async function pinnedManifests({ pinned }: K3sManifestsSpec): Promise<string> {
  if (pinned === undefined) return "";
  const text = await readFile(pinned.file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    throw new Error(
      `manifests are pinned but not on this machine (${pinned.file}): get them with npm run bramble -- artifacts fetch`,
    );
  });
  if (createHash("sha256").update(text).digest("hex") !== pinned.sha256)
    throw new Error(`${pinned.file} is not what is pinned (SHA-256 ${pinned.sha256}): remove it and fetch it again`);
  return `${text.trimEnd()}\n`;
}

async function atSomeServer(spec: K3sManifestsSpec, step: "apply" | "delete", manifests: string): Promise<void> {
  const found = await findServer(spec.servers, required("sshKey"), requiredSeconds("patience"));
  if (!("nodes" in found)) throw new Error(`no server of ${spec.cluster} answers:\n${whySilent(found)}`);
  try {
    await onGuest(found.connection, {
      what: `${step === "apply" ? "giving" : "taking"} ${spec.cluster} its resources`,
      files: [{ path: "/etc/rancher/bramble/manifests.yaml", content: manifests, mode: "600" }],
      scripts: ["k3s-manifests"],
      args: [step],
    });
  } finally {
    found.connection.close();
  }
}

function specOf(): K3sManifestsSpec {
  const spec: K3sManifestsSpec = JSON.parse(required("k3sResources"));
  return spec;
}
