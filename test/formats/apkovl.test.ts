import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { extract, type Header } from "tar-stream";
import type { OverlayEntry } from "../../formats/alpine-system.ts";
import { apkovl, imagePath, imageTree, overlayId } from "../../formats/apkovl.ts";
import { facts, hypervisor } from "./alpine-samples.ts";

const { released } = facts;

describe("an Alpine overlay", () => {
  it("is the same bytes on every machine", async () => {
    // Another sum here, after an update of fflate or tar-stream, is no mistake: boards fetch images anew then.
    const sha256 = createHash("sha256")
      .update(await apkovl(hypervisor().entries, { released }))
      .digest("hex");
    assert.equal(sha256, "9512341b1a5cc493136de488c280a34703f5a578d74cc6a0af4c935e7a8141bd");
  });

  it("is the same bytes in whatever order its entries are given", async () => {
    const { entries } = hypervisor();
    assert.deepEqual(await apkovl([...entries].reverse(), { released }), await apkovl(entries, { released }));
    assert.equal(overlayId([...entries].reverse(), released), overlayId(entries, released));
  });

  it("has a gzip header without a time and a name", async () => {
    const bytes = await apkovl(hypervisor().entries, { released });
    // RFC 1952: magic, deflate, no flags, no time, neither slowest nor fastest compression, Unix
    assert.equal(bytes.subarray(0, 10).toString("hex"), "1f8b0800000000000003");
  });

  it("gives back every entry as it was given", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(anyEntry(), { selector: ({ path }) => path, maxLength: 12 }), async (entries) => {
        const found = (await read(await apkovl(entries, { released }))).filter(
          ({ header }) => header.type !== "directory",
        );
        const sorted = [...entries].sort((a, b) => (a.path < b.path ? -1 : 1));
        assert.deepEqual(found.map(entryOf), sorted);
      }),
      { numRuns: 60 },
    );
  });

  it("has all that its rules ask for: plain ustar, numbers for owners, one age, sorted names with a folder", async () => {
    const found = await read(await apkovl(hypervisor().entries, { released }));
    const names = found.map(({ header }) => header.name);
    assert.deepEqual(names, [...names].sort());
    for (const { header } of found) {
      assert.match(header.name, /^[^/.][^/]*\/./);
      assert.deepEqual([header.uname, header.gname], ["", ""]);
      assert.equal(header.mtime?.toISOString(), "2026-11-05T00:00:00.000Z");
      assert.ok(["file", "directory", "symlink"].includes(header.type ?? ""));
    }
    const tar = gunzipSync(await apkovl(hypervisor().entries, { released }));
    assert.equal(tar.subarray(257, 265).toString("latin1"), "ustar\x0000");
  });

  it("lists only the folders that must not be root's and open: homes of users, and .ssh", async () => {
    const found = await read(await apkovl(hypervisor().entries, { released }));
    const folders = found.filter(({ header }) => header.type === "directory");
    assert.deepEqual(
      folders.map(({ header: { name, mode = 0, uid, gid } }) => `${name} ${mode.toString(8)} ${uid}:${gid}`),
      ["home/virt/ 755 1000:1000", "home/virt/.ssh/ 700 1000:1000", "root/.ssh/ 700 0:0"],
    );
  });

  it("holds 2 MB", async () => {
    const text = Array.from({ length: 40_000 }, (_, index) => createHash("md5").update(`${index}`).digest("hex")).join(
      "\n",
    );
    const [only] = await read(
      await apkovl([{ ...file("etc/big"), text: `${text}${text}`.slice(0, 2_000_000) }], { released }),
    );
    assert.equal(only?.text, `${text}${text}`.slice(0, 2_000_000));
  });

  it("has names of up to 100 bytes, so that no header needs an extension", async () => {
    const longest = `etc/${"x".repeat(96)}`;
    assert.equal((await read(await apkovl([file(longest)], { released })))[0]?.header.name, longest);
    await assert.rejects(apkovl([file(`${longest}x`)], { released }), /names of up to 100 bytes/);
  });

  for (const date of ["2026-13-01", "2026-02-30", "26-1-1", "", "2026-11-05T00:00:00Z", "1970-01-01", "yesterday"]) {
    it(`is not made for the date ${JSON.stringify(date)}`, async () => {
      await assert.rejects(apkovl([], { released: date }), /is no date of a release: write it as 2026-11-05/);
    });
  }

  it("has a path that the initial RAM disk takes for a gzipped overlay", () => {
    const id = "0123456789abcdef".repeat(4);
    assert.equal(
      imagePath("hypervisor-aarch64", id),
      "image-hypervisor-aarch64/0123456789abcdef/hypervisor-aarch64.apkovl.tar.gz",
    );
    assert.equal(imageTree("pi1.nfs-aarch64"), "image-pi1.nfs-aarch64");
  });
});

interface Found {
  readonly header: Header;
  readonly text: string;
}

async function read(bytes: Buffer): Promise<Found[]> {
  const archive = extract();
  archive.end(gunzipSync(bytes));
  const found: Found[] = [];
  for await (const entry of archive) {
    found.push({ header: entry.header, text: (await buffer(entry)).toString("utf8") });
  }
  return found;
}

function entryOf({ header, text }: Found): OverlayEntry {
  const { name: path, mode = 0, uid = 0, gid = 0, linkname } = header;
  if (header.type === "symlink") return { kind: "link", path, target: linkname ?? "" };
  return { kind: "file", path, text, mode, uid, gid };
}

function file(path: string): OverlayEntry & { readonly kind: "file" } {
  return { kind: "file", path, text: "", mode: 0o644, uid: 0, gid: 0 };
}

function anyEntry(): fc.Arbitrary<OverlayEntry> {
  const name = fc.stringMatching(/^[A-Za-z0-9_@][A-Za-z0-9._@+:=,-]{0,20}$/);
  const path = fc
    .tuple(fc.constantFrom("etc", "usr/local/bin", "home/ann", "root"), name)
    .map((parts) => parts.join("/"));
  const text = fc.string({ unit: "grapheme", maxLength: 2000 }).filter((text) => text.isWellFormed());
  const [mode, number] = [fc.constantFrom(0o644, 0o600, 0o755, 0o400), fc.constantFrom(0, 42, 1000, 65_534)];
  return fc.oneof(
    fc.tuple(path, text, mode, number, number).map(([path, text, mode, uid, gid]): OverlayEntry => {
      return { kind: "file", path, text, mode, uid, gid };
    }),
    fc.tuple(path, name).map(([path, name]): OverlayEntry => ({ kind: "link", path, target: `/etc/init.d/${name}` })),
  );
}
