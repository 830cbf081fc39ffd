import { deepEqual, equal, match, notEqual } from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { nfsOptions } from "../../formats/bramble-mounts.ts";
import { variables } from "../../providers/steps/environment.ts";
import type { HostStorageSpec } from "../../providers/steps/storage-spec.ts";
import type { RunResult } from "../../tools/lib/run.ts";
import { type PrivateMachine, startPrivateMachine } from "../doubles/private-machine.ts";
import { ownFolders } from "./support/boot-machine.ts";

const step = fileURLToPath(new URL("../../providers/steps/main.ts", import.meta.url));
const hook = new URL("../../images/alpine/files/hypervisor/etc/libvirt/hooks/qemu.d/bramble", import.meta.url);
const folder = "/var/lib/bramble/storage/shelf";
const marker = "0123abcd-shelf";

/** A host, and somebody's own NAS. What a host mounts from it is a file system in memory, as this kernel has no NFS. */
describe("a host gets a storage that is mounted there", () => {
  let machine: PrivateMachine;
  const run = async (script: string) => {
    const { code, stdout, stderr } = await machine.run(["sh", "-ec", script]);
    equal(code, 0, stderr);
    return stdout;
  };
  const perform = (verb: string, wish: Partial<HostStorageSpec> = {}): Promise<RunResult> => {
    const spec: HostStorageSpec = {
      ...{ site: "home", name: "shelf", path: "/volume1/vms", marker, host: "tower", address: "10.20.0.7", folder },
      ...{ options: nfsOptions, reached: { connect: "local" }, ...wish },
    };
    const env = { ...process.env, [variables.storage]: JSON.stringify(spec) };
    return machine.run([process.execPath, step, "host-storage", verb], { env });
  };
  const succeeds = async (work: Promise<RunResult>) => {
    const { code, stdout, stderr } = await work;
    equal(code, 0, stderr);
    return stdout.trim();
  };
  const line = `nfs4 10.20.0.7:/volume1/vms ${folder} ${nfsOptions} ${marker}`;
  const lines = async () => (await run("cat /etc/bramble/mounts")).trim().split("\n");

  before(async () => {
    machine = await startPrivateMachine({ name: "tower" });
    await run(ownFolders);
    await run(`mkdir -p ${folder} && mount -t tmpfs tmpfs ${folder}`);
  });
  after(() => machine?.stop());

  it("takes an empty folder of the NAS as its own, with what marks it, and folders for disks", async () => {
    equal(await succeeds(perform("apply")), `10.20.0.7:/volume1/vms is mounted at ${folder}`);
    equal(await run(`cat ${folder}/.bramble-storage`), `${marker}\n`);
    equal(
      await run(`cd ${folder} && stat -c '%a %n' data hosts hosts/tower`),
      "711 data\n711 hosts\n711 hosts/tower\n",
    );
  });

  it("tells libvirt's hook what must be mounted, and has the same one as boards that boot over the network", async () => {
    deepEqual(await lines(), [line]);
    equal(await run("cat /etc/libvirt/hooks/qemu.d/bramble"), await readFile(hook, "utf8"));
    equal(await run("stat -c %a /etc/libvirt/hooks/qemu.d/bramble"), "755\n");
  });

  it("leaves /etc/fstab alone where somebody else mounts it, and another storage's line too", async () => {
    const table = await run("cat /etc/fstab");
    await run("echo 'nfs4 10.20.0.8:/x /var/lib/bramble/storage/slow rw 89abcdef-slow' >> /etc/bramble/mounts");
    await succeeds(perform("apply"));
    equal(await run("cat /etc/fstab"), table);
    deepEqual((await lines()).sort(), [line, "nfs4 10.20.0.8:/x /var/lib/bramble/storage/slow rw 89abcdef-slow"]);
  });

  it("refuses another storage, and one that is no storage and not empty", async () => {
    const other = await perform("apply", { marker: "89abcdef-shelf" });
    equal(other.code, 1);
    match(other.stderr, /\.bramble-storage says 0123abcd-shelf, not 89abcdef-shelf, so no VM is started on it/);
    await run(`mount -t tmpfs tmpfs ${folder} && touch ${folder}/letters`);
    const full = await perform("apply");
    notEqual(full.code, 0);
    match(full.stderr, /has no \.bramble-storage, and is not an empty one/);
    await run(`umount ${folder}`);
    await succeeds(perform("apply"));
  });

  it("never makes a storage of an empty folder where the site's own server has made one", async () => {
    await run(`mount -t tmpfs tmpfs ${folder}`);
    // The server is a machine without an NFS server; its part is made by hand, the host's is what is asked here.
    const server = { connect: "local" } as const;
    await run(
      "mkdir -p /srv/vms/hosts /run/fake && echo x > /srv/vms/.bramble-storage && printf '#!/bin/sh\\n' > /run/fake/exportfs && chmod +x /run/fake/exportfs && mkdir -p /etc/exports.d",
    );
    const spec: HostStorageSpec = {
      ...{ site: "home", name: "shelf", path: "/srv/vms", marker, host: "tower", address: "10.20.0.7", folder },
      ...{ options: nfsOptions, reached: { connect: "local" }, server },
    };
    const env = {
      ...process.env,
      PATH: `/run/fake:${process.env.PATH}`,
      [variables.storage]: JSON.stringify(spec),
      [variables.exports]: "/srv/vms 10.20.0.5(rw)",
    };
    const { code, stderr } = await machine.run([process.execPath, step, "host-storage", "apply"], { env });
    equal(code, 1);
    match(stderr, /has no \.bramble-storage/);
    match(
      await run("cat /etc/exports.d/bramble-home.exports"),
      /^\/srv\/vms 10\.20\.0\.5\(rw(,mountpoint=\/srv)?\) # shelf tower$/m,
    );
    equal(await run(`ls -A ${folder}`), "");
    await run(`umount ${folder}`);
  });

  it("is unmounted and forgotten when it is taken away, and its files stay", async () => {
    equal(await succeeds(perform("remove")), "tower has shelf no more");
    equal((await run("cat /proc/mounts")).includes(` ${folder} `), false);
    deepEqual(await lines(), ["nfs4 10.20.0.8:/x /var/lib/bramble/storage/slow rw 89abcdef-slow"]);
    await succeeds(perform("remove", { folder: "/var/lib/bramble/storage/slow" }));
    equal(await run("ls /etc/bramble /etc/libvirt/hooks/qemu.d 2>/dev/null || true"), "");
  });
});
