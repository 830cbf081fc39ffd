import assert from "node:assert/strict";
import { edited, placesOf, problemsOf, siteOf, warningsOf } from "./shelf.ts";

type Edit = readonly [from: string, to: string];

const nas = '  nas: { model: pc, role: nfs-server, memory: 4GiB, address: 10.20.0.6, hostKey: "KEY" }\n'.replace(
  "KEY",
  /ssh-ed25519 \S+/.exec(edited())?.[0] ?? "",
);
const usedBy = (...boards: readonly string[]): Edit[] =>
  boards.map((board) => [`  ${board}: { `, `  ${board}: { storage: shelf, `]);
/** The shelf with a NAS, whose storage both boards use. */
const shared = (storage = "{ server: nas }", ...edits: readonly Edit[]) =>
  edited(["boards:\n", `storage: { shelf: ${storage} }\nboards:\n${nas}`], ...usedBy("pi1", "pi2"), ...edits);
const lost = (board: string): Edit => [`  ${board}: { `, `  ${board}: { lost: unplugged by Ann, `];

function refuses(sentence: string, text: string, places: readonly string[], ...words: readonly RegExp[]): void {
  it(sentence, () => {
    assert.deepEqual(placesOf(text), places);
    const [first] = problemsOf(text);
    for (const word of words) assert.match(`${first?.message} → ${first?.hint}`, word);
  });
}

describe("shared storage", () => {
  it("has an address, a folder on the server, one on every host, and the hosts that use it", () => {
    const site = siteOf(shared());
    assert.deepEqual(
      site.storages.map(({ server, ...storage }) => ({ ...storage, server: server?.board })),
      [
        {
          name: "shelf",
          address: "10.20.0.6",
          server: "nas",
          path: "/srv/bramble/storage",
          folder: "/var/lib/bramble/storage/shelf",
          clients: [
            { host: "pi1", address: "10.20.0.11" },
            { host: "pi2", address: "10.20.0.12" },
          ],
          lost: [],
        },
      ],
    );
    assert.deepEqual(
      site.hosts.map(({ shared, storage }) => [shared, storage]),
      [
        ["shelf", "/var/lib/bramble/storage/shelf/hosts/pi1"],
        ["shelf", "/var/lib/bramble/storage/shelf/hosts/pi2"],
      ],
    );
  });

  it("may be on somebody else's NAS, which is no board of the site", () => {
    const [storage] = siteOf(shared("{ address: 10.20.0.7, path: /volume1/bramble }")).storages;
    assert.deepEqual([storage?.address, storage?.path, storage?.server], ["10.20.0.7", "/volume1/bramble", undefined]);
  });

  it("is on the drive of a server that boots over the network, and mounted at the folder's parent", () => {
    const pi9 =
      '  nas: { model: pi5, role: nfs-server, boot: network, drive: usb-T7-part1, memory: 4GiB, serial: "10000000aaaaaa09", mac: "dc:a6:32:00:00:09", address: 10.20.0.6 }\n';
    const tower = "  tower: { model: pc, role: boot-server, memory: 4GiB, connect: local, address: 10.20.0.5 }\n";
    const text = edited(
      ["boards:\n", `boot: { server: tower }\nstorage: { shelf: { server: nas } }\nboards:\n${pi9}${tower}`],
      ...usedBy("pi1", "pi2"),
    );
    assert.equal(siteOf(text).storages[0]?.server?.driveFolder, "/srv/bramble");
    const without = text.replace("drive: usb-T7-part1, ", "");
    assert.deepEqual(
      problemsOf(without).map(({ rule }) => rule),
      ["no-drive"],
    );
    const apart = text.replace(
      "shelf: { server: nas }",
      "shelf: { server: nas }, slow: { server: nas, path: /srv/other/slow }",
    );
    assert.deepEqual(
      problemsOf(apart).map(({ rule, message }) => `${rule}: ${message}`),
      ["storage-apart: nas has one drive, and /srv/other/slow is not beside /srv/bramble/storage on it (line 4)"],
    );
  });

  refuses(
    "has a server or an address, not both",
    shared("{ server: nas, address: 10.20.0.7 }"),
    ["server-and-address at 3: server:"],
    /keep server/,
  );
  refuses("has one of them", shared("{ path: /srv/x }"), ["no-server at 3: shelf:"], /nobody serves storage\.shelf/);
  refuses("is served by a board that exists", shared("{ server: nass }"), ["unknown-board at 3: nass"], /nas/);
  refuses(
    "is served by a board of that role",
    shared("{ server: pi1 }"),
    ["no-nfs-server at 3: pi1"],
    /role: nfs-server/,
  );
  refuses(
    "is not used by a board that serves it",
    shared("{ server: nas }", ["role: nfs-server", "role: nfs-server, storage: shelf"]),
    ["storage-not-used at 5: storage:"],
    /serves shelf/,
  );
  refuses(
    "is known by the name that boards use",
    shared("{ server: nas }", ["  pi2: { storage: shelf", "  pi2: { storage: shef"]),
    ["unknown-storage at 7: shef"],
    /did you mean shelf/,
  );
  refuses(
    "is used by boards with an address only, to which it is exported",
    shared("{ server: nas }", [
      '  pi2: { storage: shelf, model: pi5, memory: 8GiB, serial: "10000000aaaaaa02", mac: "dc:a6:32:00:00:02", address: 10.20.0.12 }',
      "  pi2: { storage: shelf, model: pc, memory: 8GiB, cores: 4, connect: local }",
    ]),
    ["missing-key at 7: pi2:"],
    /address/,
  );
  it("is told to be of no use when nobody uses it", () => {
    const text = edited(["boards:\n", `storage: { shelf: { server: nas } }\nboards:\n${nas}`]);
    assert.deepEqual(
      warningsOf(text).map(({ rule, hint }) => `${rule}: ${hint}`),
      ["unused-storage: add storage: shelf to the boards whose VMs shall have their disks there"],
    );
  });
});

describe("a board that is lost", () => {
  it("runs no VMs, is exported nothing, and is remembered with the reason", () => {
    const site = siteOf(shared("{ server: nas }", lost("pi2")));
    assert.deepEqual([...new Set(site.vms.map(({ host }) => host))], ["pi1"]);
    assert.deepEqual(site.lost, [{ name: "pi2", reason: "unplugged by Ann" }]);
    const [storage] = site.storages;
    assert.deepEqual(
      [storage?.clients, storage?.lost],
      [[{ host: "pi1", address: "10.20.0.11" }], [{ host: "pi2", address: "10.20.0.12" }]],
    );
    assert.deepEqual(warningsOf(shared("{ server: nas }", lost("pi2"))), []);
  });

  it("may have had the only copy of a controller's data, which is said", () => {
    const text = edited(lost("pi2"));
    assert.deepEqual(
      warningsOf(text).map(({ rule, hint }) => `${rule}: ${hint}`),
      ["data-lost: if that is so, add disposable: true to that cluster for one `up`: what it keeps begins empty"],
    );
    const disposable = text.replace("type: slurm", "type: slurm\n    disposable: true");
    assert.deepEqual(warningsOf(disposable), []);
  });

  refuses(
    "is nobody's only place",
    edited(lost("pi2"), ["memory: 1GiB }", "memory: 1GiB, host: pi2 }"], ["count: 2,", "count: 2, hosts: [pi1, pi2],"]),
    ["pinned-to-lost at 9: pi2"],
    /only, which is lost \(line 5\) → name another board, or remove the key/,
  );
  refuses("does not serve the others", shared("{ server: nas }", ["  nas: { ", "  nas: { lost: broken, "]), [
    "lost-server at 5: broken",
  ]);
  refuses(
    "is not what the others boot from",
    edited(
      ["boards:\n", "boot: { server: tower }\nboards:\n"],
      ["  pi1: { ", "  pi1: { boot: disk, "],
      ["  pi2: { ", "  pi2: { boot: disk, "],
      [
        "clusters:",
        "  tower: { model: pc, role: boot-server, lost: burnt, memory: 4GiB, connect: local, address: 10.20.0.5 }\nclusters:",
      ],
    ),
    ["lost-server at 7: burnt"],
    /boot\.server/,
  );
});
