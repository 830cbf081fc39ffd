import assert from "node:assert/strict";
import fc from "fast-check";
import { layerOf, readLayer } from "../../site/layer.ts";
import { mergeLayers } from "../../site/merge.ts";
import type { Site } from "../../site/model.ts";
import { type Problem, printProblems } from "../../site/problem.ts";
import { readSiteOf, type SiteResult } from "../../site/read.ts";
import { edited, shelf } from "./shelf.ts";

/** A site of files that lie over the shelf, the nearest to it first. */
function over(...texts: readonly string[]): SiteResult {
  const files = texts.map((text, index) =>
    readLayer(index === texts.length - 1 ? "top.yaml" : `mid${index}.yaml`, text),
  );
  return readSiteOf([readLayer("shelf.yaml", shelf), ...files]);
}

function siteOver(...texts: readonly string[]): Site {
  const result = over(...texts);
  assert.ok(result.ok, result.ok ? "" : printProblems(result.problems));
  return result.site;
}

function problemsOver(...texts: readonly string[]): string[] {
  const result = over(...texts);
  return result.ok ? [] : result.problems.map(place);
}

function place({ file, line, column, rule }: Problem): string {
  return `${file}:${line}:${column} ${rule}`;
}

describe("a site file with a base", () => {
  it("says what differs, key by key; its name is its own, whatever the base calls itself", () => {
    const site = siteOver("base: shelf.yaml\nclusters: { physics: { workers: { n: { count: 1 } } } }\n");
    assert.equal(site.name, "top");
    assert.deepEqual(
      site.vms.map(({ name }) => name),
      ["physics-controller", "physics-n1"],
    );
    assert.equal(siteOver("base: shelf.yaml\nsite: mine\n").name, "mine");
  });

  it("replaces lists as a whole, and takes out what it says null of", () => {
    const mid = "network: { dns: [10.20.0.3, 10.20.0.4] }\n";
    const site = siteOver(mid, "base: mid0.yaml\nnetwork: { dns: [10.20.0.5] }\nusers: { alice: null }\n");
    assert.deepEqual([site.network.dns, site.users], [["10.20.0.5"], []]);
  });

  it("can take out what a base says, and say it anew on top of that", () => {
    const boards = "boards: { pi2: null }\nclusters: { physics: { workers: { n: { count: 1 } } } }\n";
    const site = siteOver(
      boards,
      "boards: { pi2: { model: pc, cores: 4, memory: 4GiB, connect: local, address: 10.20.0.12 } }\n",
    );
    assert.deepEqual(
      site.boards.map(({ name, model }) => `${name} ${model}`),
      ["pi1 pi5", "pi2 pc"],
    );
  });

  it("has its mistakes at its own lines, and those of the base at the base's", () => {
    assert.deepEqual(problemsOver("boards:\n  pi1: { memory: 8GB }\n"), ["top.yaml:2:18 bad-size"]);
    assert.deepEqual(problemsOver("users:\n  alice:\n    uid: 7\n", "site: other\n"), ["mid0.yaml:3:10 reserved-uid"]);
    const wrong = readSiteOf([
      readLayer("shelf.yaml", edited(["memory: 8GiB", "memory: 8GB"])),
      readLayer("top.yaml", "boards: { pi1: { address: 10.20.0.11 } }\n"),
    ]);
    assert.deepEqual(wrong.ok ? [] : wrong.problems.map(place), ["shelf.yaml:4:30 bad-size"]);
  });

  it("names the file of the other place, when two that clash are in different ones", () => {
    const result = over("\nboards: { pi3: { model: pi5, memory: 8GiB, serial: '10000000aaaaaa01' } }\n");
    const said = result.ok ? "" : printProblems(result.problems);
    assert.match(said, /^(shelf\.yaml:4:\d+ .*\(top\.yaml, line 2\)|top\.yaml:2:\d+ .*\(shelf\.yaml, line 4\))$/m);
  });

  it("points at the null that took out what is needed", () => {
    assert.deepEqual(problemsOver("boards:\n  pi1:\n    model: null\n"), ["top.yaml:3:12 missing-key"]);
  });

  it("keeps where a problem is in overrides, which lie over all of it", () => {
    const layers = [readLayer("shelf.yaml", shelf), readLayer("top.yaml", "users: { alice: null }\n")];
    const result = readSiteOf(layers, { source: "override", value: { boards: { pi1: { memory: 3 } } } });
    assert.deepEqual(result.ok ? [] : result.problems.map(place), ["override:0:0 wrong-type"]);
  });
});

describe("a merge that contradicts itself is refused", () => {
  it("keys over a plain value, and a plain value or a list over keys, with both places", () => {
    const result = over("network: 10.20.0.0/24\nboards: [pi1]\nusers:\n  alice: { uid: { is: 2001 } }\n");
    assert.ok(!result.ok);
    assert.deepEqual(result.problems.map(place), [
      "top.yaml:1:10 merge-conflict",
      "top.yaml:2:1 merge-conflict",
      "top.yaml:4:12 merge-conflict",
    ]);
    assert.match(
      printProblems(result.problems),
      /network is "10\.20\.0\.0\/24" here, and a mapping in shelf\.yaml, line 2\n[\s\S]*users\.alice\.uid is a mapping here, and 2001 in shelf\.yaml, line 13\n/,
    );
  });

  it("a null that takes out nothing, with the key that was meant", () => {
    const result = over("users: { alcie: null }\n");
    assert.ok(!result.ok);
    assert.match(
      printProblems(result.problems),
      /^top\.yaml:1:17 {2}removes-nothing {2}users\.alcie is null, and shelf\.yaml has nothing there to take out\n.*did you mean alice\?/,
    );
  });

  it("a key with nothing after it, which may be a slip and would take out all below it", () => {
    assert.deepEqual(problemsOver("boards:\n  pi1:\n"), ["top.yaml:2:7 wrong-type"]);
    assert.deepEqual(problemsOver("boards:\n  pi1: ~\nclusters: null\n"), []);
  });

  it("a document of another kind, and says what else is wrong too", () => {
    assert.deepEqual(problemsOver("- pi1\n"), ["top.yaml:1:1 merge-conflict"]);
    assert.deepEqual(problemsOver("network: x\nusers: { alice: { uid: 7 } }\n"), [
      "top.yaml:1:10 merge-conflict",
      "top.yaml:2:24 reserved-uid",
    ]);
    assert.deepEqual(problemsOver("# nothing\n"), ["top.yaml:1:1 empty-file"]);
  });
});

describe("merging", () => {
  const key = fc.constantFrom("a", "b", "c");
  const plain = fc.oneof(fc.integer(), fc.array(fc.integer(), { maxLength: 2 }));
  const { tree } = fc.letrec((tie) => ({
    tree: fc.dictionary(key, fc.oneof({ maxDepth: 3 }, plain, tie("tree")), { maxKeys: 3, noNullPrototype: true }),
  }));

  it("of a document with itself, or with nothing, changes nothing", () => {
    fc.assert(
      fc.property(tree, (value) => {
        const layer = layerOf("a", value);
        const same = { value, conflicts: [] };
        assert.deepEqual(mergeLayers([layer]), same);
        assert.deepEqual(mergeLayers([layer, layer]), same);
        assert.deepEqual(mergeLayers([layer, layerOf("b", {})]), same);
        assert.deepEqual(mergeLayers([layerOf("b", {}), layer]), same);
      }),
    );
  });

  it("has what the upper one says, and what the lower one says besides, unless it is refused", () => {
    fc.assert(
      fc.property(tree, tree, (lower, upper) => {
        const { value, conflicts } = mergeLayers([layerOf("lower", lower), layerOf("upper", upper)]);
        if (conflicts.length > 0) return;
        for (const [path, leaf] of leaves(upper)) assert.deepEqual(at(value, path), leaf);
        for (const [path, leaf] of leaves(lower)) {
          if (at(upper, path) === undefined) assert.deepEqual(at(value, path), leaf);
        }
      }),
    );
  });
});

function leaves(value: unknown, path: readonly string[] = []): [readonly string[], unknown][] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
    value,
  );
}
