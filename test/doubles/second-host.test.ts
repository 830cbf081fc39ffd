import { equal, match } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { run, tryRun } from "../../tools/lib/run.ts";
import { until } from "../../tools/lib/until.ts";
import { whyNoPrivateMachine } from "./private-machine.ts";
import { type SecondHost, startSecondHost } from "./second-host.ts";

describe("the second libvirt host", function () {
  this.timeout(60_000);
  let folder = "";
  let host: SecondHost;

  before(async function () {
    const missing = ["/usr/sbin/libvirtd", "/usr/sbin/sshd"].find((program) => !existsSync(program));
    if ((await whyNoPrivateMachine()) !== undefined || missing !== undefined) this.skip();
    folder = await mkdtemp(`${tmpdir()}/bramble-test-`);
    for (const key of ["host", "user"])
      await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", `${folder}/${key}`]);
    host = await startSecondHost({
      name: "second",
      address: "10.213.77.2/24",
      wire: { gateway: "10.213.77.1" },
      hostKey: await readFile(`${folder}/host`, "utf8"),
      authorizedKey: await readFile(`${folder}/user.pub`, "utf8"),
    });
    await writeFile(`${folder}/known`, `${host.address} ${await readFile(`${folder}/host.pub`, "utf8")}`);
  });
  after(async () => {
    await host?.stop();
    if (folder !== "") await rm(folder, { recursive: true, force: true });
  });

  it("is reached by SSH under the host key it was given", async () => {
    equal((await run(["ssh", ...options(), `root@${host.address}`, "hostname"])).stdout.trim(), "second");
  });

  it("lets its libvirt socket be forwarded over SSH", async () => {
    const socket = `${folder}/libvirt`;
    const forward = ["-N", "-o", "ExitOnForwardFailure=yes", "-L", `${socket}:/var/run/libvirt/libvirt-sock`];
    const ssh = spawn("ssh", [...options(), ...forward, `root@${host.address}`], { stdio: "ignore" });
    try {
      await until("the forwarded socket", () => existsSync(socket), { deadline: 10_000 });
      const there = await run(["virsh", "-q", "-c", `qemu:///system?socket=${socket}`, "hostname"]);
      equal(there.stdout.trim(), "second");
    } finally {
      ssh.kill();
      await once(ssh, "exit");
    }
  });

  it("runs a VM with a disk of its pool, on its bridge and on a network of its own", async () => {
    await host.virsh("pool-create-as", "lab", "dir", "--target", "/var/lib/libvirt/images");
    await host.virsh("vol-create-as", "lab", "vm.qcow2", "64M", "--format", "qcow2");
    await writeFile(
      `${folder}/network.xml`,
      "<network><name>lab</name><ip address='10.213.78.1' prefix='24'/></network>",
    );
    await host.virsh("net-create", `${folder}/network.xml`);
    await writeFile(`${folder}/vm.xml`, domain(host.bridge));
    await host.virsh("create", `${folder}/vm.xml`);
    match(await host.virsh("list", "--name"), /^vm$/m);
    match(await host.run(["ip", "-o", "link", "show", "master", host.bridge]), /vnet/);
  });

  it("leaves nothing on this machine when the process that started it is killed", async () => {
    const module = fileURLToPath(new URL("private-machine.ts", import.meta.url));
    const script = `import { startPrivateMachine } from ${JSON.stringify(module)};
      const machine = await startPrivateMachine({ name: "orphan" });
      await machine.run(["/usr/sbin/virtlogd", "--daemon"]);
      console.log(machine.pid);
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script]);
    const [printed] = await once(child.stdout, "data");
    const disk = (await readFile(`/proc/${Number(printed)}/cmdline`, "utf8"))
      .split("\0")
      .find((word) => word.startsWith("/var/tmp/"));
    equal(disk !== undefined && existsSync(disk), true);
    child.kill("SIGKILL");
    const isGone = () => !existsSync(`/proc/${Number(printed)}`) && !existsSync(disk ?? "/");
    equal(await until("the machine to end", isGone, { deadline: 10_000 }), true);
    equal((await tryRun(["test", "-e", `/proc/${host.pid}`])).code, 0);
  });

  function options(): string[] {
    const strict = [
      "BatchMode=yes",
      "IdentitiesOnly=yes",
      "StrictHostKeyChecking=yes",
      `UserKnownHostsFile=${folder}/known`,
    ];
    return ["-F", "none", "-i", `${folder}/user`, ...strict.flatMap((option) => ["-o", option])];
  }
});

function domain(bridge: string): string {
  return `<domain type='qemu'>
  <name>vm</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
  <os><type>hvm</type></os>
  <devices>
    <disk type='volume' device='disk'>
      <driver name='qemu' type='qcow2'/><source pool='lab' volume='vm.qcow2'/><target dev='vda' bus='virtio'/>
    </disk>
    <interface type='bridge'><source bridge='${bridge}'/><model type='virtio'/></interface>
    <interface type='network'><source network='lab'/><model type='virtio'/></interface>
  </devices>
</domain>`;
}
