import { deepEqual, equal, match, ok } from "node:assert/strict";
import { ed25519Key } from "../site/shelf.ts";
import { startTrial, type Trial } from "./trial.ts";

/** Boards that run no VMs, so that nothing but the guard is made, and no host is asked. */
const boards = ["hut", "barn", "mill"].map(
  (name, index) =>
    `  ${name}: { model: pc, role: worker, memory: 4GiB, address: 10.20.0.${index + 5}, hostKey: ${ed25519Key()} }\n`,
);
const site = (count: number, more = "") =>
  `network: { cidr: 10.20.0.0/24, gateway: 10.20.0.1 }\nboards:\n${boards.slice(0, count).join("")}limits: { boards: 1 }\n${more}`;
const refusal =
  /home {2}too-many-boards {2}2 boards of 3 would go at once, 2 taken out \(barn and mill\), and limits\.boards is 1\n\s+→ change at most 1 in one `up`.* allow: \{ too-many-boards: \{ plan: (p[0-9a-f]{8}), because: "…" \} \}/;

describe("the guard, with the real engine", () => {
  let trial: Trial;
  let kept: unknown;
  let word = "";
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await trial.pulumi(...args, "--stack", "home");
    return { code, said: stdout + stderr };
  };
  const up = () => run("up", "--yes", "--skip-preview");
  /** Without providers, whose secrets have other ciphertexts in each export. */
  const resources = async (): Promise<{ type: string; inputs?: Record<string, unknown> }[]> => {
    const { said } = await run("stack", "export");
    const all: { type: string }[] = JSON.parse(said).deployment.resources;
    return all.filter(({ type }) => !type.startsWith("pulumi:providers:"));
  };

  before(async () => {
    trial = await startTrial();
    await trial.makeStack("home", site(3));
    const { code, said } = await up();
    equal(code, 0, said);
    kept = await resources();
  });
  after(() => trial?.remove());

  it("refuses a plan in a preview, with the rule, what to do instead and how to say that it is meant", async () => {
    await trial.write("home.yaml", site(1));
    const { code, said } = await run("preview");
    equal(code === 0, false);
    match(said, refusal);
    word = refusal.exec(said)?.[1] ?? "";
  });

  it("refuses it in `up`, also in one that goes on after errors, and nothing of it is done", async () => {
    for (const more of [[], ["--continue-on-error"]]) {
      const { code, said } = await run("up", "--yes", "--skip-preview", ...more);
      equal(code === 0, false);
      match(said, refusal);
      deepEqual(await resources(), kept);
    }
  });

  it("lets it pass with its word, once, and keeps who meant it and what the site is now", async () => {
    const allow = `allow: { too-many-boards: { plan: ${word}, because: The barn is sold } }\n`;
    await trial.write("home.yaml", site(1, allow));
    const { code, said } = await up();
    equal(code, 0, said);
    const guard = (await resources()).find(({ type }) => type.endsWith("bramble:PlanGuard"));
    deepEqual(guard?.inputs?.allowed, { "too-many-boards": "The barn is sold" });
    deepEqual(Object.keys(guard?.inputs?.boards ?? {}), ["hut"]);
    const again = await run("preview", "--expect-no-changes");
    equal(again.code, 0, again.said);
    match(again.said, /allow\.too-many-boards .* not of this change/);
    await trial.write("home.yaml", site(1));
    const without = await run("preview", "--refresh", "--expect-no-changes");
    equal(without.code, 0, without.said);
    ok(!without.said.includes("not of this change"), without.said);
  });
});
