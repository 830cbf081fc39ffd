import { randomBytes } from "node:crypto";
import { siteSecretLength } from "../../site/keys.ts";
import { projectRoot } from "../lib/paths.ts";
import { run, tryRun } from "../lib/run.ts";
import { askPulumi, stackEnvironment } from "../stack/pulumi.ts";

/** Gives a stack its secret, and makes the stack if needed. @throws Error when it has one. */
export async function makeSecret(stack: string): Promise<void> {
  await ensureStack(stack);
  const present = await tryRun(["pulumi", "config", "get", "siteSecret", "--stack", stack, "--non-interactive"], {
    cwd: projectRoot,
    env: stackEnvironment(stack),
  });
  if (present.code === 0) {
    throw new Error(
      `Stack ${stack} has a secret already; another one would lock Bramble out of every machine that it made. To change ` +
        `keys, raise their epoch: npm run bramble -- secret rotate PURPOSE --stack ${stack}`,
    );
  }
  const secret = randomBytes(siteSecretLength).toString("hex");
  await askPulumi(stack, ["config", "set", "--secret", "siteSecret"], { input: secret });
}

/** Makes the stack if it is not there. */
export async function ensureStack(stack: string): Promise<void> {
  const { stdout } = await run(["pulumi", "stack", "ls", "--json", "--non-interactive"], {
    cwd: projectRoot,
    env: stackEnvironment(stack),
  });
  const stacks: { name: string }[] = JSON.parse(stdout);
  if (stacks.some(({ name }) => name === stack || name.endsWith(`/${stack}`))) return;
  await askPulumi(stack, ["stack", "init", "--no-select"]);
}
