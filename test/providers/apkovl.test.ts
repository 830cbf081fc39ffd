import assert from "node:assert/strict";
import { chmod, mkdir, readdir, readFile, stat, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { apkovl, imagePath } from "../../formats/apkovl.ts";
import { type ApkovlInputs, type ApkovlOutputs, imageEntries } from "../../providers/apkovl/inputs.ts";
import { check, create, delete as delete_, diff, read, update } from "../../providers/apkovl/provider.ts";
import { create as createTree } from "../../providers/tftp-tree/provider.ts";
import { imageOf } from "./support/apkovl-image.ts";
import { isThere, places, type TreeSite, treeOf, treeSite } from "./support/tree-site.ts";

for (const place of places) {
  describe(`the image of a profile, ${place === "local" ? "on this machine" : "over SSH"}`, () => {
    let site: TreeSite;
    beforeEach(async () => {
      site = await treeSite(place);
    });
    afterEach(() => site.close());

    const wish = (motd = "hello\n", change: Partial<ApkovlInputs> = {}): ApkovlInputs => {
      const image = imageOf(["boards.pi1.image", { files: { "/etc/motd": { text: motd } } }]);
      const inputs = { ...image, server: site.server, root: site.root, ...change };
      assert.deepEqual(check({}, inputs).failures, []);
      return inputs;
    };
    const pathOf = ({ root, profile, image }: ApkovlInputs) => join(root, imagePath(profile, image));
    const publish = async (inputs = wish()): Promise<[ApkovlInputs, ApkovlOutputs]> => [
      inputs,
      (await create(inputs)).outs,
    ];
    const assertServed = async (inputs: ApkovlInputs) => {
      const bytes = await apkovl(imageEntries(inputs), inputs);
      assert.ok((await readFile(pathOf(inputs))).equals(bytes), "other bytes are served than the image has");
    };

    it("is found under its id as soon as it is published, and is no difference then", async () => {
      const [inputs, outs] = await publish();
      await assertServed(inputs);
      assert.equal(diff("", outs, inputs).changes, false);
      assert.deepEqual((await read("", outs)).props, outs);
    });

    it("can be read by everybody, whatever the umask of who publishes", async () => {
      const before = process.umask(0o077);
      const [inputs] = await publish().finally(() => process.umask(before));
      assert.equal((await stat(pathOf(inputs))).mode & 0o777, 0o444);
    });

    it("leaves little in the state, and no text", async () => {
      const [, outs] = await publish();
      const text = JSON.stringify(outs);
      assert.ok(text.length < 1200, `${text.length} bytes`);
      assert.ok(!text.includes("iburst"));
    });

    it("stays beside a newer one, for boards whose command line names it", async () => {
      const [first, outs] = await publish();
      const second = wish("good morning\n");
      assert.ok(diff("", outs, second).changes);
      const updated = (await update("", outs, second)).outs;
      for (const inputs of [first, second]) await assertServed(inputs);
      assert.deepEqual((await read("", updated)).props, updated);
    });

    it("is published beside boards' folders and images of other profiles, and is removed without them", async () => {
      const [inputs, outs] = await publish();
      const [other] = await publish(wish("hello\n", { profile: "worker-aarch64" }));
      const tree = await treeOf(site);
      await createTree(tree);
      await delete_("", outs);
      assert.equal(isThere(pathOf(inputs)), false);
      await assertServed(other);
      assert.ok(isThere(site.root, "9ffefd01", "config.txt"));
    });

    it("is gone with all of Bramble's when it was the last, and can be removed twice", async () => {
      const [, outs] = await publish();
      await delete_("", outs);
      assert.deepEqual(await readdir(site.root), []);
      await delete_("", outs);
    });

    it("is taken over as it is after the state was lost", async () => {
      const [inputs] = await publish();
      const [, outs] = await publish();
      await assertServed(inputs);
      assert.equal(diff("", outs, inputs).changes, false);
    });

    it("is seen to be damaged or gone by a refresh, and mended by the next update", async () => {
      const [inputs, outs] = await publish();
      const path = pathOf(inputs);
      for (const spoil of [
        async () => {
          await chmod(path, 0o644);
          await writeFile(path, "x");
        },
        () => unlink(path),
      ]) {
        await spoil();
        const { props } = await read("", outs);
        assert.match(props.drift.join("\n"), /hypervisor-aarch64\.apkovl\.tar\.gz: (changed|missing)$/m);
        assert.ok(diff("", props, inputs).changes);
        const mended = (await update("", props, inputs)).outs;
        await assertServed(inputs);
        assert.deepEqual((await read("", mended)).props, mended);
        Object.assign(outs, mended);
      }
    });

    it("is not put where something else is already, and what to do is said", async () => {
      await mkdir(join(site.root, "image-hypervisor-aarch64"), { recursive: true });
      await assert.rejects(publish(), /image-hypervisor-aarch64 is there already and was not made by Bramble/);
    });
  });
}
