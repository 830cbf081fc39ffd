import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { parseCmdline } from "../../formats/cmdline-txt.ts";
import { checkConfigTxt } from "../../formats/config-txt.ts";
import {
  type FileRef,
  generationParameter,
  type PiBootFolderInput,
  piBootFolder,
} from "../../formats/pi-boot-folder.ts";
import { type PiModel, piModels } from "../../formats/raspberry-pi.ts";
import { checkTftpPath } from "../../formats/tftp-path.ts";

describe("pi-boot-folder", () => {
  it("has the firmware and config.txt of a Pi 4 at the top, and the rest below its generation", () => {
    const { generation, files } = piBootFolder(folderOf("pi4b"));
    assert.match(generation, /^[0-9a-f]{16}$/);
    const start = `s4${ref("start4.elf").sha256.slice(0, 6)}.elf`;
    const fixup = `f4${ref("fixup4.dat").sha256.slice(0, 6)}.dat`;
    const system = ["bcm2711-rpi-4-b.dtb", "cmdline.txt", "initramfs", "vmlinuz"].map(
      (name) => `${generation}/${name}`,
    );
    const overlays = ["README", "disable-bt.dtbo", "overlay_map.dtb"].map((name) => `${generation}/overlays/${name}`);
    const top = ["config.txt", "start4.elf", "fixup4.dat", start, fixup];
    assert.deepEqual(Object.keys(files).sort(), [...system, ...overlays, ...top].sort());
    assert.deepEqual(files[start], ref("start4.elf"));
    assert.deepEqual(files["fixup4.dat"], ref("fixup4.dat"));
    assert.equal(
      text(files["config.txt"]),
      `# Written by Bramble; changes are overwritten.
start_file=${start}
fixup_file=${fixup}
os_prefix=${generation}/
arm_64bit=1
kernel=vmlinuz
initramfs initramfs followkernel
enable_uart=1
disable_splash=1
dtparam=i2c_arm=on
dtoverlay=disable-bt
`,
    );
    assert.equal(
      text(files[`${generation}/cmdline.txt`]),
      `modules=loop,squashfs console=serial0,115200 bramble.generation=${generation}\n`,
    );
  });

  it("has no firmware for a Pi 5, and the device trees and overlay of both of its steppings", () => {
    const { generation, files } = piBootFolder(folderOf("pi5"));
    assert.deepEqual(
      Object.keys(files).filter((path) => !path.startsWith(generation)),
      ["config.txt"],
    );
    for (const name of ["bcm2712-rpi-5-b.dtb", "bcm2712d0-rpi-5-b.dtb", "overlays/bcm2712d0.dtbo"]) {
      assert.ok(files[`${generation}/${name}`], name);
    }
    assert.doesNotMatch(text(files["config.txt"]), /arm_64bit|start_file/);
  });

  it("meets for every model what the firmware asks of os_prefix, and is servable as a whole", () => {
    for (const model of Object.keys(piModels) as PiModel[]) {
      const { generation, files } = piBootFolder(folderOf(model));
      const config = text(files["config.txt"]);
      assert.deepEqual(checkConfigTxt(config), []);
      const prefix = /^os_prefix=(.*)$/m.exec(config)?.[1] ?? "";
      assert.equal(prefix, `${generation}/`);
      const kernel = /^kernel=(.*)$/m.exec(config)?.[1];
      for (const name of [kernel, ...piModels[model].deviceTrees, "overlays/README", "cmdline.txt"]) {
        assert.ok(files[`${prefix}${name}`], `${model}: ${prefix}${name}`);
      }
      for (const path of Object.keys(files)) assert.equal(checkTftpPath(path), undefined);
    }
  });

  it("tells a running board what it booted", () => {
    const { generation, files } = piBootFolder(folderOf("pi4b"));
    const booted = parseCmdline(text(files[`${generation}/cmdline.txt`]));
    assert.deepEqual(booted.at(-1), [generationParameter, generation]);
  });

  it("is of another generation when anything changes, and of the same when nothing does", () => {
    const plain = folderOf("pi4b");
    const same: PiBootFolderInput = {
      ...plain,
      files: { ...plain.files, overlays: Object.fromEntries(Object.entries(plain.files.overlays).reverse()) },
    };
    assert.deepEqual(piBootFolder(same), piBootFolder(plain));
    const others: PiBootFolderInput[] = [
      { ...plain, files: { ...plain.files, kernel: ref("new kernel") } },
      { ...plain, files: { ...plain.files, initramfs: ref("new initramfs") } },
      { ...plain, files: { ...plain.files, kernel: plain.files.initramfs, initramfs: plain.files.kernel } },
      { ...plain, files: { ...plain.files, firmware: { ...plain.files.firmware, "fixup4.dat": ref("new fixup") } } },
      { ...plain, files: { ...plain.files, deviceTrees: { "bcm2711-rpi-4-b.dtb": ref("new tree") } } },
      { ...plain, files: { ...plain.files, overlays: { ...plain.files.overlays, "more.dtbo": ref("more") } } },
      { ...plain, settings: [] },
      { ...plain, dtoverlays: [] },
      { ...plain, parameters: [...plain.parameters].reverse() },
      folderOf("cm4"),
    ];
    const generations = [plain, ...others].map((input) => piBootFolder(input).generation);
    assert.equal(new Set(generations).size, generations.length);
  });

  it("gives different firmware different names, so that config.txt never pairs two releases", () => {
    const plain = folderOf("pi4b");
    const firmware = { "start4.elf": ref("new start"), "fixup4.dat": ref("new fixup") };
    const versioned = (input: PiBootFolderInput) =>
      Object.keys(piBootFolder(input).files).filter((path) => /^[sf]4[0-9a-f]{6}\.(elf|dat)$/.test(path));
    const old = versioned(plain);
    const next = versioned({ ...plain, files: { ...plain.files, firmware } });
    assert.equal(new Set([...old, ...next]).size, 4);
  });

  it("lets a setting take the place of one that every board has", () => {
    const config = piBootFolder({
      ...folderOf("pi5"),
      settings: [{ kind: "setting", name: "enable_uart", value: "0" }],
    });
    assert.deepEqual(text(config.files["config.txt"]).match(/enable_uart=./g), ["enable_uart=0"]);
  });

  describe("refuses", () => {
    const pi4 = folderOf("pi4b");
    const pi5 = folderOf("pi5");
    const big = (bytes: number): FileRef => ({ ...ref("big"), bytes });
    const withFiles = (input: PiBootFolderInput, files: Partial<PiBootFolderInput["files"]>) => ({
      ...input,
      files: { ...input.files, ...files },
    });
    const cases: [string, PiBootFolderInput, RegExp][] = [
      ["a missing firmware file", withFiles(pi4, { firmware: { "start4.elf": ref("s") } }), /fixup4\.dat is missing/],
      [
        "firmware where the EEPROM has it",
        withFiles(pi5, { firmware: { "start4.elf": ref("s") } }),
        /"start4\.elf" is no firmware file of a Raspberry Pi 5, chip 2712 has its firmware in the EEPROM/,
      ],
      [
        "a recovery file",
        withFiles(pi4, { firmware: { ...pi4.files.firmware, "recovery.bin": ref("r") } }),
        /"recovery\.bin" is run by a board as soon as it is there/,
      ],
      [
        "a missing device tree",
        withFiles(pi5, { deviceTrees: { "bcm2712-rpi-5-b.dtb": ref("t") } }),
        /device tree bcm2712d0-rpi-5-b\.dtb is missing/,
      ],
      [
        "a device tree of the other chip",
        withFiles(pi5, { deviceTrees: { ...pi5.files.deviceTrees, "bcm2711-rpi-4-b.dtb": ref("t") } }),
        /"bcm2711-rpi-4-b\.dtb" is no device tree for chip 2712/,
      ],
      ["a missing overlay of the model", withFiles(pi5, { overlays: {} }), /overlay bcm2712d0\.dtbo is missing/],
      [
        "an overlay that is not there",
        { ...pi4, dtoverlays: ["vc4-kms-v3d,cma-64"] },
        /dtoverlay "vc4-kms-v3d": there is no overlay vc4-kms-v3d\.dtbo/,
      ],
      [
        "a name that is no overlay",
        withFiles(pi4, { overlays: { ...pi4.files.overlays, "../start4.elf": ref("x") } }),
        /"\.\.\/start4\.elf" is no overlay.*\n.*has the part \. or \.\./,
      ],
      [
        "an initramfs that a Pi 5 cannot load over TFTP",
        withFiles(pi5, { initramfs: big(65_535 * 1468) }),
        /initramfs has 96205380 bytes, and over TFTP a board with chip 2712 can load 96205379/,
      ],
      [
        "a kernel that a Pi 4 cannot load over TFTP",
        withFiles(pi4, { kernel: big(65_535 * 1024) }),
        /kernel has 67107840 bytes, and over TFTP a board with chip 2711 can load 67107839/,
      ],
      ["an empty kernel", withFiles(pi4, { kernel: big(0) }), /kernel: a file of 0 bytes cannot be booted/],
      [
        "what is no hash",
        withFiles(pi4, { kernel: { sha256: "latest", bytes: 1 } }),
        /kernel: "latest" is no SHA-256 in hex/,
      ],
      [
        "a setting that the layout depends on",
        { ...pi4, settings: [{ kind: "setting", name: "os_prefix", value: "x/" }] },
        /os_prefix is set by what the board boots/,
      ],
      [
        "an overlay among the settings",
        { ...pi4, settings: [{ kind: "setting", name: "dtoverlay", value: "disable-bt" }] },
        /give "disable-bt" as an overlay, not as a setting/,
      ],
      ["a filter", { ...pi4, settings: [{ kind: "filter", name: "pi4" }] }, /the filter \[pi4\] has no place/],
      [
        "a generation given by hand",
        { ...pi4, parameters: [[generationParameter, "0123456789abcdef"]] },
        /bramble\.generation is added by itself/,
      ],
      [
        "a parameter with a line break",
        { ...pi4, parameters: [["ip", "dhcp\nroot=/dev/sda"]] },
        /"ip": its value has a line break/,
      ],
      [
        "a command line that is too long with its generation",
        { ...pi4, parameters: [["a", "x".repeat(990)]] },
        /has 1028 bytes, and boards take 1023/,
      ],
      [
        "a line that boards would cut",
        { ...pi4, settings: [{ kind: "setting", name: "dtparam", value: "x".repeat(91) }] },
        /config\.txt:10: has 99 characters/,
      ],
    ];
    for (const [what, input, complaint] of cases) it(what, () => assert.throws(() => piBootFolder(input), complaint));

    it("all of it at once", () => {
      const message = refusal(withFiles(pi5, { deviceTrees: {}, overlays: {} }));
      assert.match(message, /^The boot folder of a Raspberry Pi 5 cannot be made:/);
      assert.equal(message.match(/is missing/g)?.length, 3);
    });
  });
});

describe("tftp-path", () => {
  it("takes relative paths of printable ASCII", () => {
    for (const path of [
      "config.txt",
      "0123456789abcdef/overlays/vc4-kms-v3d.dtbo",
      "a..b",
      ".hidden",
      "x".repeat(128),
    ]) {
      assert.equal(checkTftpPath(path), undefined, path);
    }
  });

  it("refuses what a board cannot ask for, or must not find", () => {
    const bad: [string, RegExp][] = [
      ["", /without a name/],
      ["/config.txt", /begins with a slash/],
      ["a//b", /an empty part/],
      ["a/", /an empty part/],
      ["../etc/passwd", /the part \. or \.\./],
      ["a/../b", /the part \. or \.\./],
      ["./a", /the part \. or \.\./],
      ["a\\b", /a backslash/],
      ["a b", /printable ASCII/],
      ["a\nb", /printable ASCII/],
      ["a\0", /printable ASCII/],
      ["kernél", /printable ASCII/],
      ["x".repeat(129), /has 129 characters/],
      ["recovery.bin", /may overwrite its bootloader/],
      ["a/recover4.elf", /may overwrite its bootloader/],
    ];
    for (const [path, complaint] of bad) assert.match(checkTftpPath(path) ?? "", complaint, path);
  });

  it("takes no path that leaves its folder", () => {
    const part = fc.constantFrom("a", ".", "..", "", "b.txt", "...");
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), (parts) => {
        const path = parts.join("/");
        const inside = new URL(path, "tftp://server/root/").pathname === `/root/${path}`;
        assert.ok(checkTftpPath(path) !== undefined || inside, path);
      }),
    );
  });
});

function ref(content: string): FileRef {
  return { sha256: createHash("sha256").update(content).digest("hex"), bytes: 1000 + content.length };
}

function folderOf(model: PiModel): PiBootFolderInput {
  const { firmware, deviceTrees, overlays } = piModels[model];
  const refs = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, ref(name)]));
  return {
    model,
    files: {
      firmware: refs(firmware),
      kernel: ref("kernel"),
      initramfs: ref("initramfs"),
      deviceTrees: refs(deviceTrees),
      overlays: refs(["overlay_map.dtb", ...["disable-bt", ...overlays].map((name) => `${name}.dtbo`)]),
    },
    settings: [{ kind: "setting", name: "dtparam", value: "i2c_arm=on" }],
    dtoverlays: ["disable-bt"],
    parameters: [
      ["modules", "loop,squashfs"],
      ["console", "serial0,115200"],
    ],
  };
}

function text(content: ReturnType<typeof piBootFolder>["files"][string] | undefined): string {
  assert.ok(content !== undefined && "text" in content);
  return content.text;
}

function refusal(input: PiBootFolderInput): string {
  try {
    piBootFolder(input);
  } catch (error) {
    return String(error instanceof Error ? error.message : error);
  }
  throw new Error("it was not refused");
}
