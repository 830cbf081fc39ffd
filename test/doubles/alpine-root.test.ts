import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { stat, writeFile } from "node:fs/promises";
import { run } from "../../tools/lib/run.ts";
import { makeAlpineRoot } from "./alpine-root.ts";
import { type StubPackage, testKey, writeRepository } from "./apk-repository.ts";

const stub: StubPackage = {
  name: "chrony",
  version: "4.8-r1",
  files: {
    "/etc/init.d/chronyd": { text: "#!/sbin/openrc-run\n", mode: 0o755 },
    "/var/lib/chrony/keys": { text: "secret\n", mode: 0o640, uid: 100, gid: 101 },
    "/usr/bin/chronyc": { link: "/bin/busybox" },
  },
  scripts: { "post-install": "#!/bin/sh\nuname -m >/made-by\n" },
};

describe("an Alpine root", function () {
  this.timeout(60_000);

  for (const arch of ["x86_64", "aarch64"] as const) {
    it(`runs ${arch} programs by themselves, and installs packages that were made for a test`, async () => {
      const before = await emulators();
      let during: readonly string[] = [];
      const root = await makeAlpineRoot(arch);
      try {
        const { stdout } = await root.run(["sh", "-c", "uname -m; ls /proc/self/fd >/dev/null; echo $$"]);
        assert.equal(stdout, `${arch}\n1\n`);
        during = (await emulators()).filter((each) => !before.includes(each));
        assert.equal((await root.tryRun(["sh", "-c", "exit 7"])).code, 7);
        await assert.rejects(root.run(["false"]), /false ended with exit code 1/);
        assert.notEqual((await root.tryRun(["wget", "-T", "1", "http://192.0.2.1/"])).code, 0);

        await writeRepository(`${root.path}/srv/main`, [stub], { arch });
        await writeFile(`${root.path}/etc/apk/repositories`, "/srv/main\n");
        await writeFile(`${root.path}/etc/apk/keys/${testKey().file}`, testKey().publicPem);
        await root.run(["apk", "add", "chrony"]);
        const told = await root.run(["stat", "-c", "%n %a %u %g", "/etc/init.d/chronyd", "/var/lib/chrony/keys"]);
        assert.equal(told.stdout, "/etc/init.d/chronyd 755 0 0\n/var/lib/chrony/keys 640 100 101\n");
        assert.equal((await root.run(["readlink", "/usr/bin/chronyc"])).stdout, "/bin/busybox\n");
        assert.equal((await root.run(["cat", "/made-by"])).stdout, `${arch}\n`);
        assert.equal((await root.run(["apk", "audit", "--system"])).stdout, "");
      } finally {
        await root.remove();
      }
      assert.ok(!existsSync(root.path));
      const after = await emulators();
      assert.ok(arch !== "aarch64" || process.arch === "arm64" || during.some((each) => !after.includes(each)));
    });
  }

  it("leaves no mount on this machine", async () => {
    const root = await makeAlpineRoot();
    try {
      await root.run(["true"]);
      assert.equal((await stat(`${root.path}/dev/null`)).isCharacterDevice(), false);
    } finally {
      await root.remove();
    }
  });

  it("says where to put a file that is not there", async () => {
    const { BRAMBLE_TEST_ALPINE: before } = process.env;
    process.env.BRAMBLE_TEST_ALPINE = "/nowhere";
    try {
      await assert.rejects(
        makeAlpineRoot(),
        /\/nowhere has no alpine-minirootfs-VERSION-x86_64\.tar\.gz, .* Download the "Mini root filesystem" from https:/,
      );
    } finally {
      if (before === undefined) delete process.env.BRAMBLE_TEST_ALPINE;
      else process.env.BRAMBLE_TEST_ALPINE = before;
    }
  });
});

/** The kernel's emulators; another process may have some of its own at the same time. */
async function emulators(): Promise<readonly string[]> {
  const script = "mount -t binfmt_misc none /proc/sys/fs/binfmt_misc && ls /proc/sys/fs/binfmt_misc";
  return (await run(["unshare", "--mount", "--", "sh", "-c", script])).stdout.trim().split("\n");
}
