import { holdersOf, takenRanges } from "../../../tools/lab/host/network.ts";
import { RunError, run, tryRun } from "../../../tools/lib/run.ts";

/** A piece of Ethernet in this machine: a bridge that this machine has an address on, and others are plugged into. */
export interface Segment {
  readonly bridge: string;
  /** As `10.89.1.0/24`. */
  readonly cidr: string;
  /** This machine's address on it. */
  readonly here: string;
  /** The address with that last number. */
  address(last: number): string;
  remove(): Promise<void>;
}

const ranges = ["10.89.1.0/24", "10.89.2.0/24", "10.189.1.0/24", "172.29.89.0/24"] as const;

/** Makes a segment of addresses that nobody on this machine uses. */
export async function makeSegment(): Promise<Segment> {
  const taken = await takenRanges();
  for (const cidr of ranges) {
    const bridge = `bt-${cidr.replace("/24", "")}`;
    if (holdersOf(cidr, taken).length === 0 && (await isMade(bridge))) return await settle(bridge, cidr);
  }
  throw new Error(`each of ${ranges.join(", ")} is in use on this machine`);
}

/** Makes a bridge; false where another test has just done it, which then has the range that it is named after. */
async function isMade(bridge: string): Promise<boolean> {
  try {
    await run(["ip", "link", "add", bridge, "type", "bridge", "stp_state", "0", "forward_delay", "0"]);
    return true;
  } catch (error) {
    if (error instanceof RunError && error.result.stderr.includes("File exists")) return false;
    throw error;
  }
}

async function settle(bridge: string, cidr: string): Promise<Segment> {
  const address = (last: number) => cidr.replace(/0\/24$/, String(last));
  const remove = async () => {
    await tryRun(["ip", "link", "delete", bridge]); // fails where it is gone already
  };
  try {
    await run(["ip", "addr", "add", `${address(1)}/24`, "dev", bridge]);
    await run(["ip", "link", "set", bridge, "up"]);
  } catch (error) {
    await remove();
    throw error;
  }
  return { bridge, cidr, here: address(1), address, remove };
}
