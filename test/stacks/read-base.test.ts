import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { cwd } from "node:process";
import { printProblems } from "../../site/problem.ts";
import { readStack } from "../../stacks/read-stack.ts";
import { basesIn } from "../../stacks/site-files.ts";
import { checkFiles } from "../../tools/site/check.ts";
import { shelf } from "../site/shelf.ts";

describe("the base of a site file", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "bramble-bases-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const write = (name: string, text: string) => writeFile(join(folder, name), text);
  /** Everything that is wrong with the site of stack `home`, without the folders that files are in. */
  const problems = async () => {
    const read = await readStack(folder, "home", {});
    return read.ok ? "" : printProblems(read.problems).replaceAll(`${relative(cwd(), folder)}/`, "");
  };

  it("is the file beside it, which may have a base itself, under the stack's overrides", async () => {
    await write("shelf.yaml", shelf);
    await write("few.yaml", "base: shelf.yaml\nclusters: { physics: { workers: { n: { count: 1 } } } }\n");
    await write("home.yaml", "base: few.yaml\nusers: { alice: null }\n");
    const read = await readStack(folder, "home", { override: { boards: { pi1: { memory: "4GiB" } } } });
    assert.ok(read.ok, read.ok ? "" : printProblems(read.problems));
    assert.deepEqual([read.site.name, read.site.vms.length, read.site.users.length], ["home", 2, 0]);
    assert.equal(read.site.hosts[0]?.memoryMiB, 3584);
  });

  it("is refused when it includes itself, with the whole circle", async () => {
    await write("home.yaml", "base: mid.yaml\n");
    await write("mid.yaml", "users: {}\nbase: low.yaml\n");
    await write("low.yaml", "# the lowest\nbase: mid.yaml\n");
    assert.match(
      await problems(),
      /^low\.yaml:2:7 {2}bad-base {2}this file is based on itself: mid\.yaml → low\.yaml → mid\.yaml\n {4}→ take one/,
    );
    await write("home.yaml", "base: home.yaml\n");
    assert.match(await problems(), /^home\.yaml:1:7 .*based on itself: home\.yaml → home\.yaml\n/);
    await symlink("home.yaml", join(folder, "other.yaml"));
    await write("home.yaml", "base: other.yaml\n");
    assert.match(await problems(), /based on itself: other\.yaml → other\.yaml\n/);
  });

  it("is refused when it is not there, with the name that was meant, or is no file", async () => {
    await write("shelf.yaml", shelf);
    await write("home.yaml", "base: shlef.yaml\n");
    assert.match(
      await problems(),
      /^home\.yaml:1:7 {2}bad-base {2}there is no shlef\.yaml, which is to be the base of this file\n.*did you mean shelf\.yaml\?/,
    );
    await mkdir(join(folder, "folder.yaml"));
    await write("home.yaml", "base: folder.yaml\n");
    assert.match(await problems(), /^home\.yaml:1:7 {2}bad-base {2}folder\.yaml can't be read: EISDIR/);
  });

  it("is never outside the folder, and never anything but a site file by its plain name", async () => {
    const hostile = [
      "../x.yaml",
      "/etc/hosts.yaml",
      "a/../../x.yaml",
      "~/x.yaml",
      ".x.yaml",
      "x",
      "$(id).yaml",
      "x\\0.yaml",
    ];
    for (const name of [...hostile, "", "a\\b.yaml", "http://x/y.yaml"]) {
      await write("home.yaml", `base: "${name}"\n`);
      assert.match(await problems(), /^home\.yaml:1:7 {2}bad-base {2}".*" is not the name of a site file\n/, name);
    }
    for (const value of ["3", "[a.yaml]", "{ a: b }", "null", ""]) {
      await write("home.yaml", `base: ${value}\n`);
      assert.match(await problems(), /^home\.yaml:1:\d {2}bad-base {2}base is .*, not the name of a file\n/, value);
    }
  });

  it("has its mistakes in its own lines, once for all sites on it, and checked with it", async () => {
    await write("shelf.yaml", shelf.replace("uid: 2001", "uid: 7"));
    await write("home.yaml", "base: shelf.yaml\n");
    await write("staging.yaml", "base: shelf.yaml\nboards:\n  pi1: { memory: 4GB }\n");
    const { ok, text } = await checkFiles([join(folder, "shelf.yaml")], false);
    assert.equal(ok, false);
    assert.match(text, /shelf\.yaml:13:17 {2}reserved-uid [\s\S]*staging\.yaml:3:18 {2}bad-size /);
    assert.match(text, /\n2 problems\n$/);
  });

  it("need not be a whole site, and is then judged by the sites on it", async () => {
    const [above = "", clusters = ""] = shelf.split("clusters:\n");
    await write("physics.yaml", `clusters:\n${clusters}`);
    await write("home.yaml", `base: physics.yaml\n${above}`);
    const { ok, text } = await checkFiles([join(folder, "physics.yaml")], false);
    assert.match(text, /^home: 2 hosts, 3 VMs, 1 cluster, 1 user\n/);
    assert.equal(ok, true);
    await rm(join(folder, "home.yaml"));
    assert.match(
      (await checkFiles([join(folder, "physics.yaml")], false)).text,
      /missing-key {2}the site has no network/,
    );
  });

  it("is known for each site of a folder, also when one of them is broken", async () => {
    await write("shelf.yaml", shelf);
    await write("mid.yaml", "base: shelf.yaml\n");
    await write("home.yaml", "base: mid.yaml\n");
    await write("broken.yaml", "base: absent.yaml\n");
    await symlink("nowhere.yaml", join(folder, "dangling.yaml"));
    await write("Pulumi.home.yaml", "config: {}\n");
    const bases = [...(await basesIn(folder))].map(([base, sites]) => [
      basename(base),
      sites.map((site) => basename(site)),
    ]);
    assert.deepEqual(Object.fromEntries(bases), { "shelf.yaml": ["home.yaml", "mid.yaml"], "mid.yaml": ["home.yaml"] });
  });
});
