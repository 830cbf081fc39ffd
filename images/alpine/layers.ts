import { readdirSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { NamedLayer, SystemFile, SystemLayer } from "../../formats/alpine-system.ts";
import { chronyConf } from "../../formats/chrony-conf.ts";
import { checkedIpv4 } from "../../formats/server-values.ts";

/** What a board can be for. */
export const boardRoles = ["hypervisor", "nfs-server", "boot-server", "worker"] as const;
export type BoardRole = (typeof boardRoles)[number];

/** What is the same on all boards of a site, and is no secret: anybody on the boards' network can fetch an image. */
export interface ImageFacts {
  /** Lines of authorized_keys: who may log in as root. */
  readonly authorizedKeys: readonly string[];
  /** Public key of the site's SSH CA, as in authorized_keys: whom it has certified may log in. */
  readonly userCa: string;
  /** Names or addresses; none: boards keep their own time. */
  readonly timeServers: readonly string[];
  /** Addresses of name servers; without them a board takes those of DHCP. */
  readonly dns?: readonly string[];
  /** The bridge that VMs of a hypervisor are on. */
  readonly bridge: string;
}

/**
 * The image of a board of this role, from the lowest layer up (reference "Alpine diskless" §2.4, §6). Whoever adds a
 * layer puts it behind these. What a diskless Alpine needs in any case comes with `renderSystem`.
 */
export function boardLayers(role: BoardRole, facts: ImageFacts): readonly NamedLayer[] {
  return [
    { name: "base", layer: baseLayer(facts) },
    { name: `role ${role}`, layer: roles[role](facts) },
  ];
}

function baseLayer({ authorizedKeys, userCa, timeServers, dns = [] }: ImageFacts): SystemLayer {
  return {
    packages: [
      // Named, or another provider of ifupdown-any could take its place; `bridge` brings its part for bridges.
      "ifupdown-ng",
      "openssh",
      "chrony",
      // modloop's signature is checked with it.
      "openssl",
      "tiny-cloud-nocloud",
      "tiny-cloud-openrc",
    ],
    services: {
      sysinit: ["cgroups"],
      boot: ["bramble-seed", "tiny-cloud-boot"],
      default: [
        "bramble-identity",
        "sshd",
        "chronyd",
        "bramble-time",
        "bramble-storage",
        "tiny-cloud-early",
        "tiny-cloud-main",
        "tiny-cloud-final",
        "local",
        "bramble-report",
      ],
    },
    users: [{ name: "root", uid: 0, keys: authorizedKeys }],
    files: {
      ...filesOf("base"),
      "/etc/ssh/bramble-user-ca.pub": { text: `${userCa}\n` },
      "/etc/chrony/chrony.conf": { text: chronyConf({ servers: timeServers, allow: [] }) },
      ...nameServers(dns),
    },
  };
}

const roles: Readonly<Record<BoardRole, (facts: ImageFacts) => SystemLayer>> = {
  hypervisor: ({ bridge }) => ({
    packages: [
      "bridge",
      "dbus",
      "libvirt-client",
      "libvirt-daemon",
      "libvirt-qemu",
      "nfs-utils",
      "polkit",
      "qemu-img",
      "qemu-modules",
      "qemu-system-aarch64",
    ],
    services: { default: ["dbus", "polkit", "libvirtd", "libvirt-guests"] },
    modules: ["tun", "bridge", "vhost_net", "overlay"],
    files: withValue(filesOf("hypervisor"), "@bridge@", bridgeName(bridge)),
  }),
  "nfs-server": () => ({
    packages: ["nfs-utils", "e2fsprogs"],
    services: { default: ["bramble-nfsd"] },
    modules: ["nfsd"],
    files: filesOf("nfs-server"),
  }),
  // Its services are made when the site's boot server is set up, over SSH.
  "boot-server": () => ({ packages: ["dnsmasq", "nginx", "busybox-extras"] }),
  worker: () => ({
    packages: ["nfs-utils"],
    modules: ["overlay", "br_netfilter"],
    sysctls: { "net.ipv4.ip_forward": "1" },
  }),
};

/** The name servers as they are given, and DHCP leaves them alone. */
function nameServers(dns: readonly string[]): Record<string, SystemFile> {
  if (dns.length === 0) return {};
  const lines = dns.map((address, index) => `nameserver ${checkedIpv4(`dns.${index}`, address)}\n`);
  return { "/etc/resolv.conf": { text: lines.join("") }, "/etc/udhcpc/udhcpc.conf": { text: "RESOLV_CONF=no\n" } };
}

function bridgeName(name: string): string {
  if (/^[a-z][a-z0-9-]{0,14}$/.test(name)) return name;
  throw new Error(`bridge: ${JSON.stringify(name)} cannot be used: give up to 15 lower-case letters, digits and -`);
}

function withValue(files: Record<string, SystemFile>, word: string, value: string): Record<string, SystemFile> {
  const entries = Object.entries(files);
  return Object.fromEntries(
    entries.map(([path, file]) => [path, { ...file, text: file.text.replaceAll(word, value) }]),
  );
}

/**
 * The files that lie in a folder beside this module, by absolute path. Whether one can be run is said by its first two
 * letters: a checkout may have lost the modes.
 */
function filesOf(folder: string): Record<string, SystemFile> {
  const top = fileURLToPath(new URL(`files/${folder}`, import.meta.url));
  const names = readdirSync(top, { recursive: true, encoding: "utf8" }).sort();
  const files = names.filter((name) => statSync(`${top}/${name}`).isFile());
  return Object.fromEntries(
    files.map((name) => {
      const text = readFileSync(`${top}/${name}`, "utf8");
      return [`/${name}`, { text, mode: text.startsWith("#!") ? 0o755 : 0o644 }];
    }),
  );
}
