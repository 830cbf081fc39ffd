import assert from "node:assert/strict";
import { edited, placesOf, problemsOf, shelf, siteOf } from "./shelf.ts";

describe("the site document", () => {
  it("is read from YAML 1.2, in which no is a word and 010 is ten", () => {
    const site = siteOf(edited(["physics:", "no:"], ["uid: 2001", "uid: 02001"]));
    assert.equal(site.clusters[0]?.name, "no");
    assert.equal(site.users[0]?.uid, 2001);
  });

  it("gives syntax errors their place and a way out", () => {
    const [problem] = problemsOf("boards:\n\tpi1: x\n");
    assert.deepEqual([problem?.line, problem?.column, problem?.rule], [2, 1, "yaml-syntax"]);
    assert.match(problem?.hint ?? "", /spaces/);
    assert.deepEqual(placesOf('site: "home\n').slice(0, 1), ["yaml-syntax at 2: "]);
    assert.ok(placesOf("site: !!python/object:os.system x\n").includes("yaml-syntax at 1: !!python/object:os.system"));
  });

  it("names both places of a key that stands twice", () => {
    const [problem] = problemsOf(edited(["  pi2:", "  pi1:"]));
    assert.equal(`${problem?.line}:${problem?.column} ${problem?.rule}`, "5:3 duplicate-key");
    assert.match(problem?.message ?? "", /"pi1".*\(line 4\)/);
  });

  it("refuses keys that are no plain text", () => {
    assert.deepEqual(placesOf("[a, b]: x\n"), ["yaml-key at 1: [a"]);
    assert.deepEqual(placesOf("__proto__: { site: x }\n"), ["yaml-key at 1: __proto__:"]);
  });

  it("takes anchors and merge keys, and points at what they bring in", () => {
    const merged = edited(
      [
        "boards:",
        "boards:\n  pi0: &pi { model: pi5, memory: 8GiB, serial: '00000001', mac: '02:00:00:00:00:01', address: 10.20.0.9 }",
      ],
      ["pi2: { model: pi5, memory: 8GiB,", "pi2: { <<: *pi,"],
    );
    assert.equal(siteOf(merged).boards[2]?.model, "pi5");
    assert.deepEqual(placesOf(merged.replace("memory: 8GiB", "memory: 8GB")), [
      "bad-size at 4: 8GB",
      "bad-size at 4: 8GB",
    ]);
  });

  it("refuses anchors that multiply without end", () => {
    const levels = Array.from(
      { length: 12 },
      (_, level) => `  b${level + 1}: &a${level + 1} [${Array(10).fill(`*a${level}`)}]`,
    );
    const started = performance.now();
    assert.deepEqual(placesOf(`boards:\n  b0: &a0 x\n${levels.join("\n")}\n`), ["yaml-alias at 1: boards:"]);
    assert.ok(performance.now() - started < 2000);
  });

  it("refuses anchors that do not exist, contain themselves, or are merged and no mapping", () => {
    assert.deepEqual(placesOf("site: *nope\n"), ["yaml-syntax at 1: *nope"]);
    assert.deepEqual(placesOf("boards: &a { <<: *a }\n"), ["yaml-alias at 1: boards:"]);
    assert.deepEqual(placesOf("boards: { <<: 3 }\n"), ["yaml-alias at 1: boards:"]);
    assert.ok(placesOf("boards: &a { pi1: *a }\n").length > 0);
  });

  it("refuses tags, also those that YAML knows", () => {
    assert.deepEqual(placesOf("boards: !!set { a, b }\n"), ["yaml-syntax at 1: {"]);
    assert.deepEqual(placesOf("site: !!str home\n"), ["yaml-syntax at 1: home"]);
  });

  it("survives what is nested without end", () => {
    assert.match(problemsOf(`boards: ${"[".repeat(3000)}${"]".repeat(3000)}\n`)[0]?.message ?? "", /nested too deeply/);
    assert.ok(problemsOf(`boards: ${"[".repeat(3000)}`).length <= 20);
  });

  it("says what an empty file, a list or a bare word lacks", () => {
    assert.deepEqual(placesOf(""), ["empty-file at 1: "]);
    assert.deepEqual(placesOf("# nothing yet\n"), ["empty-file at 1: #"]);
    assert.deepEqual(placesOf("- pi1\n"), ["wrong-type at 1: -"]);
    assert.deepEqual(placesOf("home\n"), ["wrong-type at 1: home"]);
    assert.deepEqual(placesOf(`${shelf}---\nsite: other\n`), ["yaml-syntax at 14: ---"]);
  });

  it("counts columns and lines the same with Windows line ends and a byte order mark", () => {
    const wrong = edited(["memory: 8GiB", "memory: 8GB"]);
    assert.deepEqual(placesOf(wrong.replaceAll("\n", "\r\n")), placesOf(wrong));
    assert.deepEqual(
      placesOf(`\uFEFF${wrong}`).map((place) => place.split(" ")[0]),
      ["bad-size"],
    );
  });
});

describe("overrides", () => {
  const source = "Pulumi.home.yaml, bramble:override";

  it("change single values and leave the rest", () => {
    const site = siteOf(shelf, { source, value: { boards: { pi1: { memory: "4GiB" } } } });
    assert.deepEqual(
      site.hosts.map(({ memoryMiB }) => memoryMiB),
      [3584, 7680],
    );
  });

  it("replace lists, remove what is null, and add what was not there", () => {
    const value = { users: { alice: null }, network: { dns: ["10.20.0.3"] }, clusters: { physics: null } };
    const site = siteOf(shelf, { source, value });
    assert.deepEqual([site.users, site.clusters], [[], []]);
    assert.deepEqual(site.network.dns, ["10.20.0.3"]);
  });

  it("are named in messages about what they said, and the file's line in others", () => {
    const value = { boards: { pi1: { memory: "4GB" }, pi3: { model: "pi5" } } };
    const places = problemsOf(edited(["uid: 2001", "uid: 5"]), { source, value }).map(
      ({ file, line, rule }) => `${file}:${line} ${rule}`,
    );
    assert.deepEqual(
      places.sort(),
      [`${source}:0 bad-size`, `${source}:0 missing-key`, "home.yaml:13:13 reserved-uid".replace(":13 ", " ")].sort(),
    );
  });

  it("cannot make a file that is no mapping into one without saying so", () => {
    assert.deepEqual(placesOf(shelf, { source, value: "nonsense" }), ["merge-conflict at 0: "]);
    assert.deepEqual(placesOf(shelf, { source, value: { base: "other.yaml" } }), ["bad-base at 0: "]);
  });
});
