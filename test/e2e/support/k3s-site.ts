import { deepEqual, ok } from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { sshKeyPair } from "../../../formats/ssh-key.ts";
import { sourceVersion } from "../../../tools/k3s/programs.ts";
import { probeAccel } from "../../../tools/lab/host/kvm.ts";
import { type RunResult, run, tryRun } from "../../../tools/lib/run.ts";
import { until } from "../../../tools/lib/until.ts";
import { k3sPrograms } from "../../doubles/k3s-programs.ts";
import { type SecondHost, startSecondHost } from "../../doubles/second-host.ts";
import { type DebianGuest, startDebianGuest } from "./debian-guest.ts";
import { nameOf } from "./engine-events.ts";
import { killWhen } from "./lab.ts";
import { makeSegment } from "./segment.ts";
import { makeSecret, type ThrowAwaySite, throwAwaySite } from "./site.ts";
import { succeeds } from "./steps.ts";

/** A site with a k3s cluster `web`: one host that is reached over SSH, and volumes on a machine with a real nfsd. */
export interface K3sSite {
  readonly site: ThrowAwaySite;
  readonly host: SecondHost;
  readonly nas: DebianGuest;
  /** Where the cluster's API is. */
  readonly endpoint: string;
  /** Writes the site file. */
  describe(wanted: Described): Promise<void>;
  /** Gets a kubeconfig as a user does, for kubectl on this machine; its text. */
  fetchKubeconfig(): Promise<string>;
  /** What kubectl prints, on this machine and by the cluster's address. */
  kubectl(...args: readonly string[]): Promise<string>;
  /** The same; a failure is an answer. */
  tryKubectl(...args: readonly string[]): Promise<RunResult>;
  create(...resources: readonly object[]): Promise<void>;
  /** Waits until a pod has ended well. */
  ended(pod: string): Promise<void>;
  /** The release of each node that is ready. */
  nodes(): Promise<Record<string, string>>;
  /** The servers that are ready and whose etcd has a vote. */
  voters(): Promise<string[]>;
  /** Waits until those are just these; on a busy processor k3s takes votes for gone now and then, for some seconds. */
  voting(...servers: readonly string[]): Promise<void>;
  /** Runs a script as root on a VM. */
  on(vm: string, script: string): Promise<string>;
  urnOf(what: string): Promise<string>;
  /** Has an `up` killed with all that it started, when it begins to do that. */
  upKilledAt(what: string): Promise<void>;
  /** Has `up` do nothing. */
  nothingToDo(): Promise<void>;
  stop(): Promise<void>;
}

export interface Described {
  readonly servers: 1 | 3;
  /** One, where nothing is said. */
  readonly agents?: 0 | 1;
  /** The one that has sources here, where nothing is said. */
  readonly version?: string;
  readonly allow?: object;
  readonly disposable?: boolean;
}

/** Starts the host and the NFS server; there is no VM yet. */
export async function startK3sSite(stack: string): Promise<K3sSite> {
  const undo: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    return { ...(await start(stack, undo)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(stack: string, undo: (() => Promise<void>)[]): Promise<Omit<K3sSite, "stop">> {
  const accelerator = (await probeAccel()).accel;
  const programs = await k3sPrograms();
  undo.push(() => programs.remove());
  const files = await mkdtemp(join(tmpdir(), "bramble-k3s-test-"));
  undo.push(() => rm(files, { recursive: true }));
  const segment = await makeSegment();
  undo.push(() => segment.remove());
  const site = await throwAwaySite(stack);
  undo.push(() => site.remove());
  const { authorizedKey, hostKey } = await makeSecret(site);
  const hostKeys = { tower: hostKey("tower"), nas: hostKey("nas") };
  const host = await startSecondHost({
    name: "tower",
    address: `${segment.address(2)}/24`,
    wire: { bridge: segment.bridge },
    hostKey: hostKeys.tower.privateKey,
    authorizedKey,
  });
  undo.push(() => host.stop());
  const key = sshKeyPair(randomBytes(32));
  const nas = await startDebianGuest({
    ...{ name: "nas", segment, last: 4, accelerator, hostKey: hostKeys.nas, authorizedKeys: [authorizedKey], key },
  });
  undo.push(() => nas.stop());
  await nas.run("mkdir -p /srv/bramble && mount /dev/disk/by-id/virtio-storage /srv/bramble");
  const pc = { model: "pc", cores: 4 };
  const endpoint = segment.address(20);
  const range = (first: number, last: number) => `${segment.address(first)}-${segment.address(last)}`;
  const document = ({ servers: count, agents = 1, version = sourceVersion, allow, disposable = false }: Described) => ({
    network: { cidr: segment.cidr, gateway: segment.here },
    storage: { shelf: { server: "nas" } },
    boards: {
      tower: {
        ...{ ...pc, memory: "12GiB", disk: "60GiB", accelerator },
        ...{ address: segment.address(2), hostKey: hostKeys.tower.publicKey },
      },
      nas: {
        ...{ ...pc, role: "nfs-server", memory: "1GiB" },
        ...{ address: segment.address(4), hostKey: hostKeys.nas.publicKey },
      },
    },
    clusters: {
      web: {
        ...{ type: "k3s", version, endpoint, storage: "shelf", disposable },
        servers: { count, cpus: 1, memory: "2GiB", addresses: range(21, 25) },
        slowDisk: "the disks are as fast as the machine of the tests is at the moment",
        agents: { n: { count: agents, memory: "1GiB", addresses: range(31, 38) } },
      },
    },
    ...(allow && { allow }),
  });

  const kubeconfig = join(files, "kubeconfig");
  const words = [join(programs.bin, "kubectl"), "--kubeconfig", kubeconfig] as const;
  const kubectl = async (...args: readonly string[]) => (await run([...words, ...args])).stdout.trim();
  const seen = async (): Promise<readonly NodeSeen[]> => {
    const list: { items: NodeSeen[] } = JSON.parse(await kubectl("get", "nodes", "--output", "json"));
    return list.items.filter((node) => is(node, "Ready"));
  };
  const voters = async () =>
    (await seen())
      .filter((node) => is(node, "EtcdIsVoter"))
      .map(({ metadata }) => metadata.name)
      .sort();
  return {
    ...{ site, host, nas, endpoint, kubectl },
    describe: (wanted) => site.write(document(wanted)),
    fetchKubeconfig: async () => {
      const { stdout } = await succeeds(site.bramble(["kubeconfig", "web"]));
      await writeFile(kubeconfig, stdout, { mode: 0o600 });
      return stdout;
    },
    tryKubectl: (...args) => tryRun([...words, "--request-timeout=20s", ...args]),
    create: async (...resources) => {
      const input = resources.map((resource) => JSON.stringify(resource)).join("\n");
      await run([...words, "create", "-f", "-"], { input });
    },
    ended: async (pod) => {
      await kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", `pod/${pod}`, "--timeout=300s");
    },
    nodes: async () =>
      Object.fromEntries((await seen()).map(({ metadata, status }) => [metadata.name, status.nodeInfo.kubeletVersion])),
    voters,
    voting: async (...servers) => {
      const vote = async () => isDeepStrictEqual(await voters(), servers);
      await until(`the votes of ${servers.join(", ")}`, vote, { deadline: 600_000, every: 5000 });
    },
    on: async (vm, script) => (await succeeds(site.bramble(["ssh", vm, script]))).stdout.trim(),
    urnOf: async (what) => {
      const found = (await site.state()).find(({ urn }) => nameOf(urn) === what);
      ok(found !== undefined, what);
      return found.urn;
    },
    upKilledAt: (what) => killWhen(site.checkout, ["up", "--yes", "--skip-preview"], new RegExp(`:${what}`)),
    nothingToDo: async () => deepEqual((await succeeds(site.operate("up"))).steps, []),
  };
}

interface NodeSeen {
  readonly metadata: { readonly name: string };
  readonly status: {
    readonly conditions: readonly { readonly type: string; readonly status: string }[];
    readonly nodeInfo: { readonly kubeletVersion: string };
  };
}

function is({ status }: NodeSeen, what: string): boolean {
  return status.conditions.some(({ type, status: state }) => type === what && state === "True");
}
