import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { boardAccess, wantedWorlds } from "../../components/board-image.ts";
import { type Planned, planSite } from "../../components/boot-plan.ts";
import { k3sReleases } from "../../components/k3s-releases.ts";
import { Site } from "../../components/site.ts";
import { type ArtifactLock, emptyLock } from "../../formats/artifact-lock.ts";
import { siteId, siteKeys } from "../../site/keys.ts";
import type { Site as SiteModel } from "../../site/model.ts";
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
  const planned = plan(read.site, lock);
  assert.ok(planned.ok, planned.ok ? "" : planned.problems.map(({ message }) => message).join("\n"));
  new Site(read.site.name, {
    site: read.site,
    keys: siteKeys(secret, read.site.name, read.site.epochs),
    siteId: siteId(secret),
    image: (_arch, type) => ({ name: `debian-13-${type}-0123456789abcdef`, folder: ".bramble/images/x" }),
    k3s: k3sReleases(lock),
    ...(planned.plan && { plan: planned.plan }),
  });
  await pulumi.runtime.disconnect();
  return registered;
}

/** What the site's boards boot, as the program works it out. */
export function plan(site: SiteModel, lock: ArtifactLock): Planned {
  const keys = siteKeys(secret, site.name, site.epochs);
  return planSite(site, { lock, access: boardAccess(keys), siteId: siteId(secret) });
}

/** The packages that a site asks for, pinned with hashes that no file has. */
export function packagesFor(siteText: string): ArtifactLock["artifacts"] {
  const read = readSite({ file: "stacks/home.yaml", text: siteText });
  assert.ok(read.ok, JSON.stringify(read));
  const world = [...new Set(wantedWorlds(read.site).flatMap((world) => world.map(({ word }) => word)))].sort();
  const paths = ["main/aarch64/APKINDEX.tar.gz", "community/aarch64/APKINDEX.tar.gz", ...world.map(packagePath)];
  const files = paths.map((path, index) => [path, { sha256: `ee${index}`.padStart(64, "0"), bytes: 500 + index }]);
  const set = { version: "v3.99", url: "https://mirror.example/v3.99", world, files: Object.fromEntries(files) };
  return { "alpine-packages-aarch64": set };
}

function packagePath(word: string): string {
  return `main/aarch64/${word.replace(/[^a-z0-9-].*/, "")}-1.0-r0.apk`;
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
