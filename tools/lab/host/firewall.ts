import { tryRun } from "../../lib/run.ts";

const tools = ["iptables", "ip6tables"];
const tables = ["filter", "nat", "mangle"];
/** Since libvirt 10.4, where it is set to use nftables: tables of its own. */
const nftables = [
  ["ip", "libvirt_network"],
  ["ip6", "libvirt_network"],
] as const;

/** Whether libvirt's chains or tables are in this machine's packet filter. They stay there when libvirt ends. */
export async function hasLibvirtRules(): Promise<boolean> {
  for (const tool of tools) if ((await saved(tool)).includes("LIBVIRT_")) return true;
  return (await nftTables()).length > 0;
}

/** Removes libvirt's empty chains and tables from the packet filter; one that holds a rule stays, with all others. */
export async function removeLibvirtRules(): Promise<void> {
  for (const tool of tools) {
    for (const table of tables) {
      for (const change of removals(await saved(tool, table))) await tryRun([tool, "-w", "5", "-t", table, ...change]);
    }
  }
  for (const [family, table] of await nftTables()) await tryRun(["nft", "delete", "table", family, table]);
}

/** The iptables arguments that remove libvirt's chains from a table as iptables-save prints it; none while one is in use. */
export function removals(save: string): string[][] {
  const lines = save.split("\n");
  if (lines.some((line) => line.startsWith("-A LIBVIRT_"))) return [];
  const jumps = lines.flatMap((line) => {
    const [, from, to] = /^-A (\S+) -j (LIBVIRT_\S+)$/.exec(line) ?? [];
    return from === undefined || to === undefined ? [] : [["-D", from, "-j", to]];
  });
  const chains = lines.flatMap((line) => {
    const [, chain] = /^:(LIBVIRT_\S+) /.exec(line) ?? [];
    return chain === undefined ? [] : [["-X", chain]];
  });
  return [...jumps, ...chains];
}

/** What the machine's iptables holds; nothing where there is none, as on machines with firewalld or nft alone. */
async function saved(tool: string, table?: string): Promise<string> {
  if (!(await isThere(`${tool}-save`))) return "";
  return (await tryRun([`${tool}-save`, ...(table === undefined ? [] : ["-t", table])])).stdout;
}

async function nftTables() {
  if (!(await isThere("nft"))) return [];
  const listed = (await tryRun(["nft", "list", "tables"])).stdout.split("\n");
  return nftables.filter(([family, table]) => listed.includes(`table ${family} ${table}`));
}

async function isThere(program: string): Promise<boolean> {
  return (await tryRun(["which", program])).code === 0;
}
