import { type Markup, markup } from "./markup.ts";
import type { BoardStatus, Status, VmStatus } from "./model.ts";
import { stateWords } from "./text.ts";

/** Lengths in pixels of a picture that is shown at its own size, or smaller. */
const card = { width: 268, head: 58, vm: 30, pad: 10 };
const gutter = 36;
const rowGap = 24;
const frame = { top: 40, side: 16, bottom: 16 };
const storageBox = { width: 268, height: 50 };
const mostColumns = 4;
/** Letters that fit beside what else is in the line, in a font of 12 pixels. */
const room = { head: 24, second: 40, vm: 26, storage: 38 };

interface Place {
  readonly x: number;
  readonly y: number;
  readonly height: number;
}

/**
 * The site as a picture: its network as a frame, in it each board as a card with its VMs, coloured by cluster, and below
 * them the storages, with a line to each board that uses them. Lines run between the columns, and cross no card.
 */
export function picture(status: Status): Markup {
  const columns = Math.max(1, Math.min(mostColumns, status.boards.length));
  const hues = new Map(status.clusters.map(({ name }, index) => [name, index % 6]));
  const vmsOf = (board: BoardStatus) => status.vms.filter(({ host }) => host === board.name);
  const places = placesOf(
    status.boards.map((board) => heightOf(vmsOf(board).length)),
    columns,
  );
  const below = Math.max(frame.top, ...places.map(({ y, height }) => y + height));
  const storages = status.storages.map((_, index) => ({
    x: columnX(index % columns),
    y: below + rowGap + 10 + Math.floor(index / columns) * (storageBox.height + rowGap),
    height: storageBox.height,
  }));
  const width = columnX(columns - 1) + card.width + frame.side * 2;
  const height = Math.max(below, ...storages.map((place) => place.y + place.height)) + frame.bottom * 2;
  const placeOf = new Map(status.boards.map((board, index) => [board.name, places[index]]));
  const lines = status.storages.flatMap(({ clients, server }, index) =>
    [...new Set([...clients, ...(server === undefined ? [] : [server])])].flatMap((name) => {
      const [from, to] = [placeOf.get(name), storages[index]];
      return from && to ? [line(from, to, index, name === server)] : [];
    }),
  );
  return markup`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="picture-title">
<title id="picture-title">The site ${status.site}: ${status.boards.length} boards, ${status.vms.length} VMs, ${status.clusters.length} clusters, ${status.storages.length} storages</title>
<rect class="frame" x="4" y="4" width="${width - 8}" height="${height - 8}" rx="12"/>
<text class="dim" x="${frame.side + 4}" y="26">network ${status.network}</text>
${lines}
${status.boards.flatMap((board, index) => {
  const place = places[index];
  return place === undefined ? [] : [boardCard(board, place, vmsOf(board), status.bootServer, hues)];
})}
${status.storages.flatMap(({ name, address, server }, index) => {
  const place = storages[index];
  return place === undefined ? [] : [storage(name, server === undefined ? `on ${address}` : `on ${server}`, place)];
})}
</svg>`;
}

function heightOf(vms: number): number {
  return card.head + vms * card.vm + (vms > 0 ? card.pad : 0);
}

function columnX(column: number): number {
  return frame.side + gutter + column * (card.width + gutter);
}

function placesOf(heights: readonly number[], columns: number): Place[] {
  const places: Place[] = [];
  let y = frame.top;
  for (let first = 0; first < heights.length; first += columns) {
    const row = heights.slice(first, first + columns);
    for (const [column, height] of row.entries()) places.push({ x: columnX(column), y, height });
    y += Math.max(...row) + rowGap;
  }
  return places;
}

/** From the left side of a card down between the columns, then along above the storages, and into one from above. */
function line(from: Place, to: Place, index: number, isServer: boolean): Markup {
  const lane = 8 + (index % 4) * 6;
  const down = from.x - lane;
  const along = to.y - 8 - (index % 4) * 3;
  const start = from.y + card.head / 2;
  const end = to.x + 24 + index * 4;
  return markup`<path class="${isServer ? "serves" : "uses"}" d="M${from.x} ${start} H${down} V${along} H${end} V${to.y}"/>
`;
}

function boardCard(
  board: BoardStatus,
  { x, y, height }: Place,
  vms: readonly VmStatus[],
  bootServer: string | undefined,
  hues: ReadonlyMap<string, number>,
): Markup {
  const second = [
    board.model,
    board.roles.join(" + "),
    ...(board.published !== undefined && bootServer !== undefined ? [`boots from ${bootServer}`] : []),
  ].filter((word) => word !== "");
  return markup`<g class="board ${board.state}"><title>${told(board)}</title>
<rect class="card" x="${x}" y="${y}" width="${card.width}" height="${height}" rx="8"/>
<rect class="mark" x="${x}" y="${y + 8}" width="5" height="${card.head - 16}" rx="2"/>
<text class="name" x="${x + 16}" y="${y + 25}">${cut(board.name, room.head)}</text>
<text class="state" x="${x + card.width - 12}" y="${y + 25}" text-anchor="end">${stateWords[board.state]}</text>
<text class="dim" x="${x + 16}" y="${y + 44}">${cut(second.join(" · "), room.second)}</text>
</g>
${vms.map((vm, index) => vmRow(vm, x + 12, y + card.head + index * card.vm, hues.get(vm.cluster) ?? 0))}`;
}

function vmRow(vm: VmStatus, x: number, y: number, hue: number): Markup {
  const width = card.width - 24;
  return markup`<g class="vm ${vm.state}"><title>${told(vm)}</title>
<rect class="chip" x="${x}" y="${y}" width="${width}" height="${card.vm - 6}" rx="4"/>
<rect class="hue${hue}" x="${x}" y="${y}" width="6" height="${card.vm - 6}" rx="2"/>
<text x="${x + 14}" y="${y + 16}">${cut(vm.name, room.vm)}</text>
<text class="state" x="${x + width - 8}" y="${y + 16}" text-anchor="end">${vm.state === "current" && vm.node !== undefined ? cut(vm.node, 12) : stateWords[vm.state]}</text>
</g>
`;
}

function storage(name: string, where: string, { x, y, height }: Place): Markup {
  return markup`<g class="storage"><title>storage ${name} ${where}</title>
<rect class="card" x="${x}" y="${y}" width="${storageBox.width}" height="${height}" rx="18"/>
<text class="name" x="${x + 18}" y="${y + 21}">${cut(name, room.head)}</text>
<text class="dim" x="${x + 18}" y="${y + 38}">${cut(`storage ${where}`, room.storage)}</text>
</g>
`;
}

function told({ name, address = "", state, words }: BoardStatus | VmStatus): string {
  return [`${name} ${address}`.trim(), stateWords[state], words].filter((part) => part !== "").join(": ");
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
