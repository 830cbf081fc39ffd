import { mkdir, rm, stat, writeFile } from "node:fs/promises";
import { unlessAbsent } from "../lib/files.ts";

const note = `Pulumi would keep a debug log of each of its runs in a folder of this name. For a site of hundreds of boards that was a
third of the time of a preview, and half a gigabyte within an hour. With this file in its place it keeps none, and
\`pulumi --logtostderr -v=9\` still shows all of it.
`;

/** Has Pulumi keep no logs in this home, and removes those that are there. There is no setting for it (3.259). */
export async function keepNoLogs(home: string): Promise<void> {
  const path = `${home}/logs`;
  if ((await stat(path).catch(unlessAbsent))?.isFile()) return;
  await rm(path, { recursive: true, force: true });
  await mkdir(home, { recursive: true });
  await writeFile(path, note);
}
