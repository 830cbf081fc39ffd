import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chmod, lstat, mkdir, readFile, readlink, writeFile } from "node:fs/promises";
import { type RenderedSystem, renderSystem } from "../../../formats/alpine-system.ts";
import { apkovl } from "../../../formats/apkovl.ts";
import { parseReadinessReport } from "../../../formats/readiness-report.ts";
import { boardLayers, boardRoles } from "../../../images/alpine/layers.ts";
import type { RunResult } from "../../../tools/lib/run.ts";
import { type AlpineArch, type AlpineRoot, makeAlpineRoot } from "../../doubles/alpine-root.ts";
import { testKey, writeRepository } from "../../doubles/apk-repository.ts";
import { sampleFacts, sampleRelease } from "../support/sample-facts.ts";
import { stubPackages } from "../support/stub-packages.ts";

/**
 * The overlay of each role, put on an empty root as the initial RAM disk does it (reference "Alpine diskless" §1.4), by
 * the real busybox and the real apk. That apk is version 2; Alpine 3.24 has version 3, which reads the same packages.
 */
for (const arch of ["x86_64", "aarch64"] as const) {
  for (const role of boardRoles) {
    describe(`the image of a ${role} on ${arch}, applied by apk 2`, function () {
      this.timeout(300_000);
      let root: AlpineRoot;
      let image: RenderedSystem;
      let applied: RunResult;
      const of = (path: string) => `${root.path}/sysroot/${path}`;

      before(async () => {
        image = renderSystem(boardLayers(role, sampleFacts), { arch, released: sampleRelease });
        root = await makeAlpineRoot(arch);
        applied = await apply(root, arch, image);
      });
      after(async () => await root.remove());

      it("is installed without a complaint", () => {
        const { code, stdout, stderr } = applied;
        assert.deepEqual({ code, stderr }, { code: 0, stderr: "" }, stdout);
        assert.match(stdout, /OK: /);
        assert.doesNotMatch(stdout, /ERROR|WARNING/);
      });

      it("has a script that can be run for each service of each runlevel", async () => {
        const links = image.entries.filter(({ path }) => path.startsWith("etc/runlevels/"));
        assert.ok(links.length > 20);
        for (const { path } of links) {
          const target = await readlink(of(path));
          const { mode } = await lstat(of(target.slice(1)));
          assert.equal(mode & 0o777, 0o755, `${path} leads to ${target}`);
        }
      });

      it("has every file of the overlay with its text, owner and mode, whatever packages bring", async () => {
        for (const entry of image.entries) {
          if (entry.kind === "link") continue;
          const { mode, uid, gid } = await lstat(of(entry.path));
          assert.deepEqual([mode & 0o7777, uid, gid], [entry.mode, entry.uid, entry.gid], entry.path);
          assert.equal(await readFile(of(entry.path), "utf8"), entry.text, entry.path);
        }
        assert.equal((await lstat(of("root"))).mode & 0o777, 0o700);
        assert.equal((await lstat(of("root/.ssh"))).mode & 0o777, 0o700);
        assert.equal((await root.run(["find", "/sysroot", "-name", "*.apk-new"])).stdout, "");
      });

      it("has shell scripts that Alpine's shell can read", async () => {
        const scripts = image.entries.filter(
          (entry) => entry.kind === "file" && /^#!\S*(sh|openrc-run)\n/.test(entry.text),
        );
        assert.ok(scripts.length >= 10);
        for (const { path } of scripts) await root.run(["sh", "-n", `/sysroot/${path}`]);
      });

      it("leaves apk nothing to do", async () => {
        for (const command of [["fix"], ["add"], ["upgrade"], ["add", ...image.world]]) {
          const { stdout } = await root.run(["apk", ...apkOptions, "--simulate", ...command]);
          assert.match(stdout, /^OK: [^\n]*\n$/, command.join(" "));
        }
      });

      it("has every package that it asks for", async () => {
        const { code } = await root.tryRun(["apk", "--root", "/sysroot", "info", "-e", ...image.world]);
        assert.equal(code, 0);
      });
    });
  }
}

describe("an image one of whose packages is not to be had at boot", function () {
  this.timeout(300_000);
  let root: AlpineRoot;

  before(async () => {
    root = await makeAlpineRoot();
  });
  after(async () => await root.remove());

  it("is applied without it and without an error, and only the board's report misses it", async () => {
    const image = renderSystem(boardLayers("worker", sampleFacts), { arch: "x86_64", released: sampleRelease });
    const others = stubPackages.filter(({ name }) => name !== "nfs-utils");
    const { code, stdout, stderr } = await apply(root, "x86_64", image, others);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.doesNotMatch(stdout, /nfs-utils/);
    // The stubs bring no programs, so the report is written beside that root, from its files.
    await root.run(["sh", "-c", takeOver]);
    await root.run(["/usr/local/lib/bramble/report"]);
    const read = parseReadinessReport(await readFile(`${root.path}/run/bramble/report.json`, "utf8"));
    assert.ok(read.ok, read.ok ? "" : read.reason);
    const missing = read.report.problems.filter((problem) => /^the package/.test(problem));
    assert.deepEqual(missing, ["the package nfs-utils is not installed"]);
    assert.equal(read.report.versions.chrony, "1-r0");
  });
});

const takeOver = `
set -e
cd /sysroot
cp lib/apk/db/installed /lib/apk/db/installed
cp etc/apk/world /etc/apk/world
cp -r etc/bramble etc/runlevels etc/chrony /etc/
mkdir -p /usr/local/lib
cp -r usr/local/lib/bramble /usr/local/lib/`;

const apkOptions = ["--root", "/sysroot", "--repository", "/packages", "--no-network"] as const;

async function apply(
  root: AlpineRoot,
  arch: AlpineArch,
  image: RenderedSystem,
  packages = stubPackages,
): Promise<RunResult> {
  await writeRepository(`${root.path}/packages`, packages, { arch });
  await mkdir(`${root.path}/sysroot/etc/apk/keys`, { recursive: true });
  for (const keys of ["etc/apk/keys", "sysroot/etc/apk/keys"])
    await writeFile(`${root.path}/${keys}/${testKey().file}`, testKey().publicPem);
  await writeFile(`${root.path}/image.apkovl.tar.gz`, await apkovl(image.entries, { released: sampleRelease }));
  assert.ok(!existsSync(`${root.path}/sysroot/etc/passwd`));
  const script = `
    set -e
    apk add --root /sysroot --initdb --no-network --quiet >/dev/null
    tar -C /sysroot -z -x -v -f /image.apkovl.tar.gz >/tmp/ovlfiles
    chmod 0700 /sysroot/root
    exec apk add "$@" --initramfs-diskless-boot --clean-protected --overlay-from-stdin \\
      $(cat /sysroot/etc/apk/world) alpine-base </tmp/ovlfiles`;
  await chmod(`${root.path}/sysroot`, 0o755);
  return await root.tryRun(["sh", "-c", script, "sh", ...apkOptions]);
}
