import { mergeLayers } from "../formats/alpine-layers.ts";
import { disklessLayer } from "../formats/alpine-services.ts";
import { type NamedLayer, type RenderedSystem, renderSystem } from "../formats/alpine-system.ts";
import { sshKeyPair } from "../formats/ssh-key.ts";
import { boardLayers } from "../images/alpine/layers.ts";
import type { SiteKeys } from "../site/keys.ts";
import type { ImageLayer, Network, NetworkBoard, Site } from "../site/model.ts";
import type { Path } from "../site/problem.ts";

/** Who may come in to boards; public halves only. */
export interface BoardAccess {
  /** The key by which Bramble logs in, as a public key line. */
  readonly deployKey: string;
  /** The key that signs the certificates of people and boards, as a public key line. */
  readonly ca: string;
}

/** Who may come in, by the site's keys. */
export function boardAccess(keys: SiteKeys): BoardAccess {
  return { deployKey: sshKeyPair(keys.deployKey()).publicKey, ca: sshKeyPair(keys.sshCa()).publicKey };
}

/** An image, and the name under which boards find it. */
export interface BoardImage {
  /** `hypervisor-aarch64`; `pi1.hypervisor-aarch64` for a board with a layer of its own. */
  readonly profile: string;
  readonly rendered: RenderedSystem;
}

const arch = "aarch64"; // every board that boots over the network is a Raspberry Pi

/** The profile of a board: boards of one profile have one image. */
export function profileOf({ name, role, layers }: NetworkBoard): string {
  const profile = `${role}-${arch}`;
  return layers.some(({ path }) => path[0] === "boards") ? `${name}.${profile}` : profile;
}

/**
 * The image of a board.
 * @param released date of the system that it is for, as 2026-11-05
 * @throws Error with everything that is wrong with what the site file adds, by layer
 */
export function boardImage(board: NetworkBoard, access: BoardAccess, network: Network, released: string): BoardImage {
  const rendered = renderSystem(layersOf(board, access, network), { arch, released });
  return { profile: profileOf(board), rendered };
}

/** A word of apk's world, and what asks for it. */
export interface WantedPackage {
  readonly word: string;
  /** `boards.pi1.image`, `role hypervisor`. */
  readonly where: string;
  /** Where in the site file it stands, if it does. */
  readonly path?: Path;
}

/** The worlds of a site's boards, one for each profile: what they have in their systems, with what asks for it. */
export function wantedWorlds({ boot, network }: Site): WantedPackage[][] {
  const boards = new Map((boot?.boards ?? []).map((board) => [profileOf(board), board]));
  return [...boards.values()].map((board) => {
    const noKeys = { deployKey: "", ca: "" }; // they are no packages
    const { packages } = mergeLayers([disklessLayer, ...layersOf(board, noKeys, network)]);
    return [...packages.values()].map(({ value: word, from: where }): WantedPackage => {
      const layer = board.layers.find(({ at }) => at === where);
      return { word, where, ...(layer && { path: [...layer.path, "packages", layer.packages.indexOf(word)] }) };
    });
  });
}

function layersOf(board: NetworkBoard, { deployKey, ca }: BoardAccess, network: Network): NamedLayer[] {
  const facts = { authorizedKeys: [deployKey], userCa: ca, timeServers: network.ntp, bridge: bridgeOf(network) };
  return [...boardLayers(board.role, facts), ...board.layers.map(namedLayer)];
}

/** The bridge of hosts that boot over the network; boards only do in mode bridge. */
export function bridgeOf({ bridge = "br0" }: Network): string {
  return bridge;
}

function namedLayer({ at, path: _, ...layer }: ImageLayer): NamedLayer {
  return { name: at, layer };
}
