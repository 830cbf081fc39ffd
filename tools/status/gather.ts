import { readFile } from "node:fs/promises";
import { boardFolders } from "../../components/boot-plan.ts";
import { bootSource } from "../../components/boot-source.ts";
import { hostKeyOf } from "../../components/key-files.ts";
import { sshKeyPair } from "../../formats/ssh-key.ts";
import { askBootServer, type Known } from "../../providers/readiness/boot-server.ts";
import { reach } from "../../providers/transport/reach.ts";
import { type Answer, askBoard } from "../../providers/transport/report.ts";
import type { SiteKeys } from "../../site/keys.ts";
import type { Boot, Site, Vm } from "../../site/model.ts";
import { askMachine, budgets, type Patience, type Reply, within } from "./ask.ts";
import { guestOf, ledBy, machinesOf } from "./machines.ts";
import { type TakeTurn, takeTurns } from "./turns.ts";

/** Everything that a site's machines said. */
export interface Gathered {
  /** By the clock of who asks, in seconds since 1970. */
  readonly at: number;
  /** What boards that boot over the network say of themselves, by name. */
  readonly reports: ReadonlyMap<string, Answer>;
  /** What the boot server knows of them, by name, or why it can't be asked; missing where there is none. */
  readonly known?: ReadonlyMap<string, Known> | { readonly why: string };
  /** What machine.sh printed, by the name of the board. */
  readonly machines: ReadonlyMap<string, Reply>;
  /** What guest.sh printed, by the name of the VM. */
  readonly guests: ReadonlyMap<string, Reply>;
}

/**
 * Asks every machine of a site at the same time what it runs. One that does not answer costs seconds, and is an answer.
 * @param onProgress told who is still asked, whenever that changes
 * @param patience how long each may take to let us in, and then to answer, in seconds
 */
export async function gather(
  site: Site,
  keys: SiteKeys,
  onProgress: (waiting: readonly string[], all: number) => void = () => undefined,
  patience: Patience = budgets,
): Promise<Gathered> {
  const deployKey = sshKeyPair(keys.deployKey()).privateKey;
  const turn = takeTurns(onProgress);
  const [machineScript, guestScript] = await Promise.all([scriptOf("machine.sh"), guestScriptOf()]);
  const isHost = (name: string) => site.hosts.some((host) => host.name === name);
  const reports = (site.boot?.boards ?? []).map(({ name, address, user, hostKey }) => {
    const target = { name, address, user, hostKey: hostKeyOf({ name, ...(hostKey && { hostKey }) }, keys) };
    return named(
      name,
      turn(name, () => askBoard(target, deployKey, patience.login)),
    );
  });
  const machines = [...machinesOf(site, keys)].map(([name, at]) => {
    const args = [isHost(name) ? `${site.name}-` : ""];
    return named(
      name,
      turn(name, () => askMachine(at, deployKey, machineScript, args, patience)),
    );
  });
  const guests = site.vms.map((vm: Vm) => {
    const ask = () => askMachine(guestOf(vm, keys), deployKey, guestScript, [ledBy(site, vm)], patience);
    return named(vm.name, turn(vm.name, ask));
  });
  const known = site.boot && knownBy(site.boot, site.name, keys, deployKey, turn, patience);
  const [allReports, allMachines, allGuests, allKnown] = await Promise.all([
    Promise.all(reports),
    Promise.all(machines),
    Promise.all(guests),
    known,
  ]);
  return {
    at: Date.now() / 1000,
    reports: new Map(allReports),
    ...(allKnown && { known: allKnown }),
    machines: new Map(allMachines),
    guests: new Map(allGuests),
  };
}

/** What the boot server has for all boards, and what it noted of them. */
function knownBy(
  boot: Boot,
  site: string,
  keys: SiteKeys,
  deployKey: string,
  turn: TakeTurn,
  { login, answer }: Patience,
): Promise<ReadonlyMap<string, Known> | { readonly why: string }> {
  const source = bootSource(boot, site, keys);
  const boards = boot.boards.map((board) => ({
    name: board.name,
    address: board.address,
    mac: board.mac,
    folders: boardFolders(board),
  }));
  return turn(`${boot.server.board} (its logs)`, async () => {
    try {
      const connection = await reach(source, () => deployKey, login);
      try {
        const known = await within(answer, askBootServer(connection, source, boards));
        return new Map(boards.flatMap(({ name }, index) => (known[index] ? [[name, known[index]] as const] : [])));
      } finally {
        connection.close();
      }
    } catch (error) {
      return { why: error instanceof Error ? error.message : String(error) };
    }
  });
}

async function named<T>(name: string, work: Promise<T>): Promise<readonly [string, T]> {
  return [name, await work];
}

/** What guests are asked. */
export async function guestScriptOf(): Promise<string> {
  const scripts = await Promise.all([scriptOf("../../providers/steps/guest/k3s-api.sh"), scriptOf("guest.sh")]);
  return scripts.join("\n");
}

function scriptOf(name: string): Promise<string> {
  return readFile(new URL(name, import.meta.url), "utf8");
}
