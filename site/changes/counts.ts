import { list } from "../problem.ts";
import { type Change, counted, fateOf, type Objection } from "./objection.ts";

/** More than a site wants to see change at once. */
export function countRules(change: Change): Objection[] {
  return [...tooManyBoards(change), ...tooManyMoves(change)];
}

function tooManyBoards({ before, after, limits }: Change): Objection[] {
  const gone = [...before.boards.keys()].filter((name) => !after.boards.has(name));
  const lost = [...before.boards].flatMap(([name, { lost }]) => (!lost && after.boards.get(name)?.lost ? [name] : []));
  const count = gone.length + lost.length;
  if (count <= limits.boards) return [];
  const how = [
    ...(gone.length > 0 ? [`${gone.length} taken out (${list(gone)})`] : []),
    ...(lost.length > 0 ? [`${lost.length} said to be lost (${list(lost)})`] : []),
  ];
  const message = `${counted(count, "board")} of ${before.boards.size} would go at once, ${how.join(" and ")}, and limits.boards is ${limits.boards}`;
  const instead = `change at most ${limits.boards} in one \`up\`, or set limits: { boards: ${count} } for good`;
  const about = [...gone.map((name) => `${name} goes`), ...lost.map((name) => `${name} lost`)];
  return [{ rule: "too-many-boards", message, instead, about }];
}

function tooManyMoves(change: Change): Objection[] {
  const { before, after, limits } = change;
  const touched = [...before.vms.values()].filter((vm) => fateOf(vm, change) === "made-again");
  if (touched.length <= limits.moves) return [];
  const moved = touched.filter(({ name, host }) => after.vms.get(name)?.host !== host);
  const remade = touched.length - moved.length;
  const how = [
    ...(moved.length > 0 ? [`${moved.length} to another host (${list(moved.map(({ name }) => name))})`] : []),
    ...(remade > 0 ? [`${remade} where they are`] : []),
  ];
  const message = `${counted(touched.length, "VM")} of ${before.vms.size} would be made again at once, ${how.join(" and ")}, and limits.moves is ${limits.moves}`;
  const instead = `change less in one \`up\`, or set limits: { moves: ${touched.length} } for good`;
  const about = touched.map(({ name }) => `${name} ${after.vms.get(name)?.host} ${after.vms.get(name)?.make}`);
  return [{ rule: "too-many-moves", message, instead, about }];
}
