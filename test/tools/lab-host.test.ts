import { deepEqual, equal, match, rejects, throws } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { daemonsOf } from "../../tools/lab/host/daemons.ts";
import { removals } from "../../tools/lab/host/firewall.ts";
import { bootProbe, decide } from "../../tools/lab/host/kvm.ts";
import {
  describeHolders,
  holdersOf,
  parseAddresses,
  parseNetwork,
  parseRoutes,
  pickRange,
} from "../../tools/lab/host/network.ts";
import {
  missingPackages,
  neededPackages,
  needsFreshLists,
  parseInstalled,
  parseOsRelease,
} from "../../tools/lab/host/packages.ts";
import { probeGuest } from "../../tools/lab/host/probe-guest.ts";
import { fitLab, freeResources } from "../../tools/lab/host/resources.ts";
import { readHostState, writeHostState } from "../../tools/lab/host/state.ts";
import { LockedError, lockHolder, withLock } from "../../tools/lib/lock.ts";
import { bootId, identify, isRunning } from "../../tools/lib/process.ts";
import { tryRun } from "../../tools/lib/run.ts";
import { until } from "../../tools/lib/until.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(`${tmpdir()}/bramble-test-`);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("the packages of a lab's machine", () => {
  it("are known on Debian, Ubuntu and what is made from them, and nowhere else", () => {
    equal(parseOsRelease('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n').debian, true);
    equal(parseOsRelease("NAME='Ubuntu'\nID=ubuntu\nID_LIKE=debian\n").debian, true);
    equal(parseOsRelease('ID=linuxmint\nID_LIKE="ubuntu debian"\n').debian, true);
    deepEqual(parseOsRelease('PRETTY_NAME="Fedora Linux 42"\nID=fedora\n'), { name: "Fedora Linux 42", debian: false });
  });

  it("bring the QEMU of the machine's own processor", () => {
    const names = (arch: string) => neededPackages(arch).map(({ name }) => name);
    equal(names("x64").includes("qemu-system-x86"), true);
    equal(names("arm64").includes("qemu-system-arm"), true);
  });

  it("count as installed only when dpkg says so", () => {
    deepEqual(
      [...parseInstalled("xsltproc\tinstalled\nzstd\tconfig-files\nlibvirt-clients\tnot-installed\n")],
      ["xsltproc"],
    );
  });

  it("are found missing by the real dpkg", async function () {
    if ((await tryRun(["which", "dpkg-query"])).code !== 0) this.skip();
    deepEqual(await missingPackages(["dpkg", "no-such-package-anywhere"]), ["no-such-package-anywhere"]);
  });

  it("are worth an `apt-get update` when the lists are missing or old, and not when the disk is full", () => {
    equal(needsFreshLists("E: Unable to locate package xsltproc"), true);
    equal(needsFreshLists("E: Failed to fetch http://deb.example/x.deb  404  Not Found"), true);
    equal(needsFreshLists("E: You don't have enough free space in /var/cache/apt/archives/."), false);
  });
});

describe("the daemons of libvirt", () => {
  it("are one where the machine has one, and one for each task where it has those", () => {
    const names = (installed: string[]) => daemonsOf((name) => installed.includes(name)).map(({ name }) => name);
    deepEqual(names(["libvirtd", "virtqemud"]), ["virtlogd", "libvirtd"]);
    const modular = names(["virtqemud"]);
    equal(modular[0], "virtlogd");
    equal(modular.includes("virtqemud") && modular.includes("virtproxyd") && !modular.includes("libvirtd"), true);
  });
});

describe("what is known of the machine", () => {
  it("holds until it is booted again", async () => {
    const accel = { accel: "tcg" as const, reason: "tried" };
    await writeHostState(folder, { ...(await readHostState(folder)), accel });
    deepEqual((await readHostState(folder)).accel, accel);
    await writeHostState(folder, { ...(await readHostState(folder)), boot: "an earlier one" });
    const fresh = await readHostState(folder);
    deepEqual([fresh.accel, fresh.boot], [undefined, bootId()]);
  });

  it("is not guessed from a file that is something else", async () => {
    await writeFile(`${folder}/host.json`, '{"boot": 7}');
    await rejects(readHostState(folder), /host\.json is not as bramble wrote it/);
  });
});

describe("the choice between KVM and emulation", () => {
  it("is emulation when a guest does not run with KVM, and says why", () => {
    deepEqual(decide({ seconds: 0.1, failure: "no such luck" }, undefined), {
      accel: "tcg",
      reason: "a guest does not run with KVM: no such luck",
    });
  });

  it("is emulation when KVM is the slower one", () => equal(decide({ seconds: 3 }, { seconds: 0.3 }).accel, "tcg"));
  it("is KVM when it is the faster one", () => equal(decide({ seconds: 0.2 }, { seconds: 0.6 }).accel, "kvm"));
  it("is KVM when only that works", () =>
    equal(decide({ seconds: 0.2 }, { seconds: 9, failure: "crash" }).accel, "kvm"));

  // The guest of the other processor is tried where its emulator happens to be installed.
  const others = ["x64", "arm64"].filter((arch) => arch !== process.arch);
  const isInstalled = (arch: string) => existsSync(`/usr/bin/${probeGuest(arch)?.qemu}`);
  for (const arch of [process.arch, ...others.filter(isInstalled)]) {
    it(`rests on a guest that really boots (${arch})`, async function () {
      this.timeout(20_000);
      const guest = probeGuest(arch);
      if (guest === undefined) throw new Error(`no guest for ${arch}`);
      if ((await tryRun(["which", guest.qemu])).code !== 0) this.skip();
      const open = await mkdtemp("/var/tmp/bramble-test-");
      try {
        await tryRun(["chmod", "755", open]);
        await writeFile(`${open}/guest`, guest.image);
        equal((await bootProbe(guest, `${open}/guest`, "tcg")).failure, undefined);
        // The same machine with a guest that only waits.
        const waiting = { x64: [0xf4, 0xeb, 0xfd], arm64: [0x00, 0x00, 0x00, 0x14] }[arch] ?? [];
        await writeFile(`${open}/guest`, Uint8Array.from([...waiting, ...guest.image.subarray(waiting.length)]));
        match((await bootProbe(guest, `${open}/guest`, "tcg", undefined, 1)).failure ?? "", /did not get anywhere/);
      } finally {
        await rm(open, { recursive: true, force: true });
      }
    });
  }
});

describe("libvirt's chains in the packet filter", () => {
  const empty = "*nat\n:POSTROUTING ACCEPT [0:0]\n:LIBVIRT_PRT - [0:0]\n-A POSTROUTING -j LIBVIRT_PRT\nCOMMIT\n";

  it("go when they are empty, and the user's own rules stay", () => {
    deepEqual(removals(`${empty}-A POSTROUTING -o eth0 -j MASQUERADE\n`), [
      ["-D", "POSTROUTING", "-j", "LIBVIRT_PRT"],
      ["-X", "LIBVIRT_PRT"],
    ]);
  });

  it("stay as long as one of them is in use", () => {
    deepEqual(removals(`${empty}-A LIBVIRT_PRT -s 192.168.122.0/24 -j MASQUERADE\n`), []);
  });
});

describe("the room for a lab", () => {
  const GiB = 1024 ** 3;
  const full = { name: "full", memory: 4 * GiB, disk: 10 * GiB, cores: 2 };
  const small = { name: "small", memory: 2 * GiB, disk: 6 * GiB, cores: 1 };
  const tiny = { name: "tiny", memory: 1 * GiB, disk: 4 * GiB, cores: 1 };

  it("is enough, or enough for a smaller one, or for none, with the numbers", () => {
    equal(fitLab(full, [small, tiny], { memory: 8 * GiB, disk: 20 * GiB, cores: 2 }).kind, "fits");
    const smaller = fitLab(full, [tiny, small], { memory: 3 * GiB, disk: 20 * GiB, cores: 1 });
    equal(smaller.kind === "smaller" && smaller.size.name, "small");
    const problem = smaller.kind === "smaller" ? smaller.message : "";
    match(problem, /takes 4\.0 GiB of memory, 3\.0 GiB is free; it takes 2 processor cores, there are 1/);
    const none = fitLab(full, [small, tiny], { memory: 8 * GiB, disk: 1 * GiB, cores: 2 });
    match(none.kind === "none" ? none.message : "", /10\.0 GiB of disk, 1\.0 GiB is free.*smallest lab, "tiny"/);
  });

  it("is measured on the real machine", async () => {
    const free = await freeResources(folder);
    equal(free.memory > 0 && free.disk > 0 && free.cores > 0, true);
  });
});

describe("the address range of a lab", () => {
  const addresses = parseAddresses(
    JSON.stringify([{ ifname: "eth0", addr_info: [{ family: "inet", local: "192.0.2.2", prefixlen: 24 }] }]),
  );
  const routes = parseRoutes(
    JSON.stringify([
      { dst: "default", gateway: "192.0.2.1", dev: "eth0" },
      { dst: "0.0.0.0/1", dev: "tun0" },
      { dst: "10.8.0.0/16", dev: "tun0" },
      { type: "broadcast", dst: "192.0.2.255", dev: "eth0" },
    ]),
  );
  const network = parseNetwork(
    "default",
    "<network>\n  <bridge name='virbr0' stp='on' delay='0'/>\n  <ip address='192.168.122.1' netmask='255.255.255.0'>\n",
  );
  const taken = [...addresses, ...routes, ...network];

  it("is taken by interfaces, routes and libvirt's networks, but not by a way out", () => {
    equal(describeHolders(holdersOf("192.0.2.128/25", taken)), "interface eth0 (192.0.2.2/24)");
    equal(describeHolders(holdersOf("10.8.9.0/24", taken)), "route by tun0 (10.8.0.0/16)");
    equal(describeHolders(holdersOf("192.168.122.0/24", taken)), "libvirt network default (192.168.122.1/24)");
    deepEqual(holdersOf("10.9.0.0/24", taken), []);
  });

  it("is not taken by the lab's own network", () => {
    const own = [
      ...network,
      ...parseAddresses('[{"ifname":"virbr0","addr_info":[{"local":"192.168.122.1","prefixlen":24}]}]'),
    ];
    deepEqual(holdersOf("192.168.122.0/24", own, "default"), []);
    equal(holdersOf("192.168.122.0/24", own, "another").length, 2);
  });

  it("is the preferred one where that is free, else the first free one, else an error that says who holds what", () => {
    equal(pickRange("10.9.0.0/24", ["10.10.0.0/24"], taken), "10.9.0.0/24");
    equal(pickRange("10.8.1.0/24", ["192.0.2.0/24", "10.10.0.0/24"], taken), "10.10.0.0/24");
    throws(
      () => pickRange("10.8.1.0/24", ["192.0.2.0/24"], taken),
      /10\.8\.1\.0\/24: route by tun0[\s\S]*192\.0\.2\.0\/24: interface eth0/,
    );
  });
});

describe("a lock", () => {
  const path = () => `${folder}/some/lab.lock`;

  it("lets one in at a time, names who is in, and is free again after an error", async () => {
    await rejects(
      withLock(path(), "bramble lab", async () => {
        await rejects(
          withLock(path(), "bramble up", async () => {}),
          (error) => {
            match(
              String(error),
              new RegExp(`bramble lab has been at work here for 0 seconds \\(process ${process.pid}`),
            );
            return error instanceof LockedError;
          },
        );
        throw new Error("the work failed");
      }),
      /the work failed/,
    );
    equal(await lockHolder(path()), undefined);
    equal(await withLock(path(), "bramble up", async () => 7), 7);
  });

  it("of a process that was killed is taken over, by one of many that want it", async () => {
    const script = `import { withLock } from ${JSON.stringify(new URL("../../tools/lib/lock.ts", import.meta.url).href)};
      await withLock(${JSON.stringify(path())}, "killed", () => { console.log("in"); return new Promise(() => setInterval(() => {}, 1000)); });`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script]);
    try {
      await once(child.stdout, "data");
      equal((await lockHolder(path()))?.what, "killed");
    } finally {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    let inside = 0;
    let most = 0;
    const attempts = Array.from({ length: 20 }, () =>
      withLock(path(), "next", async () => {
        inside += 1;
        most = Math.max(most, inside);
        await until("the others to have tried", () => true, { deadline: 1 });
        inside -= 1;
      }),
    );
    const results = await Promise.allSettled(attempts);
    equal(most, 1);
    const refused = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    equal(refused.every((error) => error instanceof LockedError) && refused.length < results.length, true);
  });
});

describe("a process that is known", () => {
  it("is told from another one with the same number, and from one before the last boot", () => {
    const me = identify(process.pid);
    if (me === undefined) throw new Error("this process is not there");
    equal(isRunning(me), true);
    equal(isRunning({ ...me, start: "1" }), false);
    equal(isRunning({ ...me, boot: "an earlier one" }), false);
  });
});
