import { parseReadinessReport, type ReadinessReport } from "../../formats/readiness-report.ts";
import { connect, HostKeyMismatch, type SshTarget, Unreachable } from "./ssh.ts";

/** Where a board writes what it says of itself. */
export const reportPath = "/run/bramble/report.json";

/** How long a board may take to answer, in seconds. One that boots, or is off, is asked again another time. */
const patience = 4;

export type Answer =
  | { readonly kind: "report"; readonly report: ReadinessReport }
  /** Off, or still booting. */
  | { readonly kind: "silent"; readonly why: string }
  /** Something answers that is not, or not yet, the board as it should be. */
  | { readonly kind: "strange"; readonly why: string };

/** Asks a board for its readiness report over SSH: only that proves who says it. */
export async function askBoard(board: SshTarget, deployKey: string): Promise<Answer> {
  try {
    const connection = await connect(board, deployKey, { patience });
    try {
      const { code, stdout, stderr } = await connection.run('cat "$1"', [reportPath]);
      if (code !== 0) return { kind: "strange", why: `${board.name} has no readiness report: ${stderr.trim()}` };
      const read = parseReadinessReport(stdout);
      return read.ok
        ? { kind: "report", report: read.report }
        : { kind: "strange", why: `${board.name}: ${read.reason}` };
    } finally {
      connection.close();
    }
  } catch (error) {
    if (error instanceof HostKeyMismatch) return { kind: "strange", why: error.message };
    // Who refuses a connection is there, only not as it should be.
    if (error instanceof Unreachable)
      return { kind: error.message.includes("ECONNREFUSED") ? "strange" : "silent", why: error.message };
    throw error;
  }
}
