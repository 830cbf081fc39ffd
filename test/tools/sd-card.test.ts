import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { env } from "node:process";
import { emptyLock, pin, printLock } from "../../formats/artifact-lock.ts";
import { parseBootConf } from "../../formats/bootconf.ts";
import { eepromFile, readEepromImage, replaceEepromFile } from "../../formats/eeprom-image.ts";
import { parseEepromSignature } from "../../formats/eeprom-signature.ts";
import { masterBootRecord } from "../../formats/mbr.ts";
import { run } from "../../tools/lib/run.ts";
import { type Card, makeCard } from "../../tools/sd-card/card.ts";
import { sdCardCommand } from "../../tools/sd-card/command.ts";
import { writeFolder } from "../../tools/sd-card/folder.ts";
import { writeImage } from "../../tools/sd-card/image.ts";
import { steps } from "../../tools/sd-card/readme.ts";
import { cardForBoard, cardForModel } from "../../tools/sd-card/wanted.ts";
import { findProgram } from "../../tools/setup/programs.ts";
import { ab2712, last2711, releaseText } from "../formats/eeprom-samples.ts";
import { siteOf } from "../site/shelf.ts";

/** A site with every kind of board; `boot` is its section, `pi` what else the first Pi 5 has. */
const siteWith = ({ boot = "{ server: tower, bootloader: { } }", pi = "" } = {}) =>
  siteOf(`site: home
network: { cidr: 10.20.0.0/24, gateway: 10.20.0.1 }
${boot === "" ? "" : `boot: ${boot}\n`}boards:
  tower: { model: pc, role: boot-server, memory: 4GiB, connect: local, address: 10.20.0.5 }
  pi1: { model: pi5, memory: 8GiB, serial: "1234567800a0b001", mac: "dc:a6:32:00:00:01", address: 10.20.0.11${pi} }
  pi2: { model: pi5, memory: 8GiB, serial: "10000000aaaaaa02", mac: "dc:a6:32:00:00:02", address: 10.20.0.12 }
  old: { model: pi4b, memory: 4GiB, serial: "10000000aaaaaa03", mac: "dc:a6:32:00:00:03", address: 10.20.0.13 }
  module: { model: cm5, memory: 4GiB, serial: "10000000aaaaaa04", mac: "dc:a6:32:00:00:04", address: 10.20.0.14 }
`);

const recovery = (chip: string) => Buffer.from(`recovery.bin of the ${chip}`);

/** A project folder with what its lock pins in the cache. */
async function project(folder: string, artifacts: Record<string, Uint8Array>): Promise<string> {
  let lock = emptyLock;
  await mkdir(`${folder}/stacks`, { recursive: true });
  await mkdir(`${folder}/.bramble/artifacts`, { recursive: true });
  for (const [name, bytes] of Object.entries(artifacts)) {
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    lock = pin(lock, name, { version: "2026-05-17", sha256, bytes: bytes.length });
    await writeFile(`${folder}/.bramble/artifacts/${sha256}`, bytes);
  }
  await writeFile(`${folder}/stacks/artifacts.lock.json`, printLock(lock));
  return folder;
}

const allArtifacts = () => ({
  "pi-eeprom-2711": last2711.bytes,
  "pi-eeprom-2712": ab2712.bytes,
  "pi-recovery-2711": recovery("2711"),
  "pi-recovery-2712": recovery("2712"),
});

function configOf({ files }: Card): string {
  const image = readEepromImage(files["pieeprom.bin"] ?? new Uint8Array());
  return Buffer.from(eepromFile(image, "bootconf.txt") ?? []).toString();
}

function settingsOf(card: Card) {
  const { conf, problems } = parseBootConf(configOf(card));
  assert.deepEqual(problems, []);
  return conf;
}

function textOf({ files }: Card, name: string): string {
  return Buffer.from(files[name] ?? []).toString();
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(`${tmpdir()}/bramble sd-card's test-`);
});
afterEach(() => rm(folder, { recursive: true }));

describe("the SD card of a board", () => {
  it("has the pinned recovery.bin, and the pinned image with nothing changed but the board's settings", async () => {
    const pi = ", bootloader: { order: [network], psuMaxCurrent: 5000 }";
    const card = await makeCard(await project(folder, allArtifacts()), cardForBoard(siteWith({ pi }), "pi1"));
    assert.deepEqual(Object.keys(card.files), ["README.txt", "recovery.bin", "pieeprom.bin", "pieeprom.sig"]);
    assert.deepEqual(card.files["recovery.bin"], recovery("2712"));
    const config = configOf(card);
    assert.deepEqual(card.files["pieeprom.bin"], replaceEepromFile(ab2712.bytes, "bootconf.txt", Buffer.from(config)));
    const settings = settingsOf(card);
    assert.deepEqual(settings.BOOT_ORDER, ["network", "restart"]);
    assert.equal(settings.PSU_MAX_CURRENT, 5000);
    assert.equal(settings.TFTP_PREFIX, "mac");
    assert.equal(settings.TFTP_IP, "10.20.0.5");
    assert.ok(textOf(card, "README.txt").endsWith(config), "the README shows the settings");
  });

  it("has a signature that fits, with the time at which the bootloader was built, before every later update", async () => {
    const card = await makeCard(await project(folder, allArtifacts()), cardForBoard(siteWith(), "pi1"));
    const { sha256, timestamp, targetSoc } = parseEepromSignature(textOf(card, "pieeprom.sig"));
    assert.equal(
      sha256,
      createHash("sha256")
        .update(card.files["pieeprom.bin"] ?? "")
        .digest("hex"),
    );
    assert.match(releaseText, new RegExp(`BUILD_TIMESTAMP=${timestamp}\0`));
    assert.equal(targetSoc, "2712");
  });

  it("is made from the files of the board's own chip", async () => {
    const card = await makeCard(await project(folder, allArtifacts()), cardForBoard(siteWith(), "old"));
    assert.deepEqual(card.files["recovery.bin"], recovery("2711"));
    assert.equal(readEepromImage(card.files["pieeprom.bin"] ?? new Uint8Array()).chip, "2711");
    assert.equal(settingsOf(card).WAKE_ON_GPIO, 1);
  });

  it("names no server where DHCP does", async () => {
    const site = siteWith({ boot: "{ server: tower, dhcp: own, bootloader: {} }" });
    const card = await makeCard(await project(folder, allArtifacts()), cardForBoard(site, "pi1"));
    assert.equal(settingsOf(card).TFTP_IP, undefined);
  });

  for (const [prefix, asksFor] of [
    ["mac", "dc-a6-32-00-00-01/"],
    ["serial", "00a0b001/"],
    ["name", "pi1/"],
  ] as const) {
    it(`says that a board with prefix ${prefix} asks for ${asksFor}`, () => {
      const site = siteWith({ boot: `{ server: tower, bootloader: { prefix: ${prefix} } }` });
      const text = steps(cardForBoard(site, "pi1"), "Do this.");
      assert.ok(
        text.includes(`asks 10.20.0.5 for\n   the files in ${asksFor}. Where it gets no answer, it asks again`),
        text,
      );
      assert.equal(text.includes("for pi1 alone"), prefix === "name");
    });
  }

  it("promises only what the boot order does", () => {
    const last = (order: string) =>
      steps(cardForBoard(siteWith({ pi: `, bootloader: { order: [${order}] }` }), "pi1"), "").split("\n5. ")[1];
    assert.match(last("network, stop") ?? "", /dc-a6-32-00-00-01\/\.$/);
    assert.match(last("sd") ?? "", /does not try the network/);
  });

  it("needs the artifacts, and says by which commands they come", async () => {
    const wanted = cardForBoard(siteWith(), "pi1");
    await assert.rejects(
      makeCard(folder, wanted),
      /has no pi-eeprom-2712: run `npm run bramble -- artifacts update pi-/,
    );
    await project(folder, allArtifacts());
    const cache = `${folder}/.bramble/artifacts`;
    const recoveryFile = `${cache}/${createHash("sha256").update(recovery("2712")).digest("hex")}`;
    await writeFile(recoveryFile, "something else");
    await assert.rejects(makeCard(folder, wanted), /pi-recovery-2712 2026-05-17 .* damaged: run `.*artifacts verify`/);
    await rm(recoveryFile);
    await assert.rejects(makeCard(folder, wanted), /not on this machine yet: run `.*artifacts fetch pi-recovery-2712`/);
  });

  it("is not made from an image for another chip", async () => {
    await project(folder, { ...allArtifacts(), "pi-eeprom-2712": last2711.bytes });
    await assert.rejects(makeCard(folder, cardForBoard(siteWith(), "pi1")), /for the 2711 .*but the board has a 2712/);
  });
});

describe("the SD card of a model", () => {
  it("has the site's settings and none of a single board, and says who has others", async () => {
    const wanted = cardForModel(siteWith({ pi: ", bootloader: { order: [sd] }" }), "pi5");
    const card = await makeCard(await project(folder, allArtifacts()), wanted);
    assert.deepEqual(settingsOf(card).BOOT_ORDER, ["network", "sd", "restart"]);
    assert.deepEqual(wanted.notes, [
      "What the site says of single boards (pi1) is not on it: they take that from their boot folders.",
    ]);
  });

  it("asks by MAC address where boards are to ask by name, which no card for all can have", async () => {
    const wanted = cardForModel(siteWith({ boot: "{ server: tower, bootloader: { prefix: name } }" }), "pi5");
    const settings = settingsOf(await makeCard(await project(folder, allArtifacts()), wanted));
    assert.deepEqual([settings.TFTP_PREFIX, settings.TFTP_PREFIX_STR], ["mac", undefined]);
    assert.match(wanted.notes.join(), /^prefix: name is not on it/);
  });

  it("needs no board of it in the site", () => {
    assert.equal(cardForModel(siteWith(), "pi500").title, "every Raspberry Pi 500");
  });

  it("has a folder of its own, also where a board is called like its model", () => {
    assert.equal(cardForModel(siteWith(), "pi5").name, "all-pi5");
  });
});

describe("a card that nothing is to be written on", () => {
  const refusals: readonly [string, () => unknown, RegExp][] = [
    [
      "is refused without a boot section",
      () => cardForBoard(siteWith({ boot: "" }), "pi1"),
      /add to the site file: boot:/,
    ],
    [
      "is refused where bootloaders are left alone",
      () => cardForBoard(siteWith({ boot: "{ server: tower }" }), "pi1"),
      /boards\.pi1\.bootloader or boot\.bootloader.*left as it is[\s\S]*bootloader: \{\}/,
    ],
    [
      "is refused for a model if only single boards have settings",
      () => cardForModel(siteWith({ boot: "{ server: tower }", pi: ", bootloader: {}" }), "pi5"),
      /nothing of this bootloader \(boot\.bootloader\)/,
    ],
    [
      "is refused for a board that is not there",
      () => cardForBoard(siteWith(), "pi9"),
      /no board "pi9"; it has module, old, pi1, pi2 and tower/,
    ],
    ["is refused for a PC", () => cardForBoard(siteWith(), "tower"), /tower is a PC/],
    [
      "is refused for a board with a disk",
      () => cardForBoard(siteWith({ pi: ", boot: disk" }), "pi1"),
      /pi1 has boot: disk/,
    ],
    [
      "is refused for a compute module, with the way that it has",
      () => cardForBoard(siteWith(), "module"),
      /never read\s+recovery\.bin[\s\S]*recovery5[\s\S]*\n {5}BOOT_ORDER=0xf12\n[\s\S]*rpiboot -d \./,
    ],
    ["is refused for all compute modules", () => cardForModel(siteWith(), "cm4"), /folder recovery,/],
  ];
  for (const [sentence, make, message] of refusals) it(sentence, () => void assert.throws(make, message));

  for (const args of [[], ["pi1", "--model", "pi5"], ["pi1", "pi2", "--out", "x"], ["--model", "pi3"]]) {
    it(`is wrong use of the command: ${["sd-card", ...args].join(" ")}`, async () => {
      const command = sdCardCommand()
        .exitOverride()
        .configureOutput({ writeErr: () => undefined });
      await assert.rejects(command.parseAsync(args, { from: "user" }), { name: "CommanderError" });
    });
  }
});

describe("the folder of a card", () => {
  let card: Card;
  beforeEach(async () => {
    card = await makeCard(await project(`${folder}/project`, allArtifacts()), cardForBoard(siteWith(), "pi1"));
  });
  const out = () => `${folder}/a/card`;

  it("is made, and written again with what changed", async () => {
    await writeFolder(out(), card);
    const changed = await makeCard(`${folder}/project`, cardForBoard(siteWith(), "old"));
    await writeFolder(out(), changed);
    assert.deepEqual((await readdir(out())).sort(), Object.keys(changed.files).sort());
    for (const [name, bytes] of Object.entries(changed.files))
      assert.deepEqual(await readFile(`${out()}/${name}`), Buffer.from(bytes), name);
  });

  it("may be a card that has other files, which stay", async () => {
    await mkdir(`${out()}/System Volume Information`, { recursive: true });
    await writeFile(`${out()}/holiday.jpg`, "sun");
    await writeFolder(out(), card);
    assert.equal(await readFile(`${out()}/holiday.jpg`, "utf8"), "sun");
  });

  for (const name of ["PIEEPROM.BIN", "README.txt", "config.txt", "pieeprom.upd"]) {
    it(`is refused with a ${name} of somebody else, and nothing is changed`, async () => {
      await mkdir(out(), { recursive: true });
      await writeFile(`${out()}/${name}`, "mine");
      await assert.rejects(writeFolder(out(), card), new RegExp(`card has ${name}, which this command did not write`));
      assert.deepEqual(await readdir(out()), [name]);
      assert.equal(await readFile(`${out()}/${name}`, "utf8"), "mine");
    });
  }

  it("is refused with a config.txt beside the files of an earlier run too, since the board would act on it", async () => {
    await writeFolder(out(), card);
    await writeFile(`${out()}/config.txt`, "erase_eeprom=1\n");
    await assert.rejects(writeFolder(out(), card), /has config\.txt/);
  });
});

describe("the image of a card", () => {
  let card: Card;
  before(function () {
    if (findProgram("mcopy") !== undefined) return;
    if (env.CI === "true") throw new Error("mtools is missing");
    this.skip();
  });
  beforeEach(async () => {
    card = await makeCard(await project(`${folder}/project`, allArtifacts()), cardForBoard(siteWith(), "pi1"));
  });
  const image = () => `${folder}/card.img`;

  it("has one FAT32 partition with the files, where its partition table says", async () => {
    await writeImage(image(), card);
    const bytes = await readFile(image());
    const [start, size] = [bytes.readUInt32LE(454), bytes.readUInt32LE(458)];
    assert.equal((start + size) * 512, bytes.length);
    const drive = ["-i", `${image()}@@${start * 512}`];
    const { stdout } = await run(["mdir", ...drive, "-b", "::"]);
    const names = stdout.trim().split("\n");
    assert.deepEqual(
      names.sort(),
      Object.keys(card.files)
        .map((name) => `::/${name}`)
        .sort(),
    );
    await mkdir(`${folder}/copy`);
    await run(["mcopy", ...drive, "::*", `${folder}/copy`]);
    for (const [name, content] of Object.entries(card.files))
      assert.deepEqual(await readFile(`${folder}/copy/${name}`), Buffer.from(content), name);
    const volume = (await run(["minfo", ...drive, "::"])).stdout;
    assert.match(volume, /disk type="FAT32 {3}"/);
    assert.match(volume, new RegExp(`big size: ${size} sectors`));
  });

  it("is the same bytes each time, whatever the user's settings of mtools, time zone and clock say", async () => {
    await writeImage(image(), card);
    const before = process.env;
    process.env = { ...before, TZ: "Asia/Tokyo", MTOOLS_NO_VFAT: "1", SOURCE_DATE_EPOCH: "1" };
    try {
      await writeImage(`${folder}/again.img`, card);
    } finally {
      process.env = before;
    }
    assert.ok((await readFile(image())).equals(await readFile(`${folder}/again.img`)));
    assert.deepEqual((await readdir(folder)).sort(), ["again.img", "card.img", "project"]);
  });

  it("replaces the image of an earlier run", async () => {
    await writeImage(image(), card);
    const before = await readFile(image());
    await writeImage(image(), await makeCard(`${folder}/project`, cardForBoard(siteWith(), "old")));
    assert.equal((await readFile(image())).equals(before), false);
  });

  it("replaces nothing else", async () => {
    await writeFile(image(), "a letter");
    await assert.rejects(writeImage(image(), card), /card\.img is there already, and no image of this command/);
    assert.equal(await readFile(image(), "utf8"), "a letter");
  });

  it("is never written to a device, nor through a link to one", async () => {
    await symlink("/dev/null", image());
    for (const path of ["/dev/null", image()])
      await assert.rejects(writeImage(path, card), /is no plain file[\s\S]*dd if=card\.img of=\/dev\/sdX/);
  });

  it("needs mtools, and says how to install it", async () => {
    const before = env.PATH;
    env.PATH = folder;
    try {
      await assert.rejects(writeImage(image(), card), /apt-get install mtools/);
    } finally {
      env.PATH = before;
    }
  });
});

describe("a partition table", () => {
  it("is byte by byte what sfdisk 2.38 writes for the recovery images that Raspberry Pi makes", () => {
    const bytes = masterBootRecord({ firstSector: 2048, sectors: 70_000, type: 0x0c }, 0x0a7b5ac5);
    const entry = "c55a7b0a0000" + "00202100" + "0c7b2704" + "00080000" + "70110100";
    assert.equal(Buffer.from(bytes).toString("hex"), `${"00".repeat(440)}${entry}${"00".repeat(48)}55aa`);
  });

  it("refuses numbers that do not fit", () => {
    assert.throws(() => masterBootRecord({ firstSector: 0, sectors: 1, type: 12 }, 1), /firstSector is 0/);
    assert.throws(() => masterBootRecord({ firstSector: 1, sectors: 2 ** 32, type: 12 }, 1), /sectors is 4294967296/);
  });
});
