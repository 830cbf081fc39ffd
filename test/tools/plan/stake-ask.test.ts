import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sshKeyPair } from "../../../formats/ssh-key.ts";
import { until } from "../../../tools/lib/until.ts";
import { askStake } from "../../../tools/plan/stake/ask.ts";
import type { Found } from "../../../tools/plan/stake/model.ts";
import type { AskedCluster } from "../../../tools/plan/stake/nodes.ts";
import { freePort, type Sshd, startSshd } from "../../doubles/sshd.ts";

const hostKey = sshKeyPair(Buffer.alloc(32, 1));
const deployKey = sshKeyPair(Buffer.alloc(32, 2));
const earlier = sshKeyPair(Buffer.alloc(32, 3));
/** In seconds. Whoever answers does so within them also where tests share a busy machine. */
const ample = { login: 5, answer: 20 };

/** A real sshd in the place of those who lead a cluster; their programs are doubles. */
describe("asking clusters what runs on nodes that stop", () => {
  let folder: string;
  let sshd: Sshd;
  const leader = (name: string, port = sshd.port) => ({
    ...{ name, address: "127.0.0.1", port, user: "root" },
    hostKey: hostKey.publicKey,
  });
  const physics = (...leaders: AskedCluster["leaders"]): AskedCluster => ({
    ...{ name: "physics", type: "slurm", leaders, nodes: ["physics-n1", "physics-n2"] },
  });
  const ask = async (clusters: readonly AskedCluster[], deployKeys = [deployKey.privateKey], budgets = ample) => {
    const { nodes } = await askStake(clusters, { deployKeys, budgets });
    return Object.fromEntries(nodes.map(({ name, found }): [string, Found] => [name, found]));
  };
  const program = async (name: string, text: string) => {
    await writeFile(join(folder, name), `#!/bin/sh\n${text}\n`);
    await chmod(join(folder, name), 0o755);
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "bramble-stake-"));
    const own = `PATH=${folder}:$PATH exec sh -c "$SSH_ORIGINAL_COMMAND"`;
    sshd = await startSshd(hostKey, deployKey.publicKey, undefined, [`ForceCommand ${own}`]);
  });
  beforeEach(() =>
    // Prints its format as squeue does: job 12 has a name of two lines, the second of which is made to look like ours.
    program(
      "squeue",
      `fill() { printf '%s\\n' "$SQUEUE_FORMAT" | sed "s/%i/$1/; s/%u/$2/; s/%T/$3/; s/%L/$4/; s/%j/$5/"; }
      case "$*" in
      *"--nodelist physics-n1 "*) fill 12 alice RUNNING 3:20:00 'a b\\nffff node physics-n2'; fill 13 bob SUSPENDED UNLIMITED x ;;
      *) exit 0 ;;
      esac`,
    ),
  );
  after(async () => {
    sshd?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("gets the jobs of each node of a Slurm cluster, whatever their names are", async () => {
    deepEqual(await ask([physics(leader("physics-controller"))]), {
      "physics-n1": {
        kind: "jobs",
        jobs: [
          { id: "12", name: "a b", user: "alice", state: "RUNNING", leftSeconds: 12_000 },
          { id: "13", name: "x", user: "bob", state: "SUSPENDED", leftSeconds: null },
        ],
      },
      "physics-n2": { kind: "jobs", jobs: [] },
    });
  });

  it("gets the pods of a k3s cluster without those of the node itself, from a server that answers", async function () {
    if (!existsSync("/usr/bin/jq")) this.skip();
    // Trimmed from what a k3s server answers.
    const pod = (name: string, owner?: string, phase = "Running") => ({
      metadata: {
        ...{ name, namespace: "shop", labels: { app: "web" } },
        ...(owner !== undefined && { ownerReferences: [{ kind: owner, name: "x", controller: true }] }),
      },
      status: { phase },
    });
    const pods = [
      pod("web-0", "ReplicaSet"),
      pod("flannel", "DaemonSet"),
      pod("static", "Node"),
      pod("job-1", "Job", "Succeeded"),
      pod("mine"),
    ];
    const budgets = [
      {
        metadata: { name: "web", namespace: "shop" },
        spec: { selector: { matchLabels: { app: "web" } } },
        status: { disruptionsAllowed: 0 },
      },
      { metadata: { name: "none", namespace: "shop" }, spec: {}, status: {} },
    ];
    await program(
      "curl",
      `for url; do :; done
      case $url in
      */poddisruptionbudgets) echo '${JSON.stringify({ items: budgets })}' ;;
      *spec.nodeName%3Dweb-n1) echo '${JSON.stringify({ items: pods })}' ;;
      *) echo 'curl: (22) The requested URL returned error: 503' >&2; exit 22 ;;
      esac`,
    );
    const servers = [leader("web-server1", await freePort()), leader("web-server2")];
    const said = await ask([{ name: "web", type: "k3s", leaders: servers, nodes: ["web-n1", "web-n2"] }]);
    deepEqual(said["web-n1"], {
      kind: "pods",
      pods: [
        { namespace: "shop", name: "web-0", phase: "Running", bare: false, heldBy: ["web"] },
        { namespace: "shop", name: "mine", phase: "Running", bare: true, heldBy: ["web"] },
      ],
    });
    deepEqual(said["web-n2"], {
      kind: "unknown",
      why: "web-server1 is there and has no SSH server; web-server2 says: curl: (22) The requested URL returned error: 503",
    });
  });

  it("gets in by the key before, while that is being changed", async () => {
    const keys = [earlier.privateKey, deployKey.privateKey];
    equal((await ask([physics(leader("physics-controller"))], keys))["physics-n2"]?.kind, "jobs");
    match(
      why((await ask([physics(leader("physics-controller"))], [earlier.privateKey]))["physics-n2"]),
      /another deploy key/,
    );
  });

  it("stops at once when it is interrupted, whoever is asked", async () => {
    const mute = createServer(() => undefined);
    await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
    await program("squeue", `: >${folder}/asked; exec sleep 60`);
    const interruption = new AbortController();
    const { signal } = interruption;
    const port = (mute.address() as AddressInfo).port;
    const asked = askStake([physics(leader("physics-controller")), physics(leader("maths-controller", port))], {
      ...{ deployKeys: [deployKey.privateKey], budgets: { login: 60, answer: 60 }, signal },
    });
    asked.catch(() => undefined); // from here on it may
    await until("the question", async () => existsSync(join(folder, "asked")), { deadline: 20_000 });
    const start = performance.now();
    interruption.abort(new Error("stopped by SIGINT"));
    await rejects(asked, stopped);
    ok(performance.now() - start < 5000);
    mute.close();
  });

  it("says what is unknown, and why, for no more than the budget: nobody there, no answer, no Slurm", async () => {
    const mute = createServer(() => undefined);
    await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
    await program(
      "squeue",
      'case "$*" in *"physics-n1 "*) exec sleep 60 ;; *) echo "slurm_load_jobs error: no controller" >&2; exit 1 ;; esac',
    );
    const start = performance.now();
    const asked = [
      physics(leader("physics-controller")),
      { ...physics(leader("maths-controller", (mute.address() as AddressInfo).port)), nodes: ["maths-n1"] },
      { ...physics(leader("bio-controller", await freePort())), nodes: ["bio-n1"] },
    ];
    const said = await ask(asked, undefined, { login: 5, answer: 3 });
    ok(performance.now() - start < 20_000);
    mute.close();
    match(why(said["physics-n1"]), /^physics-controller let us in and then said nothing for 3 s$/);
    match(why(said["maths-n1"]), /^maths-controller \(127\.0\.0\.1\) could not be reached by SSH within 5 s/);
    match(why(said["bio-n1"]), /^bio-controller is there and has no SSH server$/);
    await program("squeue", 'echo "slurm_load_jobs error: no controller" >&2; exit 1');
    match(
      why((await ask([physics(leader("physics-controller"))]))["physics-n2"]),
      /^physics-controller says: slurm_load_jobs error: no controller$/,
    );
  });
});

function stopped(error: unknown): boolean {
  return error instanceof Error && error.message === "stopped by SIGINT";
}

function why(found: Found | undefined): string {
  equal(found?.kind, "unknown", JSON.stringify(found));
  return found?.kind === "unknown" ? found.why : "";
}
