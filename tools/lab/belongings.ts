import { ownerMark } from "../../site/identity.ts";
import { virsh, virshNames } from "./host/virsh.ts";
import { labStack } from "./stack.ts";

/** The lab's network and pool, by the name that components/hypervisor.ts gives them. */
export const labNetwork = `bramble-${labStack}`;
export const labPool = `bramble-${labStack}`;

/** The domains that bear the mark of the lab with this id, among those that `virsh list` shows with these options. */
export async function labDomains(id: string, ...options: string[]): Promise<string[]> {
  const own: string[] = [];
  for (const domain of await virshNames("list", ...options)) {
    if ((await virsh("desc", domain)).trim() === ownerMark(labStack, id)) own.push(domain);
  }
  return own;
}

/** Where the pool of a lab on this machine lies, be it this one's or another's; undefined where there is none. */
export async function labPoolPath(): Promise<string | undefined> {
  if (!(await virshNames("pool-list", "--all")).includes(labPool)) return undefined;
  return /<path>(.*)<\/path>/.exec(await virsh("pool-dumpxml", labPool))?.[1];
}

/** Whether a pool at that path is the one of the lab with this id. */
export function isPoolOf(id: string, path: string): boolean {
  return path.endsWith(`/${labStack}-${id}`);
}
