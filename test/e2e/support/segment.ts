import { randomBytes } from "node:crypto";
import { pickRange, takenRanges } from "../../../tools/lab/host/network.ts";
import { run, tryRun } from "../../../tools/lib/run.ts";

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
  const [preferred, ...others] = ranges;
  const cidr = pickRange(preferred, others, await takenRanges());
  const address = (last: number) => cidr.replace(/0\/24$/, String(last));
  const bridge = `bt-${randomBytes(4).toString("hex")}`;
  const remove = async () => {
    await tryRun(["ip", "link", "delete", bridge]); // fails where it was not made yet
  };
  try {
    await run(["ip", "link", "add", bridge, "type", "bridge", "stp_state", "0", "forward_delay", "0"]);
    await run(["ip", "addr", "add", `${address(1)}/24`, "dev", bridge]);
    await run(["ip", "link", "set", bridge, "up"]);
  } catch (error) {
    await remove();
    throw error;
  }
  return { bridge, cidr, here: address(1), address, remove };
}
