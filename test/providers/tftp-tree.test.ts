import assert from "node:assert/strict";
import {
  appendFile,
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  unlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import type { TftpTreeInputs, TftpTreeOutputs } from "../../providers/tftp-tree/inputs.ts";
import { create, delete as delete_, diff, read, update } from "../../providers/tftp-tree/provider.ts";
import { inFolder } from "../../providers/transport/folder-server.ts";
import { run } from "../../tools/lib/run.ts";
import { watched } from "../doubles/watched-folder.ts";
import {
  ageRoot,
  assertServed,
  bytesOf,
  elsewhere,
  inCache,
  isThere,
  places,
  publishIn,
  publishWatched,
  type TreeSite,
  treeOf,
  treeSite,
  versionFolder,
  type Wish,
} from "./support/tree-site.ts";

for (const place of places) {
  describe(`the boot folder of a board, ${place === "local" ? "on this machine" : "over SSH"}`, () => {
    let site: TreeSite;
    beforeEach(async () => {
      site = await treeSite(place);
    });
    afterEach(() => site.close());

    const publish = async (wish: Wish = {}): Promise<[TftpTreeInputs, TftpTreeOutputs]> => {
      const inputs = await treeOf(site, wish);
      return [inputs, (await create(inputs)).outs];
    };
    const change = async (outs: TftpTreeOutputs, wish: Wish): Promise<[TftpTreeInputs, TftpTreeOutputs]> => {
      const inputs = await treeOf(site, wish);
      assert.ok(diff("", outs, inputs).changes);
      return [inputs, (await update("", outs, inputs)).outs];
    };
    const stored = async () => (await readdir(join(site.root, ".bramble/store"))).sort();
    const versions = async (tree: string) => {
      const entries = await readdir(join(site.root, ".bramble/trees", tree));
      return entries.filter((name) => !name.endsWith(".sha256"));
    };

    it("is there under all of its names once it is published", async () => {
      const [inputs, outs] = await publish();
      await assertServed(site, inputs);
      assert.equal(diff("", outs, inputs).changes, false);
      assert.deepEqual((await read("", outs)).props, outs);
    });

    it("can be read by everybody and written to by nobody", async () => {
      const before = process.umask(0o077);
      const [inputs, outs] = await publish().finally(() => process.umask(before));
      const files = ["config.txt", `${inputs.generation}/vmlinuz`].map((path) => join(versionFolder(outs), path));
      for (const file of files) assert.equal((await stat(file)).mode & 0o777, 0o444);
      for (const folder of ["", inputs.generation]) {
        assert.equal((await stat(join(versionFolder(outs), folder))).mode & 0o777, 0o755);
      }
    });

    it("is reached by relative links only, so that a TFTP server may have the root as its whole world", async () => {
      const [{ names }] = await publish();
      const { stdout } = await run(["find", site.root, "-type", "l", "-printf", "%l\n"]);
      const targets = stdout.trim().split("\n");
      assert.equal(targets.length, names.length + 1);
      assert.deepEqual(
        targets.filter((target) => target.startsWith("/")),
        [],
      );
    });

    it("has a list of its files that sha256sum understands", async () => {
      const [, outs] = await publish();
      await run(["sha256sum", "--check", "--strict", "--quiet", `../${outs.version}.sha256`], {
        cwd: versionFolder(outs),
      });
    });

    it("says whose root it is", async () => {
      await publish();
      const owner = JSON.parse(await readFile(join(site.root, ".bramble/owner.json"), "utf8"));
      assert.deepEqual(owner, { site: "lab", id: "0a1b2c3d" });
    });

    it("is adopted as it is after the state was lost, and nothing is sent", async () => {
      const [inputs] = await publish();
      const { watch } = await publishWatched(inputs, { claim: "00000002", isNew: true, distrust: true });
      assert.equal(watch.sent, 0);
      await assertServed(site, inputs);
    });

    it("is completed where half of it is there, and only what is missing is sent", async () => {
      const [inputs, outs] = await publish();
      const kernel = inputs.blobs["{generation}/vmlinuz"] ?? "";
      await unlink(join(versionFolder(outs), "config.txt"));
      await unlink(join(versionFolder(outs), inputs.generation, "vmlinuz"));
      await unlink(join(site.root, ".bramble/store", kernel));
      const { watch } = await publishWatched(inputs, { claim: "00000002", isNew: true, distrust: true });
      assert.equal(watch.sent, 300_000 + Buffer.byteLength(`# pi1\nos_prefix=${inputs.generation}/\n\n`));
      await assertServed(site, inputs);
    });

    it("changes a line without sending shared files again", async () => {
      const [before] = await publish();
      const inputs = await treeOf(site, { line: "dtparam=audio=off" });
      const { watch } = await publishWatched(inputs);
      assert.ok(watch.sent < 1024, `${watch.sent} bytes were sent`);
      await assertServed(site, inputs);
      const old = join(inputs.root, inputs.names[0] ?? "", before.generation, "cmdline.txt");
      assert.match(await readFile(old, "utf8"), new RegExp(before.generation));
    });

    it("shows of older versions only what is named after its content", async () => {
      const [before, outs] = await publish();
      const old = { ...before, files: { ...before.files, "pieeprom.sig": "of before\n" }, generation: "a".repeat(16) };
      const withSignature = (await update("", outs, old)).outs;
      const [inputs, now] = await change(withSignature, { line: "after" });
      const shown = (await readdir(join(site.root, "9ffefd01"))).sort();
      assert.deepEqual(
        shown,
        ["config.txt", "start4.elf", "s4123abc.elf", inputs.generation, before.generation, old.generation].sort(),
      );
      assert.deepEqual((await read("", now)).props.drift, []);
    });

    it("is seen under an old name until the board had time to take the new one, and then no more", async () => {
      const [, first] = await publish({ names: ["9ffefd01"] });
      const [inputs, second] = await change(first, { names: ["dc-a6-32-00-00-01"] });
      await assertServed(site, inputs, ["9ffefd01", "dc-a6-32-00-00-01"]);
      assert.deepEqual(second.lingering, ["9ffefd01"]);
      assert.deepEqual((await read("", second)).props.drift, []);
      assert.ok(diff("", second, inputs).changes);
      const third = (await update("", second, inputs)).outs;
      assert.deepEqual(third.lingering, []);
      assert.equal(isThere(site.root, "9ffefd01"), false);
      assert.equal(diff("", third, inputs).changes, false);
      await assertServed(site, inputs);
    });

    it("gets another name without being made again", async () => {
      const [, first] = await publish({ names: ["9ffefd01"] });
      const [, second] = await change(first, { names: ["9ffefd01", "pi1"] });
      assert.equal(second.version, first.version);
    });

    it("goes away with its names, and leaves alone what others have in the root", async () => {
      const [inputs, outs] = await publish();
      await writeFile(join(site.root, "pxelinux.0"), "of somebody else");
      await delete_("", outs);
      await delete_("", outs);
      assert.deepEqual(await readdir(site.root), ["pxelinux.0"]);
      await rm(site.root, { recursive: true });
      await delete_("", outs);
      assert.equal((await create(inputs)).outs.tree, "pi1");
    });

    it("keeps what other boards have when one goes", async () => {
      const [, first] = await publish();
      const [other] = await publish({ tree: "pi2", names: ["9ffefd02"] });
      await ageRoot(site);
      await delete_("", first);
      await assertServed(site, other);
      assert.equal(isThere(site.root, ".bramble/trees/pi1"), false);
      assert.equal((await stored()).length, new Set(Object.values(other.blobs)).size);
    });

    it("is published while the last one of the root goes", async () => {
      let [, going] = await publish({ tree: "pi0", names: ["a0"] });
      for (let round = 1; round < 30; round++) {
        const inputs = await treeOf(site, { tree: `pi${round}`, names: [`a${round}`] });
        const [{ outs }] = await Promise.all([create(inputs), delete_("", going)]);
        await assertServed(site, inputs);
        assert.deepEqual((await read("", outs)).props.drift, []);
        going = outs;
      }
    });

    it("stays when the resource that goes was replaced by one with the same place", async () => {
      const [inputs, old] = await publish();
      const renamed = await create(inputs);
      await delete_("", old);
      await assertServed(site, inputs);
      await delete_("", renamed.outs);
      assert.equal(isThere(site.root, "9ffefd01"), false);
    });

    it("takes over the names of a board that is called otherwise now", async () => {
      const [, old] = await publish({ tree: "pi1" });
      const [inputs] = await publish({ tree: "pi9" });
      await delete_("", old);
      await assertServed(site, inputs);
    });

    it("goes back to an earlier generation without sending anything", async () => {
      const [first, outs] = await publish();
      const [, second] = await change(outs, { line: "a mistake", kernel: "6.13" });
      const { watch } = await publishWatched(first, { claim: second.claim });
      assert.equal(watch.sent, 0);
      await assertServed(site, first);
      const { watch: again } = await publishWatched(await treeOf(site, { line: "a mistake", kernel: "6.13" }));
      assert.equal(again.sent, 0);
    });

    it("keeps as many generations as it should, and what no generation refers to goes", async () => {
      let [inputs, outs] = await publish({ kernel: "1", keep: 2 });
      const [other] = await publish({ tree: "pi2", names: ["9ffefd02"], kernel: "1" });
      const kernels: string[] = [];
      for (const kernel of ["2", "3", "4"]) {
        await ageRoot(site);
        kernels.push(inputs.blobs["{generation}/vmlinuz"] ?? "");
        [inputs, outs] = await change(outs, { kernel, keep: 2 });
      }
      assert.equal((await versions("pi1")).length, 2);
      const left = await stored();
      // The first one is another board's, the second one nobody's, the third one that of the generation before.
      assert.deepEqual(
        kernels.map((sha256) => left.includes(sha256)),
        [true, false, true],
      );
      await assertServed(site, inputs);
      await assertServed(site, other);
      assert.equal(isThere(site.root, "9ffefd01", outs.generation, "vmlinuz"), true);
      assert.deepEqual((await read("", outs)).props.drift, []);
    });

    it("spares versions and files that are so new that another process may be at work on them", async () => {
      const [, first] = await publish({ keep: 1 });
      const lone = join(site.root, ".bramble/store", "f".repeat(64));
      await writeFile(lone, "about to be linked");
      await change(first, { line: "2", keep: 1 });
      assert.equal((await versions("pi1")).length, 2);
      assert.ok(isThere(lone));
    });

    describe("once it was changed by hand", () => {
      let inputs: TftpTreeInputs;
      let outs: TftpTreeOutputs;
      beforeEach(async () => {
        [inputs, outs] = await publish();
      });
      const inVersion = (...path: readonly string[]) => join(versionFolder(outs), ...path);
      const assertRepaired = async (drift: readonly string[]) => {
        const { props } = await read("", outs);
        assert.deepEqual(props.drift, drift);
        assert.ok(diff("", props, inputs).changes);
        const repaired = (await update("", props, inputs)).outs;
        await assertServed(site, inputs);
        assert.deepEqual((await read("", repaired)).props.drift, []);
        assert.equal(diff("", repaired, inputs).changes, false);
      };

      it("shows a text that was edited in place, and makes it right", async () => {
        await chmod(inVersion("config.txt"), 0o644);
        await appendFile(inVersion("config.txt"), "arm_freq=3000\n");
        await assertRepaired(["config.txt: changed"]);
      });

      it("shows a shared file that was overwritten in place, in each tree that has it, and makes it right", async () => {
        const [other, others] = await publish({ tree: "pi2", names: ["9ffefd02"] });
        await chmod(inVersion("start4.elf"), 0o644);
        await writeFile(inVersion("start4.elf"), bytesOf("something else", 90_000));
        for (const [before, wanted] of [
          [outs, inputs],
          [others, other],
        ]) {
          const { props } = (await elsewhere("read", "", before)) as { props: TftpTreeOutputs };
          assert.deepEqual(props.drift, ["s4123abc.elf: changed", "start4.elf: changed"]);
          await elsewhere("update", "", props, wanted);
        }
        await assertServed(site, inputs);
        await assertServed(site, other);
      });

      it("shows a shared file that another one took the place of, and makes it right", async () => {
        await rename(inVersion("start4.elf"), inVersion("start4.old"));
        await writeFile(inVersion("start4.elf"), bytesOf("something else", 90_000));
        await assertRepaired(["start4.elf: changed", "start4.old: foreign"]);
        assert.equal(isThere(site.root, "9ffefd01/start4.old"), false);
      });

      it("shows a file that is gone, one that is new, and one that nobody else may read", async () => {
        await unlink(inVersion(inputs.generation, "vmlinuz"));
        await writeFile(inVersion("recovery.bin"), "flashes something");
        await mkdir(inVersion("empty"));
        await chmod(inVersion("config.txt"), 0o600);
        await assertRepaired([
          `${inputs.generation}/vmlinuz: missing`,
          "config.txt: changed",
          "empty: foreign",
          "recovery.bin: foreign",
        ]);
      });

      it("shows a link in the place of a file", async () => {
        await rm(inVersion("config.txt"));
        await symlink("/etc/hostname", inVersion("config.txt"));
        await assertRepaired(["config.txt: changed"]);
      });

      it("shows a link that was switched, and one that is gone", async () => {
        const current = join(site.root, ".bramble/current/pi1");
        await rm(current);
        await symlink("../trees/pi1/1-0-00000000", current);
        await rm(join(site.root, "9ffefd01"));
        await assertRepaired(["9ffefd01: missing", ".bramble/current/pi1: leads to ../trees/pi1/1-0-00000000"]);
      });

      it("shows that the root is gone, and makes it again", async () => {
        await rm(site.root, { recursive: true });
        await assertRepaired([`${site.root}: missing`]);
      });

      it("makes again what was removed below a root that this process knows", async () => {
        await rm(join(site.root, ".bramble/incoming"), { recursive: true });
        await rm(join(site.root, ".bramble/store"), { recursive: true });
        const [changed] = await change(outs, { line: "2", kernel: "6.14" });
        await assertServed(site, changed);
      });
    });

    it("has shared files as further names of one file, not as copies", async () => {
      const [, outs] = await publish();
      const [, others] = await publish({ tree: "pi2", names: ["9ffefd02"] });
      const [one, two] = await Promise.all(
        [outs, others].map(async (tree) => (await lstat(join(versionFolder(tree), "start4.elf"))).ino),
      );
      assert.equal(one, two);
    });

    it("is published for eight boards at once, and what they share is sent once", async () => {
      const boards = await Promise.all(
        Array.from({ length: 8 }, (_, index) => treeOf(site, { tree: `pi${index}`, names: [`9ffefd0${index}`] })),
      );
      const uploads = await inFolder(site.server, site.root, "lab", async (folder) => {
        const { folder: noted, watch } = watched(folder);
        await Promise.all(boards.map((inputs) => publishIn(noted, inputs, { isNew: true, distrust: true })));
        return watch.operations.filter((operation) => operation.startsWith("upload"));
      });
      assert.equal(uploads.length, new Set(boards.flatMap(({ blobs }) => Object.values(blobs))).size);
      for (const inputs of boards) await assertServed(site, inputs);
      assert.deepEqual(await readdir(join(site.root, ".bramble/incoming")), []);
    });

    it("is published for boards by several processes at once, which know nothing of each other", async () => {
      const boards = await Promise.all(
        Array.from({ length: 6 }, (_, index) => treeOf(site, { tree: `pi${index}`, names: [`9ffefd0${index}`] })),
      );
      await Promise.all(boards.map((inputs) => elsewhere("create", inputs)));
      for (const inputs of boards) await assertServed(site, inputs);
      assert.deepEqual(await readdir(join(site.root, ".bramble/incoming")), []);
    });

    it("takes its bytes from the server where the cache of this machine lacks them", async () => {
      const [, outs] = await publish();
      await rm(join(site.folder, "artifacts"), { recursive: true });
      await mkdir(join(site.folder, "artifacts"));
      const [before] = await Promise.all([treeOf(site, { line: "2" })]);
      await rm(join(site.folder, "artifacts"), { recursive: true });
      const after = await update("", outs, before);
      assert.equal(after.outs.generation, before.generation);
    });

    it("goes on with a file that came by half, and does not trust it", async () => {
      const sha256 = await inCache(site, bytesOf("big", 12_000_000));
      const inputs = { ...(await treeOf(site)), blobs: { initramfs: sha256 } };
      await publish({ tree: "pi2", names: ["9ffefd02"] });
      await writeFile(join(site.root, ".bramble/incoming", sha256), bytesOf("big", 7_000_000));
      await create(inputs);
      await assertServed(site, inputs);
      const other = await inCache(site, bytesOf("bigger", 12_000_001));
      await writeFile(join(site.root, ".bramble/incoming", other), bytesOf("no part of it", 12_000_001));
      const next = { ...inputs, generation: "b".repeat(16), blobs: { initramfs: other } };
      await create(next);
      await assertServed(site, next);
    });
  });
}
