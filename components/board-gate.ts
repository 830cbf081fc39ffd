import type { local } from "@pulumi/command";
import type * as pulumi from "@pulumi/pulumi";
import type { BootSource } from "../providers/readiness/boot-server.ts";
import type { BoardSpec } from "../providers/steps/board-ready.ts";
import { remoteStep } from "./remote-step.ts";

/** How a host that boots over the network is asked whether it is ready. */
export interface BoardGate {
  /** How to log in to it, and its serial number. */
  readonly board: BoardSpec;
  /** Where it boots from. */
  readonly source: BootSource;
  /** OpenSSH private key that logs in to both. */
  readonly deployKey: string;
  /** How long a board that is new is waited for. */
  readonly patienceSeconds: number;
  /** What must be in its place before the board can boot what is planned. */
  readonly after: readonly pulumi.Resource[];
}

/**
 * Waits for a board when it is new, or takes the place of another, which the serial number tells. Once that is done, it
 * is not asked again: what it is to boot changes more often than its VMs, and `up` leaves boards that are off alone.
 */
export function newBoardIsReady(host: string, gate: BoardGate, parent: pulumi.Resource): local.Command {
  const serial = gate.board.serial?.slice(-8) ?? gate.board.address;
  return askedOnce(`${host}/ready/${serial}`, gate, gate.patienceSeconds, { parent, dependsOn: [...gate.after] });
}

/**
 * Asks a board whether it is fit for a VM, before anything of the VM is made, deleted or replaced. `fingerprint` is of
 * all that makes another VM of it: as long as that stays, nobody is asked.
 */
export function boardTakesVm(vm: string, fingerprint: string, gate: BoardGate, parent: pulumi.Resource): local.Command {
  // After a rotation of keys the answer is no until the board was restarted, for which it must find the new ones.
  return askedOnce(`${vm}/host/${fingerprint.slice(0, 8)}`, gate, 0, { parent, dependsOn: [...gate.after] });
}

/** What is to be asked anew has a new name: with other addresses or keys alone, the old answer stays. */
function askedOnce(
  name: string,
  { board, source, deployKey }: BoardGate,
  patience: number,
  options: pulumi.CustomResourceOptions,
): local.Command {
  return remoteStep(
    name,
    {
      step: "board-ready",
      show: { board: JSON.stringify(board), bootServer: JSON.stringify(source), patience: String(patience) },
      hide: { sshKey: deployKey },
      machines: [],
    },
    { ...options, ignoreChanges: ["environment", "create", "update"] },
  );
}
