import { deepEqual, equal, match, ok } from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { env } from "node:process";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import type { AddressEvent } from "../../formats/address-log.ts";
import type { Gathered } from "../../tools/status/gather.ts";
import { type Status, statusJsonSchema, statusSchema } from "../../tools/status/model.ts";
import { progressLine } from "../../tools/status/progress.ts";
import { guestFacts, machineFacts } from "../../tools/status/said.ts";
import { duration, statusText } from "../../tools/status/text.ts";
import { timelineOf } from "../../tools/status/timeline.ts";
import { takeTurns } from "../../tools/status/turns.ts";
import { exitCodeOf } from "../../tools/status/verdict.ts";
import {
  generations,
  goodBoot,
  guest,
  image,
  known,
  now,
  report,
  sampleGathered,
  sampleStatus,
  silent,
} from "./support/status-sample.ts";

const golden = fileURLToPath(new URL("golden/status.txt", import.meta.url));

function board(status: Status, name: string) {
  const found = status.boards.find((each) => each.name === name);
  ok(found, name);
  return found;
}

function vm(status: Status, name: string) {
  const found = status.vms.find((each) => each.name === name);
  ok(found, name);
  return found;
}

/** The sample with other words of some machines. */
function changed(change: { readonly [Key in keyof Gathered]?: Iterable<readonly [string, unknown]> }): Status {
  const all = sampleGathered();
  const merged = Object.entries(change).map(([key, entries]) => {
    const before = all[key as keyof Gathered];
    ok(before instanceof Map);
    return [key, new Map([...before, ...entries])];
  });
  return sampleStatus(Object.fromEntries(merged));
}

describe("the status of a site", () => {
  it("is one table of all machines, with why some are not as they should be, and how their boots went", () => {
    const text = statusText(sampleStatus(), { offsetMinutes: 0, timelines: "all" });
    if (env.UPDATE_GOLDEN !== undefined) writeFileSync(golden, text);
    equal(text, readFileSync(golden, "utf8"));
  });

  it("says once what is true of many", () => {
    const status = changed({
      guests: [
        ["physics-n1", silent],
        ["physics-controller", silent],
      ],
      machines: [["pi1", silent]],
    });
    match(
      statusText(status, { offsetMinutes: 0 }),
      /^physics-controller, physics-n1: nobody answers, and pi1 can't be asked about it$/m,
    );
  });

  it("shows the boots only of boards with something to say of it, unless all are wanted", () => {
    const text = statusText(sampleStatus(), { offsetMinutes: 0 });
    match(text, /^pi3, its last boot:$/m);
    ok(!text.includes("pi1, its last boot:"));
  });

  it("is in JSON as its schema says", () => {
    const json: unknown = JSON.parse(JSON.stringify(sampleStatus()));
    deepEqual(statusSchema.parse(json), json);
    ok("properties" in statusJsonSchema());
  });

  it("says by its exit code how bad it is, as `up` does", () => {
    equal(exitCodeOf(sampleStatus()), 5);
    const boards = (...states: readonly ("current" | "behind" | "off" | "degraded" | "unclear")[]) =>
      states.map((state) => ({ ...board(sampleStatus(), "pi1"), state }));
    equal(exitCodeOf({ boards: boards("current", "behind", "unclear"), vms: [] }), 0);
    equal(exitCodeOf({ boards: boards("current", "off"), vms: [] }), 4);
    equal(exitCodeOf({ boards: boards("off", "degraded"), vms: [] }), 5);
  });

  it("goes on without the boot server, and says so", () => {
    const status = sampleStatus({ known: { why: "tower is off" } });
    deepEqual(status.problems, ["The boot server can't be asked: tower is off"]);
    equal(board(status, "pi1").state, "unclear");
    deepEqual(
      board(status, "pi1").timeline.map(({ stage }) => stage),
      ["ready"],
    );
  });
});

describe("the status of a board", () => {
  it("is behind where `up` has something for it, and says whether that is published yet", () => {
    const older = known(goodBoot("dc:a6:32:00:00:01", 3600));
    ok(older.published.kind === "versions");
    const served = { ...older, published: { ...older.published, served: generations.old } };
    const status = changed({
      known: [["pi1", served]],
      reports: [["pi1", report("pi1", { generation: generations.old })]],
    });
    const { state, words, planned, published, runs } = board(status, "pi1");
    equal(state, "behind");
    equal(words, "`up` pending: the site file makes 2222222222222222, and 1111111111111111 is published");
    deepEqual([planned, published, runs], [generations.new, generations.old, generations.old]);
  });

  it("is degraded where its libvirt does not answer, though it says of itself that it is ready", () => {
    const text = "10.00 1.00\nkernel 6\nproblem libvirt does not answer: error: failed to connect\n";
    const { state, words } = board(changed({ machines: [["pi1", { kind: "said", text }]] }), "pi1");
    equal(state, "degraded");
    equal(words, "libvirt does not answer: error: failed to connect");
  });

  it("of one with a system of its own is what it says as a machine", () => {
    const status = sampleStatus();
    const { state, runs, upSince } = board(status, "tower");
    deepEqual([state, runs], ["current", "Debian GNU/Linux 13 (trixie)"]);
    equal(upSince, new Date((now - 360_000) * 1000).toISOString());
    equal(board(status, "nas").state, "off");
  });
});

describe("the status of a VM", () => {
  const one = (reply: unknown, machines: Iterable<readonly [string, unknown]> = []) => {
    const { state, words } = vm(changed({ guests: [["physics-n1", reply]], machines }), "physics-n1");
    return `${state}: ${words}`;
  };

  it("is current where it runs the image that the site file names, and behind where `up` makes it again", () => {
    equal(one(guest("physics-n1")), "current: ");
    const other = image.replace("aaaa", "eeee");
    match(one(guest("physics-n1", undefined, other)), /^behind: `up` pending: it runs .*eeee.* is to run .*aaaa/);
  });

  it("says what its host knows where it does not answer", () => {
    const host = (domain: string) => [["pi1", { kind: "said", text: `1.00 1.00\nlibvirt\n${domain}` }]] as const;
    equal(one(silent, host("domain - home-physics-n1 shut off")), "off: libvirt on pi1 says: shut off");
    equal(
      one(silent, host("domain 3 home-physics-n1 running")),
      "off: libvirt on pi1 says running, and nobody answers: it boots, or hangs",
    );
    equal(one(silent, host("")), "off: there is no such VM on pi1: `up` makes it");
    equal(one(silent, [["pi1", silent]]), "off: nobody answers, and pi1 can't be asked about it");
  });

  it("is degraded where another machine answers, its first boot failed, or its cluster misses it", () => {
    match(one(guest("physics-n9")), /^degraded: calls itself physics-n9: another machine has its address/);
    const text = `1.00 1.00\nname physics-n1\nimage ${image}\nproblem cloud-init reported errors`;
    equal(one({ kind: "said", text }), "degraded: cloud-init reported errors");
    equal(vm(sampleStatus(), "physics-n3").words, "its cluster says: down*");
    equal(vm(sampleStatus(), "physics-n2").node, "drained");
  });

  it("is as good as its node: drained is what somebody wanted, a star or NotReady is not", () => {
    const stateWith = (node: string) =>
      vm(
        changed({ guests: [["physics-controller", guest("physics-controller", { "physics-n1": node })]] }),
        "physics-n1",
      ).state;
    deepEqual(
      ["idle", "drained", "mixed", "Ready", "Ready,SchedulingDisabled"].map(stateWith),
      Array(5).fill("current"),
    );
    deepEqual(["idle*", "down", "fail", "NotReady", "unknown"].map(stateWith), Array(5).fill("degraded"));
  });

  it("has nothing of its cluster where that says nothing, with the reason", () => {
    const text = `1.00 1.00\nname physics-controller\nimage ${image}\nsilent slurm_load_partitions: Unable to contact\n`;
    const status = changed({ guests: [["physics-controller", { kind: "said", text }]] });
    equal(vm(status, "physics-n1").node, undefined);
    equal(status.clusters[0]?.words, "slurm_load_partitions: Unable to contact");
    match(statusText(status, { offsetMinutes: 0 }), /^physics: the cluster says nothing: slurm_load/m);
    const off = changed({ guests: [["physics-controller", silent]] });
    equal(off.clusters[0]?.words, "physics-controller can't be asked");
  });
});

describe("the timeline of a board's last boot", () => {
  const address = "10.20.0.11";
  const mac = "dc:a6:32:00:00:01";
  const stages = (
    events: Parameters<typeof known>[0],
    addresses: readonly (Omit<AddressEvent, "at"> & { readonly ago: number })[] = [],
  ) => {
    const noted = addresses.map(({ ago, ...event }) => ({ ...event, at: now - ago }));
    return timelineOf(known(events, { addresses: noted }).noted, address, undefined).map(
      ({ stage, outcome, words }) => `${stage} ${outcome}: ${words}`,
    );
  };

  it("is of the last boot, and not of those before it", () => {
    const [tftp] = timelineOf(known([...goodBoot(mac, 5000), ...goodBoot(mac, 600)]).noted, address, undefined);
    equal(tftp?.from, new Date((now - 600) * 1000).toISOString());
    match(tftp.words, /^2 files sent, 1 not there/);
  });

  it("ends where the board came no further", () => {
    const fromTftp = stages([...goodBoot(mac, 5000), ...goodBoot(mac, 600).slice(0, 1)]);
    deepEqual(fromTftp, ["tftp done: 1 file sent, the last /srv/bramble/tftp/dc-a6-32-00-00-01/start4.elf"]);
    const broken = goodBoot(mac, 600)
      .slice(0, 1)
      .map((event) => ({ ...event, outcome: "failed" as const }));
    match(stages(broken)[0] ?? "", /^tftp failed: 0 files sent, 1 broke off/);
    const refused = {
      ago: 5,
      protocol: "identity",
      path: "it was given already",
      outcome: "failed",
      status: 403,
    } as const;
    match(stages([...goodBoot(mac, 600), refused]).at(-1) ?? "", /^identity failed: .* key: it was given already$/);
  });

  it("begins with the image where another server has the files by TFTP", () => {
    deepEqual(
      timelineOf(known(goodBoot(mac, 600).slice(3)).noted, address, undefined).map(({ stage }) => stage),
      ["http", "identity"],
    );
  });

  it("warns of another DHCP server that gave the board an address, or leads it elsewhere", () => {
    const took = [
      { ago: 3, kind: "discover" },
      { ago: 2, kind: "request", address: "10.20.0.197" },
      { ago: 2, kind: "other-server", address: "10.20.0.197" },
    ] as const;
    match(
      stages([], took)[0] ?? "",
      /^dhcp warning: it took the address 10\.20\.0\.197 from another DHCP server; .* says 10\.20\.0\.11/,
    );
    const files = [{ ago: 3, kind: "files-from", address: "10.20.0.57" }] as const;
    match(stages([], files)[0] ?? "", /^dhcp warning: its files were asked for from 10\.20\.0\.57/);
  });

  it("says what came of DHCP otherwise", () => {
    const asked = { ago: 4, kind: "discover" } as const;
    const given = [asked, { ago: 3, kind: "request", address }, { ago: 3, kind: "given", address }] as const;
    deepEqual(stages([], given), ["dhcp done: it was given 10.20.0.11"]);
    deepEqual(stages([], [{ ago: 3, kind: "told" }]), ["dhcp done: it was told where its files are"]);
    deepEqual(stages([], [asked, { ...asked, ago: 2 }]), ["dhcp done: it asked for an address 2 times"]);
    // What was noted long before this boot is no part of it.
    deepEqual(
      stages(goodBoot(mac, 600), [
        { ago: 9000, kind: "request", address: "10.20.0.197" },
        { ago: 601, kind: "told" },
      ])[0],
      "dhcp done: it was told where its files are",
    );
  });

  it("has nothing in it that a terminal could act on, whatever was asked for", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (path) => {
        const all = stages([{ ago: 1, protocol: "http", path, outcome: "missing", status: 404 }]);
        ok(all.every((line) => /^[ -~…]*$/.test(line)));
      }),
    );
  });
});

describe("what machines say of themselves", () => {
  it("is read as plain text, whatever it is", () => {
    const { system, domains } = machineFacts(
      "\nos \u001b[31mred\u0007\nlibvirt\ndomain 1 home-a in shutdown\ndomain x\n",
    );
    equal(system, "[31mred");
    deepEqual([...(domains ?? [])], [["home-a", "in shutdown"]]);
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        ok(/^[ -~]*$/.test(JSON.stringify([machineFacts(text), guestFacts(text)])));
      }),
    );
  });

  it("tells no node of a cluster that was not asked from one that has none", () => {
    equal(guestFacts("1.00 1.00\nname a\n").nodes, undefined);
    equal(guestFacts("1.00 1.00\nname a\ncluster\n").nodes?.size, 0);
  });
});

describe("lengths of time", () => {
  it("are in their two largest units", () => {
    deepEqual([0.4, 59, 61, 3600, 90_061, 864_000].map(duration), [
      "0 s",
      "59 s",
      "1 min 1 s",
      "1 h",
      "1 d 1 h",
      "10 d",
    ]);
  });
});

describe("asking many machines", () => {
  it("goes on with 32 at the same time, and says who is still asked", async () => {
    const said: string[] = [];
    const turn = takeTurns((waiting, all) => said.push(progressLine(waiting, all)));
    let open = 0;
    let most = 0;
    const work = async () => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setImmediate(resolve));
      open--;
    };
    await Promise.all(Array.from({ length: 50 }, (_, index) => turn(`pi${index + 1}`, work)));
    equal(most, 32);
    equal(said[0], "1 of 50 have answered; waiting for pi2, pi3, pi4, pi5 and 45 more");
    equal(said.at(-1), "50 of 50 have answered");
  });

  it("asks the next when one fails", async () => {
    const turn = takeTurns(() => undefined);
    const results = await Promise.allSettled(
      Array.from({ length: 40 }, (_, index) =>
        turn(`pi${index}`, () => (index < 35 ? Promise.reject(new Error("off")) : Promise.resolve(index))),
      ),
    );
    equal(results.filter(({ status }) => status === "fulfilled").length, 5);
  });
});
