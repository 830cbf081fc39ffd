import { bootConf } from "../../components/boot-conf.ts";
import { type BootConf, checkBootConf, printBootConf } from "../../formats/bootconf.ts";
import { type PiModel, piModels, tftpPrefix } from "../../formats/raspberry-pi.ts";
import type { Boot, NetworkBoard, Site } from "../../site/model.ts";
import { list, show } from "../../site/problem.ts";

/** What a card is to do. */
export interface WantedCard {
  /** Names its folder. */
  readonly name: string;
  /** For which boards it is, in words. */
  readonly title: string;
  readonly model: PiModel;
  readonly settings: BootConf;
  /** The boot server's address, and in words which files the board will ask for there. */
  readonly server: string;
  readonly asksFor: string;
  /** What else is to be known of it. */
  readonly notes: readonly string[];
}

/** The card of one board, with all that the site says of it. @throws Error that says why there is none, and what to do. */
export function cardForBoard(site: Site, name: string): WantedCard {
  const boot = requireBoot(site);
  const board = boot.boards.find((each) => each.name === name);
  if (board === undefined) throw notFromNetwork(site, boot, name);
  const { bootloader, model } = board;
  if (bootloader === undefined) throw leftAlone(site, `boards.${name}.bootloader or boot.bootloader`);
  const settings = bootConf(bootloader, piModels[model], name, boot.server);
  const alone =
    bootloader.prefix === "name" ? [`It is for ${name} alone: with it, a board asks for the files of ${name}.`] : [];
  return checked({
    name,
    title: `${name}, a ${piModels[model].title}`,
    model,
    settings,
    server: boot.server.address,
    asksFor: `the files in ${folderOf(board, bootloader.prefix)}/`,
    notes: alone,
  });
}

/**
 * One card for all boards of a model, with what boot.bootloader says. What single boards have of their own is in their
 * boot folders, and they take it from there.
 */
export function cardForModel(site: Site, model: PiModel): WantedCard {
  const boot = requireBoot(site);
  const { bootloader } = boot;
  if (bootloader === undefined) throw leftAlone(site, "boot.bootloader");
  const { title } = piModels[model];
  const named = bootloader.prefix === "name";
  const settings = bootConf(named ? { ...bootloader, prefix: "mac" } : bootloader, piModels[model], model, boot.server);
  const own = boot.boards.filter((board) => board.model === model && !sameAs(board, boot)).map((board) => board.name);
  const folder = bootloader.prefix === "serial" ? "serial number (the last 8 digits)" : "MAC address";
  return checked({
    name: `all-${model}`, // a board may be called like its model
    title: `every ${title}`,
    model,
    settings,
    server: boot.server.address,
    asksFor: `the files in the folder of its ${folder}`,
    notes: [...(named ? [withoutName] : []), ...(own.length > 0 ? [withoutOwn(own)] : [])],
  });
}

const withoutName = `prefix: name is not on it, since it is for boards of any name. A board asks by its MAC address at first, and takes
its name from its boot folder.`;

function withoutOwn(boards: readonly string[]): string {
  return `What the site says of single boards (${list(boards, 10)}) is not on it: they take that from their boot folders.`;
}

function requireBoot(site: Site): Boot {
  if (site.boot !== undefined) return site.boot;
  throw new Error(
    `The site ${site.name} has no boot section, so its boards boot from disks of their own and need no card.\n` +
      "For network boot, add to the site file: boot: { server: BOARD, bootloader: {} }",
  );
}

function notFromNetwork(site: Site, { boards }: Boot, name: string): Error {
  const board = site.boards.find((each) => each.name === name);
  const names = boards.map((each) => each.name);
  const others = names.length === 0 ? "No board of the site does." : `These do: ${list(names, 20)}.`;
  if (board === undefined) {
    const all = site.boards.map((each) => each.name);
    return new Error(`The site ${site.name} has no board ${show(name)}; it has ${list(all, 20)}.`);
  }
  const why = board.model === "pc" ? "is a PC" : "has boot: disk";
  return new Error(`${name} ${why}, so it does not boot over the network and needs no card. ${others}`);
}

function leftAlone({ name }: Site, where: string): Error {
  return new Error(
    `The site ${name} says nothing of this bootloader (${where}), so it is left as it is and there is nothing to write.\n` +
      "For the usual settings (network, then SD card; files by MAC address) add to the site file: boot: { …, bootloader: {} }",
  );
}

/** Refuses what no card can do, and settings that the bootloader would not take. */
function checked(wanted: WantedCard): WantedCard {
  const { model, settings } = wanted;
  if (model === "cm4" || model === "cm5") throw throughUsb(wanted, model);
  const { problems } = checkBootConf(settings, model);
  if (problems.length === 0) return wanted;
  const lines = problems.map(({ message }) => `  ${message}`);
  throw new Error(`The bootloader of ${wanted.title} would not take these settings:\n${lines.join("\n")}`);
}

/** The boot ROM of compute modules never looks for recovery.bin on their card or eMMC (reference §3.6). */
function throughUsb({ title, settings }: WantedCard, model: "cm4" | "cm5"): Error {
  const folder = model === "cm4" ? "recovery" : "recovery5";
  const conf = printBootConf(settings).trimEnd().replaceAll(/^/gm, "     ");
  return new Error(`No SD card can set the bootloader of ${title}: compute modules never read
recovery.bin from a card or from eMMC, the Lite ones neither. It goes over USB, with rpiboot from Raspberry Pi's
repository usbboot:
  1. In its folder ${folder}, replace the content of boot.conf by
${conf}
  2. There, run ./update-pieeprom.sh
  3. Set the jumper "disable eMMC boot" (nRPIBOOT) of the carrier board, connect its USB device port, and switch it on.
  4. There, run ../rpiboot -d . and take the jumper off when the LED blinks fast.
From then on the module takes changes from the boot server, like every other board.`);
}

/** Whether a card with the site's settings has all that this board is to have. */
function sameAs({ bootloader }: NetworkBoard, boot: Boot): boolean {
  return JSON.stringify(bootloader) === JSON.stringify(boot.bootloader);
}

function folderOf({ name, mac, serial }: NetworkBoard, prefix: "mac" | "serial" | "name"): string {
  switch (prefix) {
    case "mac":
      return tftpPrefix({ kind: "mac", mac });
    case "serial":
      return tftpPrefix({ kind: "serial", serial });
    case "name":
      return tftpPrefix({ kind: "fixed", text: name });
  }
}
