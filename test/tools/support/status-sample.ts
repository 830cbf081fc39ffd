import type { BootEvent } from "../../../formats/boot-log.ts";
import type { ReadinessReport } from "../../../formats/readiness-report.ts";
import type { Known } from "../../../providers/readiness/boot-server.ts";
import type { Answer } from "../../../providers/transport/report.ts";
import type { Site } from "../../../site/model.ts";
import type { Reply } from "../../../tools/status/ask.ts";
import { assembleStatus, type Planned } from "../../../tools/status/assemble.ts";
import type { Gathered } from "../../../tools/status/gather.ts";
import type { Status } from "../../../tools/status/model.ts";
import { ed25519Key, siteOf } from "../../site/shelf.ts";

/** 2026-11-29 20:10:00 in UTC. */
export const now = Date.UTC(2026, 10, 29, 20, 10) / 1000;
export const generations = { new: "2222222222222222", old: "1111111111111111" };
export const image = "debian-13-slurm-arm64-aaaabbbbccccdddd";
const system = "cccc".repeat(16);

/** Three boards that boot from a PC, one of which is a NAS's client as the others, and two clusters on them. */
export const site: Site = siteOf(`site: home
network: { cidr: 10.20.0.0/24, gateway: 10.20.0.1, ntp: [pool.ntp.org] }
boot: { server: tower }
storage: { shelf: { server: nas } }
boards:
  nas: { model: pc, role: nfs-server, memory: 4GiB, address: 10.20.0.6, hostKey: "${ed25519Key()}" }
  tower: { model: pc, role: boot-server, memory: 8GiB, connect: local, address: 10.20.0.5 }
  pi1: { model: pi5, memory: 8GiB, serial: "10000000aaaaaa01", mac: "dc:a6:32:00:00:01", address: 10.20.0.11, storage: shelf }
  pi2: { model: pi5, memory: 8GiB, serial: "10000000aaaaaa02", mac: "dc:a6:32:00:00:02", address: 10.20.0.12, storage: shelf }
  pi3: { model: pi4b, memory: 4GiB, serial: "10000000aaaaaa03", mac: "dc:a6:32:00:00:03", address: 10.20.0.13, storage: shelf }
clusters:
  physics:
    type: slurm
    controller: { address: 10.20.0.100, memory: 1GiB, host: pi1 }
    workers:
      n: { count: 3, memory: 2GiB, addresses: 10.20.0.101-10.20.0.109 }
  teaching:
    type: slurm
    controller: { address: 10.20.0.120, memory: 1GiB, host: pi2 }
    workers:
      t: { count: 1, memory: 1GiB, addresses: 10.20.0.121-10.20.0.129 }
`);

export function report(board: string, change: Partial<ReadinessReport> = {}): Answer {
  const report: ReadinessReport = {
    board,
    serial: `10000000aaaaaa0${board.slice(-1)}`,
    generation: generations.new,
    overlay: system,
    versions: { kernel: "6.18.35-0-rpi", os: "Alpine Linux 3.24.4" },
    bootloader: null,
    problems: [],
    bootId: "5e0ad0f4-66a1-4d63-8c35-0c5f3d1e8f11",
    writtenAt: "2026-11-29T20:09:30Z",
    ...change,
  };
  return { kind: "report", report, upSeconds: 3580 };
}

/** What the boot server knows of a board; the times of events are seconds before now. */
export function known(
  events: readonly (Omit<BootEvent, "at"> & { readonly ago: number })[] = [],
  more: Partial<Known["noted"]> = {},
): Known {
  const noted = events.map(({ ago, ...event }) => ({ ...event, at: now - ago }));
  return {
    published: {
      kind: "versions",
      served: generations.new,
      known: Object.values(generations).map((generation) => ({ generation, image: system })),
    },
    traces: { now, overlays: [] },
    noted: { clock: { now, offsetMinutes: 0 }, events: noted, addresses: [], ...more },
  };
}

/** The requests of a boot that went well, which began so many seconds ago. */
export function goodBoot(mac: string, ago: number): (Omit<BootEvent, "at"> & { readonly ago: number })[] {
  const folder = `/srv/bramble/tftp/${mac.replaceAll(":", "-")}`;
  const overlay = "/image-hypervisor-aarch64/0123456789abcdef/hypervisor-aarch64.apkovl.tar.gz";
  return [
    { ago, protocol: "tftp", path: `${folder}/start4.elf`, outcome: "sent" },
    { ago: ago - 1, protocol: "tftp", path: `${folder}/recovery.elf`, outcome: "missing" },
    { ago: ago - 4, protocol: "tftp", path: `${folder}/2222/initramfs-rpi`, outcome: "sent" },
    { ago: ago - 20, protocol: "http", path: "/system/modloop-rpi", outcome: "sent", status: 200 },
    { ago: ago - 22, protocol: "http", path: overlay, outcome: "sent", status: 200 },
    { ago: ago - 30, protocol: "identity", path: "first", outcome: "sent", status: 200 },
  ];
}

export const planned: Planned = {
  generations: new Map(["pi1", "pi2", "pi3"].map((name) => [name, generations.new])),
  imageOf: () => image,
};

export const silent: Reply = { kind: "silent", why: "nobody answers" };

export function machine(...domains: readonly string[]): Reply {
  const lines = domains.map((name, index) => `domain ${index + 1} home-${name} running`);
  return {
    kind: "said",
    text: `360000.10 1.00\nkernel 6.18.35\nos Debian GNU/Linux 13 (trixie)\nlibvirt\n${lines.join("\n")}\n`,
  };
}

export function guest(name: string, nodes?: Readonly<Record<string, string>>, runs = image): Reply {
  const lines = Object.entries(nodes ?? {}).map(([node, state]) => `node ${node} ${state}\n`);
  const cluster = nodes === undefined ? "" : `cluster\n${lines.join("")}`;
  return { kind: "said", text: `7200.50 1.00\nname ${name}\nimage ${runs}\n${cluster}` };
}

/** One of each: all is well on pi1, pi2 waits for a reboot, pi3 got no image, and one VM is off. */
export function sampleGathered(): Gathered {
  const vmsOn = (host: string) => site.vms.filter((vm) => vm.host === host).map(({ name }) => name);
  const guests = site.vms.map((vm): [string, Reply] => {
    if (vm.host === "pi3") return [vm.name, silent];
    const physics = { "physics-n1": "idle", "physics-n2": "drained", "physics-n3": "down*" };
    if (vm.name === "physics-controller") return [vm.name, guest(vm.name, physics)];
    if (vm.name === "teaching-controller") return [vm.name, guest(vm.name, { "teaching-t1": "mixed" })];
    return [vm.name, guest(vm.name)];
  });
  const failed = goodBoot("dc:a6:32:00:00:03", 600).slice(0, 4);
  const noImage = { protocol: "http", path: "/image/x.apkovl.tar.gz", outcome: "missing", status: 404 } as const;
  return {
    at: now,
    reports: new Map([
      ["pi1", report("pi1")],
      ["pi2", report("pi2", { generation: generations.old })],
      ["pi3", { kind: "strange", cause: "refused", why: "refused" } as const],
    ]),
    known: new Map([
      ["pi1", known(goodBoot("dc:a6:32:00:00:01", 3600))],
      ["pi2", known(goodBoot("dc:a6:32:00:00:02", 90_000))],
      ["pi3", known([...failed, { ...noImage, ago: 570 }])],
    ]),
    machines: new Map([
      ["tower", machine()],
      ["nas", silent],
      ["pi1", machine(...vmsOn("pi1"))],
      ["pi2", machine(...vmsOn("pi2"))],
      ["pi3", silent],
    ]),
    guests: new Map(guests),
  };
}

export function sampleStatus(change: Partial<Gathered> = {}): Status {
  return assembleStatus("home", site, planned, { ...sampleGathered(), ...change });
}
