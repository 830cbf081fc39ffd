import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { parse } from "yaml";
import { type BoardNetwork, type BoardSeed, boardSeed } from "../../formats/board-seed.ts";
import { sshKeyPair } from "../../formats/ssh-key.ts";

const network: BoardNetwork = {
  address: "10.20.0.11",
  prefixLength: 24,
  gateway: "10.20.0.1",
  dns: ["10.20.0.1", "9.9.9.9"],
  bridge: "br0",
};
const seed: BoardSeed = {
  hostname: "pi1",
  instanceId: "0a1b2c3d-pi1",
  network,
  identityUrl: "http://10.20.0.5:8081/cgi-bin/identity",
  files: {
    "etc/local.d/hello.start": { text: "#!/bin/sh\necho hello\n", mode: 0o755 },
    "etc/exports": { text: "/srv 10.20.0.12(rw)\n", mode: 0o644 },
  },
};

describe("board-seed", () => {
  it("has the files of a NoCloud data source, and others that a shell reads", () => {
    assert.deepEqual(Object.keys(boardSeed(seed)), [
      ...["meta-data", "user-data", "vendor-data", "network-config", "board", "interfaces", "files"],
      ...["files.d/etc/exports", "files.d/etc/local.d/hello.start", "files.d/etc/resolv.conf"],
    ]);
  });

  it("gives a hypervisor's address to a bridge over its interface, which loses the one of its start", () => {
    const interfaces = `auto lo
iface lo inet loopback

auto br0
iface br0 inet static
\tpre-up /usr/local/lib/bramble/bridge br0 eth0
\taddress 10.20.0.11/24
\tgateway 10.20.0.1
`;
    const files = boardSeed(seed);
    assert.equal(files.interfaces, interfaces);
    assert.deepEqual(parse(files["meta-data"] ?? ""), {
      "instance-id": "0a1b2c3d-pi1",
      "local-hostname": "pi1",
      "network-interfaces": interfaces,
    });
  });

  it("gives another board's address to its interface, and leaves out what its network does not have", () => {
    const { address, prefixLength } = network;
    const files = boardSeed({ ...seed, network: { address, prefixLength, dns: [] }, files: {} });
    assert.equal(
      files.interfaces,
      "auto lo\niface lo inet loopback\n\nauto eth0\niface eth0 inet static\n\taddress 10.20.0.11/24\n",
    );
    assert.equal(files.files, "");
    assert.match(files.board ?? "", /^GATEWAY=$/m);
  });

  it("lets cloud-init make no user and no host key", () => {
    const text = boardSeed(seed)["user-data"] ?? "";
    assert.equal(text.split("\n")[0], "#cloud-config");
    const { users, ssh_deletekeys, ssh_genkeytypes } = parse(text);
    assert.deepEqual(
      { users, ssh_deletekeys, ssh_genkeytypes },
      { users: [], ssh_deletekeys: false, ssh_genkeytypes: [] },
    );
  });

  it("says in lines that a shell may source who the board is, and which files are its own with which mode", () => {
    const { board = "", files = "" } = boardSeed(seed);
    const script = `eval "$1"; echo "$HOSTNAME $ADDRESS $PREFIX_LENGTH $GATEWAY $IDENTITY_URL"
      printf %s "$2" | while read -r mode path; do echo "$mode at $path"; done`;
    assert.equal(
      execFileSync("sh", ["-euc", script, "sh", board, files], { encoding: "utf8" }),
      `pi1 10.20.0.11 24 10.20.0.1 http://10.20.0.5:8081/cgi-bin/identity
0644 at etc/exports
0755 at etc/local.d/hello.start
0644 at etc/resolv.conf
`,
    );
    assert.equal(boardSeed(seed)["files.d/etc/resolv.conf"], "nameserver 10.20.0.1\nnameserver 9.9.9.9\n");
  });

  it("prefers a resolv.conf that is given", () => {
    const files = { "etc/resolv.conf": { text: "search lan\n", mode: 0o600 } };
    const rendered = boardSeed({ ...seed, files });
    assert.equal(rendered["files.d/etc/resolv.conf"], "search lan\n");
    assert.equal(rendered.files, "0600 etc/resolv.conf\n");
  });

  it("has in `board` no character that means something to a shell, whatever is asked for", () => {
    const text = fc.oneof(
      fc.string({ maxLength: 30 }),
      fc.constantFrom("$(id)", "a b", "../x", "p\nq=1", "😀", "x".repeat(300)),
    );
    fc.assert(
      fc.property(text, fc.constantFrom("hostname", "instanceId", "identityUrl"), (value, field) => {
        let board: string | undefined;
        try {
          board = boardSeed({ ...seed, [field]: value }).board;
        } catch (error) {
          assert.match(String(error), new RegExp(`^Error: ${field}: .* cannot be used: give `));
          assert.ok(String(error).length < 400);
        }
        if (board !== undefined) assert.match(board, /^([A-Z_]+=[A-Za-z0-9._:/-]*\n){5}$/);
      }),
    );
  });

  it("refuses a value that could be read as more than itself, by its field", () => {
    const net = (change: Partial<BoardNetwork>): BoardSeed => ({ ...seed, network: { ...network, ...change } });
    const file = (path: string, mode = 0o644, text = "x\n"): BoardSeed => ({
      ...seed,
      files: { [path]: { text, mode } },
    });
    const bad: [BoardSeed, RegExp][] = [
      [{ ...seed, hostname: "pi1\n" }, /hostname: "pi1\\n"/],
      [{ ...seed, hostname: "Pi1" }, /hostname/],
      [{ ...seed, hostname: "-pi" }, /hostname/],
      [{ ...seed, hostname: "p".repeat(64) }, /hostname/],
      [{ ...seed, instanceId: "a/../b" }, /instanceId/],
      [{ ...seed, identityUrl: "https://10.20.0.5/identity" }, /identityUrl/],
      [{ ...seed, identityUrl: "http://10.20.0.5/identity?a=$(id)" }, /identityUrl/],
      [net({ address: "10.20.0.256" }), /network\.address/],
      [net({ prefixLength: 31 }), /network\.prefixLength: 31/],
      [net({ gateway: "10.20.0.1\n\tup id" }), /network\.gateway/],
      [net({ dns: ["9.9.9.9", "dns.lan"] }), /network\.dns\.1/],
      [net({ bridge: "br0 eth1" }), /network\.bridge/],
      [net({ bridge: "a-bridge-with-16" }), /network\.bridge/],
      [net({ bridge: "eth0" }), /network\.bridge: "eth0" .* another name than its interface/],
      [file("/etc/exports"), /files: "\/etc\/exports"/],
      [file("etc/../root/.ssh/authorized_keys"), /files/],
      [file("etc/a b"), /files: "etc\/a b"/],
      [file("etc/$(id)"), /files/],
      [file("etc/"), /files/],
      [file("usr/bin/id"), /files: "usr\/bin\/id" .* a path below etc\/, opt\//],
      [file("etc/ssh/sshd_config"), /files: etc\/ssh\/sshd_config is a board's image's own/],
      [file("etc/passwd-"), /etc\/passwd- is a board's image's own/],
      [file("etc/init.d/mine", 0o755), /image's own/],
      [file("etc/exports", 0o666), /files: etc\/exports has the mode 0666, with which anybody could write/],
      [file("etc/exports", 0o4755), /files: etc\/exports has the mode/],
      [file("etc/exports", 0.5), /files: etc\/exports has the mode/],
      [
        { ...seed, files: { "etc/a": { text: "", mode: 0o644 }, "etc/a/b": { text: "", mode: 0o644 } } },
        /etc\/a is a file/,
      ],
    ];
    for (const [wrong, complaint] of bad) assert.throws(() => boardSeed(wrong), complaint, complaint.source);
  });

  it("refuses a text with a private key, and does not show it", () => {
    const { privateKey } = sshKeyPair(Buffer.alloc(32, 1));
    const body = privateKey.split("\n").slice(1, -2).join("\n");
    for (const text of [privateKey, body, "-----BEGIN PRIVATE KEY-----\nabc", "-----BEGIN RSA PRIVATE KEY-----\nabc"]) {
      const files = { "etc/key": { text, mode: 0o600 } };
      assert.throws(
        () => boardSeed({ ...seed, files }),
        ({ message }: Error) => /etc\/key holds a private key/.test(message) && !message.includes(text.slice(-10)),
      );
    }
  });
});
