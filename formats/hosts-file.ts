/** One line of /etc/hosts. */
export interface HostsEntry {
  readonly address: string;
  /** The first is the canonical name. */
  readonly names: readonly string[];
}

/** The text of an /etc/hosts that Bramble owns: loopback, then the entries in the order given (hosts(5)). */
export function hostsFile(entries: readonly HostsEntry[]): string {
  const lines = entries.map((entry) => `${entry.address} ${entry.names.join(" ")}`);
  return [
    "# Written by Bramble; changes are overwritten.",
    "127.0.0.1 localhost",
    "::1 localhost ip6-localhost",
    ...lines,
    "",
  ].join("\n");
}
