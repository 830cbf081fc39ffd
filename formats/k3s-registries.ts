import { yaml } from "./nocloud.ts";

/** What k3s's registries.yaml says, by its names (https://docs.k3s.io/installation/private-registry). */
export interface K3sRegistries {
  /** By the registry that they stand in for, `*` for all others. */
  readonly mirrors: Readonly<Record<string, RegistryMirror>>;
  /** By the host of a registry or mirror. */
  readonly configs: Readonly<Record<string, RegistryAccess>>;
}

export interface RegistryMirror {
  /** URLs, asked in this order before the registry itself. */
  readonly endpoint: readonly string[];
  /** Patterns of image names, and what takes their place. */
  readonly rewrite?: Readonly<Record<string, string>> | undefined;
}

export interface RegistryAccess {
  /** Paths of files on the node. */
  readonly tls?:
    | {
        readonly ca_file?: string | undefined;
        readonly cert_file?: string | undefined;
        readonly key_file?: string | undefined;
        readonly insecure_skip_verify?: boolean | undefined;
      }
    | undefined;
}

/** The text of /etc/rancher/k3s/registries.yaml, the same for the same content in any order of its entries. */
export function registriesFile({ mirrors, configs }: K3sRegistries): string {
  const file = {
    ...(Object.keys(mirrors).length > 0 && { mirrors: inOrder(mirrors) }),
    ...(Object.keys(configs).length > 0 && { configs: inOrder(configs) }),
  };
  return `# Written by Bramble; changes are overwritten.\n${yaml(file)}`;
}

/** The order of rewrites stays, since the first that matches counts. */
function inOrder(entries: Readonly<Record<string, object>>): Record<string, object> {
  return Object.fromEntries(
    Object.entries(entries)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, entry]) => [name, said(entry)]),
  );
}

/** Without the keys that say nothing. */
function said(entry: object): object {
  return Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined));
}
