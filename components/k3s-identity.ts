import { k3sPki } from "../formats/k3s-pki.ts";
import { type K3sToken, k3sToken } from "../formats/k3s-token.ts";
import type { SiteKeys } from "../site/keys.ts";

/** What makes a k3s cluster that one: all of it comes from the site's secret, and previews know it. */
export interface K3sIdentity {
  readonly serverToken: K3sToken;
  readonly agentToken: K3sToken;
  /** Certificates and keys of the cluster's authorities, by their path below k3s's folder `server/tls`. */
  readonly authorities: Readonly<Record<string, string>>;
}

/** The identity of the cluster of that name. */
export function k3sIdentity(keys: SiteKeys, cluster: string): K3sIdentity {
  const { files, caHash } = k3sPki(cluster, (authority) => keys.k3sCa(cluster, authority));
  return {
    serverToken: k3sToken("server", keys.k3sToken(cluster, "server"), caHash),
    agentToken: k3sToken("agent", keys.k3sToken(cluster, "agent"), caHash),
    authorities: files,
  };
}
