import { env } from "node:process";
import type { SshTarget } from "../transport/ssh.ts";

/**
 * What a step is told. Steps run as `local.Command`, so all of it comes by environment variables: plain ones, which a
 * preview shows, and secret ones, which the state holds encrypted.
 */
export const variables = {
  /** Private key that logs in; secret. */
  sshKey: "BRAMBLE_SSH_KEY",
  /** The guest that the step is about, as JSON of an SshTarget. */
  guest: "BRAMBLE_GUEST",
  /** The Slurm controller, as JSON of an SshTarget. */
  controller: "BRAMBLE_CONTROLLER",
  /** The longest that the step may wait, in seconds. */
  patience: "BRAMBLE_PATIENCE",
  /** `NAME-HASH` of the guest image. */
  image: "BRAMBLE_IMAGE",
  users: "BRAMBLE_USERS",
  hosts: "BRAMBLE_HOSTS",
  chronyConf: "BRAMBLE_CHRONY_CONF",
  exports: "BRAMBLE_EXPORTS",
  slurmConf: "BRAMBLE_SLURM_CONF",
  cgroupConf: "BRAMBLE_CGROUP_CONF",
  /** Base64; secret. */
  mungeKey: "BRAMBLE_MUNGE_KEY",
  /** The worker's group, its Slurm feature. */
  group: "BRAMBLE_GROUP",
  /** The boot server and what it serves, as JSON of a BootServerSpec. */
  bootServer: "BRAMBLE_BOOT_SERVER",
  /** A board that boots over the network, as JSON of a BoardSpec; `bootServer` is a BootSource then. */
  board: "BRAMBLE_BOARD",
  /** A storage that hosts share, as JSON of an NfsServerSpec or a HostStorageSpec. */
  storage: "BRAMBLE_STORAGE",
  /** Where a worker and its controller run, as JSON of a WorkerPlaces. */
  places: "BRAMBLE_PLACES",
  /** A VM as its host knows it, as JSON of a VmOnHost. */
  machine: "BRAMBLE_MACHINE",
  /** Whose node a VM is in k3s, as JSON of a K3sMembership. */
  k3sMembership: "BRAMBLE_K3S_MEMBERSHIP",
  /** What a node of k3s is to be, as JSON of a K3sNodeSpec. */
  k3sNode: "BRAMBLE_K3S_NODE",
  /** The release that a VM is to have at hand, as JSON of a K3sBundle. */
  k3sBundle: "BRAMBLE_K3S_BUNDLE",
  /** The text of its config.yaml; tokens are in files of their own. */
  k3sConfig: "BRAMBLE_K3S_CONFIG",
  /** The text of its registries.yaml, where it has one. */
  k3sRegistries: "BRAMBLE_K3S_REGISTRIES",
  /** What its service has in its environment, as systemd reads it from a file. */
  k3sEnvironment: "BRAMBLE_K3S_ENVIRONMENT",
  /** Of a server that holds the cluster's address with others. */
  keepalivedConf: "BRAMBLE_KEEPALIVED_CONF",
  /** Tokens and authorities, as JSON of a K3sSecrets; secret. */
  k3sSecrets: "BRAMBLE_K3S_SECRETS",
  /** Where Kubernetes resources belong, as JSON of a K3sManifestsSpec. */
  k3sResources: "BRAMBLE_K3S_RESOURCES",
  /** Kubernetes resources to be in a cluster, as YAML. */
  manifests: "BRAMBLE_MANIFESTS",
  dnsmasqConf: "BRAMBLE_DNSMASQ_CONF",
  nginxConf: "BRAMBLE_NGINX_CONF",
} as const;

export type Variable = keyof typeof variables;

/** The value of a variable. @throws Error when it is not set: the step was not started by a stack. */
export function required(variable: Variable): string {
  const value = env[variables[variable]];
  if (value === undefined)
    throw new Error(`${variables[variable]} is not set: this command is for Bramble's stacks to run`);
  return value;
}

/** The value of a variable that steps of older states do not have. */
export function optional(variable: Variable): string | undefined {
  return env[variables[variable]];
}

export function requiredSeconds(variable: Variable): number {
  return Number.parseInt(required(variable), 10);
}

export function requiredTarget(variable: "guest" | "controller"): SshTarget {
  const target: SshTarget = JSON.parse(required(variable));
  return target;
}
