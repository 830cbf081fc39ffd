import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { piBootFolder } from "../../formats/pi-boot-folder.ts";
import { type TftpTreeInputs, type TftpTreeOutputs, unknownValue } from "../../providers/tftp-tree/inputs.ts";
import { check, create, diff, update } from "../../providers/tftp-tree/provider.ts";
import { divideVersions, type Version } from "../../providers/tftp-tree/versions.ts";
import { bytesOf, inCache, type TreeSite, treeOf, treeSite } from "./support/tree-site.ts";

const valid: TftpTreeInputs = {
  server: { connect: "local" },
  root: "/srv/tftp",
  owner: { site: "lab", id: "0a1b2c3d" },
  tree: "pi1",
  names: ["9ffefd01"],
  generation: "0123456789abcdef",
  files: { "config.txt": "[all]\n" },
  blobs: { "{generation}/vmlinuz": "a".repeat(64) },
  keep: 3,
};

describe("what a boot folder is asked to be", () => {
  const reasons = (change: Partial<TftpTreeInputs>) => check({}, { ...valid, ...change }).failures;

  it("is taken as it is when it is right, with three generations unless it says how many", () => {
    const { keep: _, ...rest } = valid;
    assert.deepEqual(check({}, rest), { inputs: valid, failures: [] });
  });

  for (const [what, change, property, reason] of [
    ["a root that is no absolute path", { root: "srv/tftp" }, "root", /no absolute path/],
    ["a root that goes up", { root: "/srv/../etc" }, "root", /no absolute path/],
    ["a tree of two words", { tree: "pi 1" }, "tree", /not one plain word/],
    ["a tree that goes up", { tree: ".." }, "tree", /not one plain word/],
    ["a name in another folder", { names: ["a/b"] }, "names", /more than one folder/],
    ["a name of Bramble's own", { names: [".bramble"] }, "names", /Bramble's own/],
    ["a name that goes up", { names: [".."] }, "names", /Bramble's own/],
    ["no name", { names: [] }, "names", /there is none/],
    ["a name twice", { names: ["a", "a"] }, "names", /twice/],
    ["a generation that is no hex", { generation: "now" }, "generation", /hex digits/],
    ["no generation to be kept", { keep: 0 }, "keep", /give 1 or more/],
    ["a hash that is none", { blobs: { a: "123" } }, "blobs", /no SHA-256/],
    ["a file that is also a folder", { files: { a: "", "a/b": "" } }, "files", /in a folder of that name/],
    ["a path given twice", { files: { a: "" }, blobs: { a: "a".repeat(64) } }, "blobs", /as a text and as a file/],
    ["a path that goes up", { files: { "a/../../b": "" } }, "files", /\.\./],
    ["an absolute path", { files: { "/etc/passwd": "" } }, "files", /slash/],
    ["a path with an empty part", { files: { "a//b": "" } }, "files", /empty part/],
    ["a path with a backslash", { files: { "a\\b": "" } }, "files", /backslash/],
    ["a path with a control character", { files: { "a\nb": "" } }, "files", /printable ASCII/],
    ["a path that is not ASCII", { files: { ä: "" } }, "files", /printable ASCII/],
  ] as const) {
    it(`is refused with ${what}`, () => {
      const [failure] = reasons(change as Partial<TftpTreeInputs>);
      assert.equal(failure?.property, property);
      assert.match(failure?.reason ?? "", reason);
    });
  }
});

describe("the difference between what was published and what is asked for", () => {
  let site: TreeSite;
  let inputs: TftpTreeInputs;
  let outs: TftpTreeOutputs;
  before(async () => {
    site = await treeSite("local");
    inputs = await treeOf(site);
    outs = (await create(inputs)).outs;
  });
  after(() => site.close());
  const changed = (change: object) => diff("", outs, { ...inputs, ...change } as TftpTreeInputs);
  const ssh = { connect: "ssh", name: "nas", address: "10.0.0.2", user: "root", hostKey: "ssh-ed25519 AAAA" } as const;

  it("is none for the same wishes in another order", () => {
    const { changes, replaces } = changed({ names: [...inputs.names].reverse(), __provider: "code of today" });
    assert.equal(changes, false);
    assert.deepEqual(replaces, []);
  });

  it("is a change for each part of the wishes", () => {
    const wishes = [
      { generation: "f".repeat(16) },
      { names: ["other"] },
      { files: { ...inputs.files, "config.txt": "# other\n" } },
      { blobs: { ...inputs.blobs, more: "f".repeat(64) } },
      { keep: 5 },
    ];
    for (const wish of wishes) {
      assert.deepEqual(
        changed(wish),
        { changes: true, replaces: [], deleteBeforeReplace: false },
        JSON.stringify(wish),
      );
    }
  });

  it("is a replacement for another place, and the new one is made first", () => {
    assert.deepEqual(changed({ root: "/srv/other" }).replaces, ["root"]);
    assert.deepEqual(changed({ tree: "pi2" }).replaces, ["tree"]);
    assert.deepEqual(changed({ server: ssh }), { changes: true, replaces: ["server"], deleteBeforeReplace: false });
  });

  it("is a change and no replacement when a server has another address or key", () => {
    const there = { ...outs, server: ssh };
    const moved = { ...inputs, server: { ...ssh, address: "10.0.0.3", hostKey: "ssh-ed25519 BBBB" } };
    assert.deepEqual(diff("", there, moved), { changes: true, replaces: [], deleteBeforeReplace: false });
  });

  it("may be one, and never a replacement, where something is not known yet", () => {
    for (const wish of [{ root: unknownValue }, { server: unknownValue }, { server: { ...ssh, name: unknownValue } }]) {
      assert.deepEqual(changed(wish), { changes: true, replaces: [], deleteBeforeReplace: false });
    }
    assert.equal(changed({ update: unknownValue }).changes, true);
  });

  it("is in the outputs once a refresh found some", () => {
    const drifted = { ...outs, drift: ["config.txt: changed"] };
    assert.deepEqual(diff("", drifted, inputs), { changes: true, replaces: [], deleteBeforeReplace: false });
  });

  it("is found for 1,000 boards within a second, in outputs that are short and JSON", () => {
    const start = performance.now();
    for (let board = 0; board < 1000; board++) {
      assert.equal(diff("", outs, check(inputs, inputs).inputs).changes, false);
    }
    assert.ok(performance.now() - start < 1000);
    assert.deepEqual(JSON.parse(JSON.stringify(outs)), outs);
    assert.ok(JSON.stringify(outs).length < 1200, `outputs take ${JSON.stringify(outs).length} bytes`);
    assert.ok(!existsSync("/srv/tftp/.bramble"));
  });
});

describe("the versions of a tree that stay", () => {
  const version = (number: number, generation: string, change: Partial<Version> = {}): Version => ({
    ...{ number, generation, claim: "00000001", complete: true, modified: 0 },
    name: `${number}-${generation}-00000001`,
    ...change,
  });
  const now = 10_000;
  const names = (versions: readonly Version[]) => versions.map(({ number }) => number);

  it("are one of each of the latest generations, the served one before all others", () => {
    const versions = [version(5, "e"), version(4, "d"), version(3, "c"), version(2, "b"), version(1, "a")];
    const { staying, leaving } = divideVersions(versions, versions[2]?.name, "f", 3, now);
    assert.deepEqual(
      [names(staying), names(leaving)],
      [
        [3, 5],
        [4, 2, 1],
      ],
    );
  });

  it("are none of the generation that is published anew, and none that is not whole", () => {
    const versions = [version(3, "c", { complete: false }), version(2, "b"), version(1, "a")];
    const { staying } = divideVersions(versions, versions[1]?.name, "b", 3, now);
    assert.deepEqual(names(staying), [1]);
  });

  it("are all that are so new that somebody may be at work on them", () => {
    const versions = [
      version(2, "b", { complete: false, modified: now - 60 }),
      version(1, "a", { modified: now - 60 }),
    ];
    assert.deepEqual(names(divideVersions(versions, undefined, "c", 1, now).staying), [2, 1]);
  });

  it("are never more than asked for, once they are old", () => {
    const generations = fc.array(fc.constantFrom("a", "b", "c", "d", "e"), { maxLength: 12 });
    fc.assert(
      fc.property(generations, fc.integer({ min: 1, max: 5 }), fc.nat(11), (list, keep, served) => {
        const versions = list.map((generation, index) => version(list.length - index, generation));
        const { staying, leaving } = divideVersions(versions, versions[served]?.name, "f", keep, now);
        assert.equal(staying.length + leaving.length, versions.length);
        assert.equal(new Set(staying.map(({ generation }) => generation)).size, staying.length);
        assert.ok(staying.length < keep || keep === 1);
        if (keep > 1 && versions[served] !== undefined) assert.ok(staying.includes(versions[served]));
      }),
    );
  });

  it("lend a new one all that a board of before loads by a name of its own", async () => {
    const site = await treeSite("local");
    const layout = async (release: string) => {
      const content = async (name: string) => {
        const bytes = bytesOf(`${name} ${release}`, 1000);
        return { sha256: await inCache(site, bytes), bytes: bytes.length };
      };
      const { generation, files } = piBootFolder({
        model: "pi4b",
        files: {
          firmware: { "start4.elf": await content("start"), "fixup4.dat": await content("fixup") },
          kernel: await content("kernel"),
          initramfs: await content("initramfs"),
          deviceTrees: { "bcm2711-rpi-4-b.dtb": await content("tree") },
          overlays: {},
        },
        settings: [],
        dtoverlays: [],
        parameters: [],
      });
      const entries = Object.entries(files);
      const texts = entries.flatMap(([path, file]) => ("text" in file ? [[path, file.text]] : []));
      const blobs = entries.flatMap(([path, file]) => ("text" in file ? [] : [[path, file.sha256]]));
      const inputs = { ...(await treeOf(site)), generation };
      return { ...inputs, files: Object.fromEntries(texts), blobs: Object.fromEntries(blobs) };
    };
    const [before, after] = [await layout("1"), await layout("2")];
    await update("", (await create(before)).outs, after);
    const top = ({ files, blobs }: TftpTreeInputs) =>
      Object.keys({ ...files, ...blobs }).map((path) => path.split("/")[0]);
    const shown = await readdir(join(site.root, "9ffefd01"));
    assert.deepEqual(shown.sort(), [...new Set([...top(before), ...top(after)])].sort());
    await site.close();
  });
});
