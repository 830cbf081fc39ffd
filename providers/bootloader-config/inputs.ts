import type { BootConf } from "../../formats/bootconf.ts";
import type { PiModel } from "../../formats/raspberry-pi.ts";
import type { TreePlace } from "../tftp-tree/inputs.ts";
import type { SshTarget } from "../transport/ssh.ts";

/** What a board's bootloader is to be. All of it is known in previews. */
export interface BootloaderInputs {
  readonly model: PiModel;
  /** Another serial number is another board, with another EEPROM. */
  readonly serial: string;
  /** The pinned bootloader: its hash, and its release as a date, `2026-05-17`. */
  readonly image: { readonly sha256: string; readonly version: string };
  readonly settings: BootConf;
  /** The user's word that an older release is meant: `to 2025-05-08`. */
  readonly downgrade?: string;
  /** Where the board says what it runs. */
  readonly board: SshTarget;
  /** Whose key logs in there. */
  readonly site: string;
  /** Where its boot folder is, under these names. */
  readonly served: Pick<TreePlace, "server" | "root"> & { readonly names: readonly string[] };
}

/**
 * What a board's boot folder needs to know, to make pieeprom.upd and pieeprom.sig in milliseconds from the pinned image.
 * The time in the signature is chosen when they are published: a board takes an update only if that is above the time
 * of its last one.
 */
export interface BootloaderUpdate extends UpdateState {
  /** SHA-256 of the pinned image. */
  readonly image: string;
  readonly model: PiModel;
  /** The text of bootconf.txt in it. */
  readonly config: string;
}

/** The part of it that is not known before it is made. */
export interface UpdateState {
  /** SHA-256 of pieeprom.upd. */
  readonly sha256: string;
  /** When the board last took an update, as it reported; 0 if it did not. In seconds since 1970. */
  readonly taken: number;
  /** Whether the board has reported that it runs these settings. */
  readonly confirmed: boolean;
}

/** What a board reported of its bootloader. */
export interface ReportedBootloader {
  /** When the running bootloader was built, in seconds since 1970. */
  readonly built: number;
  /** The time of the last update that it took. */
  readonly updated: number;
  /** SHA-256 of the text of bootconf.txt that it runs. */
  readonly config: string;
}

/** What the state holds beside the inputs. */
export interface BootloaderOutputs {
  readonly schemaVersion: 1;
  /** Where to ask, and with whose key. */
  readonly board: SshTarget;
  readonly site: string;
  readonly serial: string;
  /** Tells these inputs from others. */
  readonly digest: string;
  /** SHA-256 of the text of bootconf.txt that is wanted. */
  readonly config: string;
  readonly state: UpdateState;
  /** Missing as long as the board was never asked with success. */
  readonly reported?: ReportedBootloader;
}
