import { deepEqual, equal, match, ok } from "node:assert/strict";
import * as fc from "fast-check";
import { code, longestComment, plainMarkdown, printMarkdown } from "../../../tools/plan/markdown.ts";
import type { Machine, Plan } from "../../../tools/plan/model.ts";
import { board, planWith } from "./samples.ts";

describe("a plan as Markdown", () => {
  it("that is short enough is not cut", () => {
    const text = printMarkdown(planWith([board("pi1")]), { limit: longestComment });
    equal(text, printMarkdown(planWith([board("pi1")])));
    match(text, /\| pi1 \| the board \| changed: boots it at its next reboot \|/);
    match(text, /<summary>pi1: config\.txt<\/summary>\n\n```diff\n-arm_boost=0\n\+arm_boost=1\n```\n\n<\/details>/);
  });

  it("tells the same change to many boards once", () => {
    const names = Array.from({ length: 60 }, (_, index) => `pi${index + 1}`);
    const text = printMarkdown(planWith(names.map((name) => board(name))));
    equal(text.match(/arm_boost=1/g)?.length, 1);
    match(text, /\| pi1, pi2, .*and 48 more \|/);
  });

  it("keeps a fence closed over text that has fences in it", () => {
    const text = printMarkdown(planWith([board("pi1", "-```\n+````x")]));
    match(text, /\n`````diff\n-```\n\+````x\n`````\n/);
  });

  it("shows text of others as it is: no HTML, no formatting, nobody is notified", () => {
    const shown = plainMarkdown("<img src=x> @everyone **x** [a](https://e.example) #1 a|b\n# title");
    equal(/[<@\n]|(?<!&)#|(?<!\\)[*[\]|(]|:\/\//.test(shown), false, shown);
    equal(code("a`b|c"), "``a`b\\|c``");
    equal(code("`"), "`` ` ``");
  });

  it("is never longer than its limit, and whatever is cut, tables and fences stay whole", () => {
    const line = fc.string({ maxLength: 60 }).map((text) => text.replaceAll(/[\n\r]/g, " "));
    const diff = fc
      .array(line, { minLength: 1, maxLength: 40 })
      .map((lines) => lines.map((text) => `+${text}`).join("\n"));
    const boards = fc.array(diff, { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(boards, fc.integer({ min: 600, max: 6000 }), (diffs, limit) => {
        const plan = planWith(diffs.map((text, index) => board(`pi${index}`, text)));
        const text = printMarkdown(plan, { limit });
        ok(text.length <= limit);
        deepEqual(unclosed(text), []);
        if (printMarkdown(plan).length > limit) match(text, /_This is not all: /);
      }),
    );
  });

  it("has the worst first, so that a cut leaves that", () => {
    const calm = Array.from({ length: 200 }, (_, index) => board(`pi${index}`, `+line ${index} ${"x".repeat(500)}`));
    const worst: Machine = { ...board("nas"), effects: ["deletes-data"] };
    const plan: Plan = {
      ...planWith([worst, ...calm]),
      verdict: "refused",
      refusals: [{ rule: "data-lost", where: "nas", message: "the disk of nas goes", hint: "keep it" }],
    };
    const text = printMarkdown(plan, { limit: longestComment, fullAt: "[the artifact](plan.md)" });
    ok(text.length <= longestComment && text.length > longestComment - 2000);
    ok(text.indexOf("`data-lost`") < text.indexOf("a data disk is deleted"));
    ok(text.indexOf("a data disk is deleted") < text.indexOf("<summary>pi1"));
    match(text, /All of it: \[the artifact\]\(plan\.md\)\._\n$/);
  });
});

/** What is open at the end of a Markdown text, or is no whole row of a table. */
function unclosed(text: string): string[] {
  const open: string[] = [];
  let fence = "";
  for (const line of text.split("\n")) {
    if (fence !== "") {
      if (line === fence) fence = "";
      continue;
    }
    const [, ticks] = /^(`{3,})diff$/.exec(line) ?? [];
    if (ticks !== undefined) fence = ticks;
    else if (line.startsWith("<details>")) open.push(line);
    else if (line === "</details>") open.pop();
    else if (line.startsWith("|") && !line.endsWith("|")) open.push(line);
  }
  return fence === "" ? open : [...open, fence];
}
