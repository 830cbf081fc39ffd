import assert from "node:assert/strict";
import type { Boot } from "../../site/model.ts";
import { edited, placesOf, problemsOf, siteOf, warningsOf } from "./shelf.ts";

type Edit = readonly [from: string, to: string];

const tower: Edit = [
  "clusters:",
  "  tower: { model: pc, role: boot-server, memory: 4GiB, connect: local, address: 10.20.0.5 }\nclusters:",
];
/** The shelf without its cluster: its boards have no place for disks of VMs. */
const noClusters: Edit = [/clusters:.*?users:/s.exec(edited())?.[0] ?? "", "users:"];
const shelfThatBoots = (section: string, ...edits: readonly Edit[]) =>
  edited(tower, ["boards:", `boot: ${section}\nboards:`], ...edits, noClusters);

function bootOf(text: string): Boot {
  const { boot } = siteOf(text);
  assert.ok(boot !== undefined);
  return boot;
}

function refuses(sentence: string, text: string, places: readonly string[], ...words: readonly RegExp[]): void {
  it(sentence, () => {
    assert.deepEqual(placesOf(text), places);
    const [first] = problemsOf(text);
    for (const word of words) assert.match(`${first?.message} ${first?.hint}`, word);
  });
}

describe("the boot section", () => {
  it("is spelled out from one key: all Raspberry Pis boot from the server, and bootloaders are left alone", () => {
    const { server, boards } = bootOf(shelfThatBoots("{ server: tower }"));
    assert.deepEqual(
      [server.board, server.address, server.dhcp, server.tftpRoot, server.httpRoot, server.httpPort, server.keep],
      ["tower", "10.20.0.5", "router", "/srv/bramble/tftp", "/srv/bramble/http", 8080, 3],
    );
    assert.deepEqual(
      boards.map(({ name, serial, bootloader }) => [name, serial, bootloader]),
      [
        ["pi1", "10000000aaaaaa01", undefined],
        ["pi2", "10000000aaaaaa02", undefined],
      ],
    );
  });

  it("gives bootloaders an order without an end, and long enough a time for an initramfs", () => {
    const [board] = bootOf(shelfThatBoots("{ server: tower, bootloader: {} }")).boards;
    assert.deepEqual(board?.bootloader, {
      order: ["network", "sd", "restart"],
      prefix: "mac",
      fileTimeoutSeconds: 300,
      dhcpTimeoutSeconds: 45,
      retries: 0,
      watchdogSeconds: 0,
      uart: true,
      hdmi: true,
      networkInstall: false,
      powerOffOnHalt: false,
      wakeOnGpio: true,
    });
  });

  it("is for the boards that do not say otherwise, and a board's own words come after the site's", () => {
    const { boards } = bootOf(
      shelfThatBoots(
        "{ server: tower, settings: [arm_boost=1], overlays: [disable-wifi], bootloader: { order: [network], uart: false } }",
        ["address: 10.20.0.11", "address: 10.20.0.11, boot: disk"],
        [
          "address: 10.20.0.12",
          "address: 10.20.0.12, settings: [over_voltage=2], overlays: [disable-wifi, disable-bt], bootloader: { order: [nvme, stop] }",
        ],
      ),
    );
    assert.equal(boards.length, 1);
    const [pi2] = boards;
    assert.deepEqual(pi2?.settings, ["arm_boost=1", "over_voltage=2"]);
    assert.deepEqual(pi2?.overlays, ["disable-wifi", "disable-bt"]);
    assert.deepEqual([pi2?.bootloader?.order, pi2?.bootloader?.uart], [["nvme", "stop"], false]);
  });

  it("leaves a site without it as it is", () => {
    assert.equal(siteOf(edited()).boot, undefined);
    assert.equal(siteOf(edited()).hosts.length, 2);
  });

  it("warns of a boot order without network, and of a server in another network", () => {
    const text = shelfThatBoots("{ server: tower, bootloader: { order: [sd] } }", ["10.20.0.5", "192.168.7.5"]);
    assert.deepEqual(
      warningsOf(text)
        .map(({ rule }) => rule)
        .sort(),
      ["board-outside-network", "never-from-network", "never-from-network", "no-time", "server-outside-network"],
    );
  });

  refuses(
    "needs a server that is in the file",
    shelfThatBoots("{ server: towr }"),
    ["unknown-board at 3: towr"],
    /did you mean tower/,
  );
  refuses(
    "needs a server with an address, also if that is this machine",
    shelfThatBoots("{ server: tower }", [", address: 10.20.0.5", ""]),
    ["missing-key at 7: tower:"],
    /address/,
  );
  refuses(
    "refuses a server that would boot from itself",
    shelfThatBoots("{ server: pi1 }"),
    ["serves-itself at 3: pi1"],
    /boot: disk/,
  );
  refuses(
    "refuses leases where the router gives addresses",
    shelfThatBoots("{ server: tower, leases: 10.20.0.50-10.20.0.60 }"),
    ["leases-not-used at 3: leases:"],
    /dhcp: own/,
  );
  refuses(
    "refuses leases that are outside the network, or somebody's address",
    shelfThatBoots("{ server: tower, dhcp: own, leases: 10.20.0.10-10.20.0.20 }"),
    ["overlapping-addresses at 3: 10.20.0.10-10.20.0.20", "overlapping-addresses at 3: 10.20.0.10-10.20.0.20"],
    /pi1/,
  );
  refuses(
    "refuses folders one inside the other",
    shelfThatBoots("{ server: tower, tftp: /srv/boot, http: /srv/boot/http }"),
    ["nested-roots at 3: /srv/boot/http"],
  );
  refuses(
    "refuses what can't stand in config.txt",
    shelfThatBoots('{ server: tower, settings: ["a\\nb=1"], parameters: ["über"] }'),
    ['bad-line at 3: "a\\nb=1"', 'bad-line at 3: "über"'],
    /ASCII/,
  );
  refuses(
    "refuses a boot order that says something twice, or after its end",
    shelfThatBoots("{ server: tower, bootloader: { order: [network, network] } }", [
      "address: 10.20.0.12",
      "address: 10.20.0.12, bootloader: { order: [stop, sd] }",
    ]),
    ["duplicate-boot-mode at 3: order:", "unreachable-boot-mode at 6: order:"],
  );
  refuses(
    "refuses two boards with one folder, by the last digits of a serial and by a name",
    shelfThatBoots("{ server: tower }", ["  pi2:", "  aaaaaa01:"], ["10000000aaaaaa01", "10000000aaaaaa01"]),
    ['duplicate-prefix at 5: "10000000aaaaaa01"'],
  );
  refuses(
    "is not called missing when it has a mistake",
    shelfThatBoots("{ server: tower, bootloader: { order: [nvm] } }", [
      "address: 10.20.0.12",
      "address: 10.20.0.12, settings: [arm_boost=1]",
    ]),
    ["unknown-word at 3: nvm"],
  );
  refuses(
    "is needed where a board speaks of network boot",
    edited(["address: 10.20.0.12", "address: 10.20.0.12, bootloader: { uart: true }"]),
    ["no-boot-section at 5: bootloader:"],
  );
});
