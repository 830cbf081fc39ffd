import { doesNotMatch, equal, match, notEqual, rejects } from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { holdBack } from "../../providers/tftp-tree/hold.ts";
import type { Hold } from "../../providers/tftp-tree/rollout-note.ts";
import { boardPackages, pinBootArtifacts, systemFiles } from "./boot-artifacts.ts";
import { homeStack } from "./home-stack.ts";
import { bootSite } from "./sites.ts";
import { startTrial, type Trial } from "./trial.ts";

/** What `up`, `status` and `rollout` do where a rollout holds a board back. The board itself is off. */
describe("a board that is held back, by the real engine", () => {
  let trial: Trial;
  let generations: { readonly from: string; readonly target: string };
  const root = (path: string) => join(trial.folder, "srv/tftp", path);
  const { run, up, preview, edit } = homeStack(() => trial);
  const changesNothing = (...args: string[]) => preview("--expect-no-changes", ...args);
  const served = async () => /^os_prefix=(.*)\/$/m.exec(await readFile(root("pi1/config.txt"), "utf8"))?.[1] ?? "";
  const hold = async () => {
    const owner = JSON.parse(await readFile(root(".bramble/owner.json"), "utf8"));
    const place = {
      server: { connect: "local" } as const,
      root: root("").replace(/\/$/, ""),
      owner,
      tree: "pi1",
      keep: 3,
    };
    const held: Hold = {
      ...{ format: 1, kind: "held", ...generations },
      ...{ since: "2026-11-30T12:00:00Z", why: "did not come up." },
    };
    await holdBack(place, held);
  };

  before(async () => {
    trial = await startTrial();
    await pinBootArtifacts(trial, systemFiles(), boardPackages());
    await trial.makeStack("home", bootSite(join(trial.folder, "srv")));
    await up();
    const from = await served();
    await edit("address: 198.51.100.11 }", "address: 198.51.100.11, settings: [arm_boost=1] }");
    await up();
    generations = { from, target: await served() };
    notEqual(generations.target, from);
  });
  after(() => trial?.remove());

  it("stays at the version of before, whatever `up` is told, and `up` says so", async () => {
    await hold();
    equal(await served(), generations.from);
    await changesNothing();
    await changesNothing("--refresh");
    match(
      await up("--refresh"),
      new RegExp(`pi1 +${generations.target} is held back since 2026-11-30T12:00:00Z: it did not come up`),
    );
    equal(await served(), generations.from);
  });

  it("gets what else is to change, and nothing of what is held back", async () => {
    const update = await readFile(root("pi1/pieeprom.sig"), "utf8");
    await edit("order: [network, sd]", "order: [network, sd], hdmi: false");
    await up();
    notEqual(await readFile(root("pi1/pieeprom.sig"), "utf8"), update);
    equal(await served(), generations.from);
    doesNotMatch(await readFile(root("pi1/config.txt"), "utf8"), /arm_boost/);
    await changesNothing("--refresh");
  });

  it("is known to `status` and to `rollout`, which leaves it alone", async () => {
    const status = JSON.parse((await trial.bramble("status", "--stack", "home", "--json")).stdout);
    const words: string = status.boards.find(({ name }: { name: string }) => name === "pi1").words;
    match(words, /is held back since/);
    doesNotMatch(words, /`up` pending/);
    const { code, said } = await run("rollout", "--dry-run");
    equal(code, 0, said);
    match(said, new RegExp(`Held back.*\n +pi1 +runs ${generations.from} and not ${generations.target}`));
    equal((await run("rollout")).code, 0);
  });

  it("is released by hand, and has what was held back", async () => {
    const { code, said } = await run("rollout", "--release", "pi1");
    equal(code, 0, said);
    match(said, /pi1 is not held any more/);
    equal(await served(), generations.target);
    await changesNothing("--refresh");
    match((await run("rollout", "--release", "pi1")).said, /pi1 is not held\./);
  });

  it("is released by another target, which `up` publishes", async () => {
    await hold();
    await edit("arm_boost=1", "arm_boost=0");
    match(await up(), /1 updated/);
    match(await readFile(root("pi1/config.txt"), "utf8"), /^arm_boost=0$/m);
    await rejects(readFile(root(".bramble/rollouts/pi1.json")), /ENOENT/);
    await changesNothing("--refresh");
  });
});
