import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { Site } from "../../components/site.ts";
import { type ArtifactLock, emptyLock } from "../../formats/artifact-lock.ts";
import { siteId, siteKeys } from "../../site/keys.ts";
import { readSite } from "../../site/read.ts";

/** What the program asked the engine for. */
export interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
}

/** The site secret of every test. */
export const secret = Buffer.alloc(32, 3);

/** Runs the program's components under Pulumi's mocks and gives what they registered. */
export async function buildSite(siteText: string, lock: ArtifactLock = emptyLock): Promise<Registered[]> {
  const registered: Registered[] = [];
  await pulumi.runtime.setMocks(
    {
      call: (args) => args.inputs,
      newResource: (args) => {
        registered.push({ type: args.type, name: args.name, inputs: args.inputs });
        return { id: `${args.name}-id`, state: args.inputs };
      },
    },
    "bramble",
    "home",
    true,
  );
  const read = readSite({ file: "stacks/home.yaml", text: siteText });
  assert.ok(read.ok, JSON.stringify(read));
  new Site(read.site.name, {
    site: read.site,
    keys: siteKeys(secret, read.site.name, read.site.epochs),
    siteId: siteId(secret),
    image: () => ({ name: "debian-13-slurm-0123456789abcdef", folder: ".bramble/images/x" }),
    lock,
  });
  await pulumi.runtime.disconnect();
  return registered;
}

/** The inputs of the one resource of this type and name. */
export function one(registered: readonly Registered[], type: string, name: string): Record<string, unknown> {
  const found = registered.filter((resource) => resource.type === type && resource.name === name);
  assert.equal(
    found.length,
    1,
    `${type} ${name}: ${registered.map((resource) => `${resource.type} ${resource.name}`).join("\n")}`,
  );
  return found[0]?.inputs ?? {};
}

/** Pulumi marks a secret by this key in what it sends to the engine. */
export function isSecret(value: unknown): value is { value: unknown } {
  return typeof value === "object" && value !== null && "4dabf18193072939515e22adb298388d" in value;
}
