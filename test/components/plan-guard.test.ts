import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import { k3sReleases } from "../../components/k3s-releases.ts";
import { planGuard } from "../../components/plan-guard.ts";
import { Site } from "../../components/site.ts";
import { emptyLock } from "../../formats/artifact-lock.ts";
import { siteId, siteKeys } from "../../site/keys.ts";
import { shelf, siteOf } from "../site/shelf.ts";
import { secret } from "./build.ts";

describe("the guard of a site", () => {
  it("is all that the engine hears of before it has answered", async () => {
    const registered: string[] = [];
    const answer = Promise.withResolvers<void>();
    await pulumi.runtime.setMocks(
      {
        call: (args) => args.inputs,
        newResource: async ({ type, name, inputs }) => {
          registered.push(`${type} ${name}`);
          if (type.endsWith("bramble:PlanGuard")) await answer.promise;
          return { id: `${name}-id`, state: inputs };
        },
      },
      "bramble",
      "home",
      true,
    );
    const site = siteOf(shelf);
    const keys = siteKeys(secret, site.name, site.epochs);
    const image = () => ({ name: "debian-13-slurm-0123456789abcdef", folder: ".bramble/images/x" });
    const args = { site, keys, siteId: siteId(secret), image, k3s: k3sReleases(emptyLock) };
    new Site(site.name, args, { dependsOn: planGuard(args) });
    // Enough for all of the site when nothing holds it up: without the dependency, this finds more than the guard.
    for (let turns = 0; turns < 1000; turns += 1) await turn();
    assert.deepEqual(registered, ["pulumi-nodejs:dynamic/bramble:PlanGuard home"]);
    answer.resolve();
    await pulumi.runtime.disconnect();
    assert.ok(registered.length > 20, registered.join("\n"));
  });
});
