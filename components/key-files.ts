import { knownHostsLine, sshKeyPair } from "../formats/ssh-key.ts";
import type { KeyFiles } from "../providers/transport/key-files.ts";
import type { SiteKeys } from "../site/keys.ts";
import type { Site } from "../site/model.ts";

/** The files by which OpenSSH and libvirt log in to the site's machines and know them again. */
export function siteKeyFiles(site: Site, keys: SiteKeys): KeyFiles {
  const boot =
    site.boot === undefined ? [] : [{ ...site.boot.server, name: site.boot.server.board }, ...site.boot.boards];
  const servers = site.storages.flatMap(({ address, server }) =>
    server === undefined ? [] : [{ ...server, name: server.board, address }],
  );
  const machines = new Map([...site.hosts, ...servers, ...boot].map((machine) => [machine.name, machine]));
  const hosts = [...machines.values()].flatMap((machine) =>
    machine.address === undefined ? [] : [knownHostsLine(machine.address, hostKeyOf(machine, keys))],
  );
  const vms = site.vms.map((vm) => knownHostsLine(vm.address, hostKeyOf(vm, keys)));
  return {
    deployKey: sshKeyPair(keys.deployKey()).privateKey,
    knownHosts: [...hosts, ...vms].join(""),
    lost: Object.fromEntries(site.lost.map(({ name, reason }) => [name, reason])),
  };
}

/** The SSH host key that a machine must show, as a public key line: the one that the site file gives, else the derived. */
export function hostKeyOf(machine: { readonly name: string; readonly hostKey?: string }, keys: SiteKeys): string {
  return machine.hostKey ?? sshKeyPair(keys.sshHostKey(machine.name)).publicKey;
}
