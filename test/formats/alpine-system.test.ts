import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { env } from "node:process";
import fc from "fast-check";
import { mostBytes, overlayMistakes } from "../../formats/alpine-overlay-rules.ts";
import {
  type NamedLayer,
  type OverlayFile,
  type RenderedSystem,
  type Runlevel,
  renderSystem,
  type SystemLayer,
} from "../../formats/alpine-system.ts";
import { sshKeyPair } from "../../formats/ssh-key.ts";
import { facts, hypervisor, listing, publicKey } from "./alpine-samples.ts";

describe("a diskless Alpine system", () => {
  it("of three layers is rendered as golden/alpine-hypervisor.txt has it (UPDATE_GOLDEN=1 writes it)", () => {
    sameAsGolden("alpine-hypervisor.txt", listing(hypervisor()));
  });

  it("with mistakes is refused with all of them at once, as golden/alpine-mistakes.txt has them", () => {
    sameAsGolden("alpine-mistakes.txt", `${mistakesOf(wrongLayers)}\n`);
  });

  it("has what a diskless Alpine needs although no layer asks for it", () => {
    const rendered = renderSystem([], facts);
    assert.deepEqual(rendered.world, ["alpine-base"]);
    const links = rendered.entries
      .filter(({ kind }) => kind === "link")
      .map(({ path }) => path.slice("etc/runlevels/".length));
    const needed =
      "boot/bootmisc boot/hostname boot/modules boot/networking boot/sysctl boot/syslog " +
      "shutdown/killprocs shutdown/mount-ro shutdown/savecache " +
      "sysinit/devfs sysinit/dmesg sysinit/hwdrivers sysinit/mdev sysinit/modloop";
    assert.equal(links.join(" "), needed);
    assert.equal(fileOf(rendered, "etc/modules").text, "# diskless Alpine\naf_packet\nipv6\n");
  });

  it("has a clock that starts at the release, by a file of that age", () => {
    assert.equal(fileOf(hypervisor(), "var/lib/misc/openrc-shutdowntime").text, "");
  });

  it("lets nobody in by password, at the console either, and locks nobody out who has a key", () => {
    const { text, mode, uid, gid } = fileOf(hypervisor(), "etc/shadow");
    const fields = text
      .trim()
      .split("\n")
      .map((row) => row.split(":"));
    assert.deepEqual([...new Set(fields.map(([, hash]) => hash))], ["*"]);
    assert.ok(fields.some(([name]) => name === "root"));
    assert.deepEqual([mode, uid, gid], [0o640, 0, 42]);
    const names = fileOf(hypervisor(), "etc/passwd")
      .text.split("\n")
      .map((row) => row.split(":")[0]);
    assert.deepEqual(
      fields.map(([name]) => name),
      names.slice(0, -1),
    );
  });

  it("says of every part which layer it is from, and what it replaced", () => {
    const { text } = fileOf(hypervisor(), "etc/bramble/layers");
    for (const line of [
      "file /etc/network/interfaces: role hypervisor, instead of base",
      "package chrony: boards.pi1.image, instead of base",
      "service boot networking: diskless Alpine",
      "sysctl kernel.panic: role hypervisor, instead of base",
    ]) {
      assert.ok(text.includes(`${line}\n`), line);
    }
  });

  it("has its own id in it, which another date, text, mode or owner makes another one", () => {
    const { id, entries } = hypervisor();
    assert.match(id, /^[0-9a-f]{64}$/);
    assert.equal(fileOf(hypervisor(), "etc/bramble/image").text, `${id}\n`);
    assert.equal(entries.filter(({ path }) => path === "etc/bramble/image").length, 1);
    const motd = (text: string, mode: number, uid: number): NamedLayer => {
      return { name: "x", layer: { files: { "/etc/motd": { text, mode, uid } } } };
    };
    const ids = [motd("a", 0o644, 0), motd("b", 0o644, 0), motd("a", 0o600, 0), motd("a", 0o644, 1)].map((layer) => {
      return renderSystem([layer], facts).id;
    });
    const otherDate = renderSystem([motd("a", 0o644, 0)], { ...facts, released: "2026-11-06" }).id;
    const otherArch = renderSystem([motd("a", 0o644, 0)], { ...facts, arch: "x86_64" }).id;
    assert.equal(new Set([...ids, otherDate, otherArch]).size, 6);
  });

  it("is the same in whatever order maps and lists of a layer are", () => {
    fc.assert(
      fc.property(fc.array(anyLayer(), { minLength: 1, maxLength: 3 }), fc.integer(), (layers, seed) => {
        const named = layers.map((layer, index) => ({ name: `layer ${index}`, layer }));
        const turned = named.map(({ name, layer }) => ({ name, layer: shuffled(layer, seed) }));
        assert.deepEqual(renderSystem(turned, facts), renderSystem(named, facts));
      }),
      { numRuns: 100 },
    );
  });

  it("keeps the rules of overlays, whatever its layers are", () => {
    fc.assert(
      fc.property(fc.array(anyLayer(), { minLength: 1, maxLength: 3 }), (layers) => {
        const { entries, world } = renderSystem(
          layers.map((layer, index) => ({ name: `layer ${index}`, layer })),
          facts,
        );
        assert.deepEqual(overlayMistakes(entries), []);
        const paths = entries.map(({ path }) => path);
        assert.deepEqual(paths, [...paths].sort());
        for (const path of paths) assert.match(path, /^(etc|root|home|usr\/local|var\/lib|srv|opt)\/[^\s]+$/);
        for (const entry of entries) {
          if (entry.kind !== "link") continue;
          assert.equal(entry.target, `/etc/init.d/${entry.path.split("/")[3]}`);
        }
        for (const word of world) assert.match(word, /^!?[a-zA-Z0-9][\w.+-]*([<>=~]+[\w.]+)?$/);
      }),
      { numRuns: 100 },
    );
  });

  it("takes the later layer's word for all that has a name", () => {
    fc.assert(
      fc.property(anyLayer(), anyLayer(), (first, second) => {
        const both = renderSystem(
          [
            { name: "a", layer: first },
            { name: "b", layer: second },
          ],
          facts,
        );
        for (const [path, file] of Object.entries(second.files ?? {})) {
          assert.equal(fileOf(both, path.slice(1)).text, file.text);
        }
        const sysctls = Object.entries({ ...first.sysctls, ...second.sysctls });
        const text = sysctls.length === 0 ? "" : fileOf(both, "etc/sysctl.d/bramble.conf").text;
        for (const [key, value] of sysctls) assert.equal(text.split(`\n${key} = ${value}\n`).length, 2, key);
      }),
      { numRuns: 100 },
    );
  });

  it("lets in whom any layer lets in: one that adds a key to root takes none away", () => {
    const root = (number: number) => ({ users: [{ name: "root", uid: 0, keys: [publicKey(number)] }] });
    const rendered = renderSystem(
      [
        { name: "base", layer: root(1) },
        { name: "boards.pi1.image", layer: root(2) },
      ],
      facts,
    );
    const keys = fileOf(rendered, "root/.ssh/authorized_keys").text.trim().split("\n");
    assert.deepEqual(keys, [publicKey(1), publicKey(2)].sort());
    assert.match(fileOf(rendered, "etc/bramble/layers").text, /^user root: base and boards\.pi1\.image$/m);
  });

  const hostile = [
    "a\nb",
    "a b",
    "../x",
    "$(reboot)",
    "`id`",
    "é",
    "🥧",
    "a".repeat(300),
    "",
    "-rf",
    "a;b",
    "a\0b",
    "a'b",
    "a\tb",
    "a\u202eb",
    "a\u2028b",
    "\ud83e",
  ];
  for (const [kind, layerOf] of hostileLayers()) {
    it(`refuses names that are none, as a name of a ${kind}, with the layer and without a line break in the message`, () => {
      for (const name of hostile) {
        const said = mistakesOf([{ name: "role x", layer: layerOf(name) }]);
        assert.match(said, /^role x: (packages|services|files|users|sysctls|modules)/, JSON.stringify(name));
        assert.doesNotMatch(said.replaceAll("\n", ""), /\p{C}/u, JSON.stringify(name));
        for (const line of said.split("\n")) assert.ok(line.startsWith("role x: ") && line.length < 500, line);
      }
    });
  }

  it("is refused with the names of the nearest services, groups and runlevels", () => {
    const said = mistakesOf([
      {
        name: "base",
        layer: { services: { default: ["shhd"] }, users: [{ name: "ann", uid: 1000, groups: ["whel"] }] },
      },
    ]);
    assert.match(said, /did you mean sshd\?/);
    assert.match(said, /did you mean wheel\?/);
  });

  it("is refused if it holds any kind of secret", () => {
    const { privateKey } = sshKeyPair(Buffer.alloc(32, 9));
    const secrets = {
      "/etc/x1": privateKey,
      "/etc/x2": "-----BEGIN PRIVATE KEY-----\nMC4\n-----END PRIVATE KEY-----\n",
      "/etc/x3": "-----BEGIN RSA PRIVATE KEY-----\n",
      "/etc/x4": "-----BEGIN EC PRIVATE KEY-----\n",
      "/etc/x5": "-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
      "/etc/x6": "-----BEGIN PGP PRIVATE KEY BLOCK-----\n",
      "/etc/wireguard/wg0.conf": `[Interface]\nPrivateKey = ${"A".repeat(43)}=\n`,
      "/etc/x7": "admin:$6$saltsalt$0123456789abcdefghijklmnopqrstuv:19000::::::\n",
      "/etc/wpa_supplicant/wpa_supplicant.conf": 'network={\n  ssid="home"\n  psk="secret"\n}\n',
      "/etc/conf.d/k3s": 'K3S_TOKEN="K10abc"\n',
      "/etc/munge/munge.key": "x",
      "/root/.ssh/id_ed25519": "x",
      "/var/lib/rancher/k3s/server/node-token": "x",
    };
    const files = Object.fromEntries(Object.entries(secrets).map(([path, text]) => [path, { text }]));
    const said = mistakesOf([{ name: "base", layer: { files } }]).split("\n");
    assert.equal(said.length, Object.keys(secrets).length);
    for (const line of said) assert.match(line, /anybody on the LAN can fetch an image/);
    assert.ok(!said.join().includes(privateKey.split("\n")[1] ?? "-"), "the message does not repeat the secret");
  });

  it("may hold what only looks like a secret: public keys, certificates and the word password", () => {
    const files = {
      "/etc/ssh/ca.pub": { text: `${publicKey(1)}\n` },
      "/etc/ssl/site.pem": { text: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n" },
      "/etc/ssh/sshd_config.d/1.conf": { text: "PasswordAuthentication no\n" },
      "/etc/apk/keys/bramble-0a1b2c3d.rsa.pub": {
        text: "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n",
      },
    };
    assert.ok(renderSystem([{ name: "base", layer: { files } }], facts));
  });

  it("is refused if it is too large, with the largest file", () => {
    const files = { "/opt/big": { text: "x".repeat(mostBytes - 10) }, "/opt/small": { text: "x".repeat(100) } };
    assert.match(
      mistakesOf([{ name: "base", layer: { files } }]),
      /^base: files: \/opt\/big is the largest file with 1999990 bytes/,
    );
  });
});

/** One mistake of each kind. */
const wrongLayers: readonly NamedLayer[] = [
  {
    name: "base",
    layer: {
      packages: ["openssh", "two words", "chrony@edge", "x==1", "dbus", "dbus>1"],
      services: {
        default: ["sshd", "sshd", "chronyd", "libvritd", "own"],
        bot: ["sysctl"],
      } as SystemLayer["services"] & object,
      files: {
        "etc/motd": { text: "" },
        "/bin/sh": { text: "" },
        "/etc/../bin/sh": { text: "" },
        "/etc//motd": { text: "" },
        "/etc/a b": { text: "" },
        [`/etc/${"x".repeat(120)}`]: { text: "" },
        "/etc/init.d/own": { text: "#!/sbin/openrc-run\n" },
        "/etc/local.d/x.start": { text: "#!/bin/sh\n" },
        "/etc/hostname": { text: "pi1\n" },
        "/etc/machine-id": { text: "0\n" },
        "/etc/fstab": { text: "nas:/srv /srv nfs4 defaults 0 0\n" },
        "/etc/ssh/ssh_host_ed25519_key.pub": { text: publicKey(1) },
        "/etc/network/interfaces": { text: "iface eth0 inet static\n  address 10.20.0.9/24\n" },
        "/etc/passwd": { text: "" },
        "/etc/shadow": { text: "" },
        "/etc/modules": { text: "" },
        "/etc/apk/world": { text: "" },
        "/etc/apk/repositories": { text: "" },
        "/etc/runlevels/boot/sshd": { text: "" },
        "/root/.ssh/authorized_keys": { text: "" },
        "/etc/.default_boot_services": { text: "" },
        "/etc/open": { text: "", mode: 0o666 },
        "/etc/suid": { text: "", mode: 0o4755 },
        "/etc/half": { text: "\ud83e" },
        "/etc/owner": { text: "", uid: -1 },
        "/etc/file": { text: "" },
        "/etc/file/in-it": { text: "" },
        "/home/ann/a": { text: "", uid: 1000, gid: 1000 },
        "/home/ann/b": { text: "" },
      },
      users: [
        { name: "root", uid: 1 },
        { name: "sshd", uid: 1001 },
        { name: "wheel", uid: 1002 },
        { name: "ann", uid: 500 },
        { name: "bob", uid: 1003, keys: ["ssh-ed25519"], groups: ["nobodys"], shell: "sh" },
      ],
      sysctls: { ip_forward: "1", "net.ipv4.ip_forward": "1\n2" },
      modules: ["tun", "a/b", "tun"],
    },
  },
  {
    name: "role worker",
    layer: {
      services: { boot: ["!netwroking"] },
      users: [
        { name: "carol", uid: 1003 },
        { name: "bob", uid: 1004 },
      ],
    },
  },
];

function hostileLayers(): readonly (readonly [string, (name: string) => SystemLayer])[] {
  return [
    ["package", (name) => ({ packages: [name] })],
    ["service", (name) => ({ services: { default: [name] } })],
    ["service that is taken away", (name) => ({ services: { default: [`!${name}`] } })],
    ["runlevel", (name) => ({ services: { [name]: ["sshd"] } as Partial<Record<Runlevel, string[]>> })],
    ["file", (name) => ({ files: { [`/etc/${name}/x`]: { text: "" } } })],
    ["user", (name) => ({ users: [{ name, uid: 1000 }] })],
    ["group", (name) => ({ users: [{ name: "ann", uid: 1000, groups: [name] }] })],
    ["key", (name) => ({ users: [{ name: "ann", uid: 1000, keys: [name] }] })],
    ["shell", (name) => ({ users: [{ name: "ann", uid: 1000, shell: name }] })],
    ["kernel setting", (name) => ({ sysctls: { [name]: "1" } })],
    ["module", (name) => ({ modules: [name === "a b" ? "a b c" : name] })],
  ];
}

const uids: ReadonlyMap<string, number> = new Map([
  ["ann", 1000],
  ["bob", 1001],
]);

/** Layers without mistakes, from few names, so that they meet. */
function anyLayer(): fc.Arbitrary<SystemLayer> {
  const services = ["sshd", "crond", "local", "cgroups", "own-one", "own-two"];
  const text = fc
    .string({ unit: "grapheme", maxLength: 40 })
    .filter((text) => text.isWellFormed() && !text.includes("\0"));
  const file = fc.record({ text, mode: fc.constantFrom(0o644, 0o600, 0o755) });
  const path = fc.constantFrom(
    "/etc/motd",
    "/etc/conf.d/x",
    "/srv/a",
    "/opt/b",
    "/usr/local/bin/c",
    "/var/lib/d",
    "/root/.profile",
  );
  const ownService = { text: "#!/sbin/openrc-run\n", mode: 0o755 };
  const some = (names: readonly string[]) => fc.uniqueArray(fc.constantFrom(...names), { maxLength: 4 });
  return fc
    .record({
      packages: some(["chrony", "curl", "!mc", "nano=1.2", "vim>3", "tmux~2"]),
      sysinit: some(services),
      boot: some(services),
      default: some(services),
      files: fc.dictionary(path, file, { maxKeys: 4 }),
      users: fc.uniqueArray(
        fc.record({
          name: fc.constantFrom("ann", "bob", "root"),
          groups: some(["wheel", "kvm", "libvirt"]),
          keys: fc.uniqueArray(fc.integer({ min: 0, max: 5 }).map(publicKey), { maxLength: 3 }),
        }),
        { selector: ({ name }) => name, maxLength: 3 },
      ),
      sysctls: fc.dictionary(
        fc.constantFrom("vm.swappiness", "net.ipv4.ip_forward", "kernel.panic"),
        fc.constantFrom("0", "1"),
      ),
      modules: some(["tun", "bridge", "vhost_net"]),
    })
    .map(({ packages, sysinit, boot, default: normal, files, users, ...rest }) => ({
      ...rest,
      packages: [...packages, "openssh"],
      services: { sysinit, boot, default: normal },
      files: { ...files, "/etc/init.d/own-one": ownService, "/etc/init.d/own-two": ownService },
      users: users.map((user) => ({ ...user, uid: uids.get(user.name) ?? 0 })),
    }));
}

/** The same layer with keys and lists in another order. */
function shuffled<T>(value: T, seed: number): T {
  const order = (text: string) => Math.sin(seed + [...text].reduce((sum, char) => sum * 31 + char.charCodeAt(0), 7));
  const sorted = <U>(parts: U[]) => parts.sort((a, b) => order(JSON.stringify(a)) - order(JSON.stringify(b)));
  const turn = (part: unknown): unknown => {
    if (Array.isArray(part)) return sorted(part.map(turn));
    if (typeof part !== "object" || part === null) return part;
    return Object.fromEntries(sorted(Object.entries(part)).map(([key, inner]) => [key, turn(inner)]));
  };
  return turn(value) as T;
}

function mistakesOf(layers: readonly NamedLayer[]): string {
  try {
    renderSystem(layers, facts);
  } catch (error) {
    assert.ok(error instanceof Error);
    return error.message;
  }
  throw new Error("it was not refused");
}

function fileOf({ entries }: RenderedSystem, path: string): OverlayFile {
  const file = entries.find((entry) => entry.path === path);
  assert.ok(file?.kind === "file", `there is no file ${path}`);
  return file;
}

function sameAsGolden(name: string, text: string): void {
  const golden = new URL(`golden/${name}`, import.meta.url);
  if (env.UPDATE_GOLDEN !== undefined) writeFileSync(golden, text);
  assert.equal(text, readFileSync(golden, "utf8"));
}
