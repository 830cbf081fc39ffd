import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../tools/lib/run.ts";
import { keepNoLogs } from "../../tools/setup/engine-logs.ts";
import { placesOf } from "../../tools/setup/places.ts";

describe("Pulumi's home", () => {
  let home: string;
  before(async () => {
    home = await mkdtemp(join(tmpdir(), "bramble-home-"));
  });
  after(() => rm(home, { recursive: true, force: true }));

  const version = () =>
    run([join(placesOf().bin, "pulumi"), "version"], {
      env: { ...process.env, PULUMI_HOME: home, PULUMI_SKIP_UPDATE_CHECK: "true" },
    });

  it("gets a log of each run from the real engine, which is why there is more to do", async () => {
    await version();
    assert.equal((await readdir(join(home, "logs"))).length, 1);
  });

  it("is rid of logs, and the real engine goes on without them and without a word", async () => {
    await mkdir(join(home, "logs/old"), { recursive: true });
    await writeFile(join(home, "logs/old/pulumi.log"), "old");
    await keepNoLogs(home);
    const note = await readFile(join(home, "logs"), "utf8");
    assert.match(note, /debug log/);
    const { stdout, stderr } = await version();
    assert.match(stdout, /^v3\.\d+\.\d+\n$/);
    assert.equal(stderr, "");
    await keepNoLogs(home);
    assert.equal(await readFile(join(home, "logs"), "utf8"), note);
  });
});
