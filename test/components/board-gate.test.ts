import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import type { BoardGate } from "../../components/board-gate.ts";
import { Hypervisor } from "../../components/hypervisor.ts";
import { VirtualMachine } from "../../components/virtual-machine.ts";
import { sshKeyPair } from "../../formats/ssh-key.ts";
import { variables } from "../../providers/steps/environment.ts";
import { siteOf } from "../site/shelf.ts";
import { isSecret } from "./build.ts";

const text = `site: home
network: { cidr: 10.20.0.0/24, gateway: 10.20.0.1, bridge: br0 }
boards:
  pi1: { model: pi5, memory: 8GiB, serial: "10000000aaaaaa01", mac: "dc:a6:32:00:00:01", address: 10.20.0.11 }
clusters:
  physics:
    type: slurm
    controller: { address: 10.20.0.100, memory: 1GiB }
    workers: { n: { count: 1, memory: 1GiB, addresses: 10.20.0.110-10.20.0.111 } }
`;
const [hostKey, deployKey] = [sshKeyPair(Buffer.alloc(32, 1)), sshKeyPair(Buffer.alloc(32, 2))];
const step = "command:local:Command";

interface Change {
  readonly site?: (text: string) => string;
  readonly gate?: Partial<BoardGate>;
  readonly image?: string;
  readonly gated?: boolean;
}

interface Asked {
  readonly type: string;
  readonly name: string;
  readonly environment: Record<string, unknown>;
  /** Whether its keys are encrypted in the state. */
  readonly isHidden: boolean;
}

/**
 * Runs a host and its VM under Pulumi's mocks, and gives what is registered, in order. As long as `holds` says so of a
 * resource, the engine does not answer for it; `settled` is when no more comes without that.
 */
async function build({ site: edit = (same) => same, gate, image = "a", gated = true }: Change = {}, holds?: string) {
  const asked: Asked[] = [];
  let release = () => undefined as unknown;
  const held = new Promise<unknown>((resolve) => {
    release = () => resolve(undefined);
  });
  const settled = async () => {
    for (let before = -1; before < asked.length; ) {
      before = asked.length;
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await pulumi.runtime.setMocks(
    {
      call: (args) => args.inputs,
      newResource: async ({ type, name, inputs }) => {
        const { environment = {} } = inputs;
        const plain = isSecret(environment) ? environment.value : environment;
        const isHidden = isSecret(environment) || isSecret(environment[variables.sshKey]);
        asked.push({ type, name, environment: plain, isHidden });
        if (holds !== undefined && name.startsWith(holds)) await held;
        return { id: `${name}-id`, state: inputs };
      },
    },
    "bramble",
    "home",
    false,
  );
  const model = siteOf(edit(text));
  const [host, vm] = [model.hosts[0], model.vms[0]];
  assert.ok(host !== undefined && vm !== undefined);
  const common = { host, network: model.network, siteName: "home", bridge: "br0" };
  const guest = { name: `debian-13-slurm-${image}`, folder: "x" };
  const published = new pulumi.ComponentResource("bramble:index:Board", "pi1");
  const whole: BoardGate = {
    board: { name: "pi1", address: "10.20.0.11", user: "root", hostKey: hostKey.publicKey, serial: "10000000aaaaaa01" },
    source: { connect: "local", site: "home", tftpRoot: "/srv/bramble/tftp" },
    deployKey: deployKey.privateKey,
    patienceSeconds: 600,
    after: [published],
    ...gate,
  };
  const hypervisor = new Hypervisor("pi1", {
    ...{ ...common, siteId: "0a1b2c3d", images: [guest], after: [] },
    ...(gated && { gate: whole }),
  });
  new VirtualMachine("physics-controller", {
    ...{ ...common, vm, hypervisor: hypervisor.parts, image: guest, owner: "Bramble site home 0a1b2c3d" },
    ...{ hostKey, deployKey, disposable: false, releaseData: false, after: [] },
  });
  await settled();
  const first = [...asked];
  release();
  await settled();
  await pulumi.runtime.disconnect();
  return { first, all: asked };
}

const names = (asked: readonly Asked[], type: string) =>
  asked.filter((one) => one.type === type).map(({ name }) => name);
const gates = async (change?: Change) =>
  names((await build(change)).all, step).filter((name) => !name.endsWith("/ready"));
const ofVm = /^physics-controller/;

describe("a host that boots over the network", () => {
  it("is waited for before anything is made on it", async () => {
    const { first, all } = await build({}, "pi1/ready");
    assert.deepEqual(
      names(first, step).filter((name) => !ofVm.test(name)),
      ["pi1/ready/aaaaaa01"],
    );
    const made = (asked: readonly Asked[]) => asked.filter(({ type }) => /^libvirt:index/.test(type));
    assert.deepEqual(made(first), []);
    assert.ok(made(all).length > 6);
    const { environment, isHidden } = first.find(({ name }) => name.startsWith("pi1/ready")) ?? {};
    assert.equal(environment?.[variables.patience], "600");
    assert.deepEqual(JSON.parse(String(environment?.[variables.bootServer])), {
      connect: "local",
      site: "home",
      tftpRoot: "/srv/bramble/tftp",
    });
    assert.ok(isHidden);
  });

  it("is waited for anew when another board takes its place, and not when its version or its keys change", async () => {
    const hostGate = async (change?: Change) => (await gates(change)).filter((name) => !ofVm.test(name));
    assert.deepEqual(await hostGate(), ["pi1/ready/aaaaaa01"]);
    const spec = { name: "pi1", address: "10.20.0.11", user: "root", hostKey: hostKey.publicKey };
    const other = await hostGate({ gate: { board: { ...spec, serial: "10000000aaaaaa77" } } });
    assert.deepEqual(other, ["pi1/ready/aaaaaa77"]);
    const same = await hostGate({ gate: { deployKey: hostKey.privateKey, patienceSeconds: 5 } });
    assert.deepEqual(same, ["pi1/ready/aaaaaa01"]);
  });

  it("is asked before each new VM, at once, and nothing of the VM is there before the answer", async () => {
    const { first, all } = await build({}, "physics-controller/host");
    const [gate, ...others] = names(first, step).filter((name) => ofVm.test(name));
    assert.match(gate ?? "", /^physics-controller\/host\/[0-9a-f]{8}$/);
    assert.deepEqual(others, []);
    const made = (asked: readonly Asked[]) =>
      asked.filter(({ type, name }) => type.startsWith("libvirt:") && ofVm.test(name)).map(({ name }) => name);
    assert.deepEqual(made(first), []);
    assert.deepEqual(new Set(made(all)), new Set(["physics-controller", "physics-controller/data"]));
    const { environment } = first.find(({ name }) => name === gate) ?? {};
    assert.equal(environment?.[variables.patience], "0");
  });

  it("is asked again when another VM of the name is to be made, and left alone otherwise", async () => {
    const vmGate = async (change?: Change) => (await gates(change)).filter((name) => ofVm.test(name));
    const before = await vmGate();
    assert.equal(before.length, 1);
    const others: Change[] = [
      { image: "b" },
      { site: (text) => text.replace("memory: 1GiB", "memory: 2GiB") },
      { site: (text) => text.replace("10.20.0.100", "10.20.0.101") },
      { site: (text) => text.replaceAll("pi1", "pi7") },
    ];
    for (const change of others) assert.notDeepEqual(await vmGate(change), before, JSON.stringify(change));
    const gate = { source: { connect: "local", site: "home", tftpRoot: "/elsewhere" } as const, patienceSeconds: 1 };
    assert.deepEqual(await vmGate({ gate }), before);
  });

  it("is not asked where it boots from its own disk", async () => {
    assert.deepEqual(await gates({ gated: false }), []);
  });
});
