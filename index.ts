import { env } from "node:process";
import { fileURLToPath } from "node:url";
import * as pulumi from "@pulumi/pulumi";
import { boardAccess } from "./components/board-image.ts";
import { planSite } from "./components/boot-plan.ts";
import type { GuestImage } from "./components/guest-image.ts";
import { unpinnedK3s } from "./components/k3s-plan.ts";
import { k3sReleases } from "./components/k3s-releases.ts";
import { siteKeyFiles } from "./components/key-files.ts";
import { planGuard } from "./components/plan-guard.ts";
import { Site } from "./components/site.ts";
import { nodeImageName } from "./images/name.ts";
import { keyFolder, writeKeyFiles } from "./providers/transport/key-files.ts";
import { parseSiteSecret, siteId, siteKeys } from "./site/keys.ts";
import type { Arch, Cluster } from "./site/model.ts";
import { printProblems } from "./site/problem.ts";
import { readLock } from "./stacks/read-lock.ts";
import { readStack } from "./stacks/read-stack.ts";

// The SDK keeps a stack trace of every promise that it makes, which was a third of a large site's preview. Node strips
// types in place, so no source maps have to be looked for, and the two innermost lines tell where a fault is.
Reflect.deleteProperty(Error, "prepareStackTrace");
Error.stackTraceLimit = 2;

const stack = pulumi.getStack();
const config = new pulumi.Config();
const workFolder = env.BRAMBLE_WORK;
if (workFolder === undefined) {
  throw new pulumi.RunError(
    'Bramble\'s engine is not in this shell. Run: eval "$(npm run -s bramble -- env)"\n' +
      `or use the npm scripts, such as: npm run preview -- --stack ${stack}`,
  );
}
const stacks = fileURLToPath(new URL("stacks", import.meta.url));
const read = await readStack(stacks, stack, {
  site: config.get("site"),
  override: config.getObject("override"),
});
if (read.warnings.length > 0) await pulumi.log.warn(printProblems(read.warnings));
if (!read.ok) throw new pulumi.RunError(`The site can't be built:\n${printProblems(read.problems)}`);

const secret = parseSiteSecret(config.get("siteSecret"));
if (!("value" in secret))
  throw new pulumi.RunError(`Stack ${stack} ${secret.message}. ${secret.hint} --stack ${stack}`);
const keys = siteKeys(secret.value, read.site.name, read.site.epochs);
await writeKeyFiles(keyFolder(workFolder, read.site.name), siteKeyFiles(read.site, keys));

const [lock, id] = [await readLock(stacks), siteId(secret.value)];
const planned = planSite(read.site, {
  lock,
  access: boardAccess(keys),
  siteId: id,
});
const missing = [...unpinnedK3s(read.site, lock), ...(planned.ok ? [] : planned.problems)];
if (!planned.ok || missing.length > 0)
  throw new pulumi.RunError(`The site can't be built as it is:\n${printProblems(read.locate(missing))}`);

const boot = planned.plan && { plan: planned.plan };
const args = { site: read.site, keys, siteId: id, image: guestImage, k3s: k3sReleases(lock), ...boot };
new Site(read.site.name, args, { dependsOn: planGuard(args) });

function guestImage(arch: Arch, type: Cluster["type"]): GuestImage {
  const name = nodeImageName(arch, type);
  return { name, folder: `.bramble/images/${name}` };
}
