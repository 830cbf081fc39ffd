import { csiNfsArtifact, type K3sArch, parseK3sArtifact } from "../../formats/k3s-bundle.ts";
import { alpineRelease } from "./alpine.ts";
import type { Selection } from "./archive.ts";
import { type PublishedManifests, publishedManifests } from "./csi-driver-nfs.ts";
import { eepromRelease, recoveryRelease } from "./rpi-eeprom.ts";
import type { Upstream } from "./upstream.ts";

/** A version that upstream publishes. */
export interface Release {
  readonly version: string;
  /** `2026-11-05`, where upstream says it. */
  readonly released?: string | undefined;
  readonly url: string;
  /** Undefined where upstream does not say it. */
  readonly bytes?: number | undefined;
  /** How upstream says what is in the file. */
  readonly published: Published;
}

/** A hash in hex: SHA-256 of the file, or the name that git gives to its content (SHA-1). */
export type Published = { readonly kind: "sha256" | "git-blob"; readonly hex: string };

/** What `update` can find by itself. */
export type KnownArtifact = KnownFile | KnownPackages | KnownManifests | KnownK3s;

/** A file, perhaps an archive. */
export interface KnownFile {
  readonly what: string;
  /** The newest release, or the given one. */
  readonly release: (upstream: Upstream, version: string | undefined) => Promise<Release>;
  /** The files that are taken from an archive. */
  readonly files?: Selection;
}

/** Packages of Alpine, each a file, with all that they depend on. */
export interface KnownPackages {
  readonly what: string;
  readonly packages: AlpineArch;
}

/** What Kubernetes is told to run: files of a release, joined into one. */
export interface KnownManifests {
  readonly what: string;
  readonly manifests: (upstream: Upstream, version: string | undefined) => Promise<PublishedManifests>;
}

/** A k3s, whose version is in its name: packed from its release, or built here. */
export interface KnownK3s {
  readonly what: string;
  readonly k3s: { readonly version: string; readonly arch: K3sArch };
}

export type AlpineArch = "aarch64" | "x86_64";

/** The name of an architecture's packages in the lock. */
export function packagesName(arch: AlpineArch): string {
  return `alpine-packages-${arch}`;
}

/**
 * What a Raspberry Pi boots from, in one archive: kernel, initramfs, modules, device trees and firmware, all of one build.
 * The packages in it are too few for what boards are for, so all of them come from Alpine's repositories.
 * Alpine's netboot archive is not used: it has no device trees, overlays or firmware for Raspberry Pis, and its kernel
 * may be of another build than those. What this one lacks beside it is certificates in the initramfs, and boot files
 * come over HTTP, with hashes that were checked here (reference alpine-boot.md 3.1 to 3.3).
 */
const alpineRpi: Selection = {
  required: [
    "start4.elf",
    "fixup4.dat",
    "bcm2711-rpi-4-b.dtb",
    "bcm2712-rpi-5-b.dtb",
    "boot/vmlinuz-rpi",
    "boot/initramfs-rpi",
    "boot/modloop-rpi",
  ],
  also: /^(bcm271[12][\w-]*\.dtb|overlays\/[^/]+\.dtbo?)$/,
};

/** What `update` finds under a name. There is a k3s under the name of each of its versions. */
export function knownArtifact(name: string): KnownArtifact | undefined {
  const k3s = parseK3sArtifact(name);
  return k3s === undefined ? known.get(name) : { what: `k3s ${k3s.version}`, k3s };
}

/** The artifacts that `update` can find by itself, but for those of k3s. */
export const known: ReadonlyMap<string, KnownArtifact> = new Map<string, KnownArtifact>([
  [
    "alpine-rpi",
    {
      what: "Alpine Linux for Raspberry Pis: firmware, device trees, kernel, initramfs, modules",
      release: alpineRelease,
      files: alpineRpi,
    },
  ],
  ...(["aarch64", "x86_64"] as const).map((arch): readonly [string, KnownPackages] => [
    packagesName(arch),
    { what: `the packages that images of ${arch} ask for, with all that these need`, packages: arch },
  ]),
  ...(["2711", "2712"] as const).flatMap((chip): readonly (readonly [string, KnownFile])[] => {
    const boards = chip === "2711" ? "Pi 4, 400, CM4" : "Pi 5, 500, CM5";
    return [
      [
        `pi-eeprom-${chip}`,
        {
          what: `the bootloader of ${boards}`,
          release: (upstream, version) => eepromRelease(chip, upstream, version),
        },
      ],
      [
        `pi-recovery-${chip}`,
        {
          what: `what writes the bootloader of ${boards} from an SD card`,
          release: (upstream, version) => recoveryRelease(chip, upstream, version),
        },
      ],
    ];
  }),
  [csiNfsArtifact, { what: "the driver for volumes of k3s on NFS", manifests: publishedManifests }],
]);
