import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { fingerprint, type SshKeyPair, sshKeyPair } from "../../formats/ssh-key.ts";
import { ensureImage } from "../../tools/image/ensure.ts";
import { probeAccel } from "../../tools/lab/host/kvm.ts";
import { ensurePackages } from "../../tools/lab/host/packages.ts";
import { until } from "../../tools/lib/until.ts";
import { whyNoPrivateMachine } from "../doubles/private-machine.ts";
import { type SecondHost, startSecondHost } from "../doubles/second-host.ts";
import { type LifecycleEvent, watchDomains } from "./support/lifecycle.ts";
import { makeSegment, type Segment } from "./support/segment.ts";
import { type ThrowAwaySite, throwAwaySite } from "./support/site.ts";
import { domains, eachGoesOnFromTheLast, succeeds } from "./support/steps.ts";

const worker = "pair-hpc-n1";
const controller = "pair-hpc-controller";
/** What each worker consists of in the state. */
const partsOf = (vm: string) =>
  [`Volume ${vm}`, `CloudinitDisk ${vm}`, `Domain ${vm}`, `Command ${vm}/ready`, `Command ${vm}/slurm`].sort();

describe("a site with two hosts, reached over SSH", function () {
  this.timeout(600_000);
  const keys = { a: newKey(), b: newKey() };
  const undo: (() => Promise<void>)[] = [];
  let accelerator = "tcg";
  let segment: Segment;
  let site: ThrowAwaySite;
  let a: SecondHost;
  let b: SecondHost;
  let eventsOfA: readonly LifecycleEvent[];
  let eventsOfB: readonly LifecycleEvent[];

  before(async function () {
    if ((await whyNoPrivateMachine()) !== undefined || !existsSync("/usr/sbin/sshd")) this.skip();
    await ensurePackages();
    await ensureImage();
    accelerator = (await probeAccel()).accel;
    segment = await makeSegment();
    undo.push(() => segment.remove());
    site = await throwAwaySite("pair");
    undo.push(() => site.remove());
    await site.write(document({ on: "a" }));
    await succeeds(site.bramble(["secret", "new"]));
    const authorizedKey = (await succeeds(site.bramble(["deploy-key"]))).stdout;
    const start = async (name: "a" | "b", last: number) => {
      const host = await startSecondHost({
        name,
        address: `${segment.address(last)}/24`,
        wire: { bridge: segment.bridge },
        hostKey: keys[name].privateKey,
        authorizedKey,
      });
      undo.push(() => host.stop());
      return host;
    };
    a = await start("a", 2);
    b = await start("b", 3);
    eventsOfA = watchDomains(a);
    eventsOfB = watchDomains(b);
  });

  eachGoesOnFromTheLast();

  after(async () => {
    for (const step of undo.reverse()) await step();
  });

  it("becomes a Slurm cluster that runs a job", async () => {
    const up = await succeeds(site.operate("up"));
    match(up.output, /hpc-n1 is IDLE/);
    equal(await job(), "hpc-n1");
    deepEqual(await domains(a), [controller, worker]);
    deepEqual(await domains(b), []);
  });

  it("moves a worker to the other host when its pin says so: drained, off and gone before it is made again", async () => {
    const before = { machine: await identity(a), ...(await controllerRun()) };
    await onController(
      "runuser -l demo -c \"sbatch --quiet --wrap 'until test -e go; do sleep 0.2; done; hostname > ended'\"",
    );
    await until("the job to run", async () => (await onController("squeue --noheader --states R")) !== "", {
      deadline: 60_000,
    });
    await site.write(document({ on: "b" }));

    const preview = await succeeds(site.operate("preview"));
    deepEqual(named(preview, "replace"), partsOf("hpc-n1"));
    deepEqual(
      preview.steps.filter(({ urn }) => !urn.includes("hpc-n1")).map(({ what }) => what),
      ["PlanGuard pair", "Roster pair"],
    );

    let released: Promise<string> | undefined;
    const up = await succeeds(
      site.operate("up", [], {
        onLine: (line) => {
          if (line.includes("hpc-n1 takes no more jobs")) released ??= onController("touch /home/demo/go");
        },
      }),
    );
    notEqual(released, undefined, up.output);
    equal(await onController("cat /home/demo/ended"), "hpc-n1");

    const [leaving, arriving] = [eventsOf(eventsOfA, worker), eventsOf(eventsOfB, worker)];
    // "Stopped Shutdown" and not "Stopped Destroyed": the guest itself went down in good order.
    deepEqual(kinds(leaving), ["Defined Added", "Started Booted", "Stopped Shutdown", "Undefined Removed"]);
    deepEqual(kinds(arriving), ["Defined Added", "Started Booted"]);
    ok((leaving.at(-1)?.time ?? Number.NaN) < (arriving[0]?.time ?? Number.NaN), "it was gone before it was made");
    deepEqual(await domains(a), [controller]);
    deepEqual(await domains(b), [worker]);
    equal(/hpc-n1/.test(await a.virsh("vol-list", "bramble-pair")), false);
    deepEqual({ machine: await identity(b), ...(await controllerRun()) }, before);
    equal(await job(), "hpc-n1");
    deepEqual((await succeeds(site.operate("up"))).steps, []);
  });

  it("is previewed exactly, and left alone, while a host is cut off; only what touches that host fails", async () => {
    const state = await resources();
    const told = [eventsOfA.length, eventsOfB.length];
    await b.run(["ip", "link", "set", "eth0", "down"]);
    try {
      const preview = await succeeds(site.operate("preview"));
      deepEqual(preview.steps, []);
      ok(preview.seconds < 15, `the preview took ${preview.seconds} s`);
      deepEqual((await succeeds(site.operate("up"))).steps, []);

      await site.write(document({ on: "b", workers: 2 }));
      const growing = await succeeds(site.operate("preview"));
      deepEqual(named(growing, "create"), ["VirtualMachine hpc-n2", ...partsOf("hpc-n2")].sort());
      equal(growing.steps.length, 8);
      const up = await site.operate("up");
      notEqual(up.code, 0, up.output);
      ok(up.seconds < 60, `it took ${up.seconds} s to fail`);
      match(up.output, new RegExp(`libvirt on b \\(qemu\\+ssh://root@${b.address}/system\\) cannot be reached`));
      match(up.output, /Check that the machine is on/);
      deepEqual(await resources(), state);
      deepEqual([eventsOfA.length, eventsOfB.length], told);
    } finally {
      await b.run(["ip", "link", "set", "eth0", "up"]);
    }
    await site.write(document({ on: "b" }));
    await until("host b to answer", async () => (await site.bramble(["ssh", "b", "true"])).code === 0, {
      deadline: 30_000,
    });
    await succeeds(site.operate("up"));
    equal(await job(), "hpc-n1");
  });

  it("stops hard at a host with another key than the site file's, and shows both fingerprints", async () => {
    const state = await resources();
    const other = newKey();
    await site.write(document({ on: "b", workers: 2, keyOfB: other }));
    const up = await site.operate("up");
    notEqual(up.code, 0, up.output);
    ok(up.output.includes(`expected ${fingerprint(other.publicKey)}`), up.output);
    ok(up.output.includes(`shown ${fingerprint(keys.b.publicKey)}`), up.output);
    deepEqual(await resources(), state);
    deepEqual(await domains(b), [worker]);
    await site.write(document({ on: "b" }));
  });

  it("is destroyed from a runner that has never seen its hosts", async () => {
    const runner = await site.freshRunner();
    equal(existsSync(`${runner.checkout.folder}/.bramble/ssh`), false);
    await succeeds(runner.operate("destroy"));
    deepEqual(await site.state(), []);
    for (const host of [a, b]) {
      deepEqual(await domains(host), []);
      equal((await host.virsh("pool-list", "--all", "--name")).trim(), "");
      equal(await host.run(["find", "/var/lib/libvirt", "-name", "pair-*"]), "");
    }
  });

  /** The site file: worker group n is pinned to one of the hosts. */
  function document({ on, workers = 1, keyOfB = keys.b }: { on: string; workers?: number; keyOfB?: SshKeyPair }) {
    const board = (last: number, { publicKey }: SshKeyPair) => ({
      ...{ model: "pc", address: segment.address(last), hostKey: publicKey, accelerator },
      ...{ cores: 2, memory: "2GiB", disk: "20GiB" },
    });
    return {
      network: { cidr: segment.cidr, gateway: segment.here },
      boards: { a: board(2, keys.a), b: board(3, keyOfB) },
      clusters: {
        hpc: {
          type: "slurm",
          controller: { host: "a", address: segment.address(10), memory: "512MiB", data: "1GiB" },
          workers: {
            n: {
              ...{ count: workers, hosts: [on], memory: "448MiB" },
              addresses: `${segment.address(21)}-${segment.address(24)}`,
            },
          },
          disposable: true,
        },
      },
      users: { demo: { uid: 2000 } },
    };
  }

  async function onController(command: string): Promise<string> {
    return (await succeeds(site.bramble(["ssh", "hpc-controller", command]))).stdout.trim();
  }

  function job(): Promise<string> {
    return onController('runuser -l demo -c "timeout 120 srun -N1 hostname"');
  }

  /** What must not change when the worker moves. */
  async function identity(host: SecondHost): Promise<string[]> {
    const xml = await host.virsh("dumpxml", worker);
    const address = await onController("getent hosts hpc-n1");
    return [/<uuid>.*<\/uuid>/.exec(xml)?.[0] ?? "", /<mac address=.*>/.exec(xml)?.[0] ?? "", address];
  }

  /** Other numbers after a new start of the controller. */
  async function controllerRun(): Promise<{ domainId: string; boot: string; slurmctld: string }> {
    return {
      domainId: await a.virsh("domid", controller),
      boot: await onController("cat /proc/sys/kernel/random/boot_id"),
      slurmctld: await onController("pidof slurmctld"),
    };
  }

  /** Everything in the state that stands for something real. */
  async function resources(): Promise<string[]> {
    return (await site.state()).flatMap(({ urn, id }) => (id === undefined ? [] : [`${urn} ${id}`])).sort();
  }
});

function newKey(): SshKeyPair {
  return sshKeyPair(randomBytes(32));
}

function named({ steps }: { steps: readonly { op: string; what: string }[] }, op: string): string[] {
  return steps.flatMap((step) => (step.op === op ? [step.what] : [])).sort();
}

/** What happened to a domain, without the steps between off and on. */
function eventsOf(events: readonly LifecycleEvent[], domain: string): LifecycleEvent[] {
  return events.filter((event) => event.domain === domain && /^(Defined|Started|Stopped|Undefined) /.test(event.what));
}

function kinds(events: readonly LifecycleEvent[]): string[] {
  return events.map(({ what }) => what);
}
