import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Artifact,
  type ArtifactLock,
  type ArtifactSet,
  emptyLock,
  filesOf,
  isMemberPath,
  lockedFile,
  lockedFiles,
  parseLock,
  pin,
  printLock,
} from "../../formats/artifact-lock.ts";

const a = "a".repeat(64);
const b = "b".repeat(64);

const lock: ArtifactLock = {
  format: 1,
  artifacts: {
    "pi-eeprom-2711": { version: "2026-05-17", url: "https://example.org/pieeprom.bin", sha256: a, bytes: 524_288 },
    "alpine-rpi": {
      version: "3.24.4",
      released: "2026-11-05",
      url: "https://example.org/alpine-rpi-3.24.4-aarch64.tar.gz",
      sha256: b,
      bytes: 98_000_000,
      files: { "start4.elf": { sha256: a, bytes: 2_200_000 }, "boot/vmlinuz-rpi": { sha256: b, bytes: 0 } },
    },
    "my-kernel": { version: "6.18.35-mine", sha256: b, bytes: 1 },
  },
};

const packages: ArtifactSet = {
  version: "v3.24",
  url: "https://example.org/alpine/v3.24",
  world: ["chrony>=4.8", "alpine-base"],
  files: {
    "main/aarch64/chrony-4.8-r1.apk": { sha256: b, bytes: 170_000 },
    "main/aarch64/APKINDEX.tar.gz": { sha256: a, bytes: 500_000 },
  },
};

describe("artifact-lock", () => {
  it("is printed sorted, with a line for each file of an archive", () => {
    assert.equal(
      printLock(lock),
      `{
  "format": 1,
  "artifacts": {
    "alpine-rpi": {
      "version": "3.24.4",
      "released": "2026-11-05",
      "url": "https://example.org/alpine-rpi-3.24.4-aarch64.tar.gz",
      "sha256": "${b}",
      "bytes": 98000000,
      "files": {
        "boot/vmlinuz-rpi": { "sha256": "${b}", "bytes": 0 },
        "start4.elf": { "sha256": "${a}", "bytes": 2200000 }
      }
    },
    "my-kernel": {
      "version": "6.18.35-mine",
      "sha256": "${b}",
      "bytes": 1
    },
    "pi-eeprom-2711": {
      "version": "2026-05-17",
      "url": "https://example.org/pieeprom.bin",
      "sha256": "${a}",
      "bytes": 524288
    }
  }
}
`,
    );
  });

  it("prints a set of packages with the words that they were found for, one in a line", () => {
    assert.equal(
      printLock({ format: 1, artifacts: { "alpine-packages-aarch64": packages } }),
      `{
  "format": 1,
  "artifacts": {
    "alpine-packages-aarch64": {
      "version": "v3.24",
      "url": "https://example.org/alpine/v3.24",
      "world": [
        "alpine-base",
        "chrony>=4.8"
      ],
      "files": {
        "main/aarch64/APKINDEX.tar.gz": { "sha256": "${a}", "bytes": 500000 },
        "main/aarch64/chrony-4.8-r1.apk": { "sha256": "${b}", "bytes": 170000 }
      }
    }
  }
}
`,
    );
  });

  it("tells a set from a file before it looks for mistakes, and lets neither have what the other has", () => {
    const mistakes = (set: object) => {
      try {
        parseLock(JSON.stringify({ format: 1, artifacts: { p: { ...packages, ...set } } }));
      } catch (error) {
        return (error as Error).message;
      }
      return "none";
    };
    assert.equal(mistakes({}), "none");
    assert.match(mistakes({ url: undefined }), /artifacts\.p\.url: should be an address/);
    assert.match(mistakes({ files: undefined }), /artifacts\.p\.files: /);
    assert.match(
      mistakes({ files: { "../x": { sha256: a, bytes: 1 } } }),
      /artifacts\.p\.files\["\.\.\/x"\]: should be a path/,
    );
    assert.match(mistakes({ world: ["a b"] }), /artifacts\.p\.world\[0\]: should be a word of apk's world/);
    assert.match(mistakes({ sha256: a, bytes: 1 }), /artifacts\.p: Unrecognized keys: "sha256", "bytes"/);
    assert.match(mistakes({ world: undefined }), /artifacts\.p\.sha256: /);
  });

  it("gives the files of a set, and no file for the whole of it", () => {
    const withSet = pin(lock, "alpine-packages-aarch64", packages);
    assert.deepEqual(lockedFile(withSet, "alpine-packages-aarch64", "main/aarch64/chrony-4.8-r1.apk"), {
      sha256: b,
      bytes: 170_000,
    });
    assert.equal(Object.keys(lockedFiles(withSet, "alpine-packages-aarch64")).length, 2);
    assert.throws(
      () => lockedFile(withSet, "alpine-packages-aarch64"),
      /alpine-packages-aarch64 v3\.24 in .* is a set of packages, and a single file is needed here/,
    );
    assert.deepEqual(
      filesOf(packages).map(({ path }) => path),
      Object.keys(packages.files),
    );
    assert.deepEqual(
      filesOf({ version: "1", sha256: a, bytes: 1, files: { x: { sha256: b, bytes: 2 } } }).map(({ path }) => path),
      [undefined, "x"],
    );
  });

  it("reads what it prints, and prints the same in whatever order entries came", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,20}$/), artifact(), { noNullPrototype: true }),
        (artifacts) => {
          const text = printLock({ format: 1, artifacts });
          assert.deepEqual(parseLock(text), { format: 1, artifacts });
          const turned = Object.fromEntries(Object.entries(artifacts).reverse());
          assert.equal(printLock({ format: 1, artifacts: turned }), text);
        },
      ),
    );
  });

  it("names the place of every mistake at once, and the way out", () => {
    const text = JSON.stringify({
      format: 1,
      artifacts: {
        A: lock.artifacts["my-kernel"],
        "alpine-rpi": { ...lock.artifacts["alpine-rpi"], sha256: "X", bytes: 1.5, size: 3, url: "ftp://example.org/a" },
        "my-kernel": { sha256: a, bytes: 1, version: "1 2", files: { "../vmlinuz": { sha256: a, bytes: -1 } } },
      },
    });
    assert.throws(
      () => parseLock(text),
      ({ message }: Error) => {
        for (const place of [
          "artifacts.A: ",
          'artifacts["alpine-rpi"].sha256: ',
          'artifacts["alpine-rpi"].bytes: ',
          'artifacts["alpine-rpi"].url: ',
          'artifacts["my-kernel"].version: ',
          'artifacts["my-kernel"].files["../vmlinuz"]',
        ])
          assert.ok(message.includes(`stacks/artifacts.lock.json: ${place}`), `${place}\n${message}`);
        assert.match(message, /Unrecognized key: "size"/);
        assert.match(message, /artifacts update/);
        return true;
      },
    );
  });

  it("is refused when it is no JSON, or of a newer format", () => {
    assert.throws(() => parseLock("<<<<<<< HEAD\n"), /stacks\/artifacts.lock.json is no JSON: /);
    assert.throws(() => parseLock('{ "format": 2, "artifacts": {} }'), /format: should be 1; a newer Bramble/);
  });

  it("pins an artifact in place of what it had, and refuses a value that could not be read again", () => {
    const next = pin(lock, "my-kernel", { version: "7", sha256: a, bytes: 2 });
    assert.deepEqual(next.artifacts["my-kernel"], { version: "7", sha256: a, bytes: 2 });
    assert.deepEqual(next.artifacts["alpine-rpi"], lock.artifacts["alpine-rpi"]);
    assert.throws(() => pin(lock, "My kernel", { version: "7", sha256: a, bytes: 2 }), /My kernel.*should be a name/);
    assert.throws(
      () => pin(lock, "k", { version: "7", sha256: a, bytes: 2, url: "/x" }),
      /k\.url: should be an address/,
    );
  });

  it("gives the hash and length of an artifact or of a file in it", () => {
    assert.deepEqual(lockedFile(lock, "pi-eeprom-2711"), { sha256: a, bytes: 524_288 });
    assert.deepEqual(lockedFile(lock, "alpine-rpi", "start4.elf"), { sha256: a, bytes: 2_200_000 });
    assert.deepEqual(Object.keys(lockedFiles(lock, "alpine-rpi")), ["start4.elf", "boot/vmlinuz-rpi"]);
  });

  it("says what is not pinned, and the command that pins it", () => {
    assert.throws(
      () => lockedFile(emptyLock, "alpine-rpi", "start4.elf"),
      new Error("stacks/artifacts.lock.json has no alpine-rpi: run `npm run bramble -- artifacts update alpine-rpi`"),
    );
    assert.throws(() => lockedFile(lock, "alpine-rpi", "start5.elf"), /alpine-rpi 3\.24\.4 has no file "start5\.elf"/);
    assert.throws(() => lockedFile(lock, "my-kernel", "vmlinuz"), /my-kernel 6\.18\.35-mine .* is a single file/);
    assert.throws(() => lockedFile(lock, "constructor"), /has no constructor/);
    assert.throws(() => lockedFile(lock, "alpine-rpi", "constructor"), /has no file "constructor"/);
  });

  it("takes only paths that stay inside of the archive", () => {
    for (const path of ["start4.elf", "overlays/vc4-kms-v3d.dtbo", "apks/aarch64/libstdc++-14.2.0-r6.apk", ".hidden"])
      assert.ok(isMemberPath(path), path);
    for (const path of ["", "/etc/passwd", "a//b", "a/", "./a", "../a", "a/../b", "a\\b", "a\nb", "ä", "__proto__"])
      assert.ok(!isMemberPath(path), path);
  });
});

function artifact(): fc.Arbitrary<Artifact> {
  const file = { sha256: fc.stringMatching(/^[0-9a-f]{64}$/), bytes: fc.nat() };
  const path = fc
    .array(fc.stringMatching(/^[\w+,@=~ -]{1,12}$/), { minLength: 1, maxLength: 3 })
    .map((parts) => parts.join("/"));
  return fc.record(
    {
      version: fc.stringMatching(/^[\w.+~:-]{1,20}$/),
      released: fc
        .date({ min: new Date(0), max: new Date("2099-01-01"), noInvalidDate: true })
        .map((date) => date.toISOString().slice(0, 10)),
      url: fc.webUrl({ validSchemes: ["http", "https"] }),
      ...file,
      files: fc.dictionary(path.filter(isMemberPath), fc.record(file, { noNullPrototype: true }), {
        noNullPrototype: true,
      }),
    },
    { requiredKeys: ["version", "sha256", "bytes"], noNullPrototype: true },
  );
}
