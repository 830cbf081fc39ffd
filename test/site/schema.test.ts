import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type SchemaNode, schemaAt } from "../../site/schema-guide.ts";
import { parseUserKey } from "../../site/ssh-public-key.ts";
import { projectRoot } from "../../tools/lib/paths.ts";
import { checkFiles, checkStack } from "../../tools/site/check.ts";
import { staleFiles } from "../../tools/site/generated.ts";
import { ed25519Key } from "./shelf.ts";

/** All keys below a node, by their paths. */
function keysBelow(path: string, node: SchemaNode): [string, SchemaNode][] {
  const named = Object.entries(node.properties ?? {}).map(([key, value]): [string, SchemaNode] => [
    `${path}.${key}`,
    value,
  ]);
  const inner: [string, SchemaNode][] = [...named];
  if (node.additionalProperties) inner.push([`${path}.NAME`, node.additionalProperties]);
  for (const one of node.oneOf ?? []) inner.push([`${path} of type ${one.properties?.type?.enum?.join()}`, one]);
  return [...named, ...inner.flatMap(([key, value]) => keysBelow(key, value))];
}

describe("the schema of site files", () => {
  it("describes every key, and shows what texts look like", () => {
    const keys = keysBelow("site", schemaAt([]) ?? {});
    assert.ok(keys.length > 50);
    for (const [path, node] of keys) {
      assert.ok(node.description, `${path} has no description`);
      if (node.type === "string" && node.enum === undefined) assert.ok(node.examples, `${path} has no example`);
    }
  });

  it("has examples that fit its own patterns", () => {
    for (const [path, { examples = [], pattern }] of keysBelow("site", schemaAt([]) ?? {})) {
      if (pattern === undefined) continue;
      for (const example of examples) assert.match(String(example), new RegExp(pattern), path);
    }
    assert.ok("value" in parseUserKey(ed25519Key()));
  });

  it("is written out for editors and readers as it is now", async () => {
    assert.deepEqual(await staleFiles(), []);
  });
});

describe("bramble check", () => {
  const stacks = join(projectRoot, "stacks");
  const siteFiles = readdirSync(stacks).filter((name) => name.endsWith(".yaml") && !name.startsWith("Pulumi."));

  for (const name of siteFiles) {
    it(`finds nothing wrong with stacks/${name}, but for what its boards and clusters run as long as that is not pinned`, async () => {
      const { ok, text } = await checkFiles([join(stacks, name)], false);
      const others = text
        .split("\n")
        .filter((line) => !/ cannot-boot .*: run `npm run bramble -- artifacts update /.test(line))
        .filter((line) => !/ version-not-pinned |^ +→ run `npm run bramble -- artifacts update k3s-/.test(line));
      assert.ok(ok || /^\d+ problems?$/.test(others.join("")), text);
    });
  }

  it("sums up a site, and says where each VM runs and why", async () => {
    const file = join(stacks, "example.yaml");
    assert.match(
      (await checkFiles([file], false)).text,
      /^example: 3 hosts, 5 VMs, 1 cluster, 1 user\n {2}pi1 .*of 7\.5GiB memory/,
    );
    assert.match((await checkFiles([file], true)).text, /physics-n1 +on pi\d +one of 3 hosts with room/);
  });

  it("ends in the number of problems", async () => {
    const { ok, text } = await checkFiles([join(import.meta.dirname, "golden/mistakes.yaml")], false);
    assert.equal(ok, false);
    assert.match(text, /\n\d+ problems\n$/);
  });

  it("says which file or stack it cannot find", async () => {
    const nowhere = await checkFiles(["/no/such/site.yaml", join(stacks, "absent.yaml")], false);
    assert.match(nowhere.text, /no\/such\/site\.yaml {2}no-site-file .*\n.*\nstacks\/absent\.yaml {2}no-site-file /);
    assert.match(nowhere.text, /\n2 problems\n$/);
    const absent = await checkStack("nosuchstack", false);
    assert.match(absent.text, /^stacks\/nosuchstack\.yaml {2}no-site-file {2}there is no such file/);
    const outside = await checkStack("../../etc/passwd", false);
    assert.match(outside.text, /bad-site-file .* is not a \.yaml file inside stacks\//);
    assert.deepEqual([nowhere.ok, absent.ok, outside.ok], [false, false, false]);
  });
});
