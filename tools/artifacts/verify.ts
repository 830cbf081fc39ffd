import { filesOf } from "../../formats/artifact-lock.ts";
import { cacheOf, hashCached, purge, withCache } from "./cache.ts";
import { pinned, readLock, titleOf } from "./lock-file.ts";

/**
 * Hashes all that the lock names. What is damaged is removed, so that `fetch` gets it again. Asks nobody.
 * @returns whether all is there and right
 */
export async function verifyArtifacts(project: string, say: (line: string) => void): Promise<boolean> {
  const cache = cacheOf(project);
  const files = pinned(await readLock(project), []).flatMap((named) =>
    filesOf(named[1]).map(({ path, file }) => ({
      title: path === undefined ? titleOf(named) : `${titleOf(named)} ${path}`,
      file,
    })),
  );
  return withCache(cache, "bramble artifacts verify", async () => {
    let right = 0;
    for (const { title, file } of files) {
      const sha256 = await hashCached(cache, file);
      if (sha256 === file.sha256) right++;
      else if (sha256 === undefined) say(`missing: ${title}`);
      else {
        say(`damaged: ${title} has SHA-256 ${sha256}, and ${file.sha256} is pinned; removed`);
        await purge(cache, file);
      }
    }
    say(`${right} of ${files.length} files are there and as pinned.`);
    if (right < files.length) say("The others are had by: npm run bramble -- artifacts fetch");
    return right === files.length;
  });
}
