import { equal } from "node:assert/strict";
import type { SecondHost } from "../../doubles/second-host.ts";

/**
 * Each test of this suite goes on from the last, so those after one that failed are left out. Mocha's own bail would
 * also leave out those of other files.
 */
export function eachGoesOnFromTheLast(): void {
  let broken = false;
  beforeEach(function () {
    if (broken) this.skip();
  });
  afterEach(function () {
    broken ||= this.currentTest?.state === "failed";
  });
}

/** What a command gave, which must have ended well. */
export async function succeeds<T extends { code: number; output: string }>(command: Promise<T>): Promise<T> {
  const result = await command;
  equal(result.code, 0, result.output);
  return result;
}

/** The names of the domains on a host, running or not. */
export async function domains(host: SecondHost): Promise<string[]> {
  return (await host.virsh("list", "--all", "--name")).split("\n").filter(Boolean).sort();
}
