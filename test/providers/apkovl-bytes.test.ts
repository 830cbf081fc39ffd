import assert from "node:assert/strict";
import { lstat, mkdtemp, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { OverlayEntry } from "../../formats/alpine-system.ts";
import { apkovl } from "../../formats/apkovl.ts";
import { run } from "../../tools/lib/run.ts";
import { type AlpineRoot, makeAlpineRoot } from "../doubles/alpine-root.ts";
import { nodeVersions, type PlainModules, plainModules } from "../doubles/node-versions.ts";
import { facts, hypervisor } from "../formats/alpine-samples.ts";

describe("the bytes of an image", () => {
  let modules: PlainModules;
  let sums: string;
  before(async () => {
    modules = await plainModules("test/providers/support/apkovl-sum.ts");
    sums = await sumsBy(process.execPath, {});
    assert.match(sums, /^[0-9a-f]{64}\n[0-9a-f]{64}\n$/);
  });
  after(() => modules.remove());

  const sumsBy = async (node: string, env: NodeJS.ProcessEnv, umask = "0022") => {
    // The umask is of a shell that becomes the Node; nothing is put into the script's text.
    const command = [
      "sh",
      "-c",
      'umask "$1"; exec "$2" "$3"',
      "sh",
      umask,
      node,
      modules.path("test/providers/support/apkovl-sum.ts"),
    ];
    return (await run(["env", ...command], { env: { PATH: process.env.PATH, ...env } })).stdout;
  };

  it("are the same by each Node that this machine has, of two versions at least", async () => {
    for (const [version, node] of await nodeVersions()) assert.equal(await sumsBy(node, {}), sums, version);
  });

  for (const env of [
    { LANG: "de_DE.UTF-8", LC_ALL: "tr_TR.UTF-8" },
    { LC_ALL: "C" },
    { TZ: "Pacific/Kiritimati" },
    { TZ: "America/Anchorage", SOURCE_DATE_EPOCH: "1" },
    { USER: "somebody", HOME: "/nonexistent" },
  ]) {
    it(`are the same with ${Object.entries(env)
      .map((pair) => pair.join("="))
      .join(" and ")}`, async () => {
      assert.equal(await sumsBy(process.execPath, env), sums);
    });
  }

  for (const umask of ["0000", "0077"]) {
    it(`are the same with the umask ${umask}`, async () => {
      assert.equal(await sumsBy(process.execPath, {}, umask), sums);
    });
  }
});

describe("an image that is unpacked as root", () => {
  const { entries } = hypervisor();
  let folder: string;
  let archive: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "bramble-apkovl-"));
    archive = join(folder, "x.apkovl.tar.gz");
    await writeFile(archive, await apkovl(entries, facts));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("by busybox's tar has every file with its text, owner, mode and age", async () => {
    const root = join(folder, "root");
    await run(["busybox", "mkdir", root]);
    await run(["busybox", "tar", "-z", "-x", "-f", archive, "-C", root]);
    await assertUnpacked(root, entries);
  });

  it("by GNU tar has the same", async () => {
    const root = join(folder, "root");
    await run(["busybox", "mkdir", root]);
    await run(["tar", "-xzf", archive, "-C", root, "--same-owner", "--same-permissions", "--warning=all"]);
    await assertUnpacked(root, entries);
  });

  describe("over a real Alpine root, by Alpine's own tar", () => {
    let alpine: AlpineRoot;
    beforeEach(async () => {
      alpine = await makeAlpineRoot();
    });
    afterEach(() => alpine.remove());

    it("has every file with its text, owner, mode and age, and names that apk takes", async () => {
      await writeFile(join(alpine.path, "tmp/x.apkovl.tar.gz"), await readFile(archive));
      // As the initial RAM disk does it; apk reads these names to tell which files are the overlay's.
      const { stdout } = await alpine.run(["tar", "-z", "-x", "-v", "-f", "/tmp/x.apkovl.tar.gz", "-C", "/"]);
      await assertUnpacked(alpine.path, entries);
      const names = stdout.trim().split("\n");
      for (const { path } of entries) assert.ok(names.includes(path), path);
      for (const name of names) assert.match(name, /^[a-z]+\/./, "a name without a slash ends what apk reads");
    });

    it("keeps all of Alpine's own users and groups, and locks none that has a key", async () => {
      const stock = async (file: string) => (await readFile(join(alpine.path, "etc", file), "utf8")).trim().split("\n");
      const ours = (file: string) => textOf(entries, `etc/${file}`).split("\n");
      const firstFields = (rows: readonly string[], count: number) =>
        rows.map((row) => row.split(":", count).join(":"));
      for (const row of await stock("passwd")) assert.ok(ours("passwd").includes(row), row);
      for (const row of firstFields(await stock("group"), 3))
        assert.ok(firstFields(ours("group"), 3).includes(row), row);
      for (const row of firstFields(await stock("shadow"), 1))
        assert.ok(ours("shadow").includes(`${row}:*::0:::::`), row);
      for (const line of await stock("modules")) assert.ok(ours("modules").includes(line), line);
    });
  });
});

const released = Date.parse("2026-11-05T00:00:00Z");

async function assertUnpacked(root: string, entries: readonly OverlayEntry[]): Promise<void> {
  for (const entry of entries) {
    const path = join(root, entry.path);
    const found = await lstat(path);
    if (entry.kind === "link") {
      assert.equal(await readlink(path), entry.target);
      assert.deepEqual([found.uid, found.gid], [0, 0], entry.path);
      continue;
    }
    assert.equal(await readFile(path, "utf8"), entry.text, entry.path);
    assert.deepEqual([found.mode & 0o7777, found.uid, found.gid], [entry.mode, entry.uid, entry.gid], entry.path);
    assert.equal(found.mtimeMs, released, entry.path);
  }
  const folders = new Set(entries.flatMap(({ path }) => foldersOf(path)));
  const special = { "home/virt": [0o755, 1000], "home/virt/.ssh": [0o700, 1000], "root/.ssh": [0o700, 0] };
  for (const folder of folders) {
    if (folder === "root") continue; // the initial RAM disk closes it
    const { mode, uid, gid } = await lstat(join(root, folder));
    const [wantedMode, owner] = new Map(Object.entries(special)).get(folder) ?? [0o755, 0];
    assert.deepEqual([mode & 0o7777, uid, gid], [wantedMode, owner, owner], folder);
  }
}

function foldersOf(path: string): string[] {
  const above = dirname(path);
  return above === "." ? [] : [above, ...foldersOf(above)];
}

function textOf(entries: readonly OverlayEntry[], path: string): string {
  const entry = entries.find((entry) => entry.path === path);
  assert.ok(entry?.kind === "file");
  return entry.text;
}
