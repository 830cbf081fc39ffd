import { stringify } from "yaml";
import type { SshKeyPair } from "./ssh-key.ts";

/** The default route; cloud-init 25.1 refuses the word "default" here and leaves the guest without a network. */
const everywhere = "0.0.0.0/0";

/** What a guest needs to know about itself at its first boot, and nothing of what it will do. */
export interface Seed {
  readonly hostname: string;
  /** Another value makes cloud-init treat the guest as a new one. */
  readonly instanceId: string;
  readonly hostKey: SshKeyPair;
  /** Public keys that may log in as root. */
  readonly authorizedKeys: readonly string[];
  readonly network: SeedNetwork;
}

export interface SeedNetwork {
  readonly mac: string;
  /** With the prefix length: `10.20.0.100/24`. */
  readonly address: string;
  readonly gateway?: string;
  readonly dns: readonly string[];
}

/** The three files of a NoCloud data source. `userData` holds the guest's SSH host key: it is secret. */
export interface SeedFiles {
  readonly userData: string;
  readonly metaData: string;
  readonly networkConfig: string;
}

/**
 * The NoCloud files of a guest.
 * Formats: cloud-init's "NoCloud" data source, cloud-config module "ssh", and networking config version 2.
 */
export function nocloudFiles(seed: Seed): SeedFiles {
  const settings = {
    hostname: seed.hostname,
    preserve_hostname: false,
    manage_etc_hosts: false,
    disable_root: false,
    ssh_pwauth: false,
    ssh_deletekeys: true,
    ssh_genkeytypes: [],
    ssh_keys: { ed25519_private: seed.hostKey.privateKey, ed25519_public: seed.hostKey.publicKey },
    users: [{ name: "root", lock_passwd: true, ssh_authorized_keys: [...seed.authorizedKeys] }],
  };
  return {
    userData: cloudConfig(settings),
    metaData: yaml({ "instance-id": seed.instanceId, "local-hostname": seed.hostname }),
    networkConfig: networkConfig(seed.network),
  };
}

/** User data of the kind that both cloud-init and tiny-cloud read. */
export function cloudConfig(settings: Readonly<Record<string, unknown>>): string {
  return `#cloud-config\n${yaml(settings)}`;
}

/** Networking config version 2: one interface, found by its MAC address. */
function networkConfig({ mac, address, gateway, dns }: SeedNetwork): string {
  const lan = {
    match: { macaddress: mac },
    addresses: [address],
    ...(gateway === undefined ? {} : { routes: [{ to: everywhere, via: gateway }] }),
    ...(dns.length === 0 ? {} : { nameservers: { addresses: [...dns] } }),
  };
  return yaml({ version: 2, ethernets: { lan } });
}

/** YAML that any version of cloud-init reads the same way: no anchors, no folded lines, MAC addresses quoted. */
export function yaml(value: unknown): string {
  return stringify(value, { aliasDuplicateObjects: false, lineWidth: 0, version: "1.1" });
}
