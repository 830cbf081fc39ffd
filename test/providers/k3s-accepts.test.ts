import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { kubeconfigFor } from "../../formats/kubeconfig.ts";
import type { GuestFile } from "../../providers/steps/guest-script.ts";
import type { Look } from "../../providers/steps/k3s-look.ts";
import { until } from "../../tools/lib/until.ts";
import { k3sPrograms } from "../doubles/k3s-programs.ts";
import { type K3sMachine, type K3sServers, startK3sServers } from "../doubles/k3s-servers.ts";
import { k3sNodeFiles, k3sSite } from "./support/k3s-node-files.ts";

/** The real k3s with what the program makes for it; nodes need a kernel of their own, which test/e2e gives them. */
describe("k3s accepts what it is given", () => {
  let servers: K3sServers;
  let programs: Awaited<ReturnType<typeof k3sPrograms>>;
  before(async () => {
    programs = await k3sPrograms();
    servers = await startK3sServers(programs.bin);
  });
  after(async () => {
    await servers?.stop();
    await programs?.remove();
  });

  const nodes = async (machine: K3sMachine) => {
    const look: Look = JSON.parse(await machine.script(["k3s-api", "k3s-look"]));
    assert.ok("nodes" in look, JSON.stringify(look));
    return look.nodes;
  };
  const kubectl = (machine: K3sMachine, words: string, input = "") =>
    machine.run(`export KUBECONFIG=/etc/rancher/k3s/k3s.yaml\nkubectl ${words} <<'END'\n${input}\nEND`);

  describe("as the only server", () => {
    let server: K3sMachine;
    before(async () => {
      server = await servers.machine("web-server1", "10.20.0.21/24", await k3sNodeFiles(k3sSite(1), "web-server1"));
      assert.match(await server.script(["k3s-api", "k3s-look"]), /^\{"down":/);
      await server.start();
      await server.ready();
    });
    after(() => server.kill());

    it("with the site's authority, which whoever joins knows by its hash", async () => {
      const files = await k3sNodeFiles(k3sSite(1), "web-server1");
      const authority = String(files.find(({ path }) => path.endsWith("/server-ca.crt"))?.content);
      assert.equal(await server.run("curl -sk https://10.20.0.21:6443/cacerts"), authority);
      const token = (await server.run("cat /var/lib/rancher/k3s/server/token")).trim();
      assert.equal(token, String(files.find(({ path }) => path.endsWith("/k3s/token"))?.content).trim());
      const agents = (await server.run("cat /var/lib/rancher/k3s/server/agent-token")).trim();
      const agent = await k3sNodeFiles(k3sSite(1), "web-n1");
      assert.equal(agents, String(agent.find(({ path }) => path.endsWith("/k3s/token"))?.content).trim());
    });

    it("and gives a kubeconfig that is good from elsewhere", async () => {
      const other = await servers.machine("elsewhere", "10.20.0.99/24", []);
      const text = await server.run("cat /etc/rancher/k3s/k3s.yaml");
      const config = kubeconfigFor(text, { name: "home-web", server: "https://10.20.0.21:6443" });
      assert.match(
        await other.run(
          `cat >/run/kubeconfig <<'END'\n${config}END\nkubectl --kubeconfig /run/kubeconfig get --raw /readyz`,
        ),
        /^ok/,
      );
    });

    it("and who waits for a node is told of what changes there, and only there", async () => {
      await kubectl(server, "create -f -", [node("web-n5"), node("web-n6")].join("\n---\n"));
      const look = JSON.parse(await server.script(["k3s-api", "k3s-look"]));
      let isTold = false;
      const start = Date.now();
      const told = server.script(["k3s-api", "k3s-news"], "web-n5", look.at).then(() => {
        isTold = true;
      });
      await kubectl(server, "label node web-n6 owner=ann");
      assert.equal(isTold, false);
      await kubectl(server, "label node web-n5 owner=ann");
      await told;
      assert.ok(Date.now() - start < 20_000, "the change was not what ended the wait");
      await kubectl(server, "delete node web-n5 web-n6");
    });

    it("and whose nodes get their labels and taints, and keep those of others", async () => {
      await kubectl(server, "create -f -", node("web-n1"));
      await kubectl(server, "label node web-n1 owner=ann");
      const mark = (labels: object, taints: readonly object[]) =>
        server.script(["k3s-api", "k3s-mark"], "web-n1", JSON.stringify(labels), JSON.stringify(taints));
      const gpu = { key: "gpu", value: "yes", effect: "NoSchedule" };
      await mark({ disk: "ssd", rack: "1" }, [gpu]);
      await mark({ disk: "hdd" }, [{ key: "old", effect: "NoSchedule" }]);
      const seen = JSON.parse(await kubectl(server, "get node web-n1 -o json"));
      const { disk, rack, owner } = seen.metadata.labels;
      assert.deepEqual([disk, rack, owner], ["hdd", undefined, "ann"]);
      const taints: { key: string }[] = seen.spec.taints;
      assert.deepEqual(
        taints.map(({ key }) => key).filter((key) => !key.startsWith("node.")),
        ["old"],
      );
      await mark({}, []);
      assert.equal(JSON.parse(await kubectl(server, "get node web-n1 -o json")).metadata.labels.disk, undefined);
    });

    it("and whose nodes are held back while their host restarts, which tells them from those that others hold", async () => {
      const pause = (...words: readonly string[]) => server.script(["k3s-api", "k3s-pause"], ...words);
      const seen = async (name: string) =>
        (await pause("look")).split("\n").find((line) => line.startsWith(`${name} `));
      await kubectl(server, "create -f -", [node("web-n3"), node("web-n4")].join("\n---\n"));
      const isReady = JSON.stringify({ status: { conditions: [{ type: "Ready", status: "True" }] } });
      await kubectl(server, `patch node web-n3 --subresource status -p '${isReady}'`);
      assert.deepEqual([await seen("web-n3"), await seen("web-n4")], ["web-n3 yes nobody", "web-n4 no nobody"]);
      await pause("hold", "web-n3");
      await pause("hold", "web-n3");
      await kubectl(server, "cordon web-n4");
      assert.deepEqual([await seen("web-n3"), await seen("web-n4")], ["web-n3 yes us", "web-n4 no others"]);
      assert.equal(await server.script(["k3s-api", "k3s-drain"], "web-n3", "drain", "5", ""), "drained");
      await pause("free", "web-n3");
      assert.equal(await seen("web-n3"), "web-n3 yes nobody");
      const { metadata, spec } = JSON.parse(await kubectl(server, "get node web-n3 -o json"));
      assert.deepEqual([metadata.annotations?.["bramble/restarts"], spec.unschedulable], [undefined, undefined]);
      await kubectl(server, "delete node web-n3 web-n4");
    });

    it("and whose pods leave a node as their disruption budget allows, and no sooner", async () => {
      const drain = (...words: readonly string[]) => server.script(["k3s-api", "k3s-drain"], ...words);
      await kubectl(server, "create -f -", node("web-n2"));
      await kubectl(server, "label node web-n2 pods=here");
      await kubectl(server, `patch node web-n2 --subresource status -p '${JSON.stringify(room)}'`);
      await kubectl(server, "create -f -", [replicas, budget(1)].join("\n---\n"));
      const placed = () => kubectl(server, "get pods --field-selector spec.nodeName=web-n2 --output name");
      await until("the pod's place", async () => (await placed()) !== "", { deadline: 60_000, every: 500 });
      await kubectl(server, `patch ${(await placed()).trim()} --subresource status -p '${JSON.stringify(running)}'`);
      await drain("web-n2", "cordon");
      assert.match(await drain("web-n2", "drain", "5", ""), /pod default\/one-[\s\S]*disruption budget/);
      await drain("web-n2", "uncordon");
      const seen = JSON.parse(await kubectl(server, "get node web-n2 -o json"));
      assert.equal(seen.spec.unschedulable, undefined);
      await kubectl(server, "delete pdb keep");
      // No kubelet ends the pod, as where the node is down.
      assert.equal(await drain("web-n2", "drain", "30", "--skip-wait-for-delete-timeout=5 --force"), "drained");
      await drain("web-n2", "delete");
      await drain("web-n2", "delete");
      assert.deepEqual(
        (await nodes(server)).map(({ name }) => name).filter((name) => name === "web-n2"),
        [],
      );
    });
  });

  describe("as one of three", () => {
    const names = ["web-server1", "web-server2", "web-server3"];
    let first: K3sMachine;
    let second: K3sMachine;
    let third: K3sMachine;
    const plugIn = async (name: string, last: number, start: string, files: readonly GuestFile[]) => {
      const machine = await servers.machine(name, `10.20.0.${last}/24`, files);
      await machine.script(["k3s-join"], ...begins(start));
      await machine.start();
      return machine;
    };
    const vote = async (machine: K3sMachine, ...voters: readonly string[]) => {
      const seen = async () => (await nodes(machine)).filter(({ voter }) => voter).map(({ name }) => name);
      await until(`the votes of ${voters.join(", ")}`, async () => isDeepStrictEqual(await seen(), voters), {
        ...{ deadline: 120_000, every: 500 },
      });
    };
    const written = (machine: K3sMachine) =>
      kubectl(machine, "get node web-server2 -o jsonpath={.metadata.labels.without}");
    before(async () => {
      first = await plugIn("etcd1", 21, "init", await k3sNodeFiles(k3sSite(3), "web-server1"));
      await first.ready();
    });

    it("which joins the first by its token, and another that does not know the authority is refused", async () => {
      const files = await k3sNodeFiles(k3sSite(3), "web-server2");
      const stranger = await plugIn("stranger", 98, theFirst, files.map(withOtherHash));
      await until("the refusal", async () => /token CA hash does not match/.test(await stranger.log()), {
        deadline: 60_000,
      });
      second = await plugIn("etcd2", 22, theFirst, files);
      await second.ready();
    });

    it("and keeps snapshots", async () => {
      assert.match(await first.script(["k3s-snapshot"], "before-test"), /keeps a snapshot/);
      assert.match(await first.run("ls /var/lib/rancher/k3s/server/db/snapshots"), /before-test/);
    });

    it("of which the first may be gone at a blow: the others take a write, and it has that when it is back", async () => {
      third = await plugIn("etcd3", 23, theFirst, await k3sNodeFiles(k3sSite(3), "web-server3"));
      await third.ready();
      await kubectl(third, "create -f -", names.map(node).join("\n---\n"));
      await vote(third, ...names);
      await first.kill();
      await second.run(patiently, "kubectl label node web-server2 --overwrite without=web-server1");
      await first.start();
      await first.ready();
      assert.equal(await written(first), "web-server1");
    });

    it("which gives up its vote before it goes, and joins as a new member with nothing of what it had", async () => {
      const leave = (step: string) => second.script(["k3s-api", "k3s-drain"], "web-server3", step);
      await leave("unmember");
      await vote(second, "web-server1", "web-server2");
      assert.equal((await nodes(second)).find(({ name }) => name === "web-server3")?.left, true);
      await third.kill();
      await leave("delete");
      await third.script(["k3s-join"], ...begins(theFirst, "yes"));
      await third.start();
      await third.ready();
      await kubectl(second, "create -f -", node("web-server3"));
      await vote(third, ...names);
      assert.equal(await written(third), "web-server1");
    });
  });
});

/** The token with the hash of another authority. */
function withOtherHash(file: GuestFile): GuestFile {
  if (!file.path.endsWith("/k3s/token")) return file;
  return { ...file, content: String(file.content).replace(/^K10[0-9a-f]{64}/, `K10${"0".repeat(64)}`) };
}

/** A node as its kubelet would announce it: k3s marks one only where there are labels and annotations already. */
const node = (name: string) => {
  const marks = { labels: { "kubernetes.io/hostname": name }, annotations: { "node.alpha.kubernetes.io/ttl": "0" } };
  return JSON.stringify({ apiVersion: "v1", kind: "Node", metadata: { name, ...marks } });
};
/** One pod, for nodes that are labelled so. */
const replicas = JSON.stringify({
  ...{ apiVersion: "apps/v1", kind: "ReplicaSet", metadata: { name: "one" } },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: "one" } },
    template: {
      metadata: { labels: { app: "one" } },
      spec: {
        nodeSelector: { pods: "here" },
        terminationGracePeriodSeconds: 1,
        containers: [{ name: "one", image: "none" }],
        // Nobody is at home on the node; that it takes no pods any more is not tolerated.
        tolerations: ["not-ready", "unreachable", "network-unavailable"].map((state) => ({
          key: `node.kubernetes.io/${state}`,
          operator: "Exists",
        })),
      },
    },
  },
});
const budget = (minAvailable: number) =>
  JSON.stringify({
    ...{ apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata: { name: "keep" } },
    spec: { minAvailable, selector: { matchLabels: { app: "one" } } },
  });
const room = {
  status: { capacity: { pods: "9", cpu: "1", memory: "1Gi" }, allocatable: { pods: "9", cpu: "1", memory: "1Gi" } },
};
const running = { status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] } };

/** Runs a command until it succeeds, as while etcd has no leader. */
const patiently = `export KUBECONFIG=/etc/rancher/k3s/k3s.yaml
timeout 120 sh -c 'until $1; do sleep 1; done' sh "$1"`;

const theFirst = "https://10.20.0.21:6443";

/** What the script of how a server begins is told, after what is for those that follow it. */
function begins(start: string, hasLeft: "yes" | "no" = "no"): string[] {
  return ["k3s", "v0", "0", "-", start, hasLeft];
}
