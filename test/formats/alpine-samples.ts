import { type NamedLayer, type RenderedSystem, renderSystem, type SystemFacts } from "../../formats/alpine-system.ts";
import { sshKeyPair } from "../../formats/ssh-key.ts";

export const facts: SystemFacts = { arch: "aarch64", released: "2026-11-05" };

/** A public key line; another one for another number. */
export function publicKey(number: number): string {
  return sshKeyPair(Buffer.alloc(32, number)).publicKey;
}

/** Layers as those of a board that runs libvirt, with something of each kind. */
export const hypervisorLayers: readonly NamedLayer[] = [
  {
    name: "base",
    layer: {
      packages: ["openssh", "chrony", "ifupdown-ng", "openssl", "!usr-merge-nag"],
      services: { boot: ["bramble-seed"], default: ["sshd", "chronyd", "local", "bramble-report"] },
      files: {
        "/etc/init.d/bramble-seed": { text: "#!/sbin/openrc-run\nbefore networking\n", mode: 0o755 },
        "/etc/init.d/bramble-report": { text: "#!/sbin/openrc-run\nneed sshd\n", mode: 0o755 },
        "/etc/chrony/chrony.conf": { text: "server 10.20.0.1 iburst\nmakestep 1 -1\n" },
        "/etc/network/interfaces": { text: "auto lo\niface lo inet loopback\n\nauto eth0\niface eth0 inet dhcp\n" },
        "/etc/ssh/sshd_config.d/10-bramble.conf": { text: "PasswordAuthentication no\n", mode: 0o600 },
      },
      users: [{ name: "root", uid: 0, keys: [`${publicKey(1)} deploy`] }],
      sysctls: { "kernel.panic": "30", "net.ipv6.conf.all.accept_ra": "0" },
    },
  },
  {
    name: "role hypervisor",
    layer: {
      packages: ["libvirt-daemon", "qemu-system-aarch64", "dbus", "polkit", "bridge"],
      services: { sysinit: ["cgroups"], default: ["libvirtd", "dbus", "polkit", "netmount"] },
      files: {
        "/etc/network/interfaces": {
          text: "auto lo\niface lo inet loopback\n\nauto br0\niface br0 inet dhcp\n  bridge-ports eth0\n  bridge-fd 0\n",
        },
      },
      users: [{ name: "virt", uid: 1000, groups: ["libvirt", "kvm"], keys: [publicKey(3), `${publicKey(2)} laptop`] }],
      sysctls: { "net.ipv4.ip_forward": "1", "kernel.panic": "10" },
      modules: ["bridge", "vhost_net", "tun"],
    },
  },
  {
    name: "boards.pi1.image",
    layer: {
      packages: ["chrony>4", "!polkit"],
      services: { default: ["!polkit"] },
      files: { "/usr/local/bin/fan": { text: "#!/bin/sh\necho 128 > /sys/class/hwmon/hwmon0/pwm1\n", mode: 0o755 } },
    },
  },
];

export function hypervisor(): RenderedSystem {
  return renderSystem(hypervisorLayers, facts);
}

/** Every entry with its mode and owner, and its text, as a person would want to read it. */
export function listing({ entries, id }: RenderedSystem): string {
  const parts = entries.map((entry) => {
    if (entry.kind === "link") return `== ${entry.path} -> ${entry.target}\n`;
    const { path, mode, uid, gid, text } = entry;
    const lines = text.split("\n").map((line) => (line === "" ? "" : `  ${line}`));
    return `== ${path} 0${mode.toString(8)} ${uid}:${gid}\n${lines.join("\n")}`;
  });
  return `${id}\n\n${parts.join("")}`;
}
