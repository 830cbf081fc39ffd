/** Who joins: a `server` may do everything in the cluster, an `agent` may only run pods. */
export type K3sJoiner = "server" | "agent";

export interface K3sToken {
  readonly joiner: K3sJoiner;
  /** What a server has itself as `token` or `agent-token`: 64 hex digits. Secret. */
  readonly password: string;
  /** What a joiner has as `token`: with it, it knows the cluster's authority from the first connection on. Secret. */
  readonly full: string;
}

/**
 * The token of one kind of joiner, in k3s's secure form (pkg/clientaccess/token.go).
 * @param secret 32 bytes.
 * @param caHash of {@link import("./k3s-pki.ts").k3sPki}.
 * @throws Error that names the argument which can't be used.
 */
export function k3sToken(joiner: K3sJoiner, secret: Uint8Array, caHash: string): K3sToken {
  if (secret.length !== 32) throw new Error(`secret: it has ${secret.length} bytes, not 32`);
  if (!/^[0-9a-f]{64}$/.test(caHash)) throw new Error(`caHash: ${JSON.stringify(caHash)} is not 64 hex digits`);
  const password = Buffer.from(secret).toString("hex");
  return { joiner, password, full: `K10${caHash}::${users[joiner]}:${password}` };
}

/** As k3s calls them in its list of passwords (pkg/daemons/control/deps/deps.go, genUsers). */
const users = { server: "server", agent: "node" } as const;
