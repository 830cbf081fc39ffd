import { numberToIpv4 } from "./addresses.ts";
import { type BoardDraft, type Draft, driveFolder } from "./draft.ts";
import type { Boot, Bootloader, BootMode, BootServer, ImageLayer, NetworkBoard } from "./model.ts";
import { naturalOrder } from "./natural-order.ts";
import type { BootInput, BootloaderInput } from "./schema-boot.ts";
import type { ImageLayerInput } from "./schema-image.ts";

/** How the site's boards boot, from a draft that no rule objects to; nothing where the site has no `boot` section. */
export function resolveBoot({ boot, boards }: Draft): { readonly boot?: Boot } {
  if (boot === undefined) return {};
  const fromNetwork = boards.filter((board) => board.fromNetwork);
  return {
    boot: {
      server: resolveServer(boot, boards),
      boards: fromNetwork.map((board) => resolveBoard(boot, board)),
      ...(boot.bootloader && { bootloader: resolveBootloader(boot.bootloader) }),
    },
  };
}

function resolveServer(boot: BootInput, boards: readonly BoardDraft[]): BootServer {
  const { server, dhcp, leases, manage, tftp, http, httpPort, keep, system, packages, patience } = boot;
  const found = boards.find(({ board }) => board.name === server);
  const address = found?.board.address;
  if (found === undefined || address === undefined) throw new Error(`boot server ${server}: a gap that no rule found`);
  const { connect, user, hostKey } = found.input;
  return {
    board: found.board.name,
    address,
    connect,
    user,
    ...(hostKey && { hostKey }),
    dhcp,
    ...(leases && { leases: { first: numberToIpv4(leases.first), last: numberToIpv4(leases.last) } }),
    managed: manage,
    tftpRoot: tftp,
    httpRoot: http,
    httpPort,
    keep,
    system,
    packages,
    patienceSeconds: patience,
  };
}

function resolveBoard(boot: BootInput, { board, input, path, lasting }: BoardDraft): NetworkBoard {
  const { name, role, model, serial, mac, address } = board;
  if (model === "pc" || serial === undefined || mac === undefined || address === undefined)
    throw new Error(`board ${name}: a gap that no rule found`);
  const own = input.bootloader ?? (boot.bootloader && {});
  return {
    name,
    role,
    layers: [
      ...layer(["boot", "image"], boot.image),
      ...layer(["boot", "roles", role], boot.roles?.[role]),
      ...layer([...path.map(String), "image"], input.image),
    ],
    ...(input.drive && { drive: { id: input.drive, folder: driveFolder } }),
    ...(lasting && { lasting }),
    model,
    serial,
    mac,
    address,
    user: input.user,
    ...(input.hostKey && { hostKey: input.hostKey }),
    settings: [...(boot.settings ?? []), ...(input.settings ?? [])],
    overlays: [...new Set([...(boot.overlays ?? []), ...(input.overlays ?? [])])],
    parameters: [...(boot.parameters ?? []), ...(input.parameters ?? [])],
    ...(own && { bootloader: resolveBootloader({ ...boot.bootloader, ...own }) }),
  };
}

function layer(path: readonly string[], input: ImageLayerInput | undefined): ImageLayer[] {
  if (input === undefined) return [];
  const { packages, services, files, users, sysctls, modules } = input;
  const named = Object.entries(users).sort(([a], [b]) => naturalOrder(a, b));
  return [
    {
      at: path.join("."),
      path,
      packages,
      services: Object.fromEntries(Object.entries(services).filter(([, names]) => names !== undefined)),
      files,
      users: named.map(([name, user]) => ({ name, ...user })),
      sysctls,
      modules,
    },
  ];
}

/** A large initramfs over a busy network takes longer than the 30 s that bootloaders give a file by themselves. */
const fileTimeoutSeconds = 300;

function resolveBootloader(input: BootloaderInput): Bootloader {
  const { psuMaxCurrent, downgrade } = input;
  return {
    order: endless(input.order ?? ["network", "sd"]),
    prefix: input.prefix ?? "mac",
    fileTimeoutSeconds: input.fileTimeout ?? fileTimeoutSeconds,
    dhcpTimeoutSeconds: input.dhcpTimeout ?? 45,
    retries: input.retries ?? 0,
    watchdogSeconds: input.watchdog ?? 0,
    uart: input.uart ?? true,
    hdmi: input.hdmi ?? true,
    networkInstall: input.networkInstall ?? false,
    powerOffOnHalt: input.powerOffOnHalt ?? false,
    wakeOnGpio: input.wakeOnGpio ?? true,
    ...(psuMaxCurrent && { psuMaxCurrent }),
    ...(downgrade && { downgrade }),
  };
}

/** A board whose boot order comes to an end would wait for a hand at its plug. */
function endless(order: readonly BootMode[]): readonly BootMode[] {
  const last = order.at(-1);
  return last === "stop" || last === "restart" ? order : [...order, "restart"];
}
