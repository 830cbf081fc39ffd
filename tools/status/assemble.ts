import type { Site, Vm } from "../../site/model.ts";
import { boardStatus, lostBoard } from "./boards.ts";
import type { Gathered } from "./gather.ts";
import { isoTime, type Status, statusFormat } from "./model.ts";
import { type GuestFacts, guestFacts, machineFacts } from "./said.ts";
import { vmStatus } from "./vms.ts";

/** What a site's machines should run, by its file. */
export interface Planned {
  /** The generation of each board that boots over the network, by name, or why that can't be said. */
  readonly generations: ReadonlyMap<string, string> | { readonly why: string };
  /** The name of the image of a VM. */
  readonly imageOf: (vm: Vm) => string;
}

/** Holds what machines said against what they should run. */
export function assembleStatus(stack: string, site: Site, planned: Planned, gathered: Gathered): Status {
  const { at, known } = gathered;
  const { generations } = planned;
  const guests = new Map(
    [...gathered.guests].map(([name, reply]) => [name, reply.kind === "said" ? guestFacts(reply.text) : {}]),
  );
  const nodes = new Map([...guests.values()].flatMap((facts: GuestFacts) => [...(facts.nodes ?? [])]));
  return {
    format: statusFormat,
    stack,
    site: site.name,
    askedAt: isoTime(at),
    network: site.network.cidr,
    problems: [
      ...("why" in generations ? [`What boards should run can't be said: ${generations.why}`] : []),
      ...(known !== undefined && "why" in known ? [`The boot server can't be asked: ${known.why}`] : []),
    ],
    ...(site.boot === undefined ? {} : { bootServer: site.boot.server.board }),
    boards: [
      ...site.boards
        .filter(({ name }) => !site.lost.some((lost) => lost.name === name))
        .map((board) => boardStatus(site, board, boardFound(site, board.name, generations, gathered), at)),
      ...site.lost.map(({ name, reason }) => lostBoard(name, reason)),
    ],
    vms: site.vms.map((vm) => {
      const host = gathered.machines.get(vm.host);
      const node = nodes.get(vm.name);
      const found = {
        planned: planned.imageOf(vm),
        reply: gathered.guests.get(vm.name) ?? { kind: "silent" as const, why: "it was not asked" },
        ...(host?.kind === "said" && { host: machineFacts(host.text) }),
        ...(node === undefined ? {} : { node }),
      };
      return vmStatus(site, vm, found, at);
    }),
    clusters: site.clusters.map(({ name, type }) => ({ name, type, words: whySilent(site, name, guests) })),
    storages: site.storages.map(({ name, address, server, clients }) => ({
      name,
      address,
      ...(server && { server: server.board }),
      clients: clients.map(({ host }) => host),
    })),
  };
}

function boardFound(site: Site, name: string, generations: Planned["generations"], { known, ...said }: Gathered) {
  const board = site.boot?.boards.find((each) => each.name === name);
  const answer = said.reports.get(name);
  const mine = known === undefined || "why" in known ? undefined : known.get(name);
  const generation = "why" in generations ? undefined : generations.get(name);
  const reply = said.machines.get(name);
  const booted = board !== undefined &&
    answer !== undefined && {
      board,
      answer,
      ...(mine && { known: mine }),
      ...(generation === undefined ? {} : { planned: generation }),
    };
  return { ...(booted && { booted }), ...(reply && { reply }) };
}

/** Why a cluster says nothing of its nodes; empty where one of those that lead it does. */
function whySilent(site: Site, cluster: string, guests: ReadonlyMap<string, GuestFacts>): string {
  const leaders = site.vms.filter((vm) => vm.cluster === cluster && ["controller", "server"].includes(vm.role));
  if (leaders.some(({ name }) => guests.get(name)?.nodes !== undefined)) return "";
  const said = leaders.flatMap(({ name }) => guests.get(name)?.silent ?? []);
  return said[0] ?? `${leaders.map(({ name }) => name).join(" and ")} can't be asked`;
}
