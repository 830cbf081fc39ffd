import type { Bootconf, EepromState } from "./eeprom.ts";
import type { PiModel } from "./models.ts";

/** A board as its bootloader's code sees it: all that may be left out is filled in. */
export interface Board {
  readonly model: PiModel;
  readonly serial: string;
  readonly bootconf: Bootconf;
  readonly eeprom: EepromState;
  /** What is put before every name, or "". */
  readonly prefix: string;
  readonly stepping: "c1" | "d0";
  readonly hasVl805: boolean;
}
