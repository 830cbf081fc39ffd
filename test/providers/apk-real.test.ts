import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import fc from "fast-check";
import { apkClosure } from "../../formats/apk-closure.ts";
import { verifiedIndex } from "../../formats/apk-signature.ts";
import { compareApkVersions, isApkVersion } from "../../formats/apk-version.ts";
import { type AlpineRoot, makeAlpineRoot } from "../doubles/alpine-root.ts";
import { apkRepository, type StubPackage, signedIndex, testKey } from "../doubles/apk-repository.ts";
import { type ApkCase, apkCase, apkVersion, repositoriesOf } from "../formats/apk-samples.ts";

/** What this project reads and decides as apk does, held against the real apk of Alpine's mini root filesystem (apk 2). */
describe("the real apk", function () {
  this.timeout(120_000);
  let root: AlpineRoot;

  before(async () => {
    root = await makeAlpineRoot("x86_64");
    await mkdir(`${root.path}/keys`);
    await writeFile(`${root.path}/keys/${testKey().file}`, testKey().publicPem);
    await mkdir(`${root.path}/target`);
    await root.run(["apk", "add", "--initdb", ...emptyTarget, "--repositories-file", "/dev/null"]);
  });

  after(async () => {
    await root.remove();
  });

  it("orders versions in the same way", async () => {
    const pairs = fc
      .sample(fc.tuple(apkVersion(), apkVersion()), { numRuns: 500, seed: 20_261_125 })
      // Only the second half is likely to be about the same version.
      .flatMap(([a, b]): [string, string][] => [
        [a, b],
        [a, `${a.replace(/-r\d+$/, "")}${/^\d+/.test(b) ? `.${b}` : b}`],
      ])
      .filter(([a, b]) => isApkVersion(a) && isApkVersion(b));
    const loop = 'while read -r a b; do apk version -t "$a" "$b"; done';
    const input = pairs.map((pair) => `${pair.join(" ")}\n`).join("");
    const { stdout } = await root.run(["sh", "-c", loop], { input });
    const signs = new Map([
      ["<", -1],
      ["=", 0],
      [">", 1],
    ]);
    const answers = stdout.trim().split("\n");
    assert.equal(answers.length, pairs.length);
    for (const [index, [a, b]] of pairs.entries())
      assert.equal(Math.sign(compareApkVersions(a, b)), signs.get(answers[index] ?? ""), `${a} ${answers[index]} ${b}`);
    assert.ok(new Set(answers).size >= 2 && pairs.length > 600, `${pairs.length} pairs`);
  });

  it("takes the same packages, where each rule of its own decides", async () => {
    const outcomes = await decide(root, Object.values(examples));
    for (const [index, name] of Object.keys(examples).entries())
      assert.equal(ours(Object.values(examples)[index] as ApkCase), outcomes[index], name);
    assert.equal(outcomes.filter((each) => each === "impossible").length, 6);
  });

  // The order in which a search decides counts only where packages exclude each other. There apk 3, which boards have
  // and which this project follows, decides in another order than the apk 2 that is at hand here.
  it("takes the same packages in nearly all of 200 repositories made by chance", async () => {
    const cases = [
      ...fc.sample(apkCase(), { numRuns: 100, seed: 20_261_125 }),
      ...fc.sample(apkCase({ conflicts: false }), { numRuns: 100, seed: 20_261_125 }),
    ];
    const outcomes = await decide(root, cases);
    const other = cases.filter((each, index) => ours(each) !== outcomes[index]);
    assert.ok(other.length <= 4, `${other.length} decide otherwise, the first: ${JSON.stringify(other[0])}`);
    const had = outcomes.filter((each) => each !== "impossible");
    assert.ok(had.length > 100, `only ${had.length} worlds can be had`);
    assert.ok(had.filter((each) => each.split(" ").length > 4).length > 25, "most are small");
  });

  for (const digest of ["sha1", "sha256", "sha512"] as const) {
    it(`trusts the same indexes, signed with ${digest}`, async () => {
      const trusted = new Map([[testKey().file, testKey().publicPem]]);
      const good = await signedIndex((await apkRepository([{ name: "a" }])).index, { digest });
      const changed = Buffer.from(good);
      changed.writeUInt8(changed.readUInt8(good.length - 60) ^ 1, good.length - 60);
      const other = await signedIndex((await apkRepository([{ name: "a" }])).index, {
        digest,
        key: testKey("other.rsa.pub"),
      });
      for (const [name, bytes, isTrusted] of [
        ["good", good, true],
        ["changed", changed, false],
        ["other", other, false],
      ] as const) {
        await mkdir(`${root.path}/${digest}/${name}/x86_64`, { recursive: true });
        await writeFile(`${root.path}/${digest}/${name}/x86_64/APKINDEX.tar.gz`, bytes);
        await writeFile(`${root.path}/repositories`, `/${digest}/${name}\n`);
        const { code } = await root.tryRun([...simulate, "a"]);
        assert.equal(code === 0, isTrusted, `apk: ${name}`);
        const read = verifiedIndex(bytes, trusted);
        await (isTrusted ? read : assert.rejects(read, { name: /^Apk(Signature|Format)Error$/ }));
      }
    });
  }
});

const emptyTarget = ["--root", "/target", "--arch", "x86_64", "--keys-dir", "/keys", "--no-network", "--no-cache"];
const simulate = ["apk", "add", "--simulate", ...emptyTarget, "--repositories-file", "/repositories"] as const;

function example(world: string, ...main: StubPackage[]): ApkCase {
  return { main, community: [], world: world.split(" ") };
}

const lib = ["1-r0", "2-r0", "2.1-r0"].map((version): StubPackage => ({ name: "lib", version }));
const shells: StubPackage[] = [
  { name: "busybox-binsh", provides: ["/bin/sh"], priority: 100 },
  { name: "dash-binsh", provides: ["/bin/sh"], priority: 60 },
  { name: "yash-binsh", provides: ["/bin/sh"] },
];
const service: StubPackage[] = [
  { name: "chrony", version: "4.8-r1" },
  { name: "openrc" },
  { name: "sh" },
  { name: "chrony-openrc", version: "4.8-r1", installIf: ["openrc", "chrony=4.8-r1"], depends: ["sh"] },
  { name: "chrony-doc", version: "4.8-r1", installIf: ["docs", "chrony=4.8-r1"] },
];
const examples: Readonly<Record<string, ApkCase>> = {
  depends: example("a", { name: "a", depends: ["b"] }, { name: "b", depends: ["c"] }, { name: "c" }, { name: "d" }),
  "a circle": example("a", { name: "a", depends: ["b"] }, { name: "b", depends: ["a"] }),
  "two repositories": {
    main: [{ name: "a", version: "1-r0" }],
    community: [
      { name: "a", version: "2-r0" },
      { name: "b", depends: ["a"] },
    ],
    world: ["b"],
  },
  "the newest": example("lib", ...lib),
  "older than": example("lib<2.1", ...lib),
  "begins with": example("lib~2", ...lib),
  "this one": example("lib=1-r0", ...lib),
  "two constraints": example("a b", { name: "a", depends: ["lib<2.1"] }, { name: "b", depends: ["lib>1-r0"] }, ...lib),
  "no such version": example("lib>3", ...lib),
  "versions at odds": example("a b", { name: "a", depends: ["lib<2"] }, { name: "b", depends: ["lib>2"] }, ...lib),
  "a library": example("a", { name: "a", depends: ["so:libx.so.1"] }, { name: "x", provides: ["so:libx.so.1=1.0"] }),
  "the newer library": example("so:x", { name: "x", provides: ["so:x=1.0"] }, { name: "y", provides: ["so:x=1.2"] }),
  "a priority": example("/bin/sh", ...shells),
  "the stand-in that is there": example("/bin/sh yash-binsh", ...shells),
  "a stand-in without priority": example("mta", { name: "exim", provides: ["mta"] }),
  "a name without version": example("a", { name: "a", depends: ["v>1"] }, { name: "b", provides: ["v"], priority: 9 }),
  "comes by itself": example("chrony openrc", ...service),
  "does not come by itself": example("chrony", ...service),
  "comes with what came": example(
    "a",
    { name: "a" },
    { name: "b", installIf: ["a"], depends: ["c"] },
    { name: "c" },
    { name: "d", installIf: ["b", "c"] },
  ),
  "comes, and is excluded": example("chrony openrc !chrony-openrc", ...service),
  "comes, and needs what is excluded": example("chrony openrc !sh", ...service),
  excludes: example("a b", { name: "a", depends: ["!b"] }, { name: "b" }),
  "excludes the other stand-in": example(
    "a mta",
    { name: "a", depends: ["!postfix"] },
    { name: "postfix", provides: ["mta"], priority: 20 },
    { name: "exim", provides: ["mta"], priority: 10 },
  ),
  "excludes old versions": example("a lib", { name: "a", depends: ["!lib<2"] }, ...lib),
  "the same file name": example("a b", { name: "a", provides: ["cmd:x=1"] }, { name: "b", provides: ["cmd:x=2"] }),
  "a nag that is kept away": example("base !nag", { name: "base" }, { name: "nag", installIf: ["base"] }),
};

/** The packages that apk takes in each case, or "impossible". */
async function decide(root: AlpineRoot, cases: readonly ApkCase[]): Promise<readonly string[]> {
  const folder = `${root.path}/cases`;
  for (const [index, each] of cases.entries()) {
    for (const name of ["main", "community"] as const) {
      await mkdir(`${folder}/${index}/${name}/x86_64`, { recursive: true });
      const { index: text } = await apkRepository(each[name]);
      await writeFile(`${folder}/${index}/${name}/x86_64/APKINDEX.tar.gz`, await signedIndex(text));
    }
    await writeFile(`${folder}/${index}/world`, each.world.join("\n"));
  }
  const loop = `
    cd /cases
    for each in *; do
      printf '/cases/%s/main\\n/cases/%s/community\\n' "$each" "$each" >/repositories
      if "$@" $(cat "$each/world") >"$each/out" 2>&1; then echo had; else echo impossible; fi >"$each/outcome"
    done`;
  await root.run(["sh", "-c", loop, "sh", ...simulate]);
  const outcomes: string[] = [];
  for (const index of cases.keys()) {
    const outcome = await readFile(`${folder}/${index}/outcome`, "utf8");
    const said = await readFile(`${folder}/${index}/out`, "utf8");
    const taken = [...said.matchAll(/ Installing (\S+) \((\S+)\)/g)].map(([, name, version]) => `${name}-${version}`);
    outcomes.push(outcome === "had\n" ? taken.sort().join(" ") : "impossible");
  }
  await root.run(["rm", "-r", "/cases"]);
  return outcomes;
}

function ours(each: ApkCase): string {
  const closure = apkClosure(
    each.world.map((word) => ({ word, where: "a test" })),
    repositoriesOf(each),
  );
  if (closure.kind === "impossible") return "impossible";
  return closure.packages
    .map(({ package: { name, version } }) => `${name}-${version}`)
    .sort()
    .join(" ");
}
