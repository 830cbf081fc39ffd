import { deepEqual, equal, match, ok } from "node:assert/strict";
import { parse } from "yaml";
import { code, fenced } from "../../tools/ci/markdown.ts";
import { sortChanges } from "../../tools/ci/sort.ts";
import { stackFileFor } from "../../tools/ci/stack-file.ts";

const sorted = (path: string, mode = "100644") => {
  const { data, stackFiles, program, refused } = sortChanges([{ path, mode, blob: "0" }]);
  if (refused.length > 0) return "refused";
  if (data.length > 0) return "data";
  if (stackFiles.length > 0) return "stack file";
  return program.length > 0 ? "program" : "document";
};

describe("a pull request's files", () => {
  it("are data only where nothing runs them, and program whenever it is not known", () => {
    const kinds = {
      data: ["stacks/home.yaml", "stacks/base.yml", "stacks/house/attic.yaml", "stacks/artifacts.lock.json"],
      "stack file": ["stacks/Pulumi.home.yaml"],
      document: ["README.md", "docs/site.md"],
      program: [
        "index.ts",
        "package-lock.json",
        "Pulumi.yaml",
        ".gitattributes",
        ".github/workflows/pull-request.yml",
        "stacks/read-stack.ts",
        "stacks/site.schema.json",
        "stacks/Pulumi.yaml",
        "stacks/Pulumi.Home.yaml",
        "stacks/pulumi.home.yaml",
        "stacks/Pulumi.home.yml",
        "stacks/sub/Pulumi.home.yaml",
        "stacks/.hidden.yaml",
        "stacks/../index.yaml",
        "stacks/two words.yaml",
        "stacks/a\n.yaml",
        "images/README.md",
        "docsx/a.ts",
      ],
    };
    for (const [kind, paths] of Object.entries(kinds)) for (const path of paths) equal(sorted(path), kind, path);
  });

  it("are refused as data when they are links, submodules or executable", () => {
    for (const mode of ["120000", "160000", "100755"]) equal(sorted("stacks/home.yaml", mode), "refused", mode);
    for (const path of ["stacks/home.yaml", "stacks/Pulumi.home.yaml"]) ok(sorted(path, "000000") !== "refused");
    match(
      sortChanges([{ path: "stacks/home.yaml", mode: "120000", blob: "0" }]).refused.join(),
      /"stacks\/home\.yaml" is a symbolic link, and must be a plain file/,
    );
  });
});

const base = `# ours
encryptionsalt: v1:ours
config:
  bramble:siteSecret:
    secure: v1:secret
  bramble:override: { network: { mtu: 1500 } }
`;

describe("a pull request's stack file", () => {
  it("brings which site file and what is laid over it, and nothing that leads the engine elsewhere", () => {
    const merged = stackFileFor(
      base,
      `encryptionsalt: v1:theirs
secretsprovider: hashivault://attacker
encryptedkey: AAAA
backend: { url: "https://attacker" }
environment: [theirs]
config:
  bramble:siteSecret: "00"
  bramble:site: other.yaml
  bramble:override: { boards: { pi1: { memory: yes } } }
  libvirt:uri: qemu+ext:///system?command=/tmp/x
`,
    );
    ok("text" in merged);
    deepEqual(parse(merged.text, { version: "1.1" }), {
      encryptionsalt: "v1:ours",
      config: {
        "bramble:siteSecret": { secure: "v1:secret" },
        "bramble:override": { boards: { pi1: { memory: "yes" } } },
        "bramble:site": "other.yaml",
      },
    });
    deepEqual([...merged.ignored].sort(), [
      "backend",
      "bramble:siteSecret",
      "encryptedkey",
      "encryptionsalt",
      "environment",
      "libvirt:uri",
      "secretsprovider",
    ]);
  });

  it("stays the base branch's to the byte where it changes nothing that is taken, and can take settings away", () => {
    deepEqual(stackFileFor(base, base.replace("v1:ours", "v1:theirs")), { text: base, ignored: ["encryptionsalt"] });
    const without = stackFileFor(base, base.replace(/ {2}bramble:override.*\n/, ""));
    ok("text" in without && !without.text.includes("override"));
    const empty = stackFileFor(base, "");
    deepEqual("ignored" in empty && empty.ignored, ["encryptionsalt", "bramble:siteSecret"]);
  });

  it("brings no encrypted value: the program would print the site's secret as a bad name", () => {
    for (const hidden of [
      "bramble:site: { secure: v1:secret }",
      "bramble:override: { boards: { pi1: { memory: { secure: v1:secret } } } }",
      "bramble:override: { users: [{ SECURE: v1:secret }] }",
      "<<: { bramble:site: { secure: v1:secret } }",
    ]) {
      const merged = stackFileFor(base, `config:\n  ${hidden}\n`);
      if ("problem" in merged) match(merged.problem, /encrypted value \(secure:\)/);
      else equal(merged.text.match(/v1:secret/g)?.length, 1, merged.text);
    }
  });

  it("is refused when it is no YAML, no mapping, or grows when it is read", () => {
    const bomb = `a: &a [x, x, x, x, x, x, x, x, x]
b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]
c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]
config: { bramble:override: [*c, *c, *c, *c] }
`;
    for (const text of ["a: [", "- a\n", "a: 1\na: 2\n", bomb]) ok("problem" in stackFileFor(base, text), text);
  });
});

describe("text of others in Markdown", () => {
  it("can't end its block, and is cut at its beginning", () => {
    equal(fenced("a\n```\n# b\n````\n", 100), "`````text\na\n```\n# b\n````\n`````\n");
    match(fenced(`${"x".repeat(50)}\nthe end\n`, 12), /^```text\n\(the beginning is left out\)\nxxxx\nthe end\n```\n$/);
    equal(code("a`b"), "`a'b`");
  });
});
