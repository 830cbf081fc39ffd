import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { lstat, mkdir, readdir, readFile, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Folder, isTrouble } from "../../providers/transport/folder.ts";
import { inFolder } from "../../providers/transport/folder-server.ts";
import { grouped } from "../../providers/transport/grouped.ts";
import { type Sshd, startSshd } from "../doubles/sshd.ts";
import {
  bytesOf,
  deployKey,
  hostKey,
  overSsh,
  places,
  sha256Of,
  type TreeSite,
  treeSite,
} from "./support/tree-site.ts";

for (const place of [...places, "busybox"] as const) {
  describe(`a folder ${{ local: "of this machine", ssh: "over SSH", busybox: "over SSH, where commands are BusyBox" }[place]}`, () => {
    let site: TreeSite;
    let busybox: Sshd | undefined;
    before(function () {
      if (place === "busybox" && !existsSync("/bin/busybox")) this.skip();
    });
    beforeEach(async () => {
      site = await treeSite(place === "local" ? "local" : "ssh");
      await mkdir(site.root);
      if (place === "busybox") busybox = await startSshd(hostKey, deployKey.publicKey, undefined, [busyboxPath(site)]);
    });
    afterEach(async () => {
      busybox?.stop();
      await site.close();
    });
    const server = () => (busybox === undefined ? site.server : overSsh(busybox.port));
    const within = <T>(work: (folder: Folder) => Promise<T>) => inFolder(server(), site.root, "lab", work);
    const at = (...path: readonly string[]) => join(site.root, ...path);

    it("lists what is there by its kind, whatever its name", async () => {
      await writeFile(at("two\nlines"), "12345");
      await mkdir(at("sub folder"));
      await symlink("nowhere", at("link"));
      execFileSync("mkfifo", [at("pipe")]);
      const entries = (await within((folder) => folder.list("."))) ?? [];
      const found = entries.map(({ name, kind, size }) => [name, kind, kind === "file" ? size : 0]);
      assert.deepEqual(found.sort(), [
        ["link", "link", 0],
        ["pipe", "other", 0],
        ["sub folder", "folder", 0],
        ["two\nlines", "file", 5],
      ]);
      const { mtimeMs } = await lstat(at("two\nlines"));
      assert.equal(entries.find(({ kind }) => kind === "file")?.modified, Math.floor(mtimeMs / 1000));
      assert.equal(await within((folder) => folder.list("none")), undefined);
    });

    it("lists a folder with many entries in full", async () => {
      const names = Array.from({ length: 700 }, (_, index) => `file-with-a-rather-long-name-${index}`);
      await Promise.all(names.map((name) => writeFile(at(name), "")));
      const entries = await within((folder) => folder.list("."));
      assert.deepEqual(entries?.map(({ name }) => name).sort(), names.sort());
    });

    it("keeps what is secret for its owner and a group, from the first moment on", async () => {
      await within(async (folder) => {
        await folder.makeRoot(0o700); // it is there, and is left as it is
        await folder.write("public", Buffer.from("text"));
        await folder.write("secret", Buffer.from("text"), 0o640);
        assert.equal((await folder.stat("public"))?.mode, 0o444);
        assert.equal((await folder.stat("secret"))?.mode, 0o640);
        assert.equal((await folder.stat("."))?.mode, 0o755);
      });
      const [above, own] = [join(site.folder, "above"), join(site.folder, "above/own")];
      await inFolder(server(), own, "lab", (folder) => folder.makeRoot(0o700));
      const modes = [above, own].map(async (path) => (await lstat(path)).mode & 0o777);
      assert.deepEqual(await Promise.all(modes), [0o755, 0o700]);
    });

    it("tells absence from other things", async () => {
      await writeFile(at("file"), "text");
      await symlink("file", at("link"));
      await within(async (folder) => {
        assert.equal(await folder.stat("none"), undefined);
        assert.equal(await folder.readLink("none"), undefined);
        assert.equal(await folder.read("none"), undefined);
        assert.equal(await folder.readLink("link"), "file");
        assert.equal((await folder.read("link"))?.toString(), "text");
        await assert.rejects(folder.readLink("file"), (error) => isTrouble(error, "other"));
        assert.equal((await folder.stat("link"))?.kind, "link");
      });
    });

    it("reads a file that is longer than one answer", async () => {
      const bytes = bytesOf("long", 200_001);
      await writeFile(at("long"), bytes);
      assert.ok((await within((folder) => folder.read("long")))?.equals(bytes));
    });

    it("makes what is not there, and says of the rest that it is", async () => {
      await within(async (folder) => {
        assert.equal(await folder.makeFolder("a"), true);
        assert.equal(await folder.makeFolder("a"), false);
        await folder.makeFolders(["b", "b/c", "b/c/d"]);
        assert.equal(await folder.makeLink("link", "../up"), true);
        assert.equal(await folder.makeLink("link", "elsewhere"), false);
        assert.equal(await folder.readLink("link"), "../up");
        await folder.write("b/c/d/file", Buffer.from("text"));
        await assert.rejects(folder.write("b/c/d/file", Buffer.from("other")));
        await assert.rejects(folder.write("none/file", Buffer.from("other")), (error) => isTrouble(error, "absent"));
        assert.equal(await folder.link("b/c/d/file", "a/second"), true);
        assert.equal(await folder.link("none", "a/third"), false);
        await folder.rename("link", "a/second");
        assert.equal(await folder.readLink("a/second"), "../up");
      });
      assert.equal(await readFile(at("b/c/d/file"), "utf8"), "text");
    });

    it("removes, and does not mind when there is nothing", async () => {
      await mkdir(at("a/b"), { recursive: true });
      await writeFile(at("a/it's here"), "");
      await within(async (folder) => {
        assert.equal(await folder.removeEmpty("a"), false);
        assert.equal(await folder.removeEmpty("a/b"), true);
        assert.equal(await folder.removeEmpty("a/b"), false);
        await folder.remove("a/none");
        await folder.removeAll(["a", "none"]);
        await folder.removeAll([]);
        await folder.removeUnlinked("none", 1);
      });
      assert.deepEqual(await readdir(site.root), []);
    });

    it("removes of a folder what is old and has no second name", async () => {
      await mkdir(at("store"));
      const past = new Date(Date.now() - 3600_000);
      for (const name of ["old", "linked", "young"]) await writeFile(at("store", name), name);
      for (const name of ["old", "linked"]) await utimes(at("store", name), past, past);
      await within(async (folder) => {
        await folder.link("store/linked", "second");
        await folder.removeUnlinked("store", 15);
      });
      assert.deepEqual((await readdir(at("store"))).sort(), ["linked", "young"]);
    });

    it("tells names of one file from names of two equal ones, and hashes them", async () => {
      for (const name of ["one", "two"]) await writeFile(at(name), "same");
      const hash = sha256Of(Buffer.from("same"));
      await within(async (folder) => {
        await folder.link("one", "one again");
        const [one, again, two, none] = await folder.identities(["one", "one again", "two", "none"]);
        assert.ok(one !== undefined && one === again && two !== undefined && one !== two);
        assert.equal(none, undefined);
        const all = Array.from({ length: 5 }, () => folder.sha256(["one", "none", "one again"]));
        for (const found of await Promise.all(all)) assert.deepEqual(found, [hash, undefined, hash]);
        assert.deepEqual(await folder.sha256([]), []);
      });
    });

    it("takes many bytes, and goes on with what is there of them", async () => {
      const bytes = bytesOf("upload", 9_000_000);
      await writeFile(join(site.folder, "source"), bytes);
      await within(async (folder) => {
        for (const source of [
          { kind: "file", path: join(site.folder, "source"), bytes: bytes.length },
          { kind: "memory", content: bytes },
        ] as const) {
          await folder.upload(source.kind, source);
          await truncate(at(source.kind), 6_000_000);
          await folder.upload(source.kind, source);
          assert.ok((await readFile(at(source.kind))).equals(bytes));
          assert.equal((await lstat(at(source.kind))).mode & 0o777, 0o444);
        }
        await folder.commit();
        await folder.commitNames(".");
        assert.ok((await folder.free()) > 0);
      });
    });

    it("is made with all folders above it", async () => {
      const deep = join(site.root, "a/b c/d");
      await inFolder(server(), deep, "lab", async (folder) => {
        await assert.rejects(folder.write("file", Buffer.from("x")), (error) => isTrouble(error, "absent"));
        await folder.makeRoot();
        await folder.makeRoot();
        await folder.write("file", Buffer.from("x"));
      });
      assert.equal(await readFile(join(deep, "file"), "utf8"), "x");
    });
  });
}

describe("work that is done for all who wait", () => {
  it("is never one that had begun before the call", async () => {
    let runs = 0;
    const ends: (() => void)[] = [];
    const work = grouped<number, string>(async (items) => {
      const run = ++runs;
      await new Promise<void>((resolve) => ends.push(resolve));
      return items.map((item) => `${item} in run ${run}`);
    });
    const first = [work(1), work(2)];
    while (ends.length < 1) await new Promise((resolve) => setImmediate(resolve));
    const second = [work(3), work(4)];
    ends[0]?.();
    assert.deepEqual(await Promise.all(first), ["1 in run 1", "2 in run 1"]);
    while (ends.length < 2) await new Promise((resolve) => setImmediate(resolve));
    ends[1]?.();
    assert.deepEqual(await Promise.all(second), ["3 in run 2", "4 in run 2"]);
  });

  it("fails for all of its group, and goes on with the next", async () => {
    let fails = true;
    const work = grouped<number, number>(async (items) => {
      if (fails) throw new Error("no");
      return [...items];
    });
    const results = await Promise.allSettled([work(1), work(2)]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ["rejected", "rejected"],
    );
    fails = false;
    assert.equal(await work(3), 3);
  });
});

/** A line of sshd_config by which sessions find BusyBox in the place of every command that is used. */
function busyboxPath(site: TreeSite): string {
  const folder = join(site.folder, "busybox");
  mkdirSync(folder);
  for (const command of ["sh", "sync", "sha256sum", "ls", "rm", "find", "mkdir"])
    symlinkSync("/bin/busybox", join(folder, command));
  return `SetEnv PATH=${folder}`;
}
