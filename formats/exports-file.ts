/** A folder that an NFS server offers. */
export interface NfsExport {
  readonly path: string;
  /** Who may mount it; each with read and write access, root squashed. */
  readonly clients: readonly string[];
}

/** The text of /etc/exports (exports(5)), one client per address: nobody else on the network may mount. */
export function exportsFile(exports: readonly NfsExport[]): string {
  const lines = exports.map(
    ({ path, clients }) =>
      `${path} ${clients.map((client) => `${client}(rw,sync,no_subtree_check,root_squash)`).join(" ")}`,
  );
  return ["# Written by Bramble; changes are overwritten.", ...lines, ""].join("\n");
}
