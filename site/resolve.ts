import { numberToIpv4 } from "./addresses.ts";
import { resolveBoot } from "./boot.ts";
import type { Draft } from "./draft.ts";
import type { VmDraft } from "./draft-clusters.ts";
import { vmMac, vmUuid } from "./identity.ts";
import type { Allowances, Network, Site, User, Vm, VmRole } from "./model.ts";
import type { Placement } from "./placement.ts";
import { resolveCluster } from "./resolve-clusters.ts";
import type { NetworkInput } from "./schema.ts";
import { resolveLost, resolveStorages } from "./storage.ts";

/** Makes the site of a draft that no rule objects to. @throws when there are gaps, which is a fault of the rules. */
export function resolveSite(draft: Draft, placement: Placement<VmDraft>): Site {
  const { name, network, boards, hosts, clusters, vms, users, epochs, limits, rollout, allow } = draft;
  if (network === undefined || epochs === undefined || limits === undefined)
    throw new Error(`site ${name}: a gap that no rule found`);
  const storages = resolveStorages(draft);
  return {
    name,
    network: resolveNetwork(network),
    boards: boards.map(({ board }) => board),
    hosts,
    ...resolveBoot(draft),
    storages,
    lost: resolveLost(draft),
    clusters: clusters.map((cluster) => resolveCluster(cluster, storages)),
    vms: vms.map((vm) => resolveVm(name, vm, placement)),
    users: users.map(({ name, input }): User => ({ name, uid: input.uid, keys: [...new Set(input.keys)] })),
    epochs,
    limits,
    rollout: rollout?.batch === undefined ? {} : { batch: rollout.batch },
    allow: resolveAllowances(allow),
  };
}

function resolveAllowances(allow: Draft["allow"] = {}): Allowances {
  return Object.fromEntries(Object.entries(allow).filter(([, allowance]) => allowance !== undefined));
}

function resolveNetwork({ cidr, gateway, dns, ntp, mode, bridge }: NetworkInput): Network {
  const router = gateway ?? (mode === "nat" ? numberToIpv4(cidr.first + 1) : undefined);
  return {
    cidr: cidr.text,
    prefixLength: cidr.prefixLength,
    ...(router && { gateway: router }),
    dns: dns ?? (router === undefined ? [] : [router]),
    ntp,
    mode,
    ...(mode === "bridge" && { bridge: bridge ?? "br0" }),
  };
}

/** What VMs of these roles know is nowhere else. */
const keepsData: ReadonlySet<VmRole> = new Set(["controller", "server"]);

function resolveVm(site: string, vm: VmDraft, placement: Placement<VmDraft>): Vm {
  const placed = placement.placed.get(vm.name);
  if (placed === undefined || vm.address === undefined) throw new Error(`VM ${vm.name}: a gap that no rule found`);
  const { name, cluster, role, group, cpus, memoryMiB, diskGiB, dataGiB } = vm;
  return {
    name,
    hostname: name,
    cluster,
    role,
    ...(group !== undefined && { group }),
    cpus,
    memoryMiB,
    diskGiB,
    ...(keepsData.has(role) && { dataGiB }),
    address: numberToIpv4(vm.address),
    mac: vmMac(site, name),
    uuid: vmUuid(site, name),
    host: placed.host,
    placement: placed.why,
  };
}
