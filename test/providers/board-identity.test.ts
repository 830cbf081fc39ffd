import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sshKeyPair } from "../../formats/ssh-key.ts";
import { boardOf, identityArchive } from "../../providers/board-identity/archive.ts";
import type { BoardIdentityInputs, BoardIdentityOutputs } from "../../providers/board-identity/inputs.ts";
import { checkInputs, digestOf } from "../../providers/board-identity/inputs.ts";
import { check, create, diff, read, delete as remove, update } from "../../providers/board-identity/provider.ts";
import { places, type TreeSite, treeSite } from "./support/tree-site.ts";

const seeds = { hostSeed: "11".repeat(32), caSeed: "99".repeat(32) };
const owner = { site: "lab", id: "0a1b2c3d" };
const day = 24 * 3600;

for (const place of places) {
  describe(`a board's identity, ${place === "local" ? "on this machine" : "over a real sshd"}`, () => {
    let site: TreeSite;
    beforeEach(async () => {
      site = await treeSite(place);
    });
    afterEach(() => site.close());
    const wish = (change: Partial<BoardIdentityInputs> = {}): BoardIdentityInputs => {
      const [board, address] = ["pi1", "10.20.0.11"];
      return {
        server: site.server,
        root: root(),
        owner,
        board,
        address,
        principals: [board, address],
        ...seeds,
        ...change,
      };
    };
    const root = () => join(site.folder, "identities");
    const names = async () => (await readdir(root())).sort();
    const made = async (change: Partial<BoardIdentityInputs> = {}) => (await create(wish(change))).outs;
    const changed = async (olds: BoardIdentityOutputs, change: Partial<BoardIdentityInputs>) =>
      (await update("", olds, wish(change))).outs;

    it("is an archive of host key and certificate, which only its owner and the folder's group can read", async () => {
      const { id, outs } = await create(wish());
      assert.equal(id, `${place === "local" ? "local" : "nas"}:${root()}/pi1`);
      assert.deepEqual(await names(), ["10.20.0.11.tar", "owner.json"]);
      assert.equal((await stat(root())).mode & 0o7777, 0o700);
      assert.equal((await stat(join(root(), "10.20.0.11.tar"))).mode & 0o7777, 0o640);
      const into = await unpacked(site, join(root(), "10.20.0.11.tar"));
      assert.deepEqual(await modesIn(into), [
        "600 ssh_host_ed25519_key",
        "644 ssh_host_ed25519_key-cert.pub",
        "644 ssh_host_ed25519_key.pub",
      ]);
      const { privateKey, publicKey } = sshKeyPair(Buffer.from(seeds.hostSeed, "hex"));
      assert.equal(await readFile(join(into, "ssh_host_ed25519_key"), "utf8"), privateKey);
      assert.equal(outs.publicKey, publicKey);
      const listed = listCertificate(into);
      assert.match(listed, /host certificate\n/);
      assert.match(listed, new RegExp(`Key ID: "board pi1 of lab"\\n +Serial: ${outs.serial}\\n`));
      assert.match(listed, /Principals: \n +pi1\n +10\.20\.0\.11\n/);
      assert.match(
        listed,
        new RegExp(`Valid: from ${local(outs.issued - 3600)} to ${local(outs.issued + 30 * day)}\\n`),
      );
      assert.ok(Math.abs(Date.now() / 1000 - outs.issued) < 60);
    });

    it("belongs to the group that its folder gives to what is in it", async () => {
      await mkdir(root());
      await chown(root(), 0, 12_345);
      await chmod(root(), 0o2750);
      await made();
      const { gid, mode } = await stat(join(root(), "10.20.0.11.tar"));
      assert.deepEqual([gid, mode & 0o7777], [12_345, 0o640]);
      assert.equal((await stat(root())).mode & 0o7777, 0o2750);
    });

    it("is not put into a folder that everybody may use, nor into another site's", async () => {
      await mkdir(root(), { mode: 0o755 });
      await assert.rejects(made(), /everybody on the machine may use this folder.*chmod o-rwx/);
      await chmod(root(), 0o700);
      await made();
      const before = await readFile(join(root(), "10.20.0.11.tar"));
      const other = { owner: { site: "lab", id: "ffffffff" } };
      await assert.rejects(made(other), /belongs to the site lab \(0a1b2c3d\), and this is the site lab \(ffffffff\)/);
      assert.ok(before.equals(await readFile(join(root(), "10.20.0.11.tar"))));
    });

    it("is replaced in its place when the epoch of the keys goes up", async () => {
      const first = await made();
      const rotated = { hostSeed: "22".repeat(32) };
      assert.deepEqual(diff("", first, wish(rotated)), { changes: true, replaces: [], deleteBeforeReplace: false });
      const second = await changed(first, rotated);
      assert.notEqual(second.publicKey, first.publicKey);
      assert.deepEqual(await names(), ["10.20.0.11.tar", "owner.json"]);
      const into = await unpacked(site, join(root(), "10.20.0.11.tar"));
      assert.equal(await readFile(join(into, "ssh_host_ed25519_key.pub"), "utf8"), `${second.publicKey} pi1\n`);
      const authority = { caSeed: "88".repeat(32) };
      assert.equal(diff("", second, wish({ ...rotated, ...authority })).changes, true);
      const third = await changed(second, { ...rotated, ...authority });
      assert.equal(third.publicKey, second.publicKey);
      assert.notEqual(third.archive, second.archive);
    });

    it("goes with its board to another address", async () => {
      const first = await made();
      const moved = { address: "10.20.0.12", principals: ["pi1", "10.20.0.12"] };
      assert.deepEqual(diff("", first, wish(moved)).replaces, []);
      await changed(first, moved);
      assert.deepEqual(await names(), ["10.20.0.12.tar", "owner.json"]);
    });

    it("is not taken from a board with which another one swaps addresses", async () => {
      const one = await made();
      const two = await made({ board: "pi2", address: "10.20.0.12", hostSeed: "22".repeat(32) });
      await Promise.all([
        changed(one, { address: "10.20.0.12" }),
        changed(two, { board: "pi2", address: "10.20.0.11", hostSeed: "22".repeat(32) }),
      ]);
      const boards = ["10.20.0.11.tar", "10.20.0.12.tar"].map(async (name) =>
        boardOf(await readFile(join(root(), name))),
      );
      assert.deepEqual(await Promise.all(boards), ["pi2", "pi1"]);
    });

    it("is found missing, changed or open by a refresh, and put right by the next update", async () => {
      const outs = await made();
      const file = join(root(), "10.20.0.11.tar");
      const drift = async () => (await read("id", outs)).props.drift;
      assert.deepEqual(await drift(), []);
      await chmod(file, 0o644);
      assert.deepEqual(await drift(), ["10.20.0.11.tar: open to everybody on the machine"]);
      await writeFile(file, "mine");
      await chmod(file, 0o640);
      assert.deepEqual(await drift(), ["10.20.0.11.tar: changed"]);
      await rm(file);
      const { props } = await read("id", outs);
      assert.deepEqual(props.drift, ["10.20.0.11.tar: missing"]);
      assert.equal(diff("", props, wish()).changes, true);
      const healed = await changed(props, {});
      assert.deepEqual(healed.drift, []);
      assert.deepEqual((await read("id", healed)).props, healed);
    });

    it("is removed, however often, and what others have put into the folder stays", async () => {
      const outs = await made();
      const other = await made({ board: "pi2", address: "10.20.0.12", hostSeed: "22".repeat(32) });
      await remove("id", outs);
      assert.deepEqual(await names(), ["10.20.0.12.tar", "owner.json"]);
      await remove("id", outs);
      // Another board has its address by now.
      await made({ board: "pi3", hostSeed: "33".repeat(32) });
      await remove("id", outs);
      assert.deepEqual(await names(), ["10.20.0.11.tar", "10.20.0.12.tar", "owner.json"]);
      await remove("id", { ...outs, board: "pi3" });
      await remove("id", other);
      assert.deepEqual(await names(), []);
      await rm(root(), { recursive: true });
      await remove("id", outs);
    });

    it("makes up for a run that was killed in the middle", async () => {
      await mkdir(root(), { mode: 0o700 });
      await writeFile(join(root(), ".pi1.new"), "half of it", { mode: 0o640 });
      await made();
      assert.deepEqual(await names(), ["10.20.0.11.tar", "owner.json"]);
    });
  });
}

describe("a board's identity, in a preview", () => {
  const wish: BoardIdentityInputs = {
    server: { connect: "local" },
    root: "/var/lib/bramble/lab/identities",
    owner,
    board: "pi1",
    address: "10.20.0.11",
    principals: ["pi1"],
    ...seeds,
  };
  let folder: string;
  let outs: BoardIdentityOutputs;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "bramble-identity-"));
    const elsewhere = join(folder, "identities");
    outs = { ...(await create({ ...wish, root: elsewhere })).outs, root: wish.root, digest: digestOf(wish) };
  });
  after(() => rm(folder, { recursive: true }));

  it("is unchanged as long as more than half of its time is left", () => {
    const now = Math.floor(Date.now() / 1000);
    const aged = (days: number) => ({ ...outs, issued: now - days * day, expires: now - days * day + 30 * day });
    assert.equal(diff("", outs, wish).changes, false);
    assert.equal(diff("", aged(14.9), wish).changes, false);
    assert.equal(diff("", aged(15.1), wish).changes, true);
    assert.equal(diff("", aged(31), wish).changes, true);
    assert.deepEqual(diff("", aged(31), wish).replaces, []);
  });

  it("is another one at another place, and changed with whatever else changes", () => {
    assert.deepEqual(diff("", outs, { ...wish, root: "/srv/identities" }).replaces, ["root"]);
    assert.deepEqual(diff("", outs, { ...wish, board: "pi2" }).replaces, ["board"]);
    const changes: Partial<BoardIdentityInputs>[] = [
      { address: "10.20.0.12" },
      { principals: ["pi1", "pi1.lan"] },
      { validity: day },
      { caSeed: "77".repeat(32) },
    ];
    for (const change of changes) {
      const { changes, replaces } = diff("", outs, { ...wish, ...change });
      assert.deepEqual([changes, replaces], [true, []], JSON.stringify(change));
    }
    assert.equal(diff("", outs, { ...wish, validity: 30 * day }).changes, false);
  });

  it("is refused for names that are none, and no secret is shown", () => {
    assert.deepEqual(check({}, wish).failures, []);
    const bad: [Partial<BoardIdentityInputs>, RegExp][] = [
      [{ root: "var/lib" }, /^root: "var\/lib"/],
      [{ root: "/var/../etc" }, /^root/],
      [{ root: "/var/$(id)" }, /^root/],
      [{ board: "../pi1" }, /^board: "\.\.\/pi1" is not the name of a board/],
      [{ board: "pi1 pi2" }, /^board/],
      [{ board: "p".repeat(300) }, /^board: .{1,120}$/],
      [{ board: "😀" }, /^board/],
      [{ address: "10.20.0.11/../x" }, /^address/],
      [{ address: "10.20.0.256" }, /^address/],
      [{ principals: [] }, /^principals: there is none/],
      [{ principals: ["*"] }, /^principals: "\*"/],
      [{ principals: ["pi1,root"] }, /^principals/],
      [{ validity: 60 }, /^validity: 60 is not a number of seconds from 3600/],
      [{ validity: Number.NaN }, /^validity/],
      [{ hostSeed: `${"ab".repeat(31)}zz` }, /^: hostSeed is not 64 hex digits/],
      [{ caSeed: "cd".repeat(31) }, /^: caSeed is not 64 hex digits/],
      [{ caSeed: seeds.hostSeed }, /^: caSeed is the board's own seed/],
    ];
    for (const [change, complaint] of bad) {
      const [failure, ...more] = checkInputs({ ...wish, ...change });
      assert.equal(more.length, 0);
      assert.match(`${failure?.property}: ${failure?.reason}`, complaint);
      assert.doesNotMatch(JSON.stringify(failure), /abab|cdcd|1111|9999/);
    }
  });

  it("has the same bytes for the same wish, with one board's name in them", async () => {
    const [hostSeed, caSeed] = [Buffer.alloc(32, 1), Buffer.alloc(32, 9)];
    const same = {
      site: "lab",
      board: "pi1",
      principals: ["pi1"],
      hostSeed,
      caSeed,
      issued: 1_800_000_000,
      expires: 1_800_086_400,
    };
    const { archive, serial } = await identityArchive(same);
    const again = await identityArchive({ ...same });
    assert.ok(archive.equals(again.archive));
    assert.equal(boardOf(archive), "pi1");
    assert.notEqual((await identityArchive({ ...same, expires: 1_800_086_401 })).serial, serial);
    assert.equal(archive.includes(caSeed), false);
    assert.equal(boardOf(Buffer.from("something else")), undefined);
  });
});

/** Unpacks an archive as a board does. @returns the folder of the keys. */
async function unpacked(site: TreeSite, archive: string): Promise<string> {
  const into = await mkdtemp(join(site.folder, "board-"));
  execFileSync("sh", ["-euc", 'umask 077; busybox tar -x -C "$1" <"$2"', "sh", into, archive]);
  return join(into, "etc/ssh");
}

async function modesIn(folder: string): Promise<string[]> {
  const found = (await readdir(folder)).sort().map(async (name) => {
    return `${((await stat(join(folder, name))).mode & 0o7777).toString(8)} ${name}`;
  });
  return await Promise.all(found);
}

function listCertificate(folder: string): string {
  const args = ["-L", "-f", join(folder, "ssh_host_ed25519_key-cert.pub")];
  return execFileSync("ssh-keygen", args, { encoding: "utf8", env: { ...process.env, TZ: "UTC" } });
}

/** A time as ssh-keygen prints it. */
function local(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19);
}
