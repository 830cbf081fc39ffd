import { randomInt } from "node:crypto";
import { env } from "node:process";
import { describeExactness } from "../engine/exactness.ts";

/** Other sites each time; the name of a test says how to have the same again. */
const first = Number(env.FAST_CHECK_SEED ?? randomInt(1_000_000));
const seeds = Array.from({ length: Number(env.FAST_CHECK_RUNS ?? 12) }, (_, index) => first + index);

describeExactness({
  boards: seeds.map((seed) => ({ seed, edits: 6 })),
  clusters: seeds.map((seed) => ({ seed, edits: 6 })),
});
