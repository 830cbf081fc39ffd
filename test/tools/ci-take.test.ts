import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gitIn } from "../../tools/ci/git.ts";
import { lastTaken, takePullRequest } from "../../tools/ci/take.ts";
import { run } from "../../tools/lib/run.ts";

const files: Record<string, string> = {
  ".gitignore": ".bramble/\n",
  "index.ts": "base\n",
  "README.md": "base\n",
  "stacks/home.yaml": "network: base\nboards: base\n",
  "stacks/old.yaml": "old\n",
  "stacks/Pulumi.home.yaml": "encryptionsalt: v1:base\nconfig:\n  bramble:siteSecret:\n    secure: v1:secret\n",
};

/** Real repositories: a forge's, with a pull request's ref, and a checkout of its base branch as a workflow has it. */
describe("taking a pull request", () => {
  let folder: string;
  const work = () => join(folder, "work");
  const author = () => join(folder, "author");
  const git = async (cwd: string, ...args: string[]) => {
    const who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false"];
    return (await run(["git", ...who, ...args], { cwd })).stdout.trim();
  };
  const put = async (path: string, text: string) => {
    await mkdir(dirname(join(author(), path)), { recursive: true });
    await writeFile(join(author(), path), text);
  };
  /** Pushes what the author's folder has as pull request 7, and gives its commit. */
  const propose = async () => {
    await git(author(), "add", "--all");
    await git(author(), "commit", "--quiet", "--message", "a change");
    await git(author(), "push", "--quiet", "--force", "origin", "HEAD:refs/pull/7/head");
    return await git(author(), "rev-parse", "HEAD");
  };
  const take = (head: string, all = false) => takePullRequest(work(), { head, number: 7, all });
  const text = (path: string) => readFile(join(work(), path), "utf8");

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "bramble-ci-"));
    await git(folder, "init", "--quiet", "--bare", "--initial-branch=main", "forge");
    await git(folder, "clone", "--quiet", join(folder, "forge"), "author");
    for (const [path, content] of Object.entries(files)) await put(path, content);
    await git(author(), "add", "--all");
    await git(author(), "commit", "--quiet", "--message", "base");
    await git(author(), "push", "--quiet", "origin", "HEAD:refs/heads/main");
    await git(folder, "clone", "--quiet", "--branch", "main", join(folder, "forge"), "work");
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it("brings site files that come, change and go, and leaves the program as it is on the base branch", async () => {
    await put("stacks/home.yaml", "network: base\nboards: theirs\n");
    await put("stacks/house/attic.yaml", "new\n");
    await rm(join(author(), "stacks/old.yaml"));
    await put("index.ts", "theirs\n");
    await put(".gitattributes", "* filter=theirs\n");
    await put("README.md", "theirs\n");
    const head = await propose();
    const taken = await take(head);
    deepEqual(taken.data, ["stacks/home.yaml", "stacks/house/attic.yaml", "stacks/old.yaml"]);
    deepEqual(taken.program, [".gitattributes", "index.ts"]);
    equal(await text("stacks/home.yaml"), "network: base\nboards: theirs\n");
    equal(await text("stacks/house/attic.yaml"), "new\n");
    equal(existsSync(join(work(), "stacks/old.yaml")), false);
    equal((await text("index.ts")) + (await text("README.md")), "base\nbase\n");
    equal(existsSync(join(work(), ".gitattributes")), false);
    deepEqual(await lastTaken(work()), taken);
    equal(taken.head, head);
  });

  it("shows what the merge gives: what the base branch got since is not taken back", async () => {
    await put("stacks/home.yaml", "network: theirs\nboards: base\n");
    const head = await propose();
    await writeFile(join(work(), "stacks/old.yaml"), "newer\n");
    await git(work(), "commit", "--quiet", "--all", "--message", "meanwhile");
    deepEqual((await take(head)).data, ["stacks/home.yaml"]);
    equal(await text("stacks/old.yaml"), "newer\n");
  });

  it("refuses what can't be merged, and a checkout with changes of its own, and writes nothing", async () => {
    await put("stacks/home.yaml", "network: theirs\nboards: base\n");
    const head = await propose();
    await writeFile(join(work(), "stacks/home.yaml"), "network: ours\nboards: base\n");
    await rejects(take(head), /This checkout has changes of its own: stacks\/home\.yaml/);
    await git(work(), "commit", "--quiet", "--all", "--message", "meanwhile");
    await rejects(take(head), /can't be merged: it and the base branch changed stacks\/home\.yaml/);
    equal(await text("stacks/home.yaml"), "network: ours\nboards: base\n");
    equal(await lastTaken(work()), undefined);
  });

  it("keeps the base branch's keys and provider of secrets, and says what it left out", async () => {
    const theirs =
      "secretsprovider: hashivault://x\n'@team <b>': 1\nencryptionsalt: v1:x\nconfig: { bramble:site: other.yaml }\n";
    await put("stacks/Pulumi.home.yaml", theirs);
    await put("stacks/Pulumi.new.yaml", "encryptionsalt: v1:new\n");
    const { notes, gone } = await take(await propose());
    deepEqual(gone, []);
    equal(await text("stacks/Pulumi.home.yaml"), `${files["stacks/Pulumi.home.yaml"]}  "bramble:site": "other.yaml"\n`);
    equal(existsSync(join(work(), "stacks/Pulumi.new.yaml")), false);
    match(
      notes.join("\n"),
      /Pulumi\.home\.yaml: .*a setting with an odd name.* as on the base branch; only a merge changes that/,
    );
    match(notes.join("\n"), /Stack new is new\. It has a preview once its file is on the base branch/);
  });

  it("leaves the file of a stack that is to go, and says which", async () => {
    await rm(join(author(), "stacks/Pulumi.home.yaml"));
    deepEqual((await take(await propose())).gone, ["home"]);
    equal(await text("stacks/Pulumi.home.yaml"), files["stacks/Pulumi.home.yaml"]);
  });

  it("refuses links, programs in the place of data and encrypted values, all at once, and writes nothing", async () => {
    await rm(join(author(), "stacks/home.yaml"));
    await symlink("/etc/passwd", join(author(), "stacks/home.yaml"));
    await chmod(join(author(), "stacks/old.yaml"), 0o755);
    await put("stacks/Pulumi.home.yaml", "config: { bramble:site: { secure: v1:secret } }\n");
    await put("stacks/more.yaml", "more\n");
    await rejects(take(await propose()), (error: Error) => {
      match(error.message, /"stacks\/home\.yaml" is a symbolic link/);
      match(error.message, /"stacks\/old\.yaml" is executable/);
      match(error.message, /stacks\/Pulumi\.home\.yaml can't be taken: bramble:site has an encrypted value/);
      return true;
    });
    equal(existsSync(join(work(), "stacks/more.yaml")), false);
  });

  it("writes no file through a link of the base branch", async () => {
    await rm(join(author(), "stacks/old.yaml"));
    await symlink("../index.ts", join(author(), "stacks/old.yaml"));
    await git(author(), "commit", "--quiet", "--all", "--message", "a link");
    await git(author(), "push", "--quiet", "origin", "HEAD:refs/heads/main");
    await git(work(), "pull", "--quiet");
    await rm(join(author(), "stacks/old.yaml"));
    await put("stacks/old.yaml", "theirs\n");
    await take(await propose());
    equal(await text("index.ts"), "base\n");
    equal(await text("stacks/old.yaml"), "theirs\n");
  });

  it("with `all` makes the checkout what the merge gives, program and stack files too", async () => {
    await put("index.ts", "theirs\n");
    await put("stacks/Pulumi.home.yaml", "encryptionsalt: v1:theirs\n");
    const { all, program } = await take(await propose(), true);
    equal(all, true);
    deepEqual(program, ["index.ts"]);
    equal((await text("index.ts")) + (await text("stacks/Pulumi.home.yaml")), "theirs\nencryptionsalt: v1:theirs\n");
  });

  it("says so when the commit is not of this pull request, or the name is none", async () => {
    await put("README.md", "theirs\n");
    const head = await propose();
    await rejects(take("f".repeat(40)), /This checkout has no commit "f{40}"\. If pull request 7 was pushed again/);
    await rejects(take("--all"), /This checkout has no commit "--all"/);
    equal((await take(head)).head, head);
  });

  it("knows the newest commit of a branch on the forge", async () => {
    equal(await gitIn(work()).tipOf("main"), await git(work(), "rev-parse", "HEAD"));
    await rejects(gitIn(work()).tipOf("none"), /git ended with exit code 2/);
  });
});
