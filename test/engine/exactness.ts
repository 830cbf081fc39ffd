import { deepEqual, equal } from "node:assert/strict";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import type { RunResult } from "../../tools/lib/run.ts";
import { readEvents } from "../../tools/plan/events.ts";
import { boardPackages, pinBootArtifacts, systemFiles } from "./boot-artifacts.ts";
import { pinK3s } from "./pin-k3s.ts";
import { forgetAll, type Made, pretendUp } from "./pretend-up.ts";
import { boardEdits, boardSites } from "./random/boards.ts";
import { clusterEdits, clusterSites, k3sVersions } from "./random/clusters.ts";
import { histories, type Version } from "./random/histories.ts";
import { startTrial, type Trial } from "./trial.ts";

/** Which random sites are tried: the same number gives the same ones. */
export interface Tried {
  readonly seed: number;
  /** How many changes each has. */
  readonly edits: number;
}

/** Declares the tests that previews are exact, for random changes of random sites, by the real engine. */
export function describeExactness({
  boards,
  clusters,
}: {
  readonly boards: Tried[];
  readonly clusters: Tried[];
}): void {
  describe("a preview of random changes, by the real engine", () => {
    let trial: Trial;

    before(async () => {
      // Loopback, over which the parts of the engine talk, and no other network.
      const alone = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"] as const;
      trial = await startTrial((command) => [...alone, ...command]);
      await pinBootArtifacts(trial, systemFiles(), [...boardPackages(), { name: "htop" }]);
      await pinK3s(trial, k3sVersions);
    });
    after(() => trial?.remove());

    for (const { seed, edits } of boards) {
      it(`says of boards what \`up\` then does, and \`up\` again does nothing (FAST_CHECK_SEED=${seed})`, async () => {
        const stack = `boards${seed}`;
        const versions = one(histories(boardSites(join(trial.folder, stack)), boardEdits(), edits), seed);
        await trial.makeStack(stack, versions[0]?.text ?? "");
        await makeAll(trial, stack, versions);
      });
    }

    for (const { seed, edits } of clusters) {
      it(`says of clusters what is another, and after it there is nothing to do (FAST_CHECK_SEED=${seed})`, async () => {
        const stack = `clusters${seed}`;
        const versions = one(histories(clusterSites(), clusterEdits(), edits), seed);
        await trial.makeStack(stack, versions[0]?.text ?? "");
        await pretendAll(trial, stack, versions);
      });
    }
  });
}

function one<T>(arbitrary: fc.Arbitrary<T[]>, seed: number): T[] {
  return fc.sample(arbitrary, { seed, numRuns: 1 }).flat();
}

/** Makes one version of a site after the other, really. What `up` does is what the preview before it said, step by step. */
async function makeAll(trial: Trial, stack: string, versions: readonly Version[]): Promise<void> {
  for (const version of versions) {
    await trial.write(`${stack}.yaml`, version.text);
    const previewed = await previewSteps(trial, stack);
    deepEqual(await upSteps(trial, stack), previewed, told(version, "`up` did something else than the preview said"));
    deepEqual(await upSteps(trial, stack), [], told(version, "`up` again did something"));
  }
}

/**
 * The same without hosts: the state that an `up` leaves is made up. A preview makes and deletes what one of the states
 * has and the other has not, and leaves nothing as it is that comes to something else.
 */
async function pretendAll(trial: Trial, stack: string, versions: readonly Version[]): Promise<void> {
  let before: Made = new Map();
  for (const version of versions) {
    await trial.write(`${stack}.yaml`, version.text);
    const previewed = await previewSteps(trial, stack);
    if (before.size > 0) await forgetAll(trial, stack);
    const after = await pretendUp(trial, stack);
    const of = (op: string) => previewed.filter((step) => step.startsWith(`${op} `));
    deepEqual(of("create"), missingIn(before, after, "create"), told(version, "it makes something else"));
    deepEqual(of("delete"), missingIn(after, before, "delete"), told(version, "it deletes something else"));
    const looked = new Set(previewed.map((step) => step.replace(/^\S+ /, "")));
    const differ = [...after].filter(([urn, inputs]) => before.has(urn) && !isDeepStrictEqual(inputs, before.get(urn)));
    const missed = differ.filter(([urn]) => !looked.has(urn));
    deepEqual(missed, [], told(version, "it leaves something as it is that comes to something else"));
    deepEqual(await previewSteps(trial, stack), [], told(version, "after `up` there is something to do"));
    before = after;
  }
}

function missingIn(some: Made, others: Made, op: string): string[] {
  return [...others.keys()].flatMap((urn) => (some.has(urn) ? [] : [`${op} ${urn}`])).sort();
}

async function previewSteps(trial: Trial, stack: string): Promise<string[]> {
  // As events, one a line: the account that it gives else leaves out how something is replaced.
  const environment = { PULUMI_ENABLE_STREAMING_JSON_PREVIEW: "true" };
  const command = ["node", "tools/bramble.js", "preview", "--stack", stack, "--json"] as const;
  return stepsIn(await trial.run(command, environment));
}

async function upSteps(trial: Trial, stack: string): Promise<string[]> {
  return stepsIn(await trial.pulumi("up", "--yes", "--skip-preview", "--json", "--stack", stack));
}

/** `update URN`, without what stays as it is, sorted: what does not depend on each other happens at the same time. */
function stepsIn({ code, stdout, stderr }: RunResult): string[] {
  equal(code, 0, stdout + stderr);
  const { steps } = readEvents(stdout.split("\n"));
  return steps.flatMap(({ op, urn }) => (op === "same" ? [] : [`${op} ${urn}`])).sort();
}

function told({ what, text }: Version, wrong: string): string {
  return `${wrong}, for this site, which has ${what}:\n${text}`;
}
