import assert from "node:assert/strict";
import { readSite } from "../../site/read.ts";
import { ed25519Key, edited, placesOf, problemsOf, shelf, siteOf } from "./shelf.ts";

type Edit = readonly [from: string, to: string];

/** Asserts the problems of an edited shelf, as `rule at line: what stands there`, and words in the first message and hint. */
function refuses(
  sentence: string,
  edits: readonly Edit[],
  places: readonly string[],
  ...words: readonly RegExp[]
): void {
  it(sentence, () => {
    const text = edited(...edits);
    assert.deepEqual(placesOf(text), places);
    const [first] = problemsOf(text);
    for (const word of words) assert.match(`${first?.message} ${first?.hint}`, word);
  });
}

const pc = (more: string): Edit => ["clusters:", `  tower: { model: pc, memory: 16GiB, ${more} }\nclusters:`];

describe("a site file without mistakes", () => {
  it("becomes a site with everything spelled out", () => {
    const site = siteOf(shelf);
    assert.deepEqual(
      site.vms.map(({ name, address }) => `${name} ${address}`),
      ["physics-controller 10.20.0.100", "physics-n1 10.20.0.101", "physics-n2 10.20.0.102"],
    );
    assert.deepEqual(site.network.dns, ["10.20.0.1"]);
    const [cluster] = site.clusters;
    assert.ok(cluster?.type === "slurm");
    assert.deepEqual(cluster.partitions, [{ name: "main", groups: ["n"], maxTimeMinutes: 1440, default: true }]);
    assert.equal(cluster?.groups[0]?.slots.length, 9);
    assert.deepEqual(cluster?.groups[0]?.slots.at(-1), { name: "physics-n9", address: "10.20.0.109" });
    assert.equal(cluster?.drainTimeoutSeconds, 1800);
    assert.equal(site.vms[0]?.dataGiB, 8);
    assert.equal(site.users[0]?.keys[0], ed25519Key());
  });

  it("has the name of its file when it does not name itself", () => {
    const text = shelf.replace("site: home\n", "");
    const named = readSite({ file: "stacks/barn.yaml", text });
    assert.equal(named.ok && named.site.name, "barn");
    const unnamed = readSite({ file: "stacks/My Site.yaml", text });
    assert.deepEqual(unnamed.ok ? [] : unnamed.problems.map(({ rule }) => rule), ["bad-name"]);
  });

  it("is the same site whatever the order of its keys", () => {
    const [first = "", second = ""] = [/ {2}pi1:.*\n/, / {2}pi2:.*\n/].map((line) => line.exec(shelf)?.[0] ?? "");
    const turned = shelf.replace(first + second, second + first);
    assert.notEqual(turned, shelf);
    assert.deepEqual(siteOf(turned), siteOf(shelf));
  });
});

describe("boards", () => {
  refuses(
    "a Raspberry Pi needs its serial and MAC address",
    [['serial: "10000000aaaaaa01", mac: "dc:a6:32:00:00:01", ', ""]],
    ["missing-key at 4: pi1:", "missing-key at 4: pi1:"],
    /serial/,
  );
  refuses(
    "a Raspberry Pi 3 is refused, with the reason and what to do",
    [["model: pi5", "model: pi3b+"]],
    ["unsupported-model at 4: pi3b+"],
    /no bootloader EEPROM/,
    /Raspberry Pi 4/,
  );
  it("every way to write an older Raspberry Pi is understood", () => {
    const older = [
      "pi3",
      "pi3b",
      "pi-3b+",
      "rpi3",
      "raspberrypi2",
      "pi1",
      "pi zero 2 w",
      "zero2w",
      "pi0",
      "cm3+",
      "pi2b",
      "Pi3B+",
    ];
    for (const model of older) {
      assert.deepEqual(problemsOf(edited(["model: pi5", `model: "${model}"`]))[0]?.rule, "unsupported-model", model);
    }
    for (const model of ["pi4", "pi6", "pi", "pi5b", "nanopi"]) {
      assert.deepEqual(problemsOf(edited(["model: pi5", `model: "${model}"`]))[0]?.rule, "unknown-word", model);
    }
  });
  refuses(
    "a model that nobody knows gets the nearest one",
    [["model: pi5", "model: pi4"]],
    ["unknown-word at 4: pi4"],
    /did you mean pi4b/,
  );
  refuses(
    "a Raspberry Pi says nothing about cores",
    [["model: pi5", "model: pi5, cores: 4"]],
    ["not-for-this-model at 4: cores:"],
  );
  refuses(
    "a Raspberry Pi has no more memory than it was sold with",
    [["memory: 8GiB", "memory: 32GiB"]],
    ["impossible-memory at 4: 32GiB"],
    /16GiB/,
  );
  refuses(
    "a pc needs cores, an address and its host key",
    [pc("disk: 8GiB")],
    ["missing-key at 6: tower:", "missing-key at 6: tower:", "missing-key at 6: tower:"],
    /cores/,
  );
  refuses("a pc reached locally needs neither address nor host key", [pc("cores: 4, connect: local")], []);
  refuses(
    "one board at most is the machine that runs Pulumi",
    [
      pc("cores: 4, connect: local"),
      ["clusters:", "  desk: { model: pc, memory: 8GiB, cores: 4, connect: local }\nclusters:"],
    ],
    ["several-local at 6: local"],
    /desk, tower|desk and tower/,
  );
  refuses(
    "a host key must be an Ed25519 key",
    [
      pc(
        'cores: 4, address: 10.20.0.5, hostKey: "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAAAEAAAAAA=="',
      ),
    ],
    ['bad-key at 6: "ecdsa-sha2-nistp256 AAAAE2VjZ'],
    /ssh-ed25519/,
  );
  refuses(
    "the reserve leaves something for VMs",
    [["memory: 8GiB", "memory: 8GiB, reserve: 8GiB"]],
    ["reserve-too-large at 4: 8GiB"],
  );
  refuses(
    "a serial without quotes is told from a number",
    [['serial: "10000000aaaaaa01"', "serial: 1000000000000001"]],
    ["wrong-type at 4: 1000000000000001"],
    /in quotes.*"1000000000000001"/,
  );
  refuses(
    "a serial that YAML takes for a power of ten keeps its digits",
    [['serial: "10000000aaaaaa01"', "serial: 1e234567"]],
    ["wrong-type at 4: 1e234567"],
    /in quotes.*"1e234567"/,
  );
  refuses("localhost is nobody's name", [["pi1:", "localhost:"]], ["reserved-name at 4: localhost:"]);
});

describe("two of a kind", () => {
  refuses(
    "share no MAC address, however it is written",
    [["dc:a6:32:00:00:02", "DC-A6-32-00-00-01"]],
    ['duplicate-mac at 5: "DC-A6-32-00-00-01"'],
    /boards\.pi1.*\(line 4\)/,
  );
  refuses(
    "share no address",
    [["10.20.0.12", "10.20.0.11"]],
    ["duplicate-address at 5: 10.20.0.11"],
    /boards\.pi1 \(line 4\)/,
  );
  refuses("share no serial", [["aaaaaa02", "aaaaaa01"]], ['duplicate-serial at 5: "10000000aaaaaa01"'], /boards\.pi1/);
  refuses(
    "share not even the end of a serial",
    [["10000000aaaaaa02", "22222222aaaaaa01"]],
    ['duplicate-serial at 5: "22222222aaaaaa01"'],
    /same eight digits/,
  );
  refuses(
    "share no name, though one be a VM",
    [["pi1:", "physics-n1:"]],
    ["duplicate-name at 4: physics-n1:"],
    /clusters\.physics\.workers\.n/,
  );
  refuses(
    "share no uid",
    [["users:", `users:\n  bob: { uid: 2001, keys: ["${ed25519Key()}"] }`]],
    ["duplicate-uid at 13: 2001"],
    /users/,
  );
});

describe("addresses", () => {
  refuses(
    "of VMs are in the network",
    [["10.20.0.100", "10.21.0.100"]],
    ["outside-network at 9: 10.21.0.100"],
    /10\.20\.0\.1 to 10\.20\.0\.254/,
  );
  refuses(
    "of workers are in the network, all of them",
    [["10.20.0.109", "10.20.1.9"]],
    ["outside-network at 11: 10.20.0.101-10.20.1.9", "overlapping-addresses at 11: 10.20.0.101-10.20.1.9"],
  );
  refuses(
    "of VMs are not the gateway's",
    [["10.20.0.100,", "10.20.0.1,"]],
    ["duplicate-address at 9: 10.20.0.1"],
    /the gateway/,
  );
  refuses(
    "of VMs are not a board's",
    [["10.20.0.100,", "10.20.0.11,"]],
    ["duplicate-address at 9: 10.20.0.11"],
    /boards\.pi1/,
  );
  refuses(
    "of VMs are not the network's own",
    [["10.20.0.100,", "10.20.0.0,"]],
    ["duplicate-address at 9: 10.20.0.0"],
    /the network's own/,
  );
  refuses(
    "of VMs are not for broadcasts",
    [["10.20.0.100,", "10.20.0.255,"]],
    ["duplicate-address at 9: 10.20.0.255"],
    /broadcast/,
  );
  refuses(
    "in ranges overlap with no others",
    [["10.20.0.100,", "10.20.0.105,"]],
    ["overlapping-addresses at 11: 10.20.0.101-10.20.0.109"],
    /10\.20\.0\.105.*controller.*\(line 9\)/,
  );
  refuses(
    "suffice for the count",
    [["10.20.0.101-10.20.0.109", "10.20.0.101"]],
    ["range-too-short at 11: 10.20.0.101"],
    /10\.20\.0\.102/,
  );
  refuses(
    "are not counted backwards",
    [["10.20.0.101-10.20.0.109", "10.20.0.109-10.20.0.101"]],
    ["bad-range at 11: 10.20.0.109-10.20.0.101"],
    /write 10\.20\.0\.101-10\.20\.0\.109/,
  );
  it("may be shared by the gateway, name and time servers and boards", () => {
    siteOf(
      edited([
        "gateway: 10.20.0.1",
        "gateway: 10.20.0.1, dns: [10.20.0.1, 10.20.0.11], ntp: [10.20.0.11, pool.ntp.org]",
      ]),
    );
  });
});

describe("the network", () => {
  refuses(
    "needs a gateway where VMs attach to a bridge",
    [[", gateway: 10.20.0.1", ""]],
    ["missing-key at 2: network:"],
    /gateway/,
  );
  refuses(
    "has its gateway inside",
    [["gateway: 10.20.0.1", "gateway: 10.99.0.1"]],
    ["outside-network at 2: 10.99.0.1"],
  );
  refuses(
    "is written as a network",
    [["10.20.0.0/24", "10.20.0.5/24"]],
    ["bad-network at 2: 10.20.0.5/24"],
    /10\.20\.0\.0\/24/,
  );
  refuses("is no loopback", [["10.20.0.0/24", "127.0.0.0/8"]], ["bad-network at 2: 127.0.0.0/8"], /loopback/);
  refuses(
    "is isolated on one host only",
    [["gateway: 10.20.0.1", "mode: isolated"]],
    ["network-in-use at 2: 10.20.0.0/24", "network-in-use at 2: 10.20.0.0/24", "one-host-only at 2: isolated"],
  );
  it("is isolated on one local host, without a bridge of the user's", () => {
    const text = edited(
      [
        / {2}pi1:.*\n {2}pi2:.*\n/.exec(shelf)?.[0] ?? "",
        "  lab: { model: pc, memory: 16GiB, cores: 4, connect: local }\n",
      ],
      ["gateway: 10.20.0.1", "mode: isolated"],
    );
    const { network } = siteOf(text);
    assert.equal(network.bridge, undefined);
    assert.equal(network.gateway, undefined);
    assert.equal(siteOf(text.replace("isolated", "nat")).network.gateway, "10.20.0.1");
    assert.deepEqual(placesOf(text.replace("10.20.0.100,", "10.20.0.1,")), ["duplicate-address at 8: 10.20.0.1"]);
  });
  it("only warns of boards outside, which a router may reach", () => {
    const result = readSite({ file: "home.yaml", text: edited(["10.20.0.11 ", "192.168.1.11 "]) });
    assert.ok(result.ok);
    assert.deepEqual(
      result.warnings.map(({ line, rule }) => `${line} ${rule}`),
      ["4 board-outside-network"],
    );
  });
});

describe("clusters", () => {
  const partitions = (text: string): Edit => ["    workers:", `    partitions: ${text}\n    workers:`];
  refuses(
    "have a controller",
    [["    controller: { address: 10.20.0.100, memory: 1GiB }\n", ""]],
    ["missing-key at 7: physics:"],
    /no controller/,
    /add controller: \{ address/,
  );
  refuses(
    "have workers",
    [["      n: { count: 2, memory: 2GiB, addresses: 10.20.0.101-10.20.0.109 }\n", "      {}\n"]],
    ["no-workers at 10: workers:"],
  );
  refuses(
    "have partitions of groups that exist",
    [partitions("{ main: { workers: [m] } }")],
    ["unknown-group at 10: m"],
    /the groups are n/,
  );
  refuses(
    "have one default partition of several",
    [partitions("{ a: { workers: [n] }, b: { workers: [n] } }")],
    ["no-default at 10: partitions:"],
  );
  refuses(
    "have no two default partitions",
    [partitions("{ a: { workers: [n], default: true }, b: { workers: [n], default: true } }")],
    ["two-defaults at 10: true"],
    /\(line 10\)/,
  );
  refuses(
    "count job times in minutes",
    [partitions("{ main: { workers: [n], maxTime: 90s } }")],
    ["bad-time at 10: 90s"],
    /write 2m/,
  );
  refuses(
    "run on boards that exist",
    [["memory: 1GiB", "memory: 1GiB, host: pi3"]],
    ["unknown-board at 9: pi3"],
    /did you mean pi1|the boards are pi1 and pi2/,
  );
  refuses(
    "name a host or hosts, not both",
    [["count: 2", "count: 2, host: pi1, hosts: [pi2]"]],
    ["host-and-hosts at 11: host:"],
  );
  it("get a warning for workers that no job can reach", () => {
    const text = edited(partitions("{ main: { workers: [n] } }"), [
      "addresses: 10.20.0.101-10.20.0.109 }",
      "addresses: 10.20.0.101-10.20.0.109 }\n      m: { count: 0, memory: 1GiB, addresses: 10.20.0.120 }",
    ]);
    const result = readSite({ file: "home.yaml", text });
    assert.deepEqual(
      result.warnings.map(({ line, rule }) => `${line} ${rule}`),
      ["13 group-in-no-partition"],
    );
  });
  it("get a warning for a group on two kinds of processors", () => {
    const text = edited(pc(`cores: 8, address: 10.20.0.5, hostKey: ${ed25519Key()}`), ["count: 2", "count: 3"]);
    const result = readSite({ file: "home.yaml", text });
    assert.deepEqual(
      result.warnings.map(({ rule }) => rule),
      ["mixed-processors"],
    );
  });
});

describe("room for VMs", () => {
  refuses(
    "is refused to a VM larger than any host, with the largest named",
    [["memory: 2GiB", "memory: 9GiB"]],
    ["vm-too-large at 11: 9GiB"],
    /9GiB.*pi1, has 7\.5GiB/,
  );
  refuses(
    "is refused to a VM with more processors than any host has cores",
    [["count: 2", "count: 2, cpus: 5"]],
    ["vm-too-large at 11: 5"],
    /4 cores/,
  );
  refuses(
    "is refused to a site too big, with the sums",
    [["count: 2", "count: 8"]],
    ["site-too-big at 6: clusters:"],
    /9 VMs ask for 17GiB of memory, and 2 hosts have 15GiB/,
  );
  refuses(
    "is counted for disk too",
    [["memory: 2GiB", "memory: 2GiB, disk: 96GiB"]],
    ["site-too-big at 6: clusters:"],
    /204GiB of disk, and 2 hosts have 200GiB/,
  );
  refuses(
    "may be missing on each host though the sum is there, with what is left on each",
    [
      ["memory: 2GiB", "memory: 5GiB"],
      ["count: 2", "count: 2, cpus: 1"],
      ["memory: 1GiB", "memory: 4GiB"],
    ],
    ["no-room at 9: controller:"],
    /physics-controller.*pi1 2\.5GiB.*pi2 2\.5GiB/,
  );
  refuses(
    "may be missing where VMs are pinned",
    [["count: 2", "count: 4, host: pi1"]],
    ["no-room-where-pinned at 11: pi1"],
    /physics-n4.*on pi1/,
  );
  refuses("needs a board", [[/ {2}pi1:.*\n {2}pi2:.*\n/.exec(shelf)?.[0] ?? "", "  {}\n"]], ["no-hosts at 3: boards:"]);
});

describe("users", () => {
  const key = (text: string): Edit => [`"${ed25519Key()} alice@desk"`, text];
  for (const [uid, whose] of [
    [0, "root"],
    [999, "a system account"],
    [64030, "slurm"],
    [65534, "nobody"],
  ] as const) {
    refuses(
      `do not have the uid of ${whose}`,
      [["uid: 2001", `uid: ${uid}`]],
      [`reserved-uid at 13: ${uid}`],
      new RegExp(String(uid)),
    );
  }
  for (const login of ["root", "slurm", "munge", "debian"]) {
    refuses(`are not called ${login}`, [["alice:", `${login}:`]], [`reserved-name at 13: ${login}:`]);
  }
  refuses(
    "have keys that are whole",
    [key('"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYH"')],
    ['bad-key at 13: "ssh-ed25519 AAAAC3NzaC1lZDI1N'],
    /cut off|damaged/,
  );
  refuses(
    "have keys of the type they say",
    [key(`"${ed25519Key().replace("ssh-ed25519", "ssh-rsa")}"`)],
    ['bad-key at 13: "ssh-rsa AAAAC3NzaC1lZDI1NTE5A'],
    /says ssh-rsa/,
  );
  refuses(
    "have no options in front of their keys",
    [key(`'command="id" ${ed25519Key()}'`)],
    ['bad-key at 13: \'command="id"'],
    /options/,
  );
  it("never see their private key repeated in a message", () => {
    const text = edited(key('"-----BEGIN OPENSSH PRIVATE KEY----- c2VjcmV0"'));
    const [problem] = problemsOf(text);
    assert.match(problem?.message ?? "", /private key/);
    assert.doesNotMatch(JSON.stringify(problemsOf(text)), /c2VjcmV0/);
  });
});

describe("names", () => {
  const hostile = [
    "pi 1",
    "pi'1",
    "pi$(id)",
    "../pi",
    "Pi",
    "1pi",
    "pi-",
    "pi\\u001b[2J",
    "\u{1F353}",
    "\u202Epi",
    "p".repeat(300),
    "constructor",
    "",
    "pi;id",
    "pi\\n1",
  ];
  for (const name of hostile) {
    it(`cannot be ${JSON.stringify(name.slice(0, 20))}, and are shown without harm`, () => {
      for (const [from, to] of [
        ["  pi1:", "  "],
        ["  physics:", "  "],
        ["      n:", "      "],
        ["  alice:", "  "],
      ] as const) {
        // Debian's adduser takes a login that ends in a hyphen.
        if (name === "pi-" && from.includes("alice")) continue;
        const text = edited([from, `${to}"${name}":`]);
        const problems = problemsOf(text);
        assert.ok(
          problems.some(({ rule }) => rule === "bad-name"),
          `${from} ${name}`,
        );
        assert.match(problems.map(({ message }) => message).join(""), /^[ -~…]*$/);
        assert.ok(problems.every(({ message }) => message.length < 400));
      }
    });
  }
  refuses("of sites are no paths", [["site: home", "site: ../home"]], ["bad-name at 1: ../home"]);
  refuses(
    "of folders go nowhere else",
    [["memory: 8GiB", "memory: 8GiB, storage: /var/lib/../../etc"]],
    ["bad-folder at 4: /var/lib/../../etc"],
  );
  refuses(
    "of bridges are short",
    [["gateway: 10.20.0.1", "gateway: 10.20.0.1, bridge: a-bridge-too-long"]],
    ["bad-name at 2: a-bridge-too-long"],
  );
  refuses(
    "of groups end in a letter, since a number follows",
    [["      n:", "      n1:"]],
    ["bad-name at 11: n1:"],
    /number follows/,
  );
});
