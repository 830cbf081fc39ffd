import type { ArtifactLock } from "../formats/artifact-lock.ts";
import { lockedFile } from "../formats/artifact-lock.ts";
import { csiNfsArtifact, lockedK3s } from "../formats/k3s-bundle.ts";
import type { K3sReleases } from "./clusters.ts";

/** Where artifacts are in the work folder, below the project: the same path on every runner. */
const cache = ".bramble/artifacts";

/** What the lock pins for k3s clusters. */
export function k3sReleases(lock: ArtifactLock): K3sReleases {
  return {
    release: (version, arch) => {
      const { sha256, lacks } = lockedK3s(lock, version, arch);
      return { file: `${cache}/${sha256}`, sha256, lacks };
    },
    ...(Object.hasOwn(lock.artifacts, csiNfsArtifact) && { driver: pinned(lockedFile(lock, csiNfsArtifact).sha256) }),
  };
}

function pinned(sha256: string) {
  return { file: `${cache}/${sha256}`, sha256 };
}
