import { equal, match } from "node:assert/strict";
import { machineArch } from "../../images/recipe.ts";
import { until } from "../../tools/lib/until.ts";
import { whyNoPrivateMachine } from "../doubles/private-machine.ts";
import { type Slurm, startSlurm } from "../doubles/slurm.ts";

/** What a rollout asks of a real controller of Slurm. */
describe("workers that a rollout holds back", function () {
  this.timeout(180_000);
  let slurm: Slurm;

  before(async function () {
    if ((await whyNoPrivateMachine()) !== undefined || machineArch() !== "amd64") this.skip();
    slurm = await startSlurm();
  });
  after(() => slurm?.stop());

  const pause = (...words: readonly string[]) => slurm.script(["slurm-pause"], ...words);
  const seen = async (node: string) => (await pause("look")).split("\n").find((line) => line.startsWith(`${node} `));

  it("are told from others, each once, in however many partitions they are", async () => {
    equal(await pause("look"), "n1 yes nobody\nn2 no nobody");
  });

  it("take no more jobs, and those that run are known", async () => {
    const job = (await slurm.run(`cd /tmp && sbatch --parsable -o /dev/null -w n1 --wrap 'sleep 300'`)).trim();
    await until("the job", async () => (await pause("left", "n1")) !== "", { deadline: 30_000 });
    await pause("hold", "n1");
    await pause("hold", "n1");
    equal(await seen("n1"), "n1 yes us");
    match(await pause("left", "n1"), new RegExp(`^job ${job}, wrap of root, RUNNING since `));
  });

  it("take jobs again, also while some run: the reason that Slurm keeps then holds nothing", async () => {
    await pause("free", "n1");
    match((await seen("n1")) ?? "", / nobody$/);
    match(await slurm.run("scontrol show node n1"), /Reason=Bramble: its host restarts/);
    await slurm.run("scancel --user root");
    await until("the job's end", async () => (await pause("left", "n1")) === "", { deadline: 60_000 });
  });

  it("stay as they are when somebody else has drained them", async () => {
    await slurm.run("scontrol update nodename=n1 state=drain reason='a fan is broken'");
    match((await seen("n1")) ?? "", / others$/);
  });
});
