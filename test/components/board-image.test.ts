import assert from "node:assert/strict";
import { type ArtifactLock, emptyLock } from "../../formats/artifact-lock.ts";
import { printProblems } from "../../site/problem.ts";
import { readSite } from "../../site/read.ts";
import { buildSite, isSecret, one, packagesFor, plan, type Registered } from "./build.ts";

const text = `
network: { cidr: 10.20.0.0/24, gateway: 10.20.0.1, ntp: [10.20.0.1] }
boot: { server: tower, image: { packages: [htop] } }
storage: { shelf: { address: 10.20.0.9 } }
boards:
  tower: { model: pc, role: boot-server, memory: 4GiB, connect: local, address: 10.20.0.5 }
  pi1: { model: pi5, memory: 8GiB, storage: shelf, serial: "100000009ffefd01", mac: "2c:cf:67:00:00:01", address: 10.20.0.11 }
  pi2: { model: pi5, memory: 8GiB, storage: shelf, serial: "100000009ffefd02", mac: "2c:cf:67:00:00:02", address: 10.20.0.12 }
  pi3: { model: pi5, memory: 8GiB, role: worker, serial: "100000009ffefd03", mac: "2c:cf:67:00:00:03", address: 10.20.0.13, image: { packages: [tmux] } }
`;

const systemFiles = [
  ...["bcm2712-rpi-5-b.dtb", "bcm2712d0-rpi-5-b.dtb", "overlays/overlay_map.dtb", "overlays/bcm2712d0.dtbo"],
  ...["boot/vmlinuz-rpi", "boot/initramfs-rpi", "boot/modloop-rpi"],
];

/** A lock for the boards of a site; no file has these hashes. */
function lockFor(siteText: string): ArtifactLock {
  const files = systemFiles.map((name, index) => [
    name,
    { sha256: `aa${index}`.padStart(64, "0"), bytes: 100 + index },
  ]);
  const system = { version: "3.99.0", released: "2026-11-05", sha256: "a".repeat(64), bytes: 1 };
  return {
    format: 1,
    artifacts: { "alpine-rpi": { ...system, files: Object.fromEntries(files) }, ...packagesFor(siteText) },
  };
}

interface Image {
  readonly profile: string;
  readonly files: Readonly<Record<string, string>>;
}

const images = (registered: readonly Registered[]) =>
  registered.filter(({ type }) => type.endsWith(":Apkovl")).map(({ inputs }) => inputs as unknown as Image);

const commandLine = (registered: readonly Registered[], board: string) => {
  const { files } = one(registered, "pulumi-nodejs:dynamic/bramble:TftpTree", board) as {
    files?: Record<string, string>;
  };
  return files?.["{generation}/cmdline.txt"] ?? "";
};

/** What a site is refused for, as the terminal shows it. */
function refusal(siteText: string, lock = lockFor(siteText)): string {
  const read = readSite({ file: "stacks/home.yaml", text: siteText });
  assert.ok(read.ok, JSON.stringify(read));
  const planned = plan(read.site, lock);
  return planned.ok ? "" : printProblems(read.locate(planned.problems));
}

describe("the images of boards", () => {
  let registered: Registered[];
  before(async () => {
    registered = await buildSite(text, lockFor(text));
  });

  it("are one for each role, and one for a board that has a layer of its own", () => {
    assert.deepEqual(
      images(registered)
        .map(({ profile }) => profile)
        .sort(),
      ["hypervisor-aarch64", "pi3.worker-aarch64"],
    );
  });

  it("have what the site wants on all boards, and of a single board's wishes nothing on the others", () => {
    const world = Object.fromEntries(
      images(registered).map(({ profile, files }) => [profile, files["etc/apk/world"] ?? ""]),
    );
    assert.match(world["hypervisor-aarch64"] ?? "", /^htop$/m);
    assert.doesNotMatch(world["hypervisor-aarch64"] ?? "", /tmux/);
    assert.match(world["pi3.worker-aarch64"] ?? "", /^htop$[\s\S]*^tmux$/m);
  });

  it("know no board: two boards of a role have the same, by an address with its hash", () => {
    const of = (board: string) => /apkovl=\S+ bramble\.image=\S+/.exec(commandLine(registered, board))?.[0];
    assert.match(
      of("pi1") ?? "",
      /^apkovl=http:\/\/10\.20\.0\.5:8080\/image-hypervisor-aarch64\/([0-9a-f]{16})\/\S+\.apkovl\.tar\.gz bramble\.image=\1[0-9a-f]{48}$/,
    );
    assert.equal(of("pi1"), of("pi2"));
    assert.notEqual(of("pi1"), of("pi3"));
    const all = JSON.stringify(images(registered));
    for (const own of ["pi1", "10.20.0.11", "2c:cf:67:00:00:01", "100000009ffefd01"])
      assert.ok(!all.includes(own), own);
  });

  it("are found with a seed that says who the board is, for everybody to read", () => {
    const { files } = one(registered, "pulumi-nodejs:dynamic/bramble:TftpTree", "pi2") as {
      files?: Record<string, string>;
    };
    assert.match(files?.["{generation}/seed/board"] ?? "", /^HOSTNAME=pi2\nADDRESS=10\.20\.0\.12\n/);
    assert.match(
      files?.["{generation}/seed/files.d/etc/bramble/mounts"] ?? "",
      /^nfs4 10\.20\.0\.9:\/srv\/bramble\/storage /,
    );
    assert.match(
      commandLine(registered, "pi2"),
      / ds=nocloud;s=http:\/\/10\.20\.0\.5:8080\/boards\/2c-cf-67-00-00-02\/\{generation\}\/seed\/ /,
    );
  });

  it("have on workers a kernel that holds containers to their memory", () => {
    assert.match(commandLine(registered, "pi3"), / cgroup_enable=memory cgroup_memory=1 /);
    assert.doesNotMatch(commandLine(registered, "pi1"), /cgroup/);
  });

  it("leave the board's key out: that is encrypted in the state, and handed to the board alone", () => {
    const identity = one(registered, "pulumi-nodejs:dynamic/bramble:BoardIdentity", "pi1");
    assert.ok(isSecret(identity.hostSeed) && isSecret(identity.caSeed));
    const seeds = [identity.hostSeed.value, identity.caSeed.value].map(String);
    const others = JSON.stringify(registered.filter(({ type }) => !type.endsWith(":BoardIdentity")));
    assert.ok(seeds.every((seed) => /^[0-9a-f]{64}$/.test(seed) && !others.includes(seed)));
  });

  it("stay as they are when only another board's layer changes", async () => {
    const other = text.replace("tmux", "screen");
    const again = await buildSite(other, lockFor(other));
    const of = (registered: readonly Registered[]) =>
      images(registered).find(({ profile }) => profile === "hypervisor-aarch64");
    assert.deepEqual(of(again), of(registered));
    assert.notDeepEqual(images(again), images(registered));
  });

  it("are refused for what the site file adds, each mistake with its line", () => {
    const wrong = text
      .replace("packages: [tmux]", 'packages: [tmux], files: { /etc/hostname: { text: "mine" } }')
      .replace("packages: [htop]", "packages: [htop], services: { default: [no-such-thing] }");
    const said = refusal(wrong);
    assert.match(said, /^stacks\/home\.yaml:3:\d+ {2}bad-image {2}boot\.image\b.*no-such-thing/m);
    assert.match(said, /^stacks\/home\.yaml:9:\d+ {2}bad-image {2}boards\.pi3\.image\b.*\/etc\/hostname/m);
  });

  it("are refused with a package that is not pinned, where it stands and with the command that pins it", () => {
    const said = refusal(text.replace("[tmux]", "[tmux, screen]"), lockFor(text));
    assert.match(said, /^stacks\/home\.yaml:9:\d+ {2}package-not-pinned {2}.*the package screen is not among/m);
    assert.match(said, /→ run `npm run bramble -- artifacts update alpine-packages-aarch64`/);
    assert.equal(said.split("package-not-pinned").length, 2, said);
  });

  it("are refused for what the site file adds also while nothing is pinned, in the order of the file", () => {
    const said = refusal(text.replace("[tmux]", "[tmux], services: { default: [no-such-thing] }"), emptyLock);
    assert.match(
      said,
      /^stacks\/home\.yaml:3:.*no alpine-rpi.*\n.*no alpine-packages-aarch64.*\nstacks\/home\.yaml:9:.*no-such-thing/,
    );
  });

  it("are refused as long as no packages are pinned at all", () => {
    const { "alpine-packages-aarch64": _, ...artifacts } = lockFor(text).artifacts;
    assert.match(
      refusal(text, { ...emptyLock, artifacts }),
      /has no alpine-packages-aarch64: run `npm run bramble -- artifacts update/,
    );
  });
});
