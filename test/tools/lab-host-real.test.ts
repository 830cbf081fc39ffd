import { deepEqual, equal, match } from "node:assert/strict";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type PrivateMachine, startPrivateMachine, whyNoPrivateMachine } from "../doubles/private-machine.ts";

/** The real thing in a machine of its own, so that the libvirt of the machine that runs the tests is left alone. */
describe("preparing a machine for the lab", function () {
  this.timeout(60_000);
  let machine: PrivateMachine;

  before(async function () {
    const why =
      (await whyNoPrivateMachine()) ?? (existsSync("/usr/sbin/libvirtd") ? undefined : "libvirt is not installed");
    if (why !== undefined) this.skip();
    machine = await startPrivateMachine({ name: "lab-host", kvmMode: "600" });
  });
  after(() => machine?.stop());

  it("starts libvirt, opens /dev/kvm to its user, and does nothing the second time", async () => {
    const said = await prepare("prepareHost");
    match(said, /started virtlogd, libvirtd/);
    match(said, /VMs run (with KVM|emulated \(TCG\)): /);
    equal((await sh("virsh -c qemu:///system uri")).trim(), "qemu:///system");
    if (existsSync("/dev/kvm")) equal((await sh("stat -c '%a %G' /dev/kvm")).trim(), "660 kvm");
    equal(/started|opened|installed/.test(await prepare("prepareHost")), false);
  });

  it("keeps libvirt where someone's network runs on it", async () => {
    await sh("virsh net-define /usr/share/libvirt/networks/default.xml && virsh net-start default");
    match(await prepare("releaseHost"), /libvirt stays: network default still needs it/);
    equal((await sh("virsh uri")).trim(), "qemu:///system");
  });

  it("takes down what libvirt brought up by itself, and leaves no process, file or open device", async () => {
    await sh("virsh net-autostart default");
    equal((await sh("ip -o link show virbr0 | wc -l")).trim(), "1");
    match(await prepare("releaseHost"), /stopped virtlogd, libvirtd/);
    equal(await sh("pgrep -x 'libvirtd|virtlogd|dnsmasq' || true"), "");
    equal(await sh("ls -d /run/libvirt /run/libvirtd.pid /run/virtlogd.pid 2>/dev/null || true"), "");
    equal((await sh("ip -o link show type bridge")).trim(), "");
    equal((await sh("iptables-save; ip6tables-save")).includes("LIBVIRT"), false);
    if (existsSync("/dev/kvm")) equal((await sh("stat -c '%a %G' /dev/kvm")).trim(), "600 root");
  });

  it("knows a daemon again that it was starting when it was killed", async () => {
    await prepare("prepareHost");
    // As the file is between the start of libvirtd and the note of its process.
    await sh(`sed -i 's/"process": {/"forgotten": {/' /run/lab/host.json`);
    equal(/started/.test(await prepare("prepareHost")), false);
    match(await prepare("releaseHost"), /stopped virtlogd, libvirtd/);
    equal(await sh("pgrep -x 'libvirtd|virtlogd' || true"), "");
  });

  it("uses a libvirt that runs already, and leaves it running", async () => {
    await sh("virtlogd --daemon && libvirtd --daemon");
    equal(/started/.test(await prepare("prepareHost")), false);
    await prepare("releaseHost");
    equal((await sh("pgrep -x libvirtd | wc -l")).trim(), "1");
  });

  it("lets a VM go first at the processors as soon as it runs, and waits for none once all is over", async () => {
    // libvirt looks for control groups when it starts, and a machine of its own has none at first: of version 1, or of 2.
    await sh(`pkill -x libvirtd; while pgrep -x libvirtd; do sleep 0.1; done
mount -t tmpfs none /sys/fs/cgroup && mkdir /sys/fs/cgroup/cpu
mount -t cgroup -o cpu none /sys/fs/cgroup/cpu || mount -t cgroup2 none /sys/fs/cgroup
libvirtd --daemon`);
    const first = call("precedence.ts", 'letGoFirst("first", () => false)');
    await sh(`cat >/run/first.xml <<'END'
<domain type="qemu"><name>first</name><memory unit="MiB">32</memory><os><type>hvm</type></os></domain>
END
virsh -q create /run/first.xml`);
    await first;
    match(await sh("virsh -q schedinfo first"), /^cpu_shares\s*: 8192$/m);
    await sh("virsh -q destroy first");
    await call("precedence.ts", 'letGoFirst("first", () => true)');
  });

  function prepare(name: "prepareHost" | "releaseHost"): Promise<string> {
    return call("host/prepare.ts", `${name}("/run/lab", { say: console.log })`);
  }

  /** Calls a function that a module of the lab exports, in the machine; what it printed. */
  async function call(file: string, what: string): Promise<string> {
    const module = fileURLToPath(new URL(`../../tools/lab/${file}`, import.meta.url));
    const script = `import * as lab from ${JSON.stringify(module)}; await lab.${what};`;
    const ended = await machine.run([process.execPath, "--input-type=module", "-e", script]);
    deepEqual([ended.code, ended.stderr], [0, ""]);
    return ended.stdout;
  }

  async function sh(script: string): Promise<string> {
    const ended = await machine.run(["sh", "-c", script]);
    if (ended.code !== 0) throw new Error(`${script}: ${ended.stderr}`);
    return ended.stdout;
  }
});
