import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { readdir, readFile, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseEepromSignature } from "../../formats/eeprom-signature.ts";
import type { BootloaderUpdate } from "../../providers/bootloader-config/inputs.ts";
import { makeUpdate } from "../../providers/bootloader-config/update.ts";
import { holdBack, note, release } from "../../providers/tftp-tree/hold.ts";
import type { TftpTreeInputs, TftpTreeOutputs } from "../../providers/tftp-tree/inputs.ts";
import { create, delete as delete_, diff, read, update } from "../../providers/tftp-tree/provider.ts";
import type { Hold } from "../../providers/tftp-tree/rollout-note.ts";
import { tryRun } from "../../tools/lib/run.ts";
import { config2711, last2711 } from "../formats/eeprom-samples.ts";
import { ageRoot, assertServed, inCache, places, type TreeSite, treeOf, treeSite } from "./support/tree-site.ts";

const script = fileURLToPath(new URL("support/publish-killed.ts", import.meta.url));

for (const place of places) {
  describe(`a boot folder that a rollout holds back, ${place === "local" ? "on this machine" : "over SSH"}`, () => {
    let site: TreeSite;
    let good: TftpTreeInputs;
    let bad: TftpTreeInputs;
    let outs: TftpTreeOutputs;
    beforeEach(async () => {
      site = await treeSite(place);
      good = await treeOf(site, { line: "good" });
      bad = await treeOf(site, { line: "bad", kernel: "bad" });
      outs = await upTo(bad, (await create(good)).outs);
    });
    afterEach(() => site.close());

    const upTo = async (inputs: TftpTreeInputs, before: TftpTreeOutputs) => (await update("", before, inputs)).outs;
    const placed = () => ({ server: site.server, root: site.root, owner: good.owner, tree: "pi1", keep: 3 });
    const hold = (change: Partial<Hold> = {}): Hold => ({
      ...{ format: 1, kind: "held", from: good.generation, target: bad.generation },
      ...{ since: "2026-11-30T12:00:00Z", why: "it did not come up" },
      ...change,
    });
    const noteFile = () => join(site.root, ".bramble/rollouts/pi1.json");
    const drift = async (of = outs) => (await read("", of)).props.drift;

    it("serves what the board ran before, and neither a refresh nor `up` finds anything to do", async () => {
      await holdBack(placed(), hold());
      await assertServed(site, good);
      deepEqual(await drift(), []);
      equal(diff("", outs, bad).changes, false);
      deepEqual(JSON.parse(await readFile(noteFile(), "utf8")), hold());
    });

    it("stays held when it is published again, as after a lost state, or because something of it was changed", async () => {
      await holdBack(placed(), hold());
      await unlink(join(site.root, "9ffefd01/config.txt"));
      const found = await drift();
      deepEqual(found, ["config.txt: missing"]);
      outs = await upTo(bad, { ...outs, drift: found });
      await assertServed(site, good);
      deepEqual([await drift(), diff("", outs, bad).changes], [[], false]);
      outs = (await create(bad)).outs;
      await assertServed(site, good);
      deepEqual([await drift(), diff("", outs, bad).changes], [[], false]);
    });

    it("is released by another target, which is published, also by the one of before", async () => {
      await holdBack(placed(), hold());
      const better = await treeOf(site, { line: "better" });
      const later = await upTo(better, outs);
      await assertServed(site, better);
      await rejects(readFile(noteFile()), /ENOENT/);
      deepEqual(await drift(later), []);
      outs = await upTo(bad, later);
      await holdBack(placed(), hold({ from: better.generation }));
      await upTo(good, outs);
      await assertServed(site, good);
      await rejects(readFile(noteFile()), /ENOENT/);
    });

    it("is released by hand, and what was held back is served as `up` had left it", async () => {
      equal(await release(placed()), undefined);
      await holdBack(placed(), hold());
      deepEqual(await release(placed()), { hold: hold(), served: true });
      await assertServed(site, bad);
      deepEqual(await drift(), []);
      await rejects(readFile(noteFile()), /ENOENT/);
      // Also where `up` had to do with it while it was held.
      await holdBack(placed(), hold());
      outs = await upTo(bad, { ...outs, drift: ["config.txt: changed"] });
      await release(placed());
      await assertServed(site, bad);
      deepEqual([await drift(), diff("", outs, bad).changes], [[], false]);
    });

    it("that is not on the server any more is released too, and published by a refresh", async () => {
      const only = await treeOf(site, { line: "only", keep: 1 });
      outs = await upTo(only, outs);
      await holdBack(placed(), hold({ target: only.generation }));
      await ageRoot(site);
      outs = await upTo({ ...only }, { ...outs, drift: ["changed"] });
      deepEqual(await release(placed()), { hold: hold({ target: only.generation }), served: false });
      outs = await upTo(only, { ...outs, drift: await drift() });
      await assertServed(site, only);
    });

    it("says so when what the board ran before is gone, or was changed there", async () => {
      const versions = join(site.root, ".bramble/trees/pi1");
      const [first = ""] = (await readdir(versions)).sort();
      await unlink(join(versions, first, "config.txt"));
      await writeFile(join(versions, first, "config.txt"), "mine\n");
      await rejects(holdBack(placed(), hold()), /config\.txt of an older version of pi1 was changed there/);
      await rejects(
        holdBack(placed(), hold({ from: "0123456789abcdef" })),
        /has no version 0123456789abcdef there any more/,
      );
    });

    it("comes back with the bootloader update of now, never with the one of before", async () => {
      const image = await inCache(site, last2711.bytes);
      const updateOf = async (config: string): Promise<BootloaderUpdate> => {
        const recipe = { image, model: "pi4b", config } as const;
        const { sha256 } = await makeUpdate(recipe);
        return { ...recipe, sha256, taken: 0, confirmed: false };
      };
      const signature = async () => {
        const { sha256, timestamp = 0 } = parseEepromSignature(
          await readFile(join(site.root, "9ffefd01/pieeprom.sig"), "utf8"),
        );
        return { sha256, timestamp };
      };
      const [old, now] = [await updateOf(config2711), await updateOf(`${config2711}\n`)];
      outs = await upTo({ ...good, update: old }, outs);
      const first = await signature();
      outs = await upTo({ ...bad, update: now }, outs);
      await holdBack(placed(), hold());
      await assertServed(site, good);
      const second = await signature();
      equal(second.sha256, now.sha256);
      ok(second.timestamp > first.timestamp);
      // A change of the bootloader alone is no other target, and gets there all the same.
      const next = await updateOf(`${config2711}\n\n`);
      outs = await upTo({ ...bad, update: next }, outs);
      await assertServed(site, good);
      equal((await signature()).sha256, next.sha256);
      deepEqual(await drift(), []);
      // Where bootloaders are left alone, it comes back without one.
      outs = await upTo(bad, outs);
      await rejects(readFile(join(site.root, "9ffefd01/pieeprom.upd")), /ENOENT/);
    });

    it("is held or not, wherever it is ended, and whoever comes next finishes it", async () => {
      let isDone = false;
      // Over SSH, some of the steps: each takes two seconds there.
      for (let step = 1; !isDone; step += place === "ssh" ? 5 : 1) {
        outs = await upTo(bad, outs);
        const { stdout, stderr } = await tryRun([process.execPath, script, String(step)], {
          input: JSON.stringify({ inputs: placed(), hold: hold() }),
        });
        isDone = stdout === "done\n";
        ok(isDone || /SIGKILL/.test(stderr), stderr);
        const noted = await readFile(noteFile(), "utf8").catch(() => undefined);
        const found = await drift();
        // The engine repairs it, as a refresh and `up` do: it serves what was noted to be served.
        outs = await upTo(bad, { ...outs, drift: found.length === 0 ? ["nothing"] : found });
        await assertServed(site, noted === undefined ? bad : good);
        await holdBack(placed(), hold());
        await assertServed(site, good);
        deepEqual(await drift(), []);
        await note(placed(), undefined);
      }
    });

    it("refuses a note that nobody of ours wrote, and goes with its note", async () => {
      await holdBack(placed(), hold());
      await unlink(noteFile());
      await writeFile(noteFile(), "{}");
      await rejects(read("", outs), /is not what a rollout writes there/);
      await unlink(noteFile());
      await holdBack(placed(), hold());
      await delete_("", outs);
      deepEqual(await readdir(site.root), []);
    });
  });
}
