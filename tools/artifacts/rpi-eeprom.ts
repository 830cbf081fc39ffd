import { z } from "zod";
import { askGithub, contentsSchema, type Listed } from "./github.ts";
import type { Release } from "./known.ts";
import { makers, type Upstream } from "./upstream.ts";

/** Raspberry Pi's bootloader images (reference raspberry-pi-boot.md 3). The address of a commit never changes. */
const repository = "raspberrypi/rpi-eeprom";

/** The chip of Pi 4, 400 and CM4, or of Pi 5, 500 and CM5. */
export type Chip = "2711" | "2712";

/** GitHub's answers, as far as they are used. */
const commitsSchema = z.array(
  z.object({
    sha: z.string().regex(/^[0-9a-f]{40}$/),
    commit: z.object({ committer: z.object({ date: z.string() }) }),
  }),
);
/**
 * A bootloader image: the newest that Raspberry Pi recommends, or that of the given date.
 * @param version such as 2026-05-17
 */
export async function eepromRelease(chip: Chip, upstream: Upstream, version: string | undefined): Promise<Release> {
  const top = `firmware-${chip}`;
  const { commit } = await newestCommit(top, upstream);
  const folders = version === undefined ? ["default"] : ["default", "latest", "old/default", "old/latest"];
  for (const folder of folders) {
    const files = await contents(`${top}/${folder}`, commit, upstream);
    const dated = files.flatMap((file) => {
      const date = /^pieeprom-(\d{4}-\d{2}-\d{2})\.bin$/.exec(file.name)?.[1];
      return date === undefined ? [] : [{ date, file }];
    });
    dated.sort((a, b) => (a.date < b.date ? 1 : -1));
    const found = version === undefined ? dated[0] : dated.find(({ date }) => date === version);
    if (found !== undefined)
      return release(found.date, found.date, `${commit}/${top}/${folder}/${found.file.name}`, found.file);
  }
  throw new Error(`${repository} has no pieeprom-${version ?? "DATE"}.bin in ${top}/{${folders.join(",")}}`);
}

/**
 * recovery.bin as it goes with the recommended image. It has no version of its own: the date is that of the commit that
 * last changed it.
 */
export async function recoveryRelease(chip: Chip, upstream: Upstream, version: string | undefined): Promise<Release> {
  const folder = `firmware-${chip}/default`;
  const { commit, date } = await newestCommit(`${folder}/recovery.bin`, upstream, version);
  if (version !== undefined && date !== version)
    throw new Error(
      `${repository} did not change ${folder}/recovery.bin on ${version}; the last change before was on ${date}`,
    );
  const file = (await contents(folder, commit, upstream)).find(({ name }) => name === "recovery.bin");
  if (file === undefined) throw new Error(`${repository} has no ${folder}/recovery.bin at commit ${commit}`);
  return release(date, date, `${commit}/${folder}/recovery.bin`, file);
}

function release(version: string, released: string, path: string, { size, sha }: Listed): Release {
  const url = `${makers["github-raw"]}/${repository}/${path}`;
  return { version, released, url, bytes: size, published: { kind: "git-blob", hex: sha } };
}

/** The last commit that changed a path, on the given day or before. */
async function newestCommit(path: string, upstream: Upstream, day?: string): Promise<{ commit: string; date: string }> {
  if (day !== undefined && !/^\d{4}-\d{2}-\d{2}$/.test(day))
    throw new Error(`Versions of recovery.bin are dates such as 2026-05-17, not ${JSON.stringify(day)}`);
  const until = day === undefined ? "" : `&until=${day}T23:59:59Z`;
  const [newest] =
    (await askGithub(repository, `commits?path=${path}&per_page=1${until}`, commitsSchema, upstream)) ?? [];
  if (newest === undefined) throw new Error(`${repository} has no commit that changed ${path}`);
  return { commit: newest.sha, date: newest.commit.committer.date.slice(0, 10) };
}

/** The files of a folder at a commit; none where there is no such folder. */
async function contents(folder: string, commit: string, upstream: Upstream): Promise<readonly Listed[]> {
  const listed = (await askGithub(repository, `contents/${folder}?ref=${commit}`, contentsSchema, upstream)) ?? [];
  return listed.filter(({ type }) => type === "file");
}
