import { checkBootConf, printBootConf } from "../../formats/bootconf.ts";
import { sha256Of, shortDigest } from "../digest.ts";
import type { CheckFailure } from "../tftp-tree/inputs.ts";
import { inFolder } from "../transport/folder-server.ts";
import { siteDeployKey } from "../transport/key-files.ts";
import { askBoard } from "../transport/report.ts";
import type { SshTarget } from "../transport/ssh.ts";
import type { BootloaderInputs, BootloaderOutputs, ReportedBootloader } from "./inputs.ts";
import { makeUpdate } from "./update.ts";

/** The engine's view of a BootloaderConfig. check and diff are pure: previews ask nobody. */

/** Refuses settings that the bootloader would not take, and an older release that nobody asked for. */
export function check(
  olds: Partial<BootloaderInputs>,
  news: BootloaderInputs,
): { inputs: BootloaderInputs; failures: CheckFailure[] } {
  const failures = checkBootConf(news.settings, news.model, news.image.version).problems.map(
    ({ property, message }): CheckFailure => ({ property: `settings.${property}`, reason: message }),
  );
  const sameBoard = olds.serial === news.serial;
  if (sameBoard && olds.image !== undefined && olds.image.version > news.image.version && !allowsOlder(news)) {
    const reason =
      `${news.board.name} has the bootloader of ${olds.image.version}, and ${news.image.version} is older. ` +
      `If that is meant, write bootloader: { downgrade: "to ${news.image.version}" }`;
    // Of no property: the engine would print the image's value before the reason.
    failures.push({ property: "", reason });
  }
  return { inputs: news, failures };
}

export function diff(
  _id: string,
  olds: BootloaderOutputs,
  news: BootloaderInputs,
): { changes: boolean; replaces: string[] } {
  const replaces = olds.serial === news.serial ? [] : ["serial"];
  return { changes: olds.digest !== digestOf(news), replaces };
}

export async function create(news: BootloaderInputs): Promise<{ id: string; outs: BootloaderOutputs }> {
  return { id: `${news.site}/${news.board.name}`, outs: await settle(news, undefined) };
}

export async function update(
  _id: string,
  olds: BootloaderOutputs,
  news: BootloaderInputs,
): Promise<{ outs: BootloaderOutputs }> {
  return { outs: await settle(news, olds) };
}

/** What the board runs now. One that does not answer is what it was when it last did. */
export async function read(id: string, props: BootloaderOutputs): Promise<{ id: string; props: BootloaderOutputs }> {
  const reported = (await ask(props.board, props.site)) ?? props.reported;
  return { id, props: { ...props, ...said(props.state.sha256, props.config, reported) } };
}

/** What is in a board's EEPROM stays there, and what is published goes with its boot folder. */
export async function delete_(): Promise<void> {}
export { delete_ as delete };

/** Makes the update once, to see that it can be made and what it comes to. */
async function settle(news: BootloaderInputs, olds: BootloaderOutputs | undefined): Promise<BootloaderOutputs> {
  const { image, model, settings, board, site, serial } = news;
  const text = printBootConf(settings);
  const { sha256, release } = await makeUpdate({ image: image.sha256, model, config: text });
  // For the same update, the board is not asked: its boot folder stays as it is, as the preview said.
  const isSame = olds?.state.sha256 === sha256;
  const isAsked = !isSame && (olds !== undefined || (await wasServed(news)));
  const reported = (isAsked ? await ask(board, site) : undefined) ?? olds?.reported;
  if (reported !== undefined && release.buildTimestamp !== undefined && reported.built > release.buildTimestamp) {
    if (!allowsOlder(news))
      throw new Error(
        `${board.name} runs a bootloader of ${day(reported.built)}, and the pinned one is of ${day(release.buildTimestamp)}, ` +
          `which is older. Pin a newer one (npm run bramble -- artifacts update), or, if that is meant, write ` +
          `bootloader: { downgrade: "to ${image.version}" }. Nothing was published`,
      );
  }
  const config = sha256Of(text);
  return {
    schemaVersion: 1,
    ...{ board, site, serial, config },
    digest: digestOf(news),
    ...said(sha256, config, reported),
  };
}

/** What follows from what the board reported last. */
function said(
  sha256: string,
  config: string,
  reported: ReportedBootloader | undefined,
): Pick<BootloaderOutputs, "state" | "reported"> {
  if (reported === undefined) return { state: { sha256, taken: 0, confirmed: false } };
  return { state: { sha256, taken: reported.updated, confirmed: reported.config === config }, reported };
}

/**
 * Whether the board can have booted from its folder: the state may be lost, or taken from a backup. One that never could
 * has no key by which it lets us in, and asking hundreds that are off takes minutes.
 */
async function wasServed({ served, site }: BootloaderInputs): Promise<boolean> {
  return await inFolder(served.server, served.root, site, async (folder) => {
    const there = await Promise.all(served.names.map((name) => folder.stat(name)));
    return there.some((entry) => entry !== undefined);
  });
}

async function ask(board: SshTarget, site: string): Promise<ReportedBootloader | undefined> {
  const answer = await askBoard(board, await siteDeployKey(site));
  if (answer.kind === "strange") console.error(answer.why);
  if (answer.kind !== "report" || answer.report.bootloader === null) return undefined;
  const { buildTimestamp, updateTimestamp, settings } = answer.report.bootloader;
  return { built: buildTimestamp, updated: updateTimestamp, config: sha256Of(settings) };
}

function allowsOlder({ downgrade, image }: BootloaderInputs): boolean {
  return downgrade === `to ${image.version}`;
}

function day(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}

/** Over all that decides about the update. */
export function digestOf({ model, serial, image, settings, downgrade, board, site }: BootloaderInputs): string {
  return shortDigest({ model, serial, image, settings, downgrade, board, site });
}
