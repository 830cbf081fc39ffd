import assert from "node:assert/strict";
import { allowing, type Case, judged, refusals, refusedUnlessAllowed, type World, wordIn } from "./change.ts";

const boards = ["tower", "attic", "shed", "cellar"].map(
  (name, index) =>
    `  ${name}: { model: pc, cores: 8, memory: 16GiB, address: 10.20.0.${index + 5}, hostKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f }\n`,
);
const site = `network: { cidr: 10.20.0.0/24, gateway: 10.20.0.1 }
boards:
${boards.join("")}clusters:
  physics:
    type: slurm
    controller: { address: 10.20.0.100, memory: 1GiB, host: tower }
    workers: { n: { count: 3, memory: 1GiB, addresses: 10.20.0.101-10.20.0.104, host: attic } }
`;
const withStorage = site
  .replace(/(tower|attic): \{/g, "$1: { storage: shelf,")
  .replace("clusters:", "storage: { shelf: { address: 10.20.0.6, path: /srv/a } }\nclusters:")
  .replace("host: tower", "host: attic");
const gone = (text: string) => text.replace(/clusters:[\s\S]*/, "");
const disposable = (text: string) => text.replace("type: slurm", "type: slurm\n    disposable: true");
const without = (text: string, ...names: string[]) =>
  names.reduce((rest, name) => rest.replace(new RegExp(`  ${name}: .*\\n`), ""), text);
const pi = (bootloader = "") =>
  `network: { cidr: 10.20.0.0/24, gateway: 10.20.0.1 }
boot: { server: nas, bootloader: { ${bootloader} } }
boards:
  nas: { model: pc, role: boot-server, memory: 4GiB, address: 10.20.0.6, connect: local }
  pi1: { model: pi5, memory: 8GiB, serial: "10000000abcdef01", mac: "dc:a6:32:00:00:01", address: 10.20.0.11, role: worker }
`;
const runs = (version: string): World => ({ bootloaders: { pi1: version } });

/** Of each rule, changes that it refuses. */
const refused: readonly Case[] = [
  {
    what: "a cluster that goes with its workers",
    rule: "last-controller",
    before: disposable(site).replace("    disposable: true\n", "").replace("host: tower", "host: tower, data: 1GiB"),
    after: gone(site),
    says: /^physics-controller would go, the only controller of physics, which has 3 workers → set count: 0 in the groups/,
  },
  {
    what: "a cluster that goes with its data",
    rule: "data-lost",
    before: site,
    after: gone(site),
    says: /^physics-controller would go, and with it its data disk of 8GiB at tower:\/var\/lib\/libvirt\/bramble → copy .*disposable: true/,
  },
  {
    what: "a controller that moves off a host's own disk",
    rule: "data-lost",
    before: site,
    after: site.replace("host: tower", "host: attic"),
    says: /^physics-controller has its data disk of 8GiB at tower:.*, and would get another of 8GiB at attic:.*, empty unless you have put a copy there → keep physics-controller where it is by host:, or/,
  },
  {
    what: "a data disk of another size",
    rule: "data-lost",
    before: site,
    after: site.replace("host: tower", "host: tower, data: 9GiB"),
    says: /another of 9GiB at tower:.* → keep it at 8GiB, or/,
  },
  {
    what: "a storage that is somewhere else",
    rule: "storage-taken",
    before: withStorage,
    after: withStorage.replace("/srv/a", "/srv/b"),
    says: /^shelf would be taken from attic with 4 VMs on it \(physics-controller, .*\), for it would be at 10.20.0.6:\/srv\/b in the place of 10.20.0.6:\/srv\/a → in one `up`/,
  },
  {
    what: "a host that has its disks to itself from now on",
    rule: "storage-taken",
    before: withStorage,
    after: disposable(withStorage.replace("attic: { storage: shelf,", "attic: {")),
    says: /^shelf would be taken from attic with 4 VMs on it \(physics-controller, .*n3\) → /,
  },
  {
    what: "three boards taken out",
    rule: "too-many-boards",
    before: gone(site),
    after: without(gone(site), "attic", "shed", "cellar"),
    says: /^3 boards of 4 would go at once, 3 taken out \(attic, cellar and shed\), and limits.boards is 2 → change at most 2 .* limits: \{ boards: 3 \}/,
  },
  {
    what: "a board taken out, and two lost",
    rule: "too-many-boards",
    before: gone(site),
    after: without(gone(site), "attic").replace(/(shed|cellar): \{/g, "$1: { lost: burnt,"),
    says: /1 taken out \(attic\) and 2 said to be lost \(cellar and shed\)/,
  },
  {
    what: "more moves than the site allows",
    rule: "too-many-moves",
    before: site,
    after: `${site.replace("host: attic", "host: shed")}limits: { moves: 2 }\n`,
    says: /^3 VMs of 4 would be made again at once, 3 to another host \(physics-n1, physics-n2 and physics-n3\), and limits.moves is 2/,
  },
  {
    what: "another image for more VMs than the site allows",
    rule: "too-many-moves",
    before: site,
    after: `${site}limits: { moves: 3 }\n`,
    worlds: [{ image: "debian-13-old" }, { image: "debian-13-new" }],
    says: /^4 VMs of 4 would be made again at once, 4 where they are, and limits.moves is 3 → .* limits: \{ moves: 4 \}/,
  },
];

describe("a change", () => {
  for (const refusal of refused) {
    it(`is refused for ${refusal.what}, and allowed by its word and no other: ${refusal.rule}`, () =>
      refusedUnlessAllowed(refusal));
  }

  it("that was allowed once is refused when it comes again", () => {
    const [before, after] = [site, site.replace("host: tower", "host: attic")];
    const word = wordIn(refusals(judged(before, after))[0]);
    assert.deepEqual(refusals(judged(before, allowing(after, "data-lost", word))), []);
    const again = judged(before, allowing(after, "data-lost", word), [{}, {}], 5);
    assert.equal(again.refusals.length, 1);
    assert.deepEqual(again.stale, ["data-lost"]);
  });

  it("is not refused together with what was allowed beside it", () => {
    const after = gone(site);
    const [controller, data] = refusals(judged(site, after));
    assert.deepEqual(refusals(judged(site, allowing(after, "last-controller", wordIn(controller)))), [data]);
  });

  it("to an older bootloader is refused, and allowed by the board's own words: older-bootloader", () => {
    const older = [runs("2026-05-17"), runs("2025-05-08")] as const;
    assert.deepEqual(refusals(judged(pi(), pi(), older)), [
      'older-bootloader: pi1 has the bootloader of 2026-05-17, and 2025-05-08 is older → pin a newer one (npm run bramble -- artifacts update). If it is meant, write bootloader: { downgrade: "to 2025-05-08" }',
    ]);
    assert.deepEqual(refusals(judged(pi(), pi('downgrade: "to 2025-05-08"'), older)), []);
    assert.equal(judged(pi(), pi('downgrade: "to 2024-01-01"'), older).refusals.length, 1);
    assert.deepEqual(refusals(judged(pi(), pi(), [runs("2025-05-08"), runs("2026-05-17")])), []);
    const replaced = pi().replace("abcdef01", "abcdef02");
    assert.deepEqual(refusals(judged(pi(), replaced, older)), [], "another board has another EEPROM");
  });

  const fine: readonly (readonly [what: string, before: string, after: string])[] = [
    ["nothing", site, site],
    ["a cluster that comes", gone(site), site],
    ["workers that go", site, site.replace("count: 3", "count: 0")],
    ["a cluster that goes when its workers have gone, and is disposable", disposable(site), gone(site)],
    ["data that is disposable", site, disposable(site.replace("host: tower", "host: attic"))],
    [
      "a controller that moves on a storage that hosts share",
      withStorage,
      withStorage.replace(
        "{ address: 10.20.0.100, memory: 1GiB, host: attic }",
        "{ address: 10.20.0.100, memory: 1GiB, host: tower }",
      ),
    ],
    [
      "a lost host of a storage",
      withStorage,
      withStorage.replace("attic: {", "attic: { lost: burnt,").replaceAll("host: attic", "host: tower"),
    ],
    ["a storage that nobody's VMs are on", gone(withStorage), gone(withStorage).replace("/srv/a", "/srv/b")],
    ["two boards", gone(site), without(gone(site), "attic", "shed")],
    ["as many moves as the site allows", site, `${site.replace("host: attic", "host: shed")}limits: { moves: 3 }\n`],
    [
      "more boards where the site says so",
      gone(site),
      `${without(gone(site), "attic", "shed", "cellar")}limits: { boards: 3 }\n`,
    ],
  ];
  for (const [what, before, after] of fine) {
    it(`is not refused for ${what}`, () => assert.deepEqual(refusals(judged(before, after)), []));
  }
});
