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
  const cloudConfig = {
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
  const { mac, address, gateway, dns } = seed.network;
  const networkConfig = {
    version: 2,
    ethernets: {
      lan: {
        match: { macaddress: mac },
        addresses: [address],
        ...(gateway === undefined ? {} : { routes: [{ to: everywhere, via: gateway }] }),
        ...(dns.length === 0 ? {} : { nameservers: { addresses: [...dns] } }),
      },
    },
  };
  return {
    userData: `#cloud-config\n${yaml(cloudConfig)}`,
    metaData: yaml({ "instance-id": seed.instanceId, "local-hostname": seed.hostname }),
    networkConfig: yaml(networkConfig),
  };
}

/** YAML that any version of cloud-init reads the same way: no anchors, no folded lines, MAC addresses quoted. */
function yaml(value: unknown): string {
  return stringify(value, { aliasDuplicateObjects: false, lineWidth: 0, version: "1.1" });
}
