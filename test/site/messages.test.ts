import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { env } from "node:process";
import { printProblems } from "../../site/problem.ts";
import { readSite } from "../../site/read.ts";

describe("messages", () => {
  it("name all mistakes of a file at once, as golden/mistakes.txt has them (UPDATE_GOLDEN=1 writes it)", () => {
    const golden = new URL("golden/mistakes.txt", import.meta.url);
    const text = readFileSync(new URL("golden/mistakes.yaml", import.meta.url), "utf8");
    const result = readSite({ file: "stacks/home.yaml", text });
    assert.ok(!result.ok);
    const said = printProblems(result.problems);
    if (env.UPDATE_GOLDEN !== undefined) writeFileSync(golden, said);
    assert.equal(said, readFileSync(golden, "utf8"));
  });
});
