import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdir, writeFile } from "node:fs/promises";
import { engineEnvironment, exportLines, shellQuote } from "../../tools/setup/env.ts";
import { type Places, placesOf } from "../../tools/setup/places.ts";
import { missingRunnerPrograms } from "../../tools/setup/programs.ts";
import { makeFolder, pretendInstalled, removeFolder } from "./setup-project.ts";

let project: string;
let places: Places;

describe("bramble env", () => {
  beforeEach(async () => {
    project = await makeFolder();
    places = placesOf(project);
  });

  afterEach(() => removeFolder(project));

  describe("the environment for pulumi", () => {
    it("survives a shell's eval, whatever is in the project's path", async () => {
      await pretendInstalled(places, "built");
      const shown = execFileSync("sh", ["-c", 'eval "$LINES"; printf "%s\\n" "$PULUMI_HOME" "$PATH"'], {
        env: { LINES: exportLines({}, places).join("\n"), PATH: "/usr/bin:/bin" },
        encoding: "utf8",
      });
      assert.deepEqual(shown.trim().split("\n"), [
        places.home,
        `${places.bin}:${project}/node_modules/.bin:/usr/bin:/bin`,
      ]);
    });

    it("quotes quotes, dollars, backticks and line ends", () => {
      const nasty = "a'b\"c$HOME`id`\n\\";
      const shown = execFileSync("sh", ["-c", `printf %s ${shellQuote(nasty)}`], { encoding: "utf8" });
      assert.equal(shown, nasty);
    });

    it("keeps the user's backend and otherwise makes a folder that only the user can read", async () => {
      await pretendInstalled(places, "downloaded");
      const kept = engineEnvironment({ PULUMI_BACKEND_URL: "s3://bucket" }, places);
      assert.equal(kept.PULUMI_BACKEND_URL, "s3://bucket");
      assert.ok(!(await readdir(places.work)).includes("state"));
      const own = engineEnvironment({}, places).PULUMI_BACKEND_URL ?? "";
      assert.equal(new URL(own).protocol, "file:");
      assert.ok((await readdir(places.work)).includes("state"));
    });

    it("leaves the state where Pulumi.yaml says, unless the user says another place", async () => {
      await pretendInstalled(places, "downloaded");
      await writeFile(`${project}/Pulumi.yaml`, "name: bramble\nbackend: { url: gs://bucket }\n");
      assert.equal(engineEnvironment({}, places).PULUMI_BACKEND_URL, undefined);
      assert.equal(engineEnvironment({ PULUMI_BACKEND_URL: "s3://other" }, places).PULUMI_BACKEND_URL, "s3://other");
      assert.ok(!(await readdir(places.work)).includes("state"));
      await writeFile(`${project}/Pulumi.yaml`, "name: bramble\n");
      assert.match(engineEnvironment({}, places).PULUMI_BACKEND_URL ?? "", /^file:/);
    });

    it("forbids Pulumi to fetch plugins only where they were built here", async () => {
      await pretendInstalled(places, "built");
      assert.equal(engineEnvironment({}, places).PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION, "true");
      await pretendInstalled(places, "downloaded");
      assert.equal(engineEnvironment({}, places).PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION, undefined);
    });

    it("says what to run when there is no engine", () => {
      assert.throws(() => engineEnvironment({}, places), /npm run setup/);
    });
  });

  describe("the runner's programs", () => {
    it("are all missing on an empty PATH, each with the Debian package that has it", () => {
      const missing = missingRunnerPrograms("");
      assert.deepEqual(
        missing.map(({ debianPackage }) => debianPackage),
        ["genisoimage", "xsltproc", "openssh-client"],
      );
    });
  });
});
