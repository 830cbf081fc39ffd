import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { projectRoot } from "../../tools/lib/paths.ts";
import { inTurn } from "../../tools/lib/turn.ts";
import { until } from "../../tools/lib/until.ts";
import { roughly, secondsLeft } from "../../tools/setup/estimate.ts";
import { type Places, placesOf } from "../../tools/setup/places.ts";
import { engineReady } from "../../tools/setup/setup.ts";
import { copyProject, makeFolder, pretendInstalled, removeFolder } from "./setup-project.ts";

let project: string;
let places: Places;

describe("bramble setup", () => {
  beforeEach(async () => {
    project = await makeFolder();
    places = placesOf(project);
  });

  afterEach(() => removeFolder(project));

  describe("a set-up with a complete engine", function () {
    this.timeout(60_000);

    it("does nothing, in less than two seconds", async () => {
      await copyProject(project);
      await pretendInstalled(places, "built");
      const begin = Date.now();
      const { code, output } = await finish(startSetup());
      assert.match(output, /Nothing to do/);
      assert.equal(code, 0);
      assert.ok(Date.now() - begin < 2000, `took ${Date.now() - begin} ms`);
    });

    it("sees a file that is missing or was cut short", async () => {
      await copyProject(project);
      await pretendInstalled(places, "built");
      await engineReady(places);
      await writeFile(`${places.bin}/pulumi`, "cut");
      await assert.rejects(engineReady(places), /lacks Pulumi [\d.]+\. Run: npm run setup/);
      assert.deepEqual(await begunPieces(), ["Pulumi"]);
    });

    it("makes again only what was built from sources that have changed", async () => {
      await copyProject(project);
      await pretendInstalled(places, "built");
      await writeFile(`${project}/engine/libvirt/more.go`, "package main\n");
      assert.deepEqual(await begunPieces(), ["libvirt"]);
    });
  });

  describe("an interrupted set-up", function () {
    this.timeout(60_000);

    it("leaves nothing on Ctrl-C and exits with 130", async () => {
      await copyProject(project);
      const child = startSetup("--from", "built");
      await compiles(child);
      child.kill("SIGINT");
      const { code, output } = await finish(child);
      assert.equal(code, 130, output);
      assert.deepEqual(await leftovers(), []);
      assert.deepEqual(processesIn(project), []);
    });

    it("cleans up at the next start what kill -9 left, and takes its lock over", async () => {
      await copyProject(project);
      const killed = startSetup("--from", "built");
      await compiles(killed);
      killed.kill("SIGKILL");
      await once(killed, "close");
      const left = await leftovers();
      const temps = left.filter((name) => name.startsWith("tmp-"));
      assert.equal(temps.length, 1);
      assert.ok(left.includes("setup.lock"));

      const next = startSetup("--from", "built");
      await compiles(next, temps);
      assert.deepEqual(
        (await leftovers()).filter((name) => temps.includes(name)),
        [],
      );
      next.kill("SIGTERM");
      assert.equal((await finish(next)).code, 143);
      assert.deepEqual(await leftovers(), []);
      await until("the killed set-up's compilers to end", () => processesIn(project).length === 0, {
        deadline: 10_000,
      });
    });
  });

  describe("two set-ups at once", () => {
    it("take turns, and the second says for whom it waits", async () => {
      const file = `${project}/lock`;
      const order: string[] = [];
      const { signal } = new AbortController();
      let second: Promise<void> | undefined;
      await inTurn(file, "first", { onWait: () => assert.fail("nobody holds it"), signal }, async () => {
        const waits = new Promise<void>((resolve) => {
          const onWait = (who: string) => {
            order.push(who);
            resolve();
          };
          second = inTurn(file, "second", { onWait, signal }, async () => {
            order.push("second");
          });
        });
        await waits;
        order.push("first");
      });
      await second;
      assert.match(order[0] ?? "", new RegExp(`^process ${process.pid}, since 20`));
      assert.deepEqual(order.slice(1), ["first", "second"]);
      assert.deepEqual(await readdir(project), []);
    });
  });

  describe("the engine's modules", () => {
    it("ask for no newer Go than the one that is fetched", async () => {
      for (const module of await readdir(`${projectRoot}/engine`)) {
        const text = await readFile(`${projectRoot}/engine/${module}/go.mod`, "utf8");
        assert.match(text, /^go 1\.2[0-6](\.[0-6])?$/m, `engine/${module}`);
      }
    });
  });

  describe("the estimate", () => {
    it("falls with time and with more cores, and is not made up when the usual time is over", () => {
      const jobs = [
        { usual: 100, done: false },
        { usual: 20, done: false },
      ];
      assert.equal(secondsLeft(jobs, 0, 2), 120);
      assert.equal(secondsLeft(jobs, 30, 4), 30);
      assert.equal(secondsLeft(jobs, 121, 2), undefined);
      const done = jobs.map((job) => ({ ...job, done: true }));
      assert.equal(secondsLeft(done, 121, 2), 0);
      assert.equal(roughly(192), "3 min");
    });
  });
});

/** `bramble setup` of the copied project. Its compiler's cache is empty, so that there is time to interrupt it. */
function startSetup(...args: string[]): ChildProcess {
  const script =
    'const { setupCommand } = await import("./tools/setup/command.ts"); await setupCommand().parseAsync();';
  return spawn(process.execPath, ["--input-type=module", "-e", script, "--", ...args], {
    cwd: project,
    env: { ...process.env, GOCACHE: `${project}/gocache`, HTTPS_PROXY: "", PULUMI_HOME: `${project}/no-home` },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

async function finish(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  let output = "";
  child.stdout?.on("data", (chunk) => {
    output += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    output += chunk;
  });
  const [code] = await once(child, "close");
  return { code, output };
}

/**
 * Resolves when a compiler is at work for the set-up; rejects when the set-up ends before.
 * @param others temporary folders of other set-ups, whose compilers do not count
 */
async function compiles(child: ChildProcess, others: readonly string[] = []): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const look = setInterval(() => {
      const own = processesIn(project).filter((line) => !others.some((name) => line.includes(name)));
      if (own.length > 0) resolve();
    }, 100);
    child.on("close", (code) => {
      clearInterval(look);
      reject(new Error(`the set-up ended with ${code} before it compiled anything`));
    });
  });
}

/** The words after "STARTED" of the pieces that a set-up begins to make; it is stopped then. */
async function begunPieces(): Promise<string[]> {
  const child = startSetup("--from", "built");
  const end = finish(child);
  await compiles(child);
  child.kill("SIGINT");
  const { output } = await end;
  return [...output.matchAll(/STARTED\] \[[\d:]+\] (Pulumi|plugin|libvirt)/g)].map(([, word]) => word ?? "");
}

async function leftovers(): Promise<string[]> {
  const entries = await readdir(places.engine);
  return entries.filter((name) => !/^(engine\.json|bin|home)$/.test(name));
}

/** Compilers and other processes that work for a project: those whose temporary files lie in it. */
function processesIn(folder: string): string[] {
  const shown = execFileSync("ps", ["-eo", "pid=,args="], { encoding: "utf8" });
  return shown.split("\n").filter((line) => line.includes(`${folder}/.bramble`) && !line.includes("ps -eo"));
}
