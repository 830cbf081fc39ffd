import type { ReadinessReport } from "../../formats/readiness-report.ts";
import type { Answer, Strangeness } from "../transport/report.ts";

/** A board that boots over the network, as its site knows it. */
export interface ExpectedBoard {
  readonly name: string;
  /** Of the board that is meant; others may have its address. */
  readonly serial?: string;
}

/** A version of a board's boot folder that is on the boot server. */
export interface Bootable {
  /** 16 hex digits. */
  readonly generation: string;
  /** The image that its command line names; missing where it names none. */
  readonly image?: string;
}

/** What a boot server has for a board: what it boots next, and what it may have booted before. */
export type Published =
  | { readonly kind: "versions"; readonly served: string | undefined; readonly known: readonly Bootable[] }
  /** The boot server can't be asked. */
  | { readonly kind: "unknown" };

export type Judgement =
  /** It runs what is published, and all of it works. */
  | { readonly kind: "current" }
  /** It runs an older version, and all of it works: a reboot is pending, and its VMs go on. */
  | { readonly kind: "behind"; readonly generation: string; readonly why: string }
  /** It works, and nobody can say which version it runs, since the boot server can't be asked. */
  | { readonly kind: "unclear"; readonly why: string }
  /** Anything else that answers. It gets no new VM. */
  | { readonly kind: "degraded"; readonly cause: Cause; readonly why: string }
  /** Nobody answers: it is off, or still booting. */
  | { readonly kind: "off"; readonly why: string };

export type Cause = Strangeness | "not-published" | "other-board" | "unknown-generation" | "other-image" | "problems";

/** What a board is, from what it says of itself and from what is published for it. */
export function judge(board: ExpectedBoard, answer: Answer, published: Published): Judgement {
  if (answer.kind === "silent")
    return { kind: "off", why: "it is off, or still booting: nobody answers at its address" };
  if (answer.kind === "strange") return { kind: "degraded", cause: answer.cause, why: strange(answer) };
  const { report } = answer;
  const other = otherBoard(board, report);
  if (other !== undefined) return degraded("other-board", other);
  if (report.problems.length > 0) return degraded("problems", `it says of itself: ${report.problems.join("; ")}`);
  if (published.kind === "unknown") return { kind: "unclear", why: `it runs ${ran(report)}` };
  const { served, known } = published;
  if (served === undefined) return degraded("not-published", `it runs ${ran(report)}, and nothing is published for it`);
  const booted = known.find(({ generation }) => generation === report.generation);
  if (booted === undefined) {
    const why = `it runs ${ran(report)}, which is not among the versions on the boot server; ${served} is published. Restart it`;
    return degraded("unknown-generation", why);
  }
  if (booted.image !== undefined && booted.image !== report.overlay)
    return degraded("other-image", otherImage(booted, report));
  if (booted.generation === served) return { kind: "current" };
  const why = `reboot pending: it runs ${booted.generation}, and ${served} is published`;
  return { kind: "behind", generation: booted.generation, why };
}

function degraded(cause: Cause, why: string): Judgement {
  return { kind: "degraded", cause, why };
}

function ran({ generation }: ReadinessReport): string {
  return generation === null ? "something that was not booted from here" : `version ${generation}`;
}

function otherBoard({ name, serial }: ExpectedBoard, report: ReadinessReport): string | undefined {
  if (report.board !== name) return `it calls itself ${report.board}: is the address in the site file another board's?`;
  // Eight digits are what boot folders are named after; sites may have more of them.
  if (serial === undefined || report.serial === null || report.serial.slice(-8) === serial.slice(-8)) return undefined;
  return `it has the serial number ${report.serial}, and the site file says ${serial}: another board has its address`;
}

function otherImage({ image = "", generation }: Bootable, { overlay }: ReadinessReport): string {
  const has = overlay === null ? "no image of ours" : `the image ${overlay.slice(0, 16)}`;
  return `it has ${has}, and version ${generation} boots ${image.slice(0, 16)}: what it fetched was changed or broken. Restart it`;
}

function strange({ cause, why }: Extract<Answer, { kind: "strange" }>): string {
  switch (cause) {
    case "refused":
      return "it is there and has no SSH server: it is in the middle of its boot, or lacks its image or its SSH host key";
    case "login":
      return "it shows its host key and does not let Bramble in: its image has another deploy key. Restart it after `up`";
    default:
      return why;
  }
}
