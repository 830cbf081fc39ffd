import { run } from "../../lib/run.ts";
import { virshInfo, virshNames } from "./virsh.ts";

export interface Leftovers {
  /** What others run on this libvirt: it may not be stopped. */
  foreign: string[];
  /** Networks that libvirt brought up by itself when it was started for the lab, and that go down with it. */
  ours: string[];
}

/** What runs on this machine's libvirt once the lab's own VMs and networks are gone. */
export async function leftovers(linksBefore: readonly string[]): Promise<Leftovers> {
  const foreign = (await virshNames("list")).map((name) => `VM ${name}`);
  const ours: string[] = [];
  for (const network of await virshNames("net-list")) {
    const info = await virshInfo("net-info", network);
    const wasUp = linksBefore.includes(info.get("Bridge") ?? "");
    // Debian and Ubuntu define a network "default", which comes up with libvirt where it is marked for that.
    if (info.get("Autostart") === "yes" && !wasUp) ours.push(network);
    else if (!wasUp) foreign.push(`network ${network}`);
  }
  return { foreign, ours };
}

/** Names of the network interfaces of this machine. */
export async function linkNames(): Promise<string[]> {
  const links: unknown = JSON.parse((await run(["ip", "-j", "link", "show"])).stdout);
  if (!Array.isArray(links)) throw new Error("`ip -j link show` did not print a list; is iproute2 older than 4.14?");
  return links.map((link: { ifname?: unknown }) => String(link.ifname));
}
