import assert from "node:assert/strict";
import { type ArtifactLock, emptyLock } from "../../formats/artifact-lock.ts";
import { readSite } from "../../site/read.ts";
import { buildSite, one, packagesFor, plan, type Registered } from "./build.ts";

const text = `
network: { cidr: 10.20.0.0/24, gateway: 10.20.0.1 }
boot: { server: tower, overlays: [disable-wifi], parameters: [loglevel=7], bootloader: { order: [network, sd] } }
boards:
  tower: { model: pc, role: boot-server, memory: 4GiB, connect: local, address: 10.20.0.5 }
  pi1: { model: pi5, memory: 8GiB, serial: "7a1c0b2f9ffefd01", mac: "2c:cf:67:00:00:01", address: 10.20.0.11 }
  pi2: { model: pi4b, memory: 4GiB, serial: "100000009ffefd02", mac: "dc:a6:32:00:00:02", address: 10.20.0.12 }
`;

/** A hash for each file that could be in the archive; no file has them. */
function lockOf(...names: readonly string[]): ArtifactLock {
  const file = (index: number) => ({ sha256: index.toString(16).padStart(64, "0"), bytes: 1000 + index });
  const files = Object.fromEntries(names.map((name, index) => [name, file(index + 16)]));
  return {
    format: 1,
    artifacts: {
      "alpine-rpi": { version: "3.99.0", ...file(1), files },
      "pi-eeprom-2711": { version: "2026-05-17", ...file(2) },
      "pi-eeprom-2712": { version: "2026-05-26", ...file(3) },
      ...packagesFor(text),
    },
  };
}

const lock = lockOf(
  ...["start4.elf", "fixup4.dat", "bcm2711-rpi-4-b.dtb", "bcm2712-rpi-5-b.dtb", "bcm2712d0-rpi-5-b.dtb"],
  ...["overlays/overlay_map.dtb", "overlays/bcm2712d0.dtbo", "overlays/disable-wifi.dtbo"],
  ...["boot/vmlinuz-rpi", "boot/initramfs-rpi", "boot/modloop-rpi"],
);

interface Tree {
  readonly names: readonly string[];
  readonly generation: string;
  readonly files: Readonly<Record<string, string>>;
  readonly blobs: Readonly<Record<string, string>>;
}

describe("boards that boot over the network", () => {
  let registered: Registered[];
  const tree = (name: string) => one(registered, "pulumi-nodejs:dynamic/bramble:TftpTree", name) as unknown as Tree;
  const bootloader = (name: string) => one(registered, "pulumi-nodejs:dynamic/bramble:BootloaderConfig", name);
  before(async () => {
    registered = await buildSite(text, lock);
  });

  it("find their files by MAC address, serial number and name", () => {
    assert.deepEqual(tree("pi1").names, ["2c-cf-67-00-00-01", "9ffefd01", "pi1"]);
  });

  it("have at the top what the bootloader asks for, and the rest below a name of its content", () => {
    const { files, blobs } = tree("pi2");
    const top = [...Object.keys(files), ...Object.keys(blobs)].filter((path) => !path.includes("/"));
    assert.deepEqual(top.filter((path) => !/^[sf]4[0-9a-f]{6}\./.test(path)).sort(), [
      "config.txt",
      "fixup4.dat",
      "start4.elf",
    ]);
    assert.match(files["config.txt"] ?? "", /^os_prefix=\{generation\}\/$/m);
    assert.match(files["{generation}/cmdline.txt"] ?? "", / loglevel=7 bramble\.generation=\{generation\}\n$/);
    assert.ok("{generation}/overlays/disable-wifi.dtbo" in blobs);
    assert.ok(
      !Object.keys(tree("pi1").blobs).some((path) => path.endsWith(".elf")),
      "a Pi 5 has its firmware in the EEPROM",
    );
  });

  it("are told where Alpine's packages and kernel modules are, by an address that changes with them", async () => {
    const address = (registered: readonly Registered[]) => {
      const { files } = one(registered, "pulumi-nodejs:dynamic/bramble:TftpTree", "pi1") as unknown as Tree;
      return / modloop=(\S+)\/modloop-rpi /.exec(files["{generation}/cmdline.txt"] ?? "")?.[1];
    };
    const before = address(registered);
    assert.match(before ?? "", /^http:\/\/10\.20\.0\.5:8080\/system\/[0-9a-f]{16}$/);
    const cmdline = tree("pi1").files["{generation}/cmdline.txt"] ?? "";
    const repository = "http:\\/\\/10\\.20\\.0\\.5:8080\\/packages\\/[0-9a-f]{16}";
    assert.match(cmdline, new RegExp(` alpine_repo=(${repository})\\/main,\\1\\/community `));
    const other = lockOf(
      "fixup4.dat",
      ...Object.keys(lock.artifacts["alpine-rpi"]?.files ?? {})
        .slice()
        .reverse(),
    );
    assert.notEqual(address(await buildSite(text, other)), before);
  });

  it("get settings by name, and the boot server's address where the router knows of none", () => {
    const { settings, image } = bootloader("pi2");
    assert.deepEqual((settings as Record<string, unknown>).BOOT_ORDER, ["network", "sd", "restart"]);
    assert.equal((settings as Record<string, unknown>).TFTP_IP, "10.20.0.5");
    assert.equal((image as Record<string, unknown>).version, "2026-05-17");
  });

  it("are not asked to change their bootloader where the site says nothing of it", async () => {
    const quiet = await buildSite(text.replace(", bootloader: { order: [network, sd] }", ""), lock);
    assert.deepEqual(
      quiet.filter(({ type }) => type.endsWith(":BootloaderConfig")),
      [],
    );
  });

  it("keep their hashes when the same files are pinned in another order", async () => {
    const files = Object.entries(lock.artifacts["alpine-rpi"]?.files ?? {}).reverse();
    const [name, artifact] = Object.entries(lock.artifacts)[0] ?? [];
    assert.ok(name !== undefined && artifact !== undefined);
    const turned = {
      ...lock,
      artifacts: { ...lock.artifacts, [name]: { ...artifact, files: Object.fromEntries(files) } },
    };
    const again = await buildSite(text, turned);
    const hashes = (some: readonly Registered[]) =>
      some.filter(({ type }) => type.endsWith(":TftpTree")).map(({ name, inputs }) => `${name} ${inputs.generation}`);
    assert.deepEqual(hashes(again), hashes(registered));
  });

  it("are refused with all that is wrong with any of them, before anything is asked of the engine", () => {
    const wrong = text
      .replace("overlays: [disable-wifi]", "overlays: [disable-wfi], settings: [kernel=mine]")
      .replace("parameters: [loglevel=7]", 'parameters: ["a b"]');
    const read = readSite({ file: "stacks/home.yaml", text: wrong });
    assert.ok(read.ok && read.site.boot !== undefined);
    const planned = plan(read.site, lock);
    const problems = planned.ok ? "" : planned.problems.map(({ message }) => message).join("\n");
    assert.match(problems, /boards\.pi1: alpine-rpi 3\.99\.0 has no file "overlays\/disable-wfi\.dtbo"/);
    assert.match(problems, /boards\.pi2: alpine-rpi 3\.99\.0 has no file/);
    const boards = read.site.boot.boards.map((board) => ({ ...board, overlays: [] }));
    const right = plan({ ...read.site, boot: { ...read.site.boot, boards } }, lock);
    const others = right.ok ? "" : right.problems.map(({ message }) => message).join("\n");
    assert.match(others, /boards\.pi1: .*settings: kernel is set by what the board boots.*kernel parameter "a b"/s);
  });

  it("warn of what a bootloader will not do", () => {
    const old = {
      ...lock,
      artifacts: {
        ...lock.artifacts,
        "pi-eeprom-2711": { ...lockOf().artifacts["pi-eeprom-2711"], version: "2024-01-01" },
      },
    };
    const read = readSite({
      file: "stacks/home.yaml",
      text: text.replace("order: [network, sd]", "order: [network, bcm-usb], watchdog: 5m"),
    });
    assert.ok(read.ok && read.site.boot !== undefined);
    const planned = plan(read.site, old as ArtifactLock);
    const warnings = planned.ok ? (planned.plan?.warnings ?? []) : planned.problems.map(({ message }) => message);
    assert.equal(
      warnings.filter((line) => line.startsWith("boards.pi1.bootloader: ") && /bcm-usb/.test(line)).length,
      1,
    );
    assert.equal(
      warnings.filter((line) => /^boards\.pi2\.bootloader: BOOT_WATCHDOG_TIMEOUT needs/.test(line)).length,
      1,
    );
  });

  it("are refused with the command to run as long as their files are not pinned", async () => {
    await assert.rejects(
      buildSite(text, emptyLock),
      /has no alpine-rpi: run `npm run bramble -- artifacts update alpine-rpi`/,
    );
  });
});
