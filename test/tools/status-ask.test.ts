import { deepEqual, equal, match, ok } from "node:assert/strict";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sshKeyPair } from "../../formats/ssh-key.ts";
import type { SshTarget } from "../../providers/transport/ssh.ts";
import { askMachine, type Reply } from "../../tools/status/ask.ts";
import { guestScriptOf } from "../../tools/status/gather.ts";
import { guestFacts, machineFacts } from "../../tools/status/said.ts";
import { type PrivateMachine, startPrivateMachine, whyNoPrivateMachine } from "../doubles/private-machine.ts";
import { freePort, type Sshd, startSshd } from "../doubles/sshd.ts";

const hostKey = sshKeyPair(Buffer.alloc(32, 1));
const deployKey = sshKeyPair(Buffer.alloc(32, 2));
/** In seconds. Whoever answers does so within them also where tests share a busy machine. */
const ample = { login: 5, answer: 20 };
const scriptOf = (name: string) => readFile(new URL(`../../tools/status/${name}`, import.meta.url), "utf8");

/** A real sshd in the place of a VM; what differs from this machine is laid over it for its sessions alone. */
describe("asking a guest over SSH", () => {
  let folder: string;
  let sshd: Sshd;
  let script: string;
  const target = (change: Partial<SshTarget> = {}) =>
    ({
      connect: "ssh",
      name: "n1",
      address: "127.0.0.1",
      port: sshd.port,
      user: "root",
      hostKey: hostKey.publicKey,
      ...change,
    }) as const;
  const ask = (change: Partial<SshTarget> = {}, kind = "", key = deployKey, text = script, budgets = ample) =>
    askMachine(target(change), key.privateKey, text, [kind], budgets);
  const program = async (name: string, text: string) => {
    await writeFile(join(folder, "bin", name), `#!/bin/sh\n${text}\n`);
    await chmod(join(folder, "bin", name), 0o755);
  };

  before(async () => {
    script = await guestScriptOf();
    folder = await mkdtemp(join(tmpdir(), "bramble-status-"));
    for (const part of ["etc", "bin", "run/cloud-init"]) await mkdir(join(folder, part), { recursive: true });
    await writeFile(join(folder, "etc/bramble-image"), "debian-13-slurm-amd64-0123456789abcdef built 2026-11-01\n");
    const layers = `mount -t overlay overlay -o lowerdir=${folder}/etc:/etc /etc && mount --bind ${folder}/run /run`;
    const own = `${layers} && PATH=${folder}/bin:$PATH exec sh -c "$SSH_ORIGINAL_COMMAND"`;
    sshd = await startSshd(hostKey, deployKey.publicKey, undefined, [`ForceCommand unshare --mount sh -c '${own}'`]);
  });
  beforeEach(async () => {
    await program("systemctl", "exit 0");
    await program("sinfo", "printf 'n1 idle\\nn2 drained\\n'");
    await writeFile(join(folder, "run/cloud-init/status.json"), '{\n "v1": {\n  "errors": []\n }\n}\n');
  });
  after(async () => {
    sshd?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("says who it is, what it runs and since when", async () => {
    const facts = guestFacts(said(await ask()));
    ok(facts.upSeconds !== undefined && facts.upSeconds > 0);
    equal(facts.image, "debian-13-slurm-amd64-0123456789abcdef");
    match(facts.name ?? "", /^\S+$/);
    deepEqual([facts.problem, facts.nodes], [undefined, undefined]);
  });

  it("that leads a cluster says what its nodes do, or why it can't", async () => {
    const { nodes, silent } = guestFacts(said(await ask({}, "slurm")));
    deepEqual(
      [...(nodes ?? [])],
      [
        ["n1", "idle"],
        ["n2", "drained"],
      ],
    );
    equal(silent, undefined);
    await program("sinfo", "echo 'slurm_load_partitions: Unable to contact slurm controller' >&2; exit 1");
    const without = guestFacts(said(await ask({}, "slurm")));
    equal(without.nodes, undefined);
    match(without.silent ?? "", /Unable to contact slurm controller/);
  });

  it("that leads a k3s cluster says it as kubectl does, from what the API answers", async function () {
    if (!existsSync("/usr/bin/jq")) this.skip();
    // Trimmed from what a k3s server answers.
    const node = (name: string, status: string, spec = {}) => ({
      metadata: { name },
      spec,
      status: {
        conditions: [
          { type: "MemoryPressure", status: "False" },
          { type: "Ready", status },
        ],
      },
    });
    const items = [node("web-1", "True"), node("web-2", "Unknown"), node("web-3", "True", { unschedulable: true })];
    await program("curl", `echo '${JSON.stringify({ kind: "NodeList", items })}'`);
    deepEqual(
      [...(guestFacts(said(await ask({}, "k3s"))).nodes ?? [])],
      [
        ["web-1", "Ready"],
        ["web-2", "NotReady"],
        ["web-3", "Ready,SchedulingDisabled"],
      ],
    );
    await program("curl", "echo 'curl: (7) Failed to connect to 127.0.0.1 port 6443' >&2; exit 7");
    const { nodes, silent } = guestFacts(said(await ask({}, "k3s")));
    equal(nodes, undefined);
    match(silent ?? "", /Failed to connect/);
  });

  it("says whether its first boot went well", async () => {
    await writeFile(join(folder, "run/cloud-init/status.json"), '{\n "v1": {\n  "errors": [\n   "no"\n  ]\n }\n}\n');
    match(guestFacts(said(await ask())).problem ?? "", /^cloud-init reported errors/);
    await program("systemctl", "exit 3");
    match(guestFacts(said(await ask())).problem ?? "", /^its first boot is not finished/);
  });

  it("that shows another key, takes another one, or has no SSH server is there, and not as it should be", async () => {
    const other = sshKeyPair(Buffer.alloc(32, 3));
    match(why(await ask({ hostKey: other.publicKey }), "strange"), /showed another SSH host key/);
    match(why(await ask({}, "", other), "strange"), /does not let Bramble in/);
    match(why(await ask({ port: await freePort() }), "strange"), /has no SSH server/);
  });

  it("that says nothing, before or after it let us in, costs no more than the budget", async () => {
    const mute = createServer(() => undefined);
    await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
    const start = performance.now();
    const { port } = mute.address() as AddressInfo;
    match(why(await ask({ port }, "", deployKey, script, { login: 1, answer: 2 }), "silent"), /could not be reached/);
    mute.close();
    match(why(await ask({}, "", deployKey, "sleep 60", { login: 20, answer: 2 }), "strange"), /said nothing for 2 s/);
    ok(performance.now() - start < 20_000);
  });
});

describe("asking a host", function () {
  this.timeout(60_000);
  let machine: PrivateMachine;

  before(async function () {
    const reason = (await whyNoPrivateMachine()) ?? (existsSync("/usr/sbin/libvirtd") ? undefined : "no libvirt");
    if (reason !== undefined) this.skip();
    machine = await startPrivateMachine({ name: "host" });
  });
  after(() => machine?.stop());

  const ask = async (start: string) => {
    const { code, stdout, stderr } = await machine.run(["sh", "-s", "--", start], {
      input: await scriptOf("machine.sh"),
    });
    equal(code, 0, stderr);
    return machineFacts(stdout);
  };

  it("says what it is, and what its libvirt says of the site's VMs, and of no others", async () => {
    const without = await ask("home-");
    match(without.problem ?? "", /^libvirt does not answer: /);
    equal(without.domains, undefined);
    const domain = (name: string) =>
      `<domain type="qemu"><name>${name}</name><memory>65536</memory><os><type>hvm</type></os></domain>`;
    for (const name of ["home-physics-n1", "homely-n1"]) {
      await machine.run(["sh", "-c", "cat >/run/$1.xml", "sh", name], { input: domain(name) });
    }
    const defined = await machine.run([
      "sh",
      "-ec",
      'libvirtd --daemon; until virsh -q -c qemu:///system uri; do :; done; for file in /run/*.xml; do virsh -q -c qemu:///system define "$file"; done',
    ]);
    equal(defined.code, 0, defined.stderr);
    const { domains, problem, system } = await ask("home-");
    deepEqual([...(domains ?? [])], [["home-physics-n1", "shut off"]]);
    equal(problem, undefined);
    match(system, /, kernel \S+/);
    equal((await ask("")).domains, undefined);
  });
});

function said(reply: Reply): string {
  equal(reply.kind, "said", JSON.stringify(reply));
  return reply.kind === "said" ? reply.text : "";
}

function why(reply: Reply, kind: Reply["kind"]): string {
  equal(reply.kind, kind, JSON.stringify(reply));
  return reply.kind === "said" ? "" : reply.why;
}
