import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TftpTreeInputs, TftpTreeOutputs } from "../../providers/tftp-tree/inputs.ts";
import { create, read, update } from "../../providers/tftp-tree/provider.ts";
import { tryRun } from "../../tools/lib/run.ts";
import { ageRoot, assertServed, expectedFiles, places, type TreeSite, treeOf, treeSite } from "./support/tree-site.ts";

const script = fileURLToPath(new URL("support/publish-killed.ts", import.meta.url));

for (const place of places) {
  describe(`a publish that is killed, ${place === "local" ? "on this machine" : "over SSH"}`, () => {
    let site: TreeSite;
    beforeEach(async () => {
      site = await treeSite(place);
    });
    afterEach(() => site.close());

    /** @returns whether it got to its end. */
    const publishUntil = async (step: number, inputs: TftpTreeInputs, outs?: TftpTreeOutputs): Promise<boolean> => {
      const { stdout, stderr } = await tryRun([process.execPath, script, String(step)], {
        input: JSON.stringify({ inputs, outs }),
      });
      assert.ok(stdout === "done\n" || /SIGKILL/.test(stderr), stderr);
      return stdout === "done\n";
    };

    it("leaves boards with the old tree or the new one at every step, and the next run finishes", async () => {
      let inputs = await treeOf(site, { line: "0", kernel: "0" });
      let { outs } = await create(inputs);
      const boots = startBoots(site);
      boots.mayFind(inputs);
      for (let step = 1; ; step++) {
        await ageRoot(site); // so that old versions are removed too
        const next = await treeOf(site, { line: `${step}`, kernel: `${step}` });
        boots.mayFind(next);
        const isDone = await publishUntil(step, next, outs);
        await boots.another();
        // The engine has no word of what was done.
        outs = (await update("", outs, next)).outs;
        inputs = next;
        await assertServed(site, inputs);
        assert.deepEqual((await read("", outs)).props.drift, []);
        if (isDone) break;
      }
      const { mixed, whole } = await boots.end();
      assert.deepEqual(mixed, []);
      assert.ok(whole > 50, `only ${whole} boots were tried`);
    });

    it("is made whole by the next one when it was the first of its root", async () => {
      for (let step = 1; ; step++) {
        const inputs = await treeOf(site, { root: join(site.folder, `tftp${step}`) });
        const isDone = await publishUntil(step, inputs);
        const { outs } = await create(inputs);
        await assertServed(site, inputs);
        assert.deepEqual((await read("", outs)).props.drift, []);
        if (isDone) break;
      }
    });
  });
}

interface Boots {
  /** From now on this tree is right too. */
  mayFind(inputs: TftpTreeInputs): void;
  /** Waits for a boot that begins after the call. */
  another(): Promise<void>;
  /** @returns what was wrong, and how many boots went well. */
  end(): Promise<{ readonly mixed: readonly string[]; readonly whole: number }>;
}

/** Boots all the while, as a board does: config.txt first, and then what it names. */
function startBoots(site: TreeSite): Boots {
  const trees = new Map<string, TftpTreeInputs>();
  const mixed: string[] = [];
  let whole = 0;
  let ended = false;

  const at = (path: string) => join(site.root, "9ffefd01", path);
  const boot = async (): Promise<string | undefined> => {
    const config = await readFile(at("config.txt"));
    const generation = /os_prefix=(\w+)\//.exec(config.toString("utf8"))?.[1] ?? "none";
    const inputs = trees.get(generation);
    if (inputs === undefined) return `there is a generation ${generation}, which was never published`;
    const files = await expectedFiles(site, inputs);
    if (!files.get("config.txt")?.equals(config)) return "config.txt has other bytes than it should";
    for (const [path, bytes] of files) {
      if (!path.startsWith(`${generation}/`)) continue;
      if (!(await readFile(at(path))).equals(bytes)) return `${path} has other bytes than it should`;
    }
    return undefined;
  };
  const bootAlways = async () => {
    while (!ended) {
      const trouble = await boot().catch((error: Error) => error.message);
      if (trouble === undefined) whole++;
      else mixed.push(trouble);
    }
  };
  let going: Promise<void> | undefined;
  return {
    mayFind: (inputs) => {
      trees.set(inputs.generation, inputs);
      going ??= bootAlways();
    },
    another: async () => {
      const before = whole + mixed.length;
      while (whole + mixed.length < before + 2) await new Promise((resolve) => setImmediate(resolve));
    },
    end: async () => {
      ended = true;
      await going;
      return { mixed, whole };
    },
  };
}
