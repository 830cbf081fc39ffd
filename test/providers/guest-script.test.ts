import { equal } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { guestScripts } from "../../providers/steps/guest-script.ts";

describe("a script on a guest that restarts a service when its file was changed", () => {
  const folder = mkdtempSync(join(tmpdir(), "bramble-guest-script-"));
  const path = join(folder, "service.conf");
  after(() => rmSync(folder, { recursive: true }));

  it("does so once", async () => {
    equal(await run("one"), "restarted");
    equal(await run("one"), "runs");
    equal(await run("two"), "restarted");
    equal(readFileSync(path, "utf8"), "two");
  });

  it("does so after a run that was cut off when the file was in place", async () => {
    await run("three", (text) => text.slice(0, text.indexOf(decision)));
    equal(readFileSync(path, "utf8"), "three");
    equal(await run("three"), "restarted");
    equal(await run("three"), "runs");
  });

  it("does so after a run that failed before its end", async () => {
    equal(await run("four", (text) => text.replace(decision, "false\n")), "failed");
    equal(await run("four", (text) => text.replace(decision, "[ -z x ] && true\n")), "failed");
    equal(await run("four"), "restarted");
    equal(await run("four"), "runs");
  });

  const decision = `if changed ${path}; then echo restarted; else echo runs; fi\n`;
  /** What a run printed; `meddle` changes what arrives of it. */
  async function run(content: string, meddle = (text: string) => text): Promise<string> {
    const text = await guestScripts([], [{ path, content }]);
    const end = text.lastIndexOf("[ $? = 0 ]");
    const input = meddle(text.slice(0, end) + decision + text.slice(end));
    try {
      return execFileSync("sh", ["-s"], { input, encoding: "utf8" }).trim();
    } catch {
      return "failed";
    }
  }
});
