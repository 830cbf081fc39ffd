import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensurePackages } from "../../tools/lab/host/packages.ts";
import { run } from "../../tools/lib/run.ts";
import { until } from "../../tools/lib/until.ts";
import { goEnvironment } from "../../tools/setup/build.ts";
import { placesOf } from "../../tools/setup/places.ts";
import { openWorkshop } from "../../tools/setup/workshop.ts";
import { startPrivateMachine } from "../doubles/private-machine.ts";

describe("the libvirt provider of this project", () => {
  it("passes its own tests, in Go, on a libvirt of its own", async () => {
    await ensurePackages();
    const folder = await mkdtemp(join(tmpdir(), "libvirt-provider-"));
    const machine = await startPrivateMachine({ name: "provider" });
    try {
      const places = placesOf();
      const go = await openWorkshop(places, folder, new AbortController().signal).go(() => {});
      const binary = join(folder, "libvirt.test");
      // Trimmed paths, as the provider itself is built: what both consist of is compiled already.
      await run([go.program, "test", "-c", "-trimpath", "-o", binary, "."], {
        cwd: join(places.project, "engine/libvirt"),
        env: { ...goEnvironment(go.environment, folder), CGO_ENABLED: "0" },
      });
      // The tests' pools lie in folders that only root may enter.
      const settings = 'printf "user = \\"root\\"\\ngroup = \\"root\\"\\n" > /etc/libvirt/qemu.conf';
      assert.equal((await machine.run(["sh", "-c", settings])).code, 0);
      for (const daemon of ["virtlogd", "libvirtd"]) {
        assert.equal((await machine.run([`/usr/sbin/${daemon}`, "--daemon"])).code, 0, daemon);
      }
      const answers = async () => (await machine.run(["virsh", "-c", "qemu:///system", "uri"])).code === 0;
      await until("libvirt", answers, { deadline: 60_000 });
      const { code, stdout, stderr } = await machine.run([binary, "-test.v"], {
        cwd: join(places.project, "engine/libvirt"),
        env: { ...process.env, BRAMBLE_TEST_LIBVIRT_URI: "qemu:///system" },
      });
      const said = `${stdout}${stderr}`.split("\n").filter((line) => !/\[(DEBUG|INFO|TRACE)\]/.test(line));
      assert.equal(code, 0, said.join("\n"));
      assert.match(stdout, /^--- PASS/m);
      assert.doesNotMatch(stdout, /--- SKIP/);
    } finally {
      await machine.stop();
      await rm(folder, { recursive: true });
    }
  });
});
