import type { BootSource } from "../providers/readiness/boot-server.ts";
import type { FolderServer } from "../providers/transport/folder-server.ts";
import type { SiteKeys } from "../site/keys.ts";
import type { Boot } from "../site/model.ts";
import { reached } from "./reached.ts";

/** How the boot server is reached from where Pulumi runs. */
export function reachedServer({ server }: Boot, keys: SiteKeys): FolderServer {
  return reached({ ...server, name: server.board }, keys);
}

/** The boot server, for who wants to know what boards find there and how far they came. */
export function bootSource(boot: Boot, site: string, keys: SiteKeys): BootSource {
  return { ...reachedServer(boot, keys), site, tftpRoot: boot.server.tftpRoot };
}
