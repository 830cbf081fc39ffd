import { type Refusal, show } from "./problem.ts";

/** Raspberry Pis that exist and cannot be used. */
const oldModels =
  /^(r|raspberry)?[-_ ]?(pi)?[-_ ]?((zero|0)([-_ ]?2?[-_ ]?w?h?)?|(1|2|3)([-_ ]?[ab])?([-_ ]?(\+|plus))?|cm[13][+a-z]?|cm0|[ab]\+?)$/i;

/**
 * Why a Raspberry Pi 3 or older is refused, and what to do with it; undefined for any other word. These boards have no
 * bootloader in an EEPROM, so there is nothing that settings for network boot could be written to; they have 1 GiB of
 * memory at most, and the oldest are 32-bit.
 */
export function oldModel(model: unknown): Refusal | undefined {
  if (typeof model !== "string" || !/pi|cm|zero|raspberry/i.test(model) || !oldModels.test(model)) return undefined;
  return {
    message: `${show(model)} cannot be used: a Raspberry Pi 3 or older has no bootloader EEPROM to set up for network boot, and 1GiB of memory at most`,
    hint: "use a Raspberry Pi 4, 400, 5 or 500, or a Compute Module 4 or 5; leave this board out of the file",
  };
}
