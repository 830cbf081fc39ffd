import { equal, match, ok } from "node:assert/strict";
import { existsSync } from "node:fs";
import { appendFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "../../tools/lib/run.ts";
import { readWorkflow, stepOf, type Workflow } from "../tools/support/workflow.ts";
import { boardPackages, pinBootArtifacts, systemFiles } from "./boot-artifacts.ts";
import { bootSite, smallSite } from "./sites.ts";
import { passphrase, startTrial, type Trial } from "./trial.ts";

/**
 * The steps of docs/ci's workflows, run as a runner does: by bash, on a checkout of a real repository, with what the
 * forge puts into the environment. Left out are those that set the machine up.
 */
describe("the workflows' steps, with the real engine", () => {
  let trial: Trial;
  let review: Workflow;
  let merge: Workflow;
  /** The commit of main that a checkout begins with. */
  let main: string;
  const author = () => join(trial.folder, "author");
  const hostile = () => join(trial.folder, "stolen");
  const git = async (cwd: string, ...args: string[]) => {
    const who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false"];
    return (await run(["git", ...who, ...args], { cwd })).stdout.trim();
  };
  /** A checkout of main, as a new runner has it. */
  const freshCheckout = async () => {
    await git(trial.folder, "fetch", "--quiet", "origin", "main");
    await git(trial.folder, "reset", "--quiet", "--hard", "origin/main");
    await rm(join(trial.folder, ".bramble/ci"), { recursive: true, force: true });
    await rm(join(trial.folder, "review"), { recursive: true, force: true });
  };
  /** Pushes an author's change of main as pull request 7. */
  const propose = async (change: Readonly<Record<string, (before: string) => string>>) => {
    await git(author(), "fetch", "--quiet", "origin");
    await git(author(), "checkout", "--quiet", "--force", "--detach", main);
    for (const [path, edit] of Object.entries(change)) {
      const file = join(author(), path);
      await writeFile(file, edit(await readFile(file, "utf8")));
    }
    await git(author(), "commit", "--quiet", "--all", "--message", "a change");
    await git(author(), "push", "--quiet", "--force", "origin", "HEAD:refs/pull/7/head");
    return await git(author(), "rev-parse", "HEAD");
  };
  const step = async (workflow: Workflow, job: string, id: string, head = main, stack = "home") => {
    // The clone's packages are links to this project's, and `npm run bramble` would run that one's commands.
    const script = stepOf(workflow, job, id).replace("npm run bramble --", "node tools/bramble.js");
    const files = { GITHUB_OUTPUT: join(trial.folder, "output"), GITHUB_STEP_SUMMARY: join(trial.folder, "summary") };
    for (const file of Object.values(files)) await writeFile(file, "");
    const secret = id === "take" ? { PULUMI_CONFIG_PASSPHRASE: undefined } : {};
    const change = {
      ...files,
      ...secret,
      GITHUB_ACTIONS: "true",
      STACK: stack,
      NUMBER: "7",
      HEAD: head,
      BRANCH: "main",
    };
    const result = await trial.run(["bash", "-e", "-c", script], change);
    const output = await readFile(files.GITHUB_OUTPUT, "utf8");
    const summary = await readFile(files.GITHUB_STEP_SUMMARY, "utf8");
    equal((result.stdout + result.stderr + output + summary).includes(passphrase), false);
    return { ...result, said: result.stdout + result.stderr, output, summary };
  };
  const comment = () => readFile(join(trial.folder, "review/comment.md"), "utf8");

  before(async () => {
    [review, merge] = [await readWorkflow("pull-request.yml"), await readWorkflow("merge.yml")];
    trial = await startTrial();
    await pinBootArtifacts(trial, systemFiles(), boardPackages());
    await trial.makeStack("home", bootSite(join(trial.folder, "srv")));
    await trial.makeStack("small", smallSite);
    await git(trial.folder, "init", "--quiet", "--initial-branch=main");
    const own = [
      "node_modules",
      "sdks",
      "author",
      "forge",
      "srv",
      "home",
      "brought",
      "output",
      "summary",
      "stolen",
      "review",
    ];
    await appendFile(join(trial.folder, ".git/info/exclude"), own.map((name) => `/${name}\n`).join(""));
    await git(trial.folder, "add", "--all");
    await git(trial.folder, "commit", "--quiet", "--message", "base");
    main = await git(trial.folder, "rev-parse", "HEAD");
    await git(trial.folder, "clone", "--quiet", "--bare", ".", "forge");
    await git(trial.folder, "remote", "add", "origin", join(trial.folder, "forge"));
    await git(trial.folder, "clone", "--quiet", join(trial.folder, "forge"), "author");
  });
  after(() => trial?.remove());
  beforeEach(freshCheckout);

  it("apply a merge, and leave a summary; boards that are off are no failure", async () => {
    const { code, said, summary } = await step(merge, "up", "up");
    equal(code, 0, said);
    match(summary, /^## Stack `home`: applied; boards are off/);
    match(summary, /0 of 1 boards run what is published/);
    ok(existsSync(join(trial.folder, "srv/tftp/pi1/config.txt")));
  });

  it("preview what site files become, for a comment, without a site in reach", async () => {
    const head = await propose({
      "stacks/home.yaml": (text) => text.replace("198.51.100.11 }", "198.51.100.11, settings: [arm_boost=1] }"),
    });
    const taken = await step(review, "preview", "take", head);
    equal(taken.code, 0, taken.said);
    equal(taken.output, "program=false\n");
    const { code, said } = await step(review, "preview", "preview", head);
    equal(code, 0, said);
    match(said, /^::stop-commands::(\S+)\n[\s\S]*\n::\1::\n$/);
    match(await comment(), /^### Plan for `home`: 1 to update; \d+ stay as they are\n[\s\S]*\n\| pi1 \|/);
    match(await comment(), /\n```diff\n[\s\S]*\n\+arm_boost=1\n[\s\S]*```\n/);
    match(await comment(), new RegExp(`Commit \`${head.slice(0, 12)}\`, merged into \`${main.slice(0, 12)}\``));
    ok(existsSync(join(trial.folder, "review/plan.md")));
  });

  it("fail for a site with mistakes, and show them by line", async () => {
    const head = await propose({ "stacks/home.yaml": (text) => text.replace("model: pi5", "model: pi6") });
    equal((await step(review, "preview", "take", head)).code, 0);
    equal((await step(review, "preview", "preview", head)).code, 1);
    match(
      await comment(),
      /^### Stack `home`: the site has mistakes\n\n```text\nstacks\/home\.yaml:5:\d+ +\S+ +boards\.pi1\.model: "pi6"/,
    );
  });

  it("fail for a plan that the guard refuses, with its reasons in the comment", async () => {
    // Its PC is in no reach, but all that the guard asks for is what the site was.
    const targets = ["PlanGuard", "Site", "Hypervisor"].flatMap((type) => ["--target", `**:${type}::**`]);
    const had = await trial.pulumi("up", "--stack", "small", "--yes", "--skip-preview", ...targets);
    equal(had.code, 0, had.stdout + had.stderr);
    const head = await propose({ "stacks/small.yaml": (text) => text.replace(/clusters:[\s\S]*/, "") });
    const taken = await step(review, "preview", "take", head, "small");
    equal(taken.code, 0, taken.said);
    const { code, said } = await step(review, "preview", "preview", head, "small");
    equal(code, 3, said);
    match(await comment(), /^### Plan for `small`: refused\n\n⛔ \*\*Refused\*\* `last-controller` \(`small`\): /);
    match(await comment(), /\n⛔ \*\*Refused\*\* `data-lost` .* its data disk of 8GiB at tower:.*\n→ copy /);
  });

  it("run nothing of a pull request, nor ask its provider of secrets, before somebody lets it run", async () => {
    const steal = `import { writeFileSync } from "node:fs";\nwriteFileSync(${JSON.stringify(hostile())}, process.env.PULUMI_CONFIG_PASSPHRASE ?? "");\n`;
    const head = await propose({
      "index.ts": (text) => steal + text,
      "tools/main.ts": (text) => steal + text,
      "Pulumi.yaml": (text) => `${text}backend: { url: "http://127.0.0.1:1" }\n`,
      "stacks/Pulumi.home.yaml": (text) => `secretsprovider: hashivault://theirs\n${text}`,
    });
    const taken = await step(review, "preview", "take", head);
    equal(taken.code, 0, taken.said);
    equal(taken.output, "program=true\n");
    match(taken.said, /Not taken, since it is run:\n {2}"Pulumi\.yaml"\n {2}"index\.ts"\n {2}"tools\/main\.ts"\n/);
    match(taken.said, /stacks\/Pulumi\.home\.yaml: secretsprovider as on the base branch/);
    const before = await step(review, "preview", "preview", head);
    equal(before.code, 0, before.said);
    equal(existsSync(hostile()), false);
    match(
      await comment(),
      /This also changes the program \(`Pulumi\.yaml`, `index\.ts` and `tools\/main\.ts`\), which was not run/,
    );

    await freshCheckout();
    equal((await step(review, "program", "take", head)).code, 0);
    await step(review, "program", "preview", head);
    equal(await readFile(hostile(), "utf8"), passphrase);
  });

  it("say in the comment why a pull request can't be taken", async () => {
    const head = await propose({
      "stacks/Pulumi.home.yaml": (text) => text.replace("config:", "config:\n  bramble:site: { secure: v1:x }"),
    });
    equal((await step(review, "preview", "take", head)).code, 1);
    match(
      await comment(),
      /^### It can't be previewed\n\n```text\nstacks\/Pulumi\.home\.yaml can't be taken: bramble:site/,
    );
  });

  it("fail a merge while another run is at work, and say so in the summary", async () => {
    const folder = join(trial.folder, ".bramble/state/.pulumi/locks/organization/bramble/home");
    const lock = { pid: 1, username: "ann", hostname: "elsewhere", timestamp: new Date().toISOString() };
    const file = join(folder, "6f0a5c4e-0f6d-4f0e-9d5c-1c1d7e2a9b10.json");
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, JSON.stringify(lock));
    const { code, summary } = await step(merge, "up", "up");
    await rm(file);
    equal(code, 1);
    match(summary, /^## Stack `home`: \*\*failed\*\*.*\n[\s\S]*Process 1 of ann on elsewhere has locked stack home/);
  });

  it("leave a commit alone that is not the newest: an old run, started again, would set the site back", async () => {
    await git(author(), "checkout", "--quiet", "--force", "--detach", main);
    await git(author(), "commit", "--quiet", "--allow-empty", "--message", "newer");
    await git(author(), "push", "--quiet", "origin", "HEAD:refs/heads/main");
    const { code, said, summary } = await step(merge, "up", "up");
    equal(code, 0, said);
    match(
      summary,
      /left to a newer run\n\n[0-9a-f]{12} is not the newest of main any more; the run for [0-9a-f]{12} applies both/,
    );
  });
});
