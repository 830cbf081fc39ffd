import { boardSeed } from "../formats/board-seed.ts";
import { mountsPath } from "../formats/bramble-mounts.ts";
import { exportsFile, storageExportsPath } from "../formats/exports-file.ts";
import { identityUrl } from "../providers/steps/boot-server-files.ts";
import type { BootServer, NetworkBoard, Site } from "../site/model.ts";
import { bridgeOf } from "./board-image.ts";
import { storageExports, storageMounts } from "./storage-mounts.ts";

/** The folder of a board's seed, in that of its generation. */
export const seedFolder = "seed";

/** What a board is told of itself at each boot, by path below the folder of its generation. Everybody can read it. */
export function seedFiles(board: NetworkBoard, server: BootServer, site: Site, siteId: string): Record<string, string> {
  const { network } = site;
  const seed = boardSeed({
    hostname: board.name,
    instanceId: `${site.name}.${board.name}`,
    network: {
      address: board.address,
      prefixLength: network.prefixLength,
      dns: network.dns,
      ...(network.gateway && { gateway: network.gateway }),
      ...(board.role === "hypervisor" && { bridge: bridgeOf(network) }),
    },
    identityUrl: identityUrl(server.address, server.httpPort),
    files: ownFiles(board, site, siteId),
  });
  return Object.fromEntries(Object.entries(seed).map(([path, text]) => [`${seedFolder}/${path}`, text]));
}

/** What only this board has in its system. */
function ownFiles(board: NetworkBoard, { name: site, storages }: Site, siteId: string) {
  const texts = {
    [mountsPath.slice(1)]: storageMounts(storages, board, siteId),
    [storageExportsPath(site).slice(1)]: exportsText(board, storages, siteId),
  };
  const there = Object.entries(texts).filter(([, text]) => text !== "");
  return Object.fromEntries(there.map(([path, text]) => [path, { text, mode: 0o644 }]));
}

function exportsText({ name }: NetworkBoard, storages: Site["storages"], siteId: string): string {
  const exports = storageExports(storages, name, siteId);
  return exports.length === 0 ? "" : exportsFile(exports);
}
