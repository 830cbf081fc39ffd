import assert from "node:assert/strict";
import fc from "fast-check";
import { apkClosure, type Closure, type ClosurePackage } from "../../formats/apk-closure.ts";
import { isMet, parseApkDependency, parseApkProvision } from "../../formats/apk-dependency.ts";
import type { ApkRepositoryIndex } from "../../formats/apk-graph.ts";
import { nearest } from "../../site/nearest.ts";
import type { StubPackage } from "../doubles/apk-repository.ts";
import { apkCase, indexed, nameOf, repositoriesOf } from "./apk-samples.ts";

describe("apk-closure", () => {
  it("takes what is asked for, with all that it needs, from the repository that has it", () => {
    const closure = apkClosure(wanted("libvirt"), [
      repository("main", { name: "musl", provides: ["so:libc.musl-aarch64.so.1=1"] }),
      repository(
        "community",
        { name: "libvirt", depends: ["libvirt-libs=12.3.0-r0", "so:libc.musl-aarch64.so.1"], version: "12.3.0-r0" },
        { name: "libvirt-libs", version: "12.3.0-r0", depends: ["so:libc.musl-aarch64.so.1"] },
        { name: "unasked" },
      ),
    ]);
    assert.ok(closure.kind === "found");
    assert.deepEqual(closure.packages.map(label), [
      "community/libvirt-12.3.0-r0",
      "community/libvirt-libs-12.3.0-r0",
      "main/musl-1-r0",
    ]);
  });

  it("takes what comes by itself with packages that are taken, and what that needs", () => {
    const packages: StubPackage[] = [
      { name: "chrony" },
      { name: "openrc" },
      { name: "chrony-openrc", installIf: ["openrc", "chrony=1-r0"], depends: ["sh"] },
      { name: "chrony-doc", installIf: ["docs", "chrony=1-r0"] },
      { name: "sh" },
    ];
    assert.equal(taken("chrony", ...packages), "chrony");
    assert.equal(taken("chrony openrc", ...packages), "chrony chrony-openrc openrc sh");
  });

  it("chooses among packages that provide a name: newest, then priority, or the one that is there by name", () => {
    const shells: StubPackage[] = [
      { name: "busybox-binsh", provides: ["/bin/sh"], priority: 100 },
      { name: "dash-binsh", provides: ["/bin/sh"], priority: 60 },
      { name: "yash-binsh", provides: ["/bin/sh"] },
    ];
    assert.equal(taken("/bin/sh", ...shells), "busybox-binsh");
    assert.equal(taken("/bin/sh yash-binsh", ...shells), "yash-binsh");
    const old = { name: "old", provides: ["so:libx.so.1=1.0"] };
    assert.equal(taken("so:libx.so.1", old, { name: "new", provides: ["so:libx.so.1=1.2"] }), "new");
  });

  it("takes the newest version that all who ask for it can live with", () => {
    const versions = ["1-r0", "2-r0", "3-r0"].map((version): StubPackage => ({ name: "lib", version }));
    const needs = (name: string, word: string): StubPackage => ({ name, depends: [word] });
    const lib = (world: string, ...more: StubPackage[]) => {
      const closure = apkClosure(wanted(world), [repository("main", ...versions, ...more)]);
      return closure.kind === "found"
        ? closure.packages.find((each) => each.package.name === "lib")?.package.version
        : "";
    };
    assert.equal(lib("lib"), "3-r0");
    assert.equal(lib("lib<3"), "2-r0");
    assert.equal(lib("lib~1"), "1-r0");
    assert.equal(lib("a", needs("a", "lib<=2-r0")), "2-r0");
    assert.equal(lib("a b", needs("a", "lib<3"), needs("b", "lib>1-r0")), "2-r0");
  });

  it("leaves out what is excluded, and what can only be had with it", () => {
    const packages: StubPackage[] = [
      { name: "nag" },
      { name: "nag-extra", installIf: ["base"], depends: ["nag"] },
      { name: "base" },
    ];
    assert.equal(taken("base", ...packages), "base nag nag-extra");
    assert.equal(taken("base !nag", ...packages), "base");
  });

  it("goes round a package that depends on what is no dependency, and says so where it is needed", () => {
    const broken: StubPackage = { name: "x", depends: ["pc:y>=1.0-beta"], provides: ["so:x=2"] };
    assert.equal(taken("so:x", broken, { name: "old", provides: ["so:x=1"] }), "old");
    assert.deepEqual(problems("x", broken), [
      'nothing can be taken for x (needed by x (boards.pi1.image)): x-1-r0 depends on "pc:y>=1.0-beta", which is no dependency',
    ]);
    assert.equal(taken("a", { name: "a" }, { name: "b", installIf: ["a", "c>=x"] }), "a");
  });

  describe("says", () => {
    it("what there is no package for, who asks for it, and what was probably meant", () => {
      assert.deepEqual(problems("libvrit", { name: "libvirt" }), [
        "there is no package libvrit (needed by libvrit (boards.pi1.image)); the nearest name is libvirt",
      ]);
      assert.deepEqual(problems("a", { name: "a", depends: ["b"] }, { name: "b", depends: ["nothing-like-it"] }), [
        "there is no package nothing-like-it (needed by b-1-r0 ← a-1-r0 ← a (boards.pi1.image))",
      ]);
    });

    it("everything that is wrong at once, and everyone who asks for the same", () => {
      const closure = apkClosure(
        [
          { word: "x", where: "roles.hypervisor" },
          { word: "x", where: "boards.pi1.image" },
          { word: "y", where: "boards.pi2.image" },
        ],
        [repository("main")],
      );
      assert.deepEqual(closure, {
        kind: "impossible",
        problems: [
          "there is no package x (needed by x (roles.hypervisor, boards.pi1.image))",
          "there is no package y (needed by y (boards.pi2.image))",
        ],
      });
    });

    it("which two exclude each other, and by what ways each is needed", () => {
      const [problem, ...others] = problems(
        "a b",
        { name: "a", depends: ["chrony"] },
        { name: "b", depends: ["openntpd"] },
        { name: "chrony", depends: ["!openntpd"] },
        { name: "openntpd" },
      );
      assert.deepEqual(others, []);
      assert.equal(
        problem,
        "nothing can be taken for openntpd (needed by b-1-r0 ← b (boards.pi1.image)): openntpd-1-r0 is excluded by " +
          "!openntpd of chrony-1-r0 ← a-1-r0 ← a (boards.pi1.image)",
      );
    });

    it("which two provide the same", () => {
      assert.deepEqual(problems("a b", { name: "a", provides: ["v=1"] }, { name: "b", provides: ["v=2"] }), [
        "nothing can be taken for b (needed by b (boards.pi1.image)): b-1-r0 and a-1-r0 ← a (boards.pi1.image) both provide v",
      ]);
    });

    it("which version is asked for, and which there is", () => {
      assert.deepEqual(problems("chrony>5", { name: "chrony", version: "4.8-r1" }), [
        "nothing can be taken for chrony (needed by chrony>5 (boards.pi1.image)): chrony-4.8-r1 is not chrony>5, which " +
          "chrony>5 (boards.pi1.image) asks for",
      ]);
    });

    it("that one of several stand-ins is to be chosen", () => {
      assert.deepEqual(problems("mta", { name: "postfix", provides: ["mta"] }, { name: "exim", provides: ["mta"] }), [
        "mta is provided by exim and postfix; ask for one of them by name (needed by mta (boards.pi1.image))",
      ]);
    });

    it("which word is none", () => {
      for (const word of ["a@edge", "a>>1", "a b", "a=x", "!", ""])
        assert.match(problems([word], { name: "a" })[0] ?? "", /is no word of apk's world; such are chrony/, word);
    });

    it("something in every case in which it gives no packages", () => {
      fc.assert(
        fc.property(apkCase(), (each) => {
          const closure = apkClosure(asks(each.world), repositoriesOf(each), nearest);
          if (closure.kind === "found") return;
          assert.notEqual(closure.problems.length, 0);
          for (const problem of closure.problems) assert.match(problem, /\S{3}/);
        }),
        { numRuns: 500 },
      );
    });
  });

  it("gives packages that have all that they and the world need, and nothing that they exclude", () => {
    let found = 0;
    fc.assert(
      fc.property(apkCase(), (each) => {
        const closure = apkClosure(asks(each.world), repositoriesOf(each));
        if (closure.kind === "impossible") return;
        found++;
        const provided = closure.packages.flatMap(({ package: { name, version, provides } }) => [
          { by: name, name, version },
          ...provides.map((word) => ({ by: name, ...parseApkProvision(word) })),
        ]);
        const holds = (word: string, by?: string) => {
          const dependency = parseApkDependency(word);
          assert.ok(dependency !== undefined);
          const others = provided.filter(({ name, by: other }) => name === dependency.name && other !== by);
          return dependency.isConflict
            ? others.every((provision) => isMet(dependency, provision))
            : provided.some((provision) => provision.name === dependency.name && isMet(dependency, provision));
        };
        for (const word of each.world) assert.ok(holds(word), word);
        for (const { package: one } of closure.packages)
          for (const word of one.depends) assert.ok(holds(word, one.name), `${one.name}: ${word}`);
        const names = closure.packages.map((one) => one.package.name);
        assert.equal(new Set(names).size, names.length, "one version of each");
      }),
      { numRuns: 500 },
    );
    assert.ok(found > 200, `only ${found} of 500 worlds could be had`);
  });

  it("has no package that nothing in it asks for or brings", () => {
    fc.assert(
      fc.property(apkCase(), (each) => {
        const closure = apkClosure(asks(each.world), repositoriesOf(each));
        if (closure.kind === "impossible") return;
        const asked = [...each.world, ...closure.packages.flatMap((one) => one.package.depends)].map(
          (word) => parseApkDependency(word)?.name,
        );
        for (const { package: one } of closure.packages) {
          const names = [one.name, ...one.provides.map((word) => parseApkProvision(word).name)];
          assert.ok(one.installIf.length > 0 || names.some((name) => asked.includes(name)), one.name);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("gives the same in whatever order the words come", () => {
    fc.assert(
      fc.property(apkCase(), fc.nat(), (each, by) => {
        const again = apkClosure(asks(turned(each.world, by)), repositoriesOf(each));
        assert.deepEqual(labels(again), labels(apkClosure(asks(each.world), repositoriesOf(each))));
      }),
      { numRuns: 500 },
    );
  });

  it("gives the same in whatever order an index lists packages, where all that is asked for can be had", () => {
    fc.assert(
      fc.property(apkCase({ conflicts: false }), fc.nat(), ({ world, main, community }, by) => {
        const all = [...main, ...community];
        const ranked = all
          .filter(({ name }, index) => index === all.findIndex((each) => each.name === name)) // one version of each
          .map((stub, index) => ({
            ...stub,
            depends: stub.depends?.map(nameOf) ?? [],
            provides: stub.provides?.filter(isShared) ?? [],
            priority: index + 1,
          }));
        const names = world.map(nameOf);
        const inOrder = apkClosure(asks(names), [repository("main", ...ranked)]);
        const inAnother = apkClosure(asks(names), [repository("main", ...turned(ranked, by))]);
        assert.deepEqual(labels(inAnother), labels(inOrder));
      }),
      { numRuns: 500 },
    );
  });
});

/** Whether any number of packages may provide it. */
function isShared(word: string): boolean {
  return !word.includes("=");
}

function turned<T>(list: readonly T[], by: number): readonly T[] {
  const at = by % list.length;
  return [...list.slice(at), ...list.slice(0, at)].reverse();
}

function labels(closure: Closure): readonly string[] {
  return closure.kind === "found" ? closure.packages.map(label) : ["impossible"];
}

function asks(words: readonly string[]) {
  return words.map((word) => ({ word, where: "boards.pi1.image" }));
}

function wanted(world: string) {
  return asks(world.split(" "));
}

function repository(name: string, ...packages: StubPackage[]): ApkRepositoryIndex {
  return { name, packages: packages.map(indexed) };
}

function label({ repository: name, package: one }: ClosurePackage): string {
  return `${name}/${one.name}-${one.version}`;
}

function taken(world: string, ...packages: StubPackage[]): string {
  const closure = apkClosure(wanted(world), [repository("main", ...packages)]);
  return closure.kind === "found" ? closure.packages.map((one) => one.package.name).join(" ") : closure.problems.join();
}

function problems(world: string | readonly string[], ...packages: StubPackage[]): readonly string[] {
  const words = typeof world === "string" ? wanted(world) : asks(world);
  const closure = apkClosure(words, [repository("main", ...packages)], nearest);
  assert.ok(closure.kind === "impossible");
  return closure.problems;
}
