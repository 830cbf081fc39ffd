import { type Markup, markup, Markup as Raw } from "./markup.ts";
import type { BoardStatus, Stage, State, Status, VmStatus } from "./model.ts";
import { picture } from "./picture.ts";
import { style } from "./style.ts";
import { lastSeen, seenOf, stageRow, stateWords, upFor } from "./text.ts";

/**
 * A status as one page that is whole by itself: no script, and nothing from the network, which the page forbids itself
 * too. What machines and logs said is text in it, whatever it is.
 * @param offsetMinutes what the reader's time is ahead of UTC
 */
export function statusPage(status: Status, { offsetMinutes }: { readonly offsetMinutes: number }): string {
  const clock = { now: Date.parse(status.askedAt) / 1000, offsetMinutes };
  const all = [...status.boards, ...status.vms];
  const booted = status.boards.filter(({ timeline }) => timeline.length > 0);
  return `${
    markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${status.site}: ${summary(all)}</title>
<style>${new Raw(style)}</style>
</head>
<body>
<header>
<h1>${status.site}</h1>
<p>${summary(all)}</p>
<p class="dim">Stack ${status.stack}, asked ${localTime(clock)}.</p>
${status.problems.map((problem) => markup`<p class="failed"><span class="how">${problem}</span></p>\n`)}</header>
<main>
<h2>The site</h2>
${legend(status)}
<div class="wide">${picture(status)}</div>
<h2>Boards</h2>
<div class="wide"><table>
<thead><tr><th>Board<th>What<th>State<th>Should run<th>Runs<th>Up for<th>Seen</tr></thead>
<tbody>
${status.boards.map((board) => boardRow(board, clock))}</tbody>
</table></div>
${status.vms.length === 0 ? "" : vmTable(status.vms, clock.now)}
${booted.length === 0 ? "" : markup`<h2>Last boots</h2>\n${booted.map((board) => boot(board, clock))}`}
</main>
</body>
</html>
`.text
  }`;
}

interface Clock {
  readonly now: number;
  readonly offsetMinutes: number;
}

/** How many machines are in which state, the most serious first. */
export function summary(machines: readonly { readonly state: State }[]): string {
  const order: readonly State[] = ["degraded", "off", "behind", "unclear", "not-asked", "lost", "current"];
  const counts = order.flatMap((state) => {
    const count = machines.filter((machine) => machine.state === state).length;
    return count === 0 ? [] : [`${count} ${stateWords[state].toLowerCase()}`];
  });
  return `${machines.length} machines: ${counts.join(", ")}`;
}

function localTime({ now, offsetMinutes }: Clock): string {
  const [date, time = ""] = new Date((now + offsetMinutes * 60) * 1000).toISOString().split("T");
  const [sign, minutes] = [offsetMinutes < 0 ? "-" : "+", Math.abs(offsetMinutes)];
  const offset = `${sign}${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
  return `${date} at ${time.slice(0, 8)} (UTC${offset})`;
}

function legend({ clusters, vms }: Status): Markup {
  const keys = clusters.map(({ name, type, words }, index) => {
    const count = vms.filter(({ cluster }) => cluster === name).length;
    const said = words === "" ? "" : `, which says nothing: ${words}`;
    return markup`<span class="key hue${index % 6}"></span>${name} (${type}, ${count} VMs)${said}`;
  });
  return clusters.length === 0 ? markup`` : markup`<p>Clusters:${keys}</p>`;
}

function boardRow(board: BoardStatus, clock: Clock): Markup {
  const { name, address = "", model, roles, state, planned, published, runs = "", upSince, words } = board;
  return markup`<tr class="${state}"><td>${name} <span class="words">${address}</span>
<td>${model} ${roles.join(", ")}
<td><span class="state">${stateWords[state]}</span><div class="words">${words}</div>
<td class="run">${planned ?? published ?? ""}<td class="run">${runs}<td class="time">${upFor(upSince, clock.now)}<td>${lastSeen(board, clock)}</tr>
`;
}

function vmTable(vms: readonly VmStatus[], now: number): Markup {
  return markup`<h2>VMs</h2>
<div class="wide"><table>
<thead><tr><th>VM<th>What<th>State<th>Should run<th>Runs<th>Up for<th>Seen</tr></thead>
<tbody>
${vms.map((vm) => {
  const { name, address = "", cluster, role, host, state, words, planned, runs = "", upSince } = vm;
  return markup`<tr class="${state}"><td>${name} <span class="words">${address}</span>
<td>${cluster} ${role} on ${host}
<td><span class="state">${stateWords[state]}</span><div class="words">${words}</div>
<td class="run">${planned}<td class="run">${runs}<td class="time">${upFor(upSince, now)}<td>${seenOf(vm)}</tr>
`;
})}</tbody>
</table></div>`;
}

function boot({ name, state, timeline }: BoardStatus, clock: Clock): Markup {
  const isOpen = state !== "current" || timeline.some(({ outcome }) => outcome !== "done");
  return markup`<details${isOpen ? " open" : ""}><summary>${name}</summary>
<table>
${timeline.map((stage: Stage) => {
  const [when = "", what = "", how = ""] = stageRow(stage, clock);
  return markup`<tr class="${stage.outcome}"><td class="time">${when}<td class="time">${what}<td class="how">${how}</tr>\n`;
})}</table></details>
`;
}
