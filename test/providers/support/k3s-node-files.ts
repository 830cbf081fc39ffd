import { type ArtifactLock, emptyLock } from "../../../formats/artifact-lock.ts";
import type { GuestFile } from "../../../providers/steps/guest-script.ts";
import { authorityFiles, k3sNode, nodeFiles, nodeSecrets } from "../../../providers/steps/k3s-spec.ts";
import { buildSite, isSecret, one } from "../../components/build.ts";

/** A site with a k3s cluster `web` at these addresses, on 10.20.0.0/24. Without KVM, so that all settings are among its own. */
export function k3sSite(servers: 1 | 3): string {
  return `
network: { cidr: 10.20.0.0/24, gateway: 10.20.0.1, bridge: br0 }
boards:
  pi1: { model: pc, accelerator: tcg, memory: 32GiB, cores: 4, address: 10.20.0.11, hostKey: ${hostKey} }
clusters:
  web:
    type: k3s
    version: v1.35.0+k3s3
    endpoint: 10.20.0.20
    servers: { count: ${servers}, memory: 2GiB, addresses: 10.20.0.21-10.20.0.25 }
    agents: { n: { count: 1, memory: 1GiB, addresses: 10.20.0.31-10.20.0.34 } }
`;
}

const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
const pinned = { version: "v1.35.0+k3s3", sha256: "ab".repeat(32), bytes: 5, inputs: "cd".repeat(32) };
const lock: ArtifactLock = { ...emptyLock, artifacts: { "k3s-v1.35.0+k3s3-x86_64": pinned } };

/** The files that the program has a node get, as its step writes them. */
export async function k3sNodeFiles(site: string, node: string): Promise<GuestFile[]> {
  const { environment } = one(await buildSite(site, lock), "command:local:Command", `${node}/k3s`);
  const values = (isSecret(environment) ? environment.value : environment) as Record<string, unknown>;
  for (const [name, value] of Object.entries(values)) process.env[name] = String(isSecret(value) ? value.value : value);
  const secrets = nodeSecrets();
  return [...nodeFiles(k3sNode(), secrets), ...authorityFiles(secrets)];
}
