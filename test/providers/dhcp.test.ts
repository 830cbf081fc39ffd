import { deepEqual, equal, match, ok } from "node:assert/strict";
import { existsSync } from "node:fs";
import { parseDhcpLog } from "../../formats/address-log.ts";
import { type BootDhcp, dnsmasqConf } from "../../formats/dnsmasq-conf.ts";
import { until } from "../../tools/lib/until.ts";
import type { systemLease } from "../doubles/dhcp-client.ts";
import { dnsmasqProgram } from "../doubles/dnsmasq.ts";
import { booted, boards as models, pi4Files } from "../doubles/pi-bootloader/samples.ts";
import type { BootOutcome } from "../doubles/pi-bootloader.ts";
import type { PiDhcp, PiDhcpOutcome } from "../doubles/pi-dhcp.ts";
import { type PrivateLan, type Station, startPrivateLan } from "../doubles/private-lan.ts";
import { whyNoPrivateMachine } from "../doubles/private-machine.ts";

const pi4 = { ...models.pi4, revision: 0xc03115 } satisfies PiDhcp;
const pi5 = { ...models.pi5, revision: 0xd04170 } satisfies PiDhcp;
/** A board that the site does not have. */
const stranger = { ...pi4, serial: "1000000000000001", mac: "b8:27:eb:00:00:01" } satisfies PiDhcp;

const serverAddress = "10.20.0.2";
const routerAddress = "10.20.0.1";
const rogueAddress = "10.20.0.66";
const addresses = { pi4: "10.20.0.11", pi5: "10.20.0.12" };
const network = { address: "10.20.0.0", prefixLength: 24 };
const tftpRoot = "/run/tftp";

const own = {
  mode: "own",
  network,
  gateway: routerAddress,
  dns: ["10.20.0.1", "9.9.9.9"],
  leaseFile: "/run/server.leases",
  boards: [
    { mac: pi4.mac, address: addresses.pi4, hostname: "pi4" },
    { mac: pi5.mac, address: addresses.pi5, hostname: "pi5" },
  ],
} as const satisfies BootDhcp;

/** Boards ask over real UDP, on a network of their own; the boot server is the real dnsmasq with the site's configuration. */
describe("DHCP on the boards' network", function () {
  this.timeout(60_000);
  let lan: PrivateLan;

  before(async function () {
    if ((await whyNoPrivateMachine()) !== undefined || !existsSync(dnsmasqProgram)) this.skip();
  });
  beforeEach(async () => {
    lan = await startPrivateLan();
  });
  afterEach(() => lan?.stop());

  describe("in mode own", () => {
    for (const [name, board] of [
      ["pi4", pi4],
      ["pi5", pi5],
    ] as const) {
      it(`gives a ${name} of the site its own address, and an offer that names the boot server`, async () => {
        await bootServer(lan, own);
        const { lease, server, offers } = bound(await asks(await boardOn(lan, board), board));
        const { from, address, netmask, gateway } = lease;
        deepEqual(
          { from, address, netmask, gateway },
          { from: serverAddress, address: addresses[name], netmask: "255.255.255.0", gateway: routerAddress },
        );
        equal(server, serverAddress);
        deepEqual(Object.keys(byServer(offers)), [serverAddress]);
      });
    }

    it("says byte by byte what boards are known to take", async () => {
      await bootServer(lan, own);
      const { offers } = bound(await asks(await boardOn(lan, pi4), pi4));
      hasKnownMenu(offers);
    });

    it("gives bootloader and operating system of a board the same address, and the system all the rest", async () => {
      await bootServer(lan, own);
      const station = await boardOn(lan, pi4);
      equal(bound(await asks(station, pi4)).lease.address, addresses.pi4);
      for (const clientId of [`01${pi4.mac.replaceAll(":", "")}`, "ff32013600020000ab1190aabbccddeeff00"]) {
        deepEqual((await systemAsks(station, pi4, clientId))?.lease, {
          from: serverAddress,
          address: addresses.pi4,
          netmask: "255.255.255.0",
          gateway: routerAddress,
          dns: ["10.20.0.1", "9.9.9.9"],
          hostname: "pi4",
        });
        equal(bound(await asks(station, pi4)).lease.address, addresses.pi4);
      }
    });

    it("names no gateway and no DNS server where the site has none", async () => {
      const { gateway: _, ...withoutGateway } = own;
      await bootServer(lan, { ...withoutGateway, dns: [] });
      const { lease } = await systemAsks(await boardOn(lan, pi4), pi4, `01${pi4.mac.replaceAll(":", "")}`);
      deepEqual([lease?.address, lease?.gateway, lease?.dns], [addresses.pi4, undefined, []]);
    });

    it("does not answer strangers", async () => {
      await bootServer(lan, own);
      const station = await boardOn(lan, stranger);
      const { discovers, offers } = stillAsking(await asks(station, stranger, impatient));
      ok(discovers > 2, `it asked ${discovers} times`);
      deepEqual(offers, []);
    });

    it("gives strangers one of the leases, where there are some, and no boot server", async () => {
      await bootServer(lan, { ...own, leases: { first: "10.20.0.200", last: "10.20.0.210" } });
      const station = await boardOn(lan, stranger);
      const { offers } = stillAsking(await asks(station, stranger, impatient));
      deepEqual(byServer(offers), { [serverAddress]: undefined });
      const { lease } = await systemAsks(station, stranger, "01b827eb000001");
      match(lease?.address ?? "none", /^10\.20\.0\.2(0\d|10)$/);
      const board = await boardOn(lan, pi4, "pi4");
      equal(bound(await asks(board, pi4)).lease.address, addresses.pi4);
    });

    it("notes that a board took what another server offered, by which status knows of that server", async () => {
      const conf = dnsmasqConf({ address: serverAddress, tftpRoot, pidFile: "/run/server.pid", dhcp: own });
      const server = await lan.plugIn({ name: "server", address: `${serverAddress}/24` });
      await lan.write(`${tftpRoot}/README`, "one folder per board\n");
      await startDnsmasq(lan, server, "server", `${conf}dhcp-reply-delay=1\n`);
      await dhcpServer(lan, "rogue", rogueAddress, "10.20.0.160", 'pxe-service=0,"Raspberry Pi Boot"');
      const { lease } = bound(await asks(await boardOn(lan, pi4), pi4));
      equal(lease.from, rogueAddress);
      const clock = { now: Date.now() / 1000, offsetMinutes: -new Date().getTimezoneOffset() };
      const noted = async () => parseDhcpLog(await server.run(["cat", "/run/server.log"]), pi4.mac, clock);
      const refusal = async () => (await noted()).find(({ kind }) => kind === "other-server");
      const { address } = await until("the server's word", refusal, { deadline: 5000 });
      equal(address, lease.address);
    });

    it("has a board boot from the same dnsmasq, from its first DISCOVER to its kernel", async () => {
      await bootServer(lan, own);
      for (const [name, content] of Object.entries(pi4Files)) await lan.write(`${tftpRoot}/9ffefdef/${name}`, content);
      const station = await boardOn(lan, pi4);
      const { lease, server } = bound(await asks(station, pi4));
      await station.settle(`${lease.address}/24`);
      const boot = { ...models.pi4, server: { address: server } };
      const outcome = (await station.call(double("pi-bootloader"), "bootPi", boot)) as BootOutcome;
      equal(booted(outcome).files.commandLine, "console=serial0,115200 quiet");
    });
  });

  describe("in mode proxy", () => {
    const proxy = { mode: "proxy", network, boards: [{ mac: pi4.mac }, { mac: pi5.mac }] } as const;

    for (const board of [pi4, pi5]) {
      it(`leaves the address of a ${board.model} to the router, and names the boot server`, async () => {
        await bootServer(lan, proxy);
        await router(lan);
        const { lease, server, offers } = bound(await asks(await boardOn(lan, board), board));
        deepEqual([lease.from, lease.gateway, server], [routerAddress, routerAddress, serverAddress]);
        match(lease.address, /^10\.20\.0\.1\d\d$/);
        equal(offers.find(({ from }) => from === serverAddress)?.address, undefined);
        hasKnownMenu(offers);
      });
    }

    it("is taken for the boot server also when it answers before the router", async () => {
      await bootServer(lan, proxy);
      await router(lan, "dhcp-reply-delay=1");
      const { lease, server, offers } = bound(await asks(await boardOn(lan, pi4), pi4));
      deepEqual([offers[0]?.from, lease.from, server], [serverAddress, routerAddress, serverAddress]);
    });

    it("does not answer strangers, nor a board's operating system", async () => {
      await bootServer(lan, proxy);
      await router(lan);
      const { offers } = stillAsking(await asks(await boardOn(lan, stranger), stranger, impatient));
      deepEqual(byServer(offers), { [routerAddress]: undefined });
      const { lease } = await systemAsks(await boardOn(lan, pi4, "pi4"), pi4, "01dca6320136c2");
      equal(lease?.from, routerAddress);
    });
  });

  describe("in mode router", () => {
    const knowing = { TFTP_IP: serverAddress };

    it("is not the boot server's", async () => {
      const server = await bootServer(lan, { mode: "router" });
      equal(await server.run(["ss", "-Hlun", "sport = :67"]), "");
      match(await server.run(["ss", "-Hlun", "sport = :69"]), /10\.20\.0\.2:69/);
    });

    it("gives an address to a board whose bootloader knows the boot server", async () => {
      await bootServer(lan, { mode: "router" });
      await router(lan);
      const { lease, server } = bound(await asks(await boardOn(lan, pi4), pi4, knowing));
      deepEqual([lease.from, server], [routerAddress, serverAddress]);
    });

    it("lets a board that knows none ask for ever", async () => {
      await bootServer(lan, { mode: "router" });
      await router(lan);
      const { discovers, offers } = stillAsking(await asks(await boardOn(lan, pi4), pi4, impatient));
      ok(discovers > 2, `it asked ${discovers} times`);
      deepEqual(byServer(offers), { [routerAddress]: undefined });
    });

    it("leads a board to other files when another server is quicker, but not one that knows its boot server", async () => {
      await bootServer(lan, { mode: "router" });
      await router(lan, "dhcp-reply-delay=2");
      await dhcpServer(lan, "rogue", rogueAddress, "10.20.0.160", 'pxe-service=0,"Raspberry Pi Boot"');
      const station = await boardOn(lan, pi4);
      const misled = bound(await asks(station, pi4));
      deepEqual([misled.lease.from, misled.server], [rogueAddress, rogueAddress]);
      const { lease, server } = bound(await asks(station, pi4, knowing));
      deepEqual([lease.from, server], [rogueAddress, serverAddress]);
    });
  });
});

/** The shortest times that a bootconf can have; for boards that are to ask in vain. */
const impatient = { DHCP_TIMEOUT: "5000", DHCP_REQ_TIMEOUT: "500" };

async function bootServer(lan: PrivateLan, dhcp: BootDhcp): Promise<Station> {
  const server = await lan.plugIn({ name: "server", address: `${serverAddress}/24` });
  await lan.write(`${tftpRoot}/README`, "one folder per board\n");
  const conf = dnsmasqConf({ address: serverAddress, tftpRoot, pidFile: "/run/server.pid", dhcp });
  await startDnsmasq(lan, server, "server", conf);
  return server;
}

/** A router as people have one: it gives addresses, and knows nothing of netboot. */
function router(lan: PrivateLan, ...more: string[]): Promise<void> {
  return dhcpServer(lan, "router", routerAddress, "10.20.0.100", `dhcp-option=option:router,${routerAddress}`, ...more);
}

/** Gives 50 addresses, from the first one on. */
async function dhcpServer(
  lan: PrivateLan,
  name: string,
  address: string,
  first: string,
  ...more: string[]
): Promise<void> {
  const last = first.replace(/\d+$/, (digits) => String(Number(digits) + 49));
  const conf = [
    "port=0",
    "no-ping",
    `pid-file=/run/${name}.pid`,
    `dhcp-leasefile=/run/${name}.leases`,
    `dhcp-range=${first},${last},1h`,
    ...more,
  ];
  await startDnsmasq(lan, await lan.plugIn({ name, address: `${address}/24` }), name, `${conf.join("\n")}\n`);
}

/** Returns when it serves: it goes to the background then, and fails where it can't. It ends with the network. */
async function startDnsmasq(lan: PrivateLan, station: Station, name: string, conf: string): Promise<void> {
  await lan.write(`/run/${name}.conf`, conf);
  await station.run([dnsmasqProgram, `--conf-file=/run/${name}.conf`, `--log-facility=/run/${name}.log`]);
}

function boardOn(lan: PrivateLan, { mac }: PiDhcp, name = "board"): Promise<Station> {
  return lan.plugIn({ name, mac });
}

async function asks(station: Station, board: PiDhcp, more: PiDhcp["bootconf"] = {}): Promise<PiDhcpOutcome> {
  const bootconf = { ...board.bootconf, ...more };
  return (await station.call(double("pi-dhcp"), "piDhcp", { ...board, bootconf })) as PiDhcpOutcome;
}

async function systemAsks(station: Station, { mac }: PiDhcp, clientId: string): ReturnType<typeof systemLease> {
  const system = { mac, clientId, timeout: 20_000 };
  return (await station.call(double("dhcp-client"), "systemLease", system)) as Awaited<ReturnType<typeof systemLease>>;
}

function double(name: string): URL {
  return new URL(`../doubles/${name}.ts`, import.meta.url);
}

function bound(outcome: PiDhcpOutcome): Extract<PiDhcpOutcome, { kind: "bound" }> {
  if (outcome.kind === "bound") return outcome;
  const said = outcome.offers.map(({ options: _, ...offer }) => JSON.stringify(offer));
  throw new Error(`it found no address and server in ${[...new Set(said)].join(" and ") || "no offer"}`);
}

function stillAsking(outcome: PiDhcpOutcome): PiDhcpOutcome {
  if (outcome.kind === "failed") return outcome;
  throw new Error(`it did not go on asking: ${JSON.stringify(outcome)}`);
}

/** Who offered something, and which TFTP server the board found in it. */
function byServer(offers: PiDhcpOutcome["offers"]): Record<string, string | undefined> {
  return Object.fromEntries(offers.map((offer) => [offer.from, "server" in offer ? offer.server : undefined]));
}

/** Options 43, 60 and 97 of the boot server's offer are those that boards are known to take (reference §2.1). */
function hasKnownMenu(offers: PiDhcpOutcome["offers"]): void {
  const options = offers.find(({ from }) => from === serverAddress)?.options;
  const text = Buffer.from("Raspberry Pi Boot").toString("hex");
  equal(options?.[43], `0601030a0400505845${`0914000011${text}`}ff`);
  equal(options?.[60], Buffer.from("PXEClient").toString("hex"));
  match(options?.[97] ?? "", /^005250693[45]/);
}
