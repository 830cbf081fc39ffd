import { deepEqual, match, ok } from "node:assert/strict";
import { existsSync } from "node:fs";
import { printReadinessReport } from "../../formats/readiness-report.ts";
import { sshKeyPair } from "../../formats/ssh-key.ts";
import type { Status } from "../../tools/status/model.ts";
import { machineFolder, plugInMachine } from "../doubles/lan-machine.ts";
import { type PrivateLan, startPrivateLan } from "../doubles/private-lan.ts";
import { whyNoPrivateMachine } from "../doubles/private-machine.ts";
import { keysOf } from "./support/gather-home.ts";

/** The boot server is a machine of the user's, with a key of its own. */
const towerKey = sshKeyPair(Buffer.alloc(32, 9));
const site = `site: home
network: { cidr: 10.20.0.0/24, gateway: 10.20.0.1, ntp: [pool.ntp.org] }
boot: { server: tower }
boards:
  tower: { model: pc, role: boot-server, memory: 8GiB, address: 10.20.0.5, hostKey: "${towerKey.publicKey}" }
  pi1: { model: pi5, role: worker, memory: 8GiB, serial: "10000000aaaaaa01", mac: "dc:a6:32:00:00:01", address: 10.20.0.11 }
  pi2: { model: pi5, role: worker, memory: 8GiB, serial: "10000000aaaaaa02", mac: "dc:a6:32:00:00:02", address: 10.20.0.12 }
`;
const generation = "2222222222222222";
const image = "cccc".repeat(16);
const mac = "dc-a6-32-00-00-01";

/** A network of its own, with real sshds in the places of a boot server and a board; another board is off. */
describe("the status of a site on a network", function () {
  this.timeout(60_000);
  let lan: PrivateLan;
  let status: Status;

  before(async function () {
    if ((await whyNoPrivateMachine()) !== undefined || !existsSync("/usr/sbin/sshd")) this.skip();
    lan = await startPrivateLan();
    const keys = keysOf(site);
    const machine = async (name: string, address: string) => {
      const folder = machineFolder(name);
      await lan.write(`${folder}/run/empty`, "");
      await lan.write(`${folder}/log/bramble/home/tftp.log`, tftpLog());
      // Its own logs and its own /run, for its sessions alone.
      const mounts = `mount --bind ${folder}/log /var/log && mount --bind ${folder}/run /run`;
      const own = `${mounts} && exec sh -c "$SSH_ORIGINAL_COMMAND"`;
      await plugInMachine(lan, {
        ...{ name, address },
        hostKey: (name === "tower" ? towerKey : sshKeyPair(keys.sshHostKey(name))).privateKey,
        authorizedKey: sshKeyPair(keys.deployKey()).publicKey,
        settings: [`ForceCommand unshare --mount sh -c '${own}'`],
      });
    };
    await machine("tower", "10.20.0.5");
    await machine("pi1", "10.20.0.11");
    await lan.write(`${machineFolder("pi1")}/run/bramble/report.json`, report());
    const admin = await lan.plugIn({ name: "admin", address: "10.20.0.2/24" });
    const module = new URL("support/gather-home.ts", import.meta.url);
    status = (await admin.call(module, "gatherOf", site, "an-image")) as Status;
  });
  after(() => lan?.stop());

  it("has what the board says, and who is off, in seconds", () => {
    deepEqual(
      status.boards.map(({ name, state, runs }) => [name, state, name === "tower" ? "" : runs]),
      [
        ["pi1", "degraded", generation],
        ["pi2", "off", undefined],
        ["tower", "current", ""],
      ],
    );
    const pi1 = status.boards.find(({ name }) => name === "pi1");
    match(pi1?.words ?? "", /nothing is published for it/);
    ok(pi1?.upSince !== undefined);
    deepEqual(
      pi1.timeline.map(({ stage, outcome }) => `${stage} ${outcome}`),
      ["tftp done", "ready done"],
    );
    deepEqual(status.problems, []);
  });
});

function report(): string {
  return printReadinessReport({
    board: "pi1",
    serial: "10000000aaaaaa01",
    generation,
    overlay: image,
    versions: { kernel: "6.18.35", os: "Alpine Linux 3.24.4" },
    bootloader: null,
    problems: [],
    bootId: "5e0ad0f4-66a1-4d63-8c35-0c5f3d1e8f11",
    writtenAt: "2026-11-29T12:00:00Z",
  });
}

function tftpLog(): string {
  return `Nov 29 12:00:00 dnsmasq-tftp[7]: sent /srv/${mac}/start4.elf to 10.20.0.11\n`;
}
