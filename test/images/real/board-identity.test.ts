import assert from "node:assert/strict";
import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";
import { until } from "../../../tools/lib/until.ts";
import { type Answers, startAnswers } from "../support/answers.ts";
import { type BoardRoot, makeBoardRoot } from "../support/board-root.ts";

const key = "/etc/ssh/ssh_host_ed25519_key";
const identity = "/usr/local/lib/bramble/identity";
const path = "/cgi-bin/identity";
/** As OpenSSH writes one, without a key in it. */
const privateKey = ["-----BEGIN OPENSSH PRIVATE", " KEY-----\nnot-a-key\n-----END OPENSSH PRIVATE KEY-----\n"].join("");

/** Stands in for OpenRC's command, which Alpine's mini root does not have; the real one is in openrc.test.ts. */
const rcService = `#!/bin/sh
echo "$IN_BACKGROUND $* $(umask)" >/run/started
mkdir -p /run/openrc/started
: >"/run/openrc/started/$2"
`;

describe("a board's SSH host key, fetched by the script of the image", () => {
  let board: BoardRoot;
  let server: Answers;

  beforeEach(async () => {
    [board, server] = await Promise.all([makeBoardRoot(), startAnswers()]);
    await board.write("/run/bramble/seed/board", `HOSTNAME=pi1\nIDENTITY_URL=${server.url}${path}\n`);
  });
  afterEach(async () => {
    await server.close();
    await board.remove();
  });

  const hasNone = async (problem: RegExp) => {
    assert.match((await board.problem("identity")) ?? "", problem);
    for (const file of [key, `${key}.pub`, `${key}-cert.pub`]) assert.equal(await board.read(file), undefined);
    assert.equal(await board.read("/run/bramble/identity/tar"), undefined);
  };

  it("puts key and certificate in place, the key for root alone, and leaves no copy", async () => {
    server.by.set(path, await tar(whole));
    const { code } = await board.sh(`umask 022; ${identity} now`);
    assert.equal(code, 0);
    assert.equal(await board.read(key), privateKey);
    assert.equal(await board.read(`${key}-cert.pub`), "certificate\n");
    assert.deepEqual(await Promise.all([key, `${key}.pub`, `${key}-cert.pub`].map(board.mode)), [0o600, 0o644, 0o644]);
    assert.equal((await board.sh("find /run/bramble/identity")).code, 1);
    assert.equal(await board.problem("identity"), undefined);
    assert.deepEqual(server.asked, [path]);
  });

  it("says what a server answered that refuses, and asks it once", async () => {
    server.by.set(path, 403);
    assert.equal((await board.sh(`${identity} now`)).code, 1);
    await hasNone(/does not answer with this board's SSH host key .*HTTP\/1\.1 403.*sshd does not start/);
    assert.deepEqual(server.asked, [path]);
  });

  it("says so where the seed names no server, or something that is none", async () => {
    await board.write("/run/bramble/seed/board", "HOSTNAME=pi1\n");
    assert.equal((await board.sh(`${identity} now`)).code, 1);
    await hasNone(/the seed does not say/);
    await board.write("/run/bramble/seed/board", "IDENTITY_URL=--post-file=/etc/shadow\n");
    assert.equal((await board.sh(`${identity} now`)).code, 1);
    await hasNone(/the seed does not say/);
  });

  for (const [what, entries] of [
    ["a part of it is missing", whole().slice(1)],
    ["there is more in it", [...whole(), { name: "etc/shadow", text: "root::::::::\n" }]],
    ["it leads out of its folder", [...whole().slice(1), { name: "../../etc/passwd", text: "" }]],
    ["its key is a link", [...whole().slice(1), { name: key.slice(1), link: "/etc/shadow" }]],
    ["its key is something else", [...whole().slice(1), { name: key.slice(1), text: "<html>\n" }]],
  ] as const) {
    it(`takes nothing of an answer if ${what}`, async () => {
      server.by.set(path, await tar(() => entries));
      const passwd = await board.read("/etc/passwd");
      assert.equal((await board.sh(`${identity} now`)).code, 1);
      await hasNone(/is no SSH host key with its certificate/);
      assert.equal(await board.read("/etc/passwd"), passwd);
    });
  }

  it("takes no page for an archive", async () => {
    server.by.set(path, "<html>hello</html>");
    assert.equal((await board.sh(`${identity} now`)).code, 1);
    await hasNone(/is no SSH host key with its certificate/);
  });

  it("asks for the seed again where there is none, since nobody could log in otherwise", async () => {
    await board.sh("rm /run/bramble/seed/board");
    await board.write("/sbin/rc-service", rcService, 0o755);
    await board.write("/usr/bin/sleep", "#!/bin/sh\nexec busybox sleep 0.2\n", 0o755);
    server.by.set(path, await tar(whole));
    const words = [`bramble.seed=${server.url}/seed`];
    const boot = board.sh(`PATH=/usr/bin:/sbin:/bin:/usr/sbin ${identity} until-there && hostname`, words);
    await until("a question", () => server.asked.length >= 1, { deadline: 30_000 });
    server.by.set("/seed/interfaces", "auto eth0\niface eth0 inet dhcp\n");
    server.by.set("/seed/files", "");
    server.by.set("/seed/board", `HOSTNAME=pi1\nIDENTITY_URL=${server.url}${path}\n`);
    assert.equal((await boot).stdout, "pi1\n");
    assert.equal(await board.read(key), privateKey);
    assert.match((await board.problem("late-seed")) ?? "", /reboot this board/);
  });

  it("goes on until the server answers, then lets sshd start", async () => {
    await board.write("/sbin/rc-service", rcService, 0o755);
    await board.write("/usr/bin/sleep", "#!/bin/sh\nexec busybox sleep 0.2\n", 0o755);
    const boot = board.sh(`PATH=/usr/bin:/sbin:/bin:/usr/sbin ${identity} until-there`);
    await until("two questions", () => server.asked.length >= 2, { deadline: 30_000 });
    server.by.set(path, await tar(whole));
    assert.equal((await boot).code, 0);
    assert.equal(await board.read(key), privateKey);
    assert.equal(
      await board.read("/run/started"),
      "yes --quiet bramble-identity start 0022\n",
      "sshd has the usual umask",
    );
    assert.equal(await board.problem("identity"), undefined);
  });
});

type Entry = { readonly name: string; readonly text: string } | { readonly name: string; readonly link: string };

function whole(): readonly Entry[] {
  return [
    { name: key.slice(1), text: privateKey },
    { name: `${key.slice(1)}.pub`, text: "public\n" },
    { name: `${key.slice(1)}-cert.pub`, text: "certificate\n" },
  ];
}

async function tar(entries: () => readonly Entry[]): Promise<Buffer> {
  const archive = pack();
  for (const entry of entries()) {
    if ("link" in entry) archive.entry({ name: entry.name, type: "symlink", linkname: entry.link });
    else archive.entry({ name: entry.name, mode: 0o600 }, entry.text);
  }
  archive.finalize();
  return await buffer(archive);
}
