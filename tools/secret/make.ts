import { randomBytes } from "node:crypto";
import { parseSiteSecret, siteSecretLength } from "../../site/keys.ts";
import { projectRoot } from "../lib/paths.ts";
import { run } from "../lib/run.ts";
import { askPulumi, EngineError, stackEnvironment } from "../stack/pulumi.ts";
import { storedSecret } from "../stack/stacks.ts";

/** Gives a stack its secret, and makes the stack if needed. @throws Error when it has one. */
export async function makeSecret(stack: string): Promise<void> {
  await ensureStack(stack);
  if ((await storedSecret(stack)) !== undefined) {
    throw new Error(
      `Stack ${stack} has a secret already; another one would lock Bramble out of every machine that it made. To change ` +
        `keys, raise their epoch: npm run bramble -- secret rotate PURPOSE --stack ${stack}`,
    );
  }
  await storeSecret(stack, randomBytes(siteSecretLength).toString("hex"));
}

/**
 * Puts a secret that was kept elsewhere into a stack that has none, or a damaged one, and makes the stack if needed.
 * @param text what the user gave as the secret
 * @throws Error when it is not a whole secret, or the stack has another one.
 */
export async function restoreSecret(stack: string, text: string): Promise<void> {
  const given = parseSiteSecret(text);
  if (!("value" in given)) throw new Error("That is no site secret: it must be 64 characters, 0-9 and a-f.");
  const secret = Buffer.from(given.value).toString("hex");
  await ensureStack(stack);
  const present = parseSiteSecret(await undamagedSecret(stack));
  if ("value" in present && Buffer.from(present.value).toString("hex") !== secret) {
    throw new Error(
      `Stack ${stack} has another secret, which is whole; this one would lock Bramble out of the machines that it made. ` +
        `If it is to be replaced all the same, remove bramble:siteSecret from stacks/Pulumi.${stack}.yaml first.`,
    );
  }
  await storeSecret(stack, secret);
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

async function undamagedSecret(stack: string): Promise<string | undefined> {
  return await storedSecret(stack).catch((error: Error) => {
    if (error instanceof EngineError && error.said.includes("message authentication failed")) return undefined;
    throw error;
  });
}

/** By standard input, so that it shows in no process list. */
async function storeSecret(stack: string, secret: string): Promise<void> {
  await askPulumi(stack, ["config", "set", "--secret", "siteSecret"], { input: secret });
}
