import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import fc from "fast-check";
import type { Preview } from "../../../tools/plan/events.ts";
import { printMarkdown } from "../../../tools/plan/markdown.ts";
import { type Machine, type Plan, plan as planSchema } from "../../../tools/plan/model.ts";
import { budgetsHolding } from "../../../tools/plan/stake/budgets.ts";
import type { Found, Job, Stake } from "../../../tools/plan/stake/model.ts";
import { clustersAtStake } from "../../../tools/plan/stake/nodes.ts";
import { readSaid } from "../../../tools/plan/stake/said.ts";
import { printTerminal } from "../../../tools/plan/terminal.ts";
import { board, planWith } from "./samples.ts";

const job: Job = { id: "12", name: "train.sh", user: "alice", state: "RUNNING", leftSeconds: 12_000 };

function vm(name: string, effects: Machine["effects"], action: Machine["action"] = "changed"): Machine {
  return { ...board(name), kind: "vm", action, effects, files: [] };
}

function withStake(nodes: Readonly<Record<string, Found>>): Plan {
  const all = Object.entries(nodes).map(([name, found]) => ({ name, cluster: "physics", found }));
  return { ...planWith([board("pi1")]), atStake: { askedAt: "2026-11-30T02:40:00Z", nodes: all } };
}

describe("the clusters that a plan stops nodes of", () => {
  const target = (name: string, address: string) => ({ name, address, user: "root", hostKey: `key of ${name}` });
  const worker = {
    leave: { step: "slurm-worker", show: { controller: JSON.stringify(target("physics-controller", "10.20.0.100")) } },
  };
  const servers = [target("web-server1", "10.20.0.121"), target("web-server2", "10.20.0.122")];
  const agent = {
    leave: { step: "k3s-node", show: { k3sMembership: JSON.stringify({ cluster: "web", servers, drain: 600 }) } },
  };
  const machines = {
    "physics-controller": { type: "slurm", cluster: "physics", turn: 1 },
    "physics-n1": { type: "slurm", cluster: "physics", turn: 0, ...worker },
    "physics-n2": { type: "slurm", cluster: "physics", turn: 0, ...worker },
    "physics-n10": { type: "slurm", cluster: "physics", turn: 0, ...worker },
    "web-n1": { type: "k3s", cluster: "web", turn: -1, ...agent },
  };
  const previewWith = (inputs: Readonly<Record<string, unknown>>): Preview => {
    const state = { parent: "", provider: "", inputs, retained: false };
    const type = "pulumi-nodejs:dynamic/bramble:Roster";
    return {
      ok: true,
      diagnostics: [],
      steps: [{ op: "update", urn: `urn:pulumi:home::bramble::${type}::home`, type, differs: [], old: state }],
    };
  };
  const asked = (...vms: readonly Machine[]) =>
    clustersAtStake(
      { ...planWith([]), hosts: [{ host: "pi1", machines: [board("pi1"), ...vms] }] },
      previewWith({ machines }),
    );

  it("are those of VMs that go, are made again or are drained, with who leads them by the state", () => {
    deepEqual(
      asked(
        vm("physics-n10", ["drains", "restarts"]),
        vm("physics-n2", ["drains"], "removed"),
        vm("physics-controller", ["replaces-disk", "restarts"], "replaced"),
        vm("web-n1", [], "removed"),
      ),
      [
        {
          name: "physics",
          type: "slurm",
          leaders: [target("physics-controller", "10.20.0.100")],
          nodes: ["physics-n2", "physics-n10"],
        },
        { name: "web", type: "k3s", leaders: servers, nodes: ["web-n1"] },
      ],
    );
  });

  it("are none where VMs are new or change while they run, and before the first `up`", () => {
    deepEqual(asked(vm("physics-n1", ["live"]), vm("physics-n3", [], "new")), []);
    deepEqual(clustersAtStake(planWith([]), { ok: true, diagnostics: [], steps: [] }), []);
  });
});

describe("what a cluster says of its nodes", () => {
  const mark = "0123456789abcdef";
  const jobs = (...lines: string[]) => readSaid(`${[`${mark} node n1`, ...lines].join("\n")}\n`, mark, "slurm").nodes;

  it("is read as jobs, and a node without one is known to have none", () => {
    const found = jobs(
      `${mark} job 12 alice RUNNING 3:20:00 train.sh`,
      `${mark} job 7_3 bob SUSPENDED UNLIMITED a b`,
      `${mark} node n2`,
    );
    deepEqual(found.get("n1"), {
      kind: "jobs",
      jobs: [job, { id: "7_3", name: "a b", user: "bob", state: "SUSPENDED", leftSeconds: null }],
    });
    deepEqual(found.get("n2"), { kind: "jobs", jobs: [] });
  });

  it("can't be made up by whoever gives a job a name of several lines", () => {
    const names = fc.array(fc.oneof(fc.constant("node n1"), fc.constant("node n2"), fc.string()), { minLength: 1 });
    fc.assert(
      fc.property(names, (parts) => {
        const found = jobs(
          `${mark} job 12 alice RUNNING 3:20:00 ${parts.join("\n")}`,
          `${mark} job 13 bob RUNNING 9:00 x`,
        );
        deepEqual([...found.keys()], ["n1"]);
        const n1 = found.get("n1");
        deepEqual(n1?.kind === "jobs" && n1.jobs.map(({ id, user }) => `${id} ${user}`), ["12 alice", "13 bob"]);
        match(JSON.stringify(n1), /^[ -~]*$/);
      }),
    );
  });

  it("is read as pods, each with the budgets that hold it", () => {
    const pod = { namespace: "shop", name: "web-0", phase: "Running", labels: { app: "web" }, bare: false };
    const budget = { namespace: "shop", name: "web", selector: { matchLabels: { app: "web" } }, allowed: 0 };
    const lines = [`budget ${JSON.stringify(budget)}`, "node n1", `pod ${JSON.stringify(pod)}`, "silent of n2"];
    const { nodes, silent } = readSaid(lines.map((line) => `${mark} ${line}\n`).join(""), mark, "k3s");
    const { labels: _, ...rest } = pod;
    deepEqual([...nodes], [["n1", { kind: "pods", pods: [{ ...rest, heldBy: ["web"] }] }]]);
    equal(silent, "of n2");
  });

  it("that is not as it should be is an error, and never a node without jobs", () => {
    throws(() => jobs(`${mark} job 12`), /a job can't be read: 12/);
    throws(() => readSaid(`${mark} node n1\n${mark} pod {"name":1}\n`, mark, "k3s"));
  });
});

describe("a disruption budget", () => {
  const holding = (
    selector: Parameters<typeof budgetsHolding>[1][number]["selector"],
    allowed = 0,
    namespace = "shop",
  ) =>
    budgetsHolding({ namespace: "shop", labels: { app: "web", tier: "front" } }, [
      { namespace, name: "b", allowed, selector },
    ]).length === 1;

  it("holds the pods of its namespace that it selects, if it lets none go", () => {
    ok(holding({ matchLabels: { app: "web" } }));
    ok(holding({}));
    ok(!holding(null));
    ok(!holding({ matchLabels: { app: "web" } }, 1));
    ok(!holding({ matchLabels: { app: "web" } }, 0, "other"));
    ok(!holding({ matchLabels: { app: "web", tier: "back" } }));
  });

  it("selects by expressions, in which a label that is not there is in no list", () => {
    const by = (key: string, operator: string, values?: readonly string[]) =>
      holding({ matchExpressions: [{ key, operator, values }] });
    deepEqual([by("app", "In", ["web", "x"]), by("app", "In", ["x"]), by("no", "In", ["x"])], [true, false, false]);
    deepEqual([by("app", "NotIn", ["web"]), by("app", "NotIn", ["x"]), by("no", "NotIn", ["x"])], [false, true, true]);
    deepEqual([by("app", "Exists"), by("no", "Exists")], [true, false]);
    deepEqual([by("app", "DoesNotExist"), by("no", "DoesNotExist")], [false, true]);
    throws(() => by("app", "Matches"), /selects its pods by "Matches"/);
  });
});

describe("what is at stake in a plan", () => {
  const pods: Found = {
    kind: "pods",
    pods: [
      { namespace: "shop", name: "web-0", phase: "Running", bare: false, heldBy: ["web"] },
      { namespace: "shop", name: "mine", phase: "Pending", bare: true, heldBy: [] },
    ],
  };
  const plan = withStake({
    "physics-n1": { kind: "jobs", jobs: [job, { ...job, id: "13", state: "SUSPENDED", leftSeconds: null }] },
    "physics-n2": { kind: "jobs", jobs: [] },
    "physics-n3": { kind: "jobs", jobs: [] },
    "web-n1": pods,
    "web-n2": { kind: "unknown", why: "nobody answers" },
  });

  it("is shown node by node on a terminal, and once where it is the same", () => {
    match(
      printTerminal(plan),
      /\nAt stake, as asked at 2026-11-30T02:40:00Z\n {2}physics-n1 {2}2 jobs\n {4}12 of alice: train.sh, 3 h 20 min left\n {4}13 of alice: train.sh, suspended, no time limit\n {2}physics-n2 and physics-n3 {2}no jobs\n {2}web-n1 {2}2 pods\n {4}shop\/web-0: the drain waits for its disruption budget web\n {4}shop\/mine: pending; the drain waits for its end, since nothing starts it again elsewhere\n {2}web-n2 {2}unknown: nobody answers\n$/,
    );
  });

  it("is a table in Markdown, in which names of jobs are only text", () => {
    match(
      printMarkdown(plan),
      /\| Node \| What runs there \|\n\| --- \| --- \|\n\| physics-n1 \| 2 jobs \|\n\| {2}\| 12 of alice: train\.sh, 3 h 20 min left \|\n/,
    );
    const names = fc.string({ unit: "grapheme-ascii", maxLength: 40 });
    fc.assert(
      fc.property(names, (name) => {
        const text = printMarkdown(withStake({ n1: { kind: "jobs", jobs: [{ ...job, name }] } }));
        const [, rows = ""] = text.split("| Node | What runs there |\n| --- | --- |\n");
        const [first, second] = rows.split("\n");
        equal(first, "| n1 | 1 job |");
        match(second ?? "", /^\| {2}\| 12 of alice: .*, 3 h 20 min left \|$/);
        equal(/[<@]|(?<!\\)[>`*_[\]]/.test(second ?? ""), false, second);
      }),
    );
  });

  it("is cut where there is much of it, and is whole in JSON", () => {
    const jobs = Array.from({ length: 500 }, (_, index) => ({ ...job, id: String(index) }));
    const many = withStake({ n1: { kind: "jobs", jobs } });
    match(printTerminal(many), / {2}n1 {2}500 jobs\n( {4}\d+ of .*\n){20} {4}and 480 more\n$/);
    const read: Stake | undefined = planSchema.parse(JSON.parse(JSON.stringify(many))).atStake;
    deepEqual(read, many.atStake);
  });

  it("is said to be nothing where no node stops, and not spoken of where nobody was asked", () => {
    match(printTerminal(withStake({})), /\nAt stake, as asked at \S+: no node stops\n$/);
    match(printMarkdown(withStake({})), /\nAt stake, as asked at \S+: no node stops\.\n/);
    const unasked = planWith([board("pi1")]);
    equal(/stake/.test(printTerminal(unasked) + printMarkdown(unasked)), false);
  });
});
