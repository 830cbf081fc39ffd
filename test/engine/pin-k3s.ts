import { createHash } from "node:crypto";
import { pin } from "../../formats/artifact-lock.ts";
import { k3sArtifact } from "../../formats/k3s-bundle.ts";
import { localLockPath } from "../../stacks/read-lock.ts";
import { readLocal, writeLock } from "../../tools/artifacts/lock-file.ts";
import type { Trial } from "./trial.ts";

/** Pins releases with hashes that no file has: previews look at none. */
export async function pinK3s({ folder }: Trial, versions: readonly string[]): Promise<void> {
  let lock = await readLocal(folder);
  for (const version of versions)
    for (const arch of ["aarch64", "x86_64"] as const) {
      const sha256 = createHash("sha256").update(`${version} ${arch}`).digest("hex");
      lock = pin(lock, k3sArtifact(version, arch), { version, sha256, bytes: 1, inputs: "cd".repeat(32) });
    }
  await writeLock(folder, lock, localLockPath);
}
