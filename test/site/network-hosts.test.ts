import assert from "node:assert/strict";
import { ed25519Key, edited, placesOf, problemsOf, siteOf, warningsOf } from "./shelf.ts";

type Edit = readonly [from: string, to: string];

const tower: Edit = [
  "clusters:",
  "  tower: { model: pc, role: boot-server, memory: 4GiB, connect: local, address: 10.20.0.5 }\nclusters:",
];
/** The shelf with its boards booting over the network, both with a disk for VMs, and other words for each board. */
const netShelf = ({ section = "{ server: tower }", pi1 = drive, pi2 = drive } = {}) =>
  edited(
    tower,
    ["gateway: 10.20.0.1 }", "gateway: 10.20.0.1, ntp: [10.20.0.1] }"],
    ["boards:", `boot: ${section}\nboards:`],
    ["address: 10.20.0.11", `address: 10.20.0.11${pi1}`],
    ["address: 10.20.0.12", `address: 10.20.0.12${pi2}`],
  );
const drive = ", drive: nvme-Samsung_970_EVO_S1-part1";

function refuses(sentence: string, text: string, places: readonly string[], ...words: readonly RegExp[]): void {
  it(sentence, () => {
    assert.deepEqual(placesOf(text), places);
    const [first] = problemsOf(text);
    for (const word of words) assert.match(`${first?.message} ${first?.hint}`, word);
  });
}

describe("hosts that boot over the network", () => {
  it("run VMs where they have a disk of their own", () => {
    const { hosts, vms } = siteOf(netShelf());
    assert.deepEqual(
      hosts.map(({ name, fromNetwork, storage }) => [name, fromNetwork, storage]),
      ["pi1", "pi2"].map((name) => [name, true, "/var/lib/bramble/drive/bramble"]),
    );
    assert.equal(vms.length, 3);
    assert.deepEqual(warningsOf(netShelf()), []);
  });

  it("run none without, which is a warning where the site has clusters", () => {
    const text = netShelf({ pi1: "" });
    assert.deepEqual(new Set(siteOf(text).vms.map(({ host }) => host)), new Set(["pi2"]));
    const [warning, ...others] = warningsOf(text);
    assert.deepEqual(others, []);
    assert.equal(warning?.rule, "no-place-for-disks");
    assert.equal(warning?.message, "pi1 runs no VMs: what it keeps is gone at each reboot");
    assert.match(warning?.hint ?? "", /storage: or drive:/);
    assert.deepEqual(warningsOf(text.replace("10.20.0.11", "10.20.0.11, role: worker")), []);
    assert.deepEqual(warningsOf(text.replace(/clusters:.*?users:/s, "users:")), []);
  });

  it("are warned of where no server tells them the time: they have no clock without power", () => {
    const text = netShelf().replace(", ntp: [10.20.0.1]", "");
    assert.deepEqual(
      warningsOf(text).map(({ rule }) => rule),
      ["no-time"],
    );
  });

  refuses(
    "are told of what to give them where no board can run the VMs",
    netShelf({ pi1: "", pi2: "" }),
    ["no-hosts at 4: boards:"],
    /storage: or drive:/,
  );
  refuses(
    "have no use for a folder, which is gone at each reboot",
    netShelf({ pi1: ", storage: /var/lib/vms" }),
    ["storage-not-lasting at 5: /var/lib/vms"],
    /gone at each reboot.*drive:/,
  );
  refuses(
    "have their disks in one place",
    netShelf({ pi1: `${drive}, storage: shelf` }).replace(
      "users:",
      "storage:\n  shelf: { address: 10.20.0.6 }\nusers:",
    ),
    ["two-places at 5: shelf"],
  );
  refuses(
    "are not those that boot from a disk, which have no such keys",
    netShelf({ pi1: ", boot: disk, drive: nvme-S1-part1, image: { packages: [htop] }" }),
    ["not-for-this-boot at 5: drive:", "not-for-this-boot at 5: image:"],
    /storage:/,
  );
  refuses(
    "are no PCs",
    netShelf().replace("connect: local", "connect: local, drive: nvme-S1-part1, image: { packages: [htop] }"),
    ["not-for-this-model at 7: drive:", "not-for-this-model at 7: image:"],
  );
  refuses(
    "need a boot section before anything of them means something",
    edited(["address: 10.20.0.11", `address: 10.20.0.11${drive}`]),
    ["no-boot-section at 4: drive:"],
  );
  refuses(
    "have an address, also where Pulumi runs on one",
    netShelf()
      .replace(/, address: 10\.20\.0\.11/, ", connect: local")
      .replace("connect: local, address: 10.20.0.5", `address: 10.20.0.5, hostKey: "${ed25519Key()}"`),
    ["missing-key at 5: pi1:"],
    /address/,
  );
  refuses(
    "need a boot server that tells them who they are, each time",
    netShelf({ section: "{ server: tower, manage: false }", pi1: "" }),
    ["no-identity at 6: drive:"],
    /another SSH host key after each reboot.*manage: true/,
  );

  it("are warned of, where nobody tells them who they are", () => {
    const text = netShelf({ section: "{ server: tower, manage: false }", pi1: "", pi2: "" });
    const rules = (text: string) => warningsOf(text.replace(/clusters:.*?users:/s, "users:")).map(({ rule }) => rule);
    assert.deepEqual(rules(text), ["no-identity"]);
    assert.deepEqual(rules(text.replaceAll("model: pi5", "model: pi5, boot: disk")), []);
  });
});
