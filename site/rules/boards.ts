import type { BoardDraft, Draft } from "../draft.ts";
import type { Finding } from "../problem.ts";
import { list } from "../problem.ts";
import { boardModels } from "../schema.ts";
import { missingKey } from "../schema-guide.ts";
import { printSize } from "../units.ts";

/** What a board must and must not say, by its model and by how it is reached. */
export function boardRules({ boards }: Draft): Finding[] {
  return [...boards.flatMap((board) => [...needs(board), ...misplaced(board), ...amounts(board)]), ...oneLocal(boards)];
}

function needs({ path, input, fromNetwork }: BoardDraft): Finding[] {
  const { model, connect } = input;
  const remote = connect === "ssh";
  const needed = {
    serial: model !== "pc",
    mac: model !== "pc",
    cores: model === "pc" && input.role === "hypervisor",
    hostKey: model === "pc" && remote,
    address: remote || fromNetwork,
  };
  return Object.entries(needed)
    .filter(([key, isNeeded]) => isNeeded && Reflect.get(input, key) === undefined)
    .map(([key]) => (key === "hostKey" ? missingHostKey({ path, input }) : missingKey([...path, key])));
}

function missingHostKey({ path, input }: Pick<BoardDraft, "path" | "input">): Finding {
  const hint = `run \`npm run bramble -- host-key ${input.address ?? "ADDRESS"}\` and compare what it shows with the machine itself`;
  return { ...missingKey([...path, "hostKey"]), hint };
}

function misplaced({ path, input, board }: BoardDraft): Finding[] {
  const ofPis = ["serial", "boot", "settings", "overlays", "parameters", "bootloader", "image", "drive"] as const;
  const wrong = board.model === "pc" ? ofPis : (["cores", "arch"] as const);
  return wrong
    .filter((key) => input[key] !== undefined)
    .map((key) => ({
      rule: "not-for-this-model",
      path: [...path, key],
      at: "key",
      message: `${path.join(".")}: ${key} says nothing about a ${board.model}`,
      hint: board.model === "pc" ? "remove it; it is for Raspberry Pis" : "remove it; the model says it",
    }));
}

function amounts({ path, input, board }: BoardDraft): Finding[] {
  const findings: Finding[] = [];
  const most = board.model === "pc" ? undefined : boardModels[board.model];
  if (most !== undefined && input.memory > most.mostGiB * 1024) {
    const message = `${path.join(".")}: no ${most.title} has ${printSize(input.memory)} of memory`;
    findings.push({
      rule: "impossible-memory",
      path: [...path, "memory"],
      message,
      hint: `write at most ${most.mostGiB}GiB, or another model`,
    });
  }
  if (input.reserve >= input.memory) {
    const message = `${path.join(".")}: a reserve of ${printSize(input.reserve)} leaves nothing of ${printSize(input.memory)} for VMs`;
    findings.push({
      rule: "reserve-too-large",
      path: [...path, "reserve"],
      message,
      hint: "make it smaller; 512MiB is usual",
    });
  }
  return findings;
}

function oneLocal(boards: readonly BoardDraft[]): Finding[] {
  const local = boards.filter(({ input }) => input.connect === "local");
  const [first, ...others] = local;
  if (first === undefined) return [];
  return others.map(({ path }) => ({
    rule: "several-local",
    path: [...path, "connect"],
    other: [...first.path, "connect"],
    message: `${list(local.map(({ board }) => board.name))} are all said to be the machine that runs Pulumi; so is ${first.board.name}`,
    hint: "keep connect: local on one board, and use connect: ssh for the others",
  }));
}
