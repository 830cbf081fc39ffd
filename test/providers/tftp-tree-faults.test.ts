import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fingerprint, sshKeyPair } from "../../formats/ssh-key.ts";
import type { TftpTreeInputs } from "../../providers/tftp-tree/inputs.ts";
import { create, delete as delete_, read, update } from "../../providers/tftp-tree/provider.ts";
import { HostKeyMismatch, Unreachable } from "../../providers/transport/ssh.ts";
import { until } from "../../tools/lib/until.ts";
import { freePort } from "../doubles/sshd.ts";
import {
  assertServed,
  bytesOf,
  hostKey,
  inCache,
  overSsh,
  places,
  type TreeSite,
  treeOf,
  treeSite,
} from "./support/tree-site.ts";

for (const place of places) {
  describe(`a boot folder that cannot be published, ${place === "local" ? "on this machine" : "over SSH"}`, () => {
    let site: TreeSite;
    beforeEach(async () => {
      site = await treeSite(place);
    });
    afterEach(() => site.close());

    /** Paths and contents of all that is in the root. */
    const snapshot = () => {
      const script = 'cd "$1" && find . -printf "%p %y %l %s\\n" | sort';
      return execFileSync("sh", ["-c", script, "sh", site.root], { encoding: "utf8" });
    };
    const withKernel = async (bytes: number): Promise<TftpTreeInputs> => {
      const inputs = await treeOf(site, { line: `${bytes}` });
      const kernel = await inCache(site, bytesOf("large", bytes));
      return { ...inputs, blobs: { ...inputs.blobs, "{generation}/vmlinuz": kernel } };
    };

    describe("on a disk of its own", () => {
      const mount = (...args: readonly string[]) => execFileSync("mount", [...args, site.root]);
      beforeEach(async () => {
        await mkdir(site.root);
        mount("-t", "tmpfs", "-o", "size=2m", "tmpfs");
      });
      afterEach(() => execFileSync("umount", ["--lazy", site.root]));

      it("says how much room is needed and there when it is full, and replaces nothing", async () => {
        const inputs = await treeOf(site);
        const { outs } = await create(inputs);
        const before = snapshot();
        const larger = await withKernel(5_000_000);
        await assert.rejects(
          update("", outs, larger),
          /the disk is full\. pi1 needs 5000000 bytes there, and \d+ are free\. Nothing was replaced/,
        );
        assert.equal(snapshot(), before);
        await assertServed(site, inputs);
        mount("-o", "remount,size=20m");
        await update("", outs, larger);
        await assertServed(site, larger);
      });

      it("says so too when somebody else takes the last room meanwhile", async () => {
        const inputs = await treeOf(site);
        const { outs } = await create(inputs);
        execFileSync("sh", ["-c", 'cat /dev/zero >"$1/filler" 2>/dev/null || :', "sh", site.root]);
        const changed = await treeOf(site, { line: "2" });
        await assert.rejects(update("", outs, changed), /full|no space/i);
        await assertServed(site, inputs);
        assert.deepEqual((await read("", outs)).props.drift, []);
        await rm(join(site.root, "filler"));
        await update("", outs, changed);
        await assertServed(site, changed);
      });

      it("says that the root is mounted read-only, and what to do", async () => {
        const inputs = await treeOf(site);
        const { outs } = await create(inputs);
        mount("-o", "remount,ro");
        const changed = await treeOf(site, { line: "2" });
        await assert.rejects(update("", outs, changed), /mounted read-only: mount it for writing/);
        await assert.rejects(delete_("", outs), /mounted read-only/);
        await assertServed(site, inputs);
        mount("-o", "remount,rw");
        await update("", outs, changed);
        await assertServed(site, changed);
      });
    });

    it("refuses a second site on the same root with both names, and changes nothing", async () => {
      const inputs = await treeOf(site);
      const { outs } = await create(inputs);
      const before = snapshot();
      const others = {
        ...(await treeOf(site, { tree: "pi7", names: ["9ffefd07"] })),
        owner: { site: "home", id: "77" },
      };
      await assert.rejects(create(others), (error) => {
        assert.ok(error instanceof Error);
        assert.match(error.message, /belongs to the site lab \(0a1b2c3d\), and this is the site home \(77\)/);
        return true;
      });
      await delete_("", { ...outs, owner: others.owner });
      assert.equal(snapshot(), before);
    });

    it("lets another site have a root once all of the first one's trees are gone", async () => {
      const { outs } = await create(await treeOf(site));
      await delete_("", outs);
      const others = { ...(await treeOf(site)), owner: { site: "home", id: "77" } };
      await create(others);
      await assertServed(site, others);
    });

    it("refuses to guess whose a root is when the file that says so is damaged", async () => {
      await mkdir(join(site.root, ".bramble"), { recursive: true });
      await writeFile(join(site.root, ".bramble/owner.json"), "{");
      await assert.rejects(create(await treeOf(site)), /owner\.json does not say whose folder this is/);
    });

    for (const [what, make] of [
      ["a folder", (path: string) => mkdir(path)],
      ["a file", (path: string) => writeFile(path, "of somebody else")],
      ["a link that leads elsewhere", (path: string) => symlink("/srv/other", path)],
    ] as const) {
      it(`refuses to take the place of ${what} of somebody else`, async () => {
        await create(await treeOf(site, { tree: "pi2", names: ["9ffefd02"] }));
        await make(join(site.root, "9ffefd01"));
        const before = snapshot();
        await assert.rejects(
          create(await treeOf(site)),
          /9ffefd01 is there already and was not made by Bramble.*mv 9ffefd01 9ffefd01\.old/,
        );
        assert.equal(snapshot(), before);
      });
    }

    it("refuses a file of the cache that is damaged, says how to get a right one, and then goes on", async () => {
      const inputs = await treeOf(site);
      const { outs } = await create(inputs);
      const changed = await treeOf(site, { kernel: "6.13" });
      const sha256 = changed.blobs["{generation}/vmlinuz"] ?? "";
      const path = join(site.folder, "artifacts", sha256);
      const right = await readFile(path);
      await writeFile(path, bytesOf("damaged", right.length));
      await assert.rejects(update("", outs, changed), /is damaged.*artifacts/s);
      await rm(path);
      await assert.rejects(update("", outs, changed), /is not in the cache: run npm run bramble -- artifacts fetch/);
      await assertServed(site, inputs);
      assert.equal(existsSync(join(site.root, ".bramble/store", sha256)), false);
      await writeFile(path, right);
      await update("", outs, changed);
      await assertServed(site, changed);
    });
  });
}

describe("a boot server that is not there, or not itself", () => {
  let site: TreeSite;
  beforeEach(async () => {
    site = await treeSite("ssh");
  });
  afterEach(() => site.close());
  const sent = (sha256: string) => {
    const path = join(site.root, ".bramble/incoming", sha256);
    return existsSync(path) ? statSync(path).size : 0;
  };

  it("is connected to again when it goes away in the middle, and gets the rest", async () => {
    const inputs = await large(site);
    const publishing = create(inputs.tree);
    await until("some of the upload", () => sent(inputs.sha256) > 1e6, { deadline: 10_000, every: 1 });
    site.sshd?.disconnect();
    await publishing;
    await assertServed(site, inputs.tree);
  });

  it("is given up when it goes away again, and the next run goes on", async () => {
    const before = await treeOf(site);
    const { outs } = await create(before);
    const inputs = await large(site);
    const publishing = update("", outs, inputs.tree);
    const failing = assert.rejects(
      publishing,
      /was lost, opened again, and lost again.*Boards see what they saw before/s,
    );
    for (const bytes of [1e6, 40e6]) {
      await until("some of the upload", () => sent(inputs.sha256) > bytes, { deadline: 20_000, every: 1 });
      site.sshd?.disconnect();
    }
    await failing;
    await assertServed(site, before);
    await update("", outs, inputs.tree);
    await assertServed(site, inputs.tree);
    assert.deepEqual(await readdir(join(site.root, ".bramble/incoming")), []);
  });

  it("is not sent anything when it shows another key, and both are named", async () => {
    const other = sshKeyPair(Buffer.alloc(32, 9)).publicKey;
    const inputs = { ...(await treeOf(site)), server: { ...overSsh(site.sshd?.port ?? 0), hostKey: other } };
    await assert.rejects(create(inputs), (error) => {
      assert.ok(error instanceof HostKeyMismatch);
      assert.ok(error.message.includes(fingerprint(other)) && error.message.includes(fingerprint(hostKey.publicKey)));
      return true;
    });
    assert.equal(existsSync(site.root), false);
  });

  it("is waited for some seconds when it does not answer, once for all boards", async () => {
    const inputs = { ...(await treeOf(site)), server: overSsh(await freePort()) };
    const start = performance.now();
    await Promise.all(Array.from({ length: 8 }, () => assert.rejects(create(inputs), Unreachable)));
    await assert.rejects(create(inputs), Unreachable);
    const seconds = (performance.now() - start) / 1000;
    assert.ok(seconds > 10 && seconds < 20, `it took ${seconds} s`);
  });
});

/** A tree that takes a while to send. */
async function large(site: TreeSite): Promise<{ readonly tree: TftpTreeInputs; readonly sha256: string }> {
  const sha256 = await inCache(site, bytesOf("large", 80_000_000));
  const tree = await treeOf(site, { line: "large" });
  return { tree: { ...tree, blobs: { ...tree.blobs, "{generation}/initramfs": sha256 } }, sha256 };
}
