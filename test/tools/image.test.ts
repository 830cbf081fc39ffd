import { deepEqual, equal, match, notEqual, rejects, throws } from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { imageName } from "../../images/name.ts";
import {
  architectures,
  askedPackages,
  k3sNode,
  machineArch,
  manifestPath,
  type Recipe,
  recipes,
  slurmNode,
} from "../../images/recipe.ts";
import { installedPackages } from "../../tools/image/build.ts";
import { cpio } from "../../tools/image/cpio.ts";
import { ensureImage } from "../../tools/image/ensure.ts";
import { imagesFolder } from "../../tools/image/folder.ts";
import { describeChange, mismatches, parseManifest, printManifest } from "../../tools/image/manifest.ts";
import { debianMirrorOf } from "../../tools/image/mirror.ts";
import { parsePolicy, parseSimulation } from "../../tools/image/packages.ts";
import { missingPackages } from "../../tools/image/requirements.ts";

const small = "suite trixie\narch amd64\ntime 2026-01-02T00:00:00Z\npackage a0 1:2.0-1\npackage b+c 3~rc1\n";

describe("the manifest of an image", () => {
  it("is printed as it is read, sorted", () => {
    const manifest = parseManifest(small, "x.manifest");
    equal(manifest.packages.get("a0"), "1:2.0-1");
    const turned = { ...manifest, packages: new Map([...manifest.packages].reverse()) };
    deepEqual(printManifest(turned, "img").split("\n").slice(2).join("\n"), small);
  });

  for (const [line, why] of [
    ["package a0", /x\.manifest:6: .*should be "package NAME VERSION".*image renew/],
    ["package ../a 1", /x\.manifest:6/],
    ["package a1 $(id)", /x\.manifest:6/],
    ["package a0 2", /there twice/],
    ["colour blue", /is not "suite"/],
  ] as const) {
    it(`refuses the line "${line}" and names its place`, () => {
      throws(() => parseManifest(`${small}${line}\n`, "x.manifest"), why);
    });
  }

  it("tells what is missing in it", () => {
    throws(() => parseManifest("suite trixie\narch amd64\n", "x.manifest"), /"time …" is missing/);
  });

  for (const [recipe, arch] of recipes.flatMap((recipe) => architectures.map((arch) => [recipe, arch] as const))) {
    it(`of ${recipe.name} is there for ${arch} and holds each package that the recipe asks for`, () => {
      const path = manifestPath(recipe, arch);
      const manifest = parseManifest(readFileSync(path, "utf8"), path);
      equal(manifest.arch, arch);
      equal(manifest.suite, recipe.suite);
      deepEqual(
        askedPackages(recipe, arch).filter((name) => !manifest.packages.has(name)),
        [],
      );
    });
  }

  it("of a k3s node holds neither Slurm nor ipset, with which agents are minutes late", () => {
    const path = manifestPath(k3sNode, "amd64");
    const { packages } = parseManifest(readFileSync(path, "utf8"), path);
    deepEqual(
      ["slurmd", "munge", "ipset"].filter((name) => packages.has(name)),
      [],
    );
  });
});

describe("what differs between manifest and mirror", () => {
  const wanted = new Map([
    ["gone", "1"],
    ["moved", "1"],
    ["same", "1"],
  ]);
  const there = new Map([
    ["moved", "2"],
    ["same", "1"],
    ["new", "1"],
  ]);

  it("leaves out other packages of the mirror", () => {
    deepEqual(mismatches(wanted, there, false).map(describeChange), ["gone 1 (gone)", "moved 1 → 2"]);
  });

  it("counts packages that slipped in when it must be exactly the manifest", () => {
    deepEqual(mismatches(wanted, there, true).map(describeChange), ["gone 1 (gone)", "moved 1 → 2", "new 1 (new)"]);
  });
});

describe("the mirror of the machine", () => {
  const target = (fields: Record<string, string>) =>
    Object.entries({ "Created-By": "Packages", Component: "main", ...fields })
      .map(([name, value]) => `${name}: ${value}\n`)
      .join("");
  const security = target({ Site: "http://m/debian-security", Label: "Debian-Security", Origin: "Debian" });
  const debian = target({ Site: "http://m/debian/", Label: "Debian", Origin: "Debian" });
  const ubuntu = target({ Site: "http://u/ubuntu", Label: "Ubuntu", Origin: "Ubuntu" });

  it("is Debian's main archive, not its security one", () => {
    equal(debianMirrorOf([security, debian].join("\n")), "http://m/debian");
  });

  it("is none on Ubuntu, nor where apt has no sources", () => {
    equal(debianMirrorOf(ubuntu), undefined);
    equal(debianMirrorOf(""), undefined);
  });

  it("is known by its address where apt has never fetched", () => {
    equal(debianMirrorOf(target({ Site: "http://m/debian" })), "http://m/debian");
    equal(debianMirrorOf(target({ Site: "http://u/ubuntu" })), undefined);
  });
});

describe("what apt says", () => {
  it("about candidates is read, without packages that have none", () => {
    const text = "a:\n  Installed: (none)\n  Candidate: 1:2-3\n  Version table:\nb:amd64:\n  Candidate: (none)\n";
    deepEqual([...parsePolicy(text)], [["a", "1:2-3"]]);
  });

  it("it would install is read", () => {
    const text =
      "Inst libc6 (2.41-12 Debian:13.7/stable [amd64]) []\nConf libc6 (2.41-12 x)\nInst a:amd64 (1 D [amd64])\n";
    deepEqual(
      [...parseSimulation(text)],
      [
        ["libc6", "2.41-12"],
        ["a", "1"],
      ],
    );
  });

  it("is installed is read from dpkg's status, without removed packages", () => {
    const text =
      "Package: a\nStatus: install ok installed\nVersion: 1\n\nPackage: b\nStatus: deinstall ok config-files\nVersion: 2\n";
    deepEqual([...installedPackages(text)], [["a", "1"]]);
  });
});

describe("the archive of the initial RAM disk", () => {
  it("is in the kernel's newc format, each part padded to 4 bytes", () => {
    const bytes = cpio([{ path: "init", kind: "file", data: Buffer.from("hello"), executable: true }]);
    equal(
      bytes.toString("latin1").replaceAll("\0", "."),
      `070701${"00000001" + "000081ED" + "00000000" + "00000000" + "00000001" + "00000000" + "00000005"}${"00000000".repeat(4)}0000000500000000init..hello...` +
        `070701${"00000000".repeat(4)}00000001${"00000000".repeat(6)}0000000B00000000TRAILER!!!....`.replace(
          "TRAILER!!!....",
          "TRAILER!!!....",
        ),
    );
    equal(bytes.length % 4, 0);
  });
});

describe("the name of an image", () => {
  let folder: string;
  let copy: Recipe;
  beforeEach(() => {
    folder = mkdtempSync(`${tmpdir()}/bramble-image-test-`);
    cpSync(slurmNode.folder, folder, { recursive: true });
    cpSync(slurmNode.base, `${folder}/base`, { recursive: true });
    copy = { ...slurmNode, folder, base: `${folder}/base` };
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("is the same for the same recipe, wherever it lies", () => {
    equal(imageName("amd64", copy), imageName("amd64"));
    match(imageName("amd64"), /^debian-13-slurm-amd64-[0-9a-f]{16}$/);
  });

  it("differs by architecture and by recipe", () => {
    notEqual(imageName("arm64"), imageName("amd64"));
    match(imageName("amd64", k3sNode), /^debian-13-k3s-amd64-[0-9a-f]{16}$/);
  });

  for (const file of ["amd64.manifest", "recipe.sh", "base/customize.sh", "base/files/etc/cloud/cloud.cfg"]) {
    it(`changes with ${file}`, () => {
      writeFileSync(`${folder}/${file}`, "\n", { flag: "a" });
      notEqual(imageName("amd64", copy), imageName("amd64"));
    });
  }

  it("changes with a new file", () => {
    writeFileSync(`${folder}/base/files/etc/new`, "");
    notEqual(imageName("amd64", copy), imageName("amd64"));
  });
});

describe("building an image from a mirror that has moved on", function () {
  this.timeout(120_000);

  it("stops before the work with package, both versions and the command, and leaves nothing", async function () {
    if (process.platform !== "linux" || (await missingPackages()).length > 0) {
      if (process.env.CI === "true") throw new Error("mmdebstrap and its friends are missing");
      return this.skip();
    }
    const folder = mkdtempSync(`${tmpdir()}/bramble-image-test-`);
    try {
      cpSync(slurmNode.folder, folder, { recursive: true });
      const path = `${folder}/${machineArch()}.manifest`;
      writeFileSync(
        path,
        readFileSync(path, "utf8").replace(/^package slurmd .*$/m, "package slurmd 1.2.3-4\npackage slurmx 1"),
      );
      await mkdir(imagesFolder, { recursive: true });
      const before = await readdir(imagesFolder);
      const started = Date.now();
      await rejects(
        ensureImage({ recipe: { ...slurmNode, folder } }),
        /slurmd 1\.2\.3-4 → \d\S+\n {2}slurmx 1 \(gone\).*npm run bramble -- image renew/s,
      );
      equal(Date.now() - started < 60_000, true);
      deepEqual(await readdir(imagesFolder), before);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
