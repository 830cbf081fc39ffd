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
      const boots = new Boots(site, inputs);
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

/** Boots all the while, as a board does: config.txt first, and then what it names. */
class Boots {
  readonly #site: TreeSite;
  readonly #expected = new Map<string, Map<string, Buffer>>();
  readonly #mixed: string[] = [];
  #whole = 0;
  #ended = false;
  readonly #going: Promise<void>;

  constructor(site: TreeSite, inputs: TftpTreeInputs) {
    this.#site = site;
    this.mayFind(inputs);
    this.#going = this.#run();
  }

  /** From now on this tree is right too. */
  mayFind(inputs: TftpTreeInputs): void {
    this.#trees.push(inputs);
  }
  readonly #trees: TftpTreeInputs[] = [];

  /** Waits for a boot that begins after the call. */
  async another(): Promise<void> {
    const before = this.#whole + this.#mixed.length;
    while (this.#whole + this.#mixed.length < before + 2) await new Promise((resolve) => setImmediate(resolve));
  }

  async end(): Promise<{ readonly mixed: readonly string[]; readonly whole: number }> {
    this.#ended = true;
    await this.#going;
    return { mixed: this.#mixed, whole: this.#whole };
  }

  async #run(): Promise<void> {
    while (!this.#ended) {
      const trouble = await this.#boot().catch((error: Error) => error.message);
      if (trouble === undefined) this.#whole++;
      else this.#mixed.push(trouble);
    }
  }

  /** @returns what was wrong. */
  async #boot(): Promise<string | undefined> {
    const at = (path: string) => join(this.#site.root, "9ffefd01", path);
    const config = await readFile(at("config.txt"), "utf8");
    const generation = /os_prefix=(\w+)\//.exec(config)?.[1] ?? "none";
    const files = await this.#filesOf(generation);
    if (files === undefined) return `there is a generation ${generation}, which was never published`;
    for (const [path, bytes] of files) {
      if (!path.startsWith(`${generation}/`)) continue;
      if (!(await readFile(at(path))).equals(bytes)) return `${path} has other bytes than it should`;
    }
    const again = await readFile(at("config.txt"));
    const known = [...this.#expected.values()].some((tree) => tree.get("config.txt")?.equals(again));
    return known || (await this.#knows(again)) ? undefined : "config.txt is of no generation";
  }

  async #knows(config: Buffer): Promise<boolean> {
    const generation = /os_prefix=(\w+)\//.exec(config.toString("utf8"))?.[1] ?? "none";
    return (await this.#filesOf(generation))?.get("config.txt")?.equals(config) ?? false;
  }

  async #filesOf(generation: string): Promise<Map<string, Buffer> | undefined> {
    const known = this.#expected.get(generation);
    const inputs = this.#trees.find((tree) => tree.generation === generation);
    if (known !== undefined || inputs === undefined) return known;
    const files = await expectedFiles(this.#site, inputs);
    this.#expected.set(generation, files);
    return files;
  }
}
