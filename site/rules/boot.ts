import { ipv4ToNumber, isInside, printRange } from "../addresses.ts";
import type { BoardDraft, Draft } from "../draft.ts";
import { nearest } from "../nearest.ts";
import { type Finding, list, type Path, show, showPath } from "../problem.ts";
import { missingKey } from "../schema-guide.ts";
import { networkHostRules, networkHostWarnings } from "./network-hosts.ts";

/** The boot section, and what boards say of their boot. */
export function bootRules(draft: Draft): Finding[] {
  return [
    ...needsSection(draft),
    ...serverRules(draft),
    ...leaseRules(draft),
    ...prefixes(draft),
    ...orders(draft),
    ...networkHostRules(draft),
  ];
}

function needsSection({ boots, boards }: Draft): Finding[] {
  if (boots) return [];
  const keys = ["boot", "settings", "overlays", "parameters", "bootloader", "image", "drive"] as const;
  return boards.flatMap(({ path, input, board }): Finding[] => {
    const key =
      board.model === "pc" ? undefined : keys.find((key) => input[key] !== undefined && input.boot !== "disk");
    if (key === undefined) return [];
    const message = `${showPath(path)}.${key} is about network boot, and the site has no boot section`;
    return [{ rule: "no-boot-section", path: [...path, key], at: "key", message, hint: "add boot: { server: BOARD }" }];
  });
}

function serverRules({ boot, boards, boardNames, network }: Draft): Finding[] {
  if (boot === undefined) return [];
  const at = ["boot", "server"];
  const findings: Finding[] = [];
  if (!boardNames.includes(boot.server)) {
    const meant = nearest(boot.server, boardNames);
    const hint = `${meant === undefined ? "" : `did you mean ${meant}? `}the boards are ${list(boardNames, 10)}`;
    findings.push({ rule: "unknown-board", path: at, message: `there is no board ${show(boot.server)}`, hint });
  }
  const server = boards.find(({ board }) => board.name === boot.server);
  if (server?.fromNetwork) {
    const message = `${boot.server} would need its own boot files to start, which it serves itself`;
    const hint = `add boot: disk to ${showPath(server.path)}, or choose another server`;
    findings.push({ rule: "serves-itself", path: at, other: server.path, message, hint });
  }
  if (server !== undefined && server.input.connect === "local" && server.board.address === undefined)
    findings.push(missingKey([...server.path, "address"]));
  if (network !== undefined && network.mode !== "bridge") {
    const message = `boards can't boot from a network of mode ${network.mode}, which exists inside one host only`;
    findings.push({ rule: "no-boot-network", path: ["boot"], at: "key", message, hint: "use network.mode: bridge" });
  }
  const roots: [string, string] = [boot.tftp, boot.http];
  if (roots.some((root, index) => `${root}/`.startsWith(`${roots[1 - index]}/`))) {
    const message = `the folders for TFTP (${boot.tftp}) and HTTP (${boot.http}) are not apart`;
    findings.push({
      rule: "nested-roots",
      path: ["boot", "http"],
      other: ["boot", "tftp"],
      message,
      hint: "use two folders beside each other",
    });
  }
  return findings;
}

function leaseRules({ boot, network }: Draft): Finding[] {
  if (boot?.leases === undefined) return [];
  const path = ["boot", "leases"];
  if (boot.dhcp !== "own") {
    const message = `in mode ${boot.dhcp} the boot server gives no addresses`;
    return [{ rule: "leases-not-used", path, at: "key", message, hint: "remove the key, or use dhcp: own" }];
  }
  if (network === undefined || isInside(network.cidr, boot.leases)) return [];
  const message = `${printRange(boot.leases)} is outside the network ${network.cidr.text}`;
  return [{ rule: "outside-network", path, message, hint: "use addresses of the site's network" }];
}

/** No two boards may see each other's files: serial number, MAC address and name are all folders beside each other. */
function prefixes({ boards }: Draft): Finding[] {
  const first = new Map<string, { path: Path }>();
  return boards
    .filter(({ fromNetwork }) => fromNetwork)
    .flatMap(({ path, board }): Finding[] => {
      const mine = [
        { prefix: board.serial?.slice(-8), path: [...path, "serial"] },
        { prefix: board.name, path },
      ];
      return mine.flatMap(({ prefix, path: at }): Finding[] => {
        if (prefix === undefined) return [];
        const other = first.get(prefix);
        if (other === undefined) first.set(prefix, { path: at });
        // Equal serials are a finding of their own, among the duplicates.
        if (other === undefined || at.at(-1) === other.path.at(-1)) return [];
        const message = `${showPath(at)}: the boot folder ${show(prefix)} is also that of ${showPath(other.path.slice(0, 2))}`;
        return [{ rule: "duplicate-prefix", path: at, other: other.path, message, hint: "rename the board" }];
      });
    });
}

function orders({ boot, boards }: Draft): Finding[] {
  const sections: [Path, NonNullable<BoardDraft["input"]["bootloader"]> | undefined][] = [
    [["boot", "bootloader"], boot?.bootloader],
    ...boards.map(({ path, input }): [Path, BoardDraft["input"]["bootloader"]] => [
      [...path, "bootloader"],
      input.bootloader,
    ]),
  ];
  return sections.flatMap(([path, input]): Finding[] => {
    const order = input?.order ?? [];
    const end = order.findIndex((mode) => mode === "stop" || mode === "restart");
    const at = [...path, "order"];
    if (end !== -1 && end < order.length - 1) {
      const message = `${showPath(at)}: nothing after ${order[end]} is ever tried`;
      return [{ rule: "unreachable-boot-mode", path: at, message, hint: `put ${order[end]} last` }];
    }
    const twice = order.find((mode, index) => order.indexOf(mode) !== index);
    if (twice === undefined) return [];
    return [
      { rule: "duplicate-boot-mode", path: at, message: `${showPath(at)} names ${twice} twice`, hint: "keep one" },
    ];
  });
}

/** Mistakes that may be meant. */
export function bootWarnings(draft: Draft): Finding[] {
  const { boot, boards, network } = draft;
  if (boot === undefined) return [];
  const findings = networkHostWarnings(draft);
  const server = boards.find(({ board }) => board.name === boot.server)?.board.address;
  if (server !== undefined && network !== undefined) {
    const at = ipv4ToNumber(server);
    if (!isInside(network.cidr, { first: at, last: at })) {
      const message = `the boot server's address ${server} is outside ${network.cidr.text}: boards reach it through the router only`;
      findings.push({
        rule: "server-outside-network",
        path: ["boot", "server"],
        message,
        hint: "right with dhcp: router only",
      });
    }
  }
  for (const { path, input } of boards.filter(({ fromNetwork }) => fromNetwork)) {
    const order = input.bootloader?.order ?? boot.bootloader?.order;
    if (order === undefined || order.includes("network")) continue;
    const message = `${showPath(path)} boots over the network, and its boot order has no network in it`;
    findings.push({
      rule: "never-from-network",
      path,
      at: "key",
      message,
      hint: "add network to the order, or boot: disk to the board",
    });
  }
  return findings;
}
