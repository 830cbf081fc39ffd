import { hkdfSync } from "node:crypto";
import type { Epochs, KeyPurpose } from "./model.ts";
import { type Parsed, show } from "./problem.ts";

/**
 * Every key of a site, derived from its one secret by HKDF-SHA-256 (RFC 5869). Nothing has to be stored to have a key
 * again, and previews know all of them. A key is replaced by raising the epoch of its purpose.
 */
export interface SiteKeys {
  /** 32 bytes for a purpose and a subject, the name of what the key belongs to. @throws when the subject is no name. */
  derive(purpose: KeyPurpose, subject: string): Uint8Array;
  /** Seed of the Ed25519 key that signs the site's SSH certificates. */
  sshCa(): Uint8Array;
  /** Seed of the Ed25519 host key of a VM or board. */
  sshHostKey(machine: string): Uint8Array;
  /** Seed of the Ed25519 key by which Bramble itself logs in. */
  deployKey(): Uint8Array;
  /** The munge key of a cluster. */
  mungeKey(cluster: string): Uint8Array;
  /** The secret that one of a k3s cluster's authorities has its key from. */
  k3sCa(cluster: string, authority: string): Uint8Array;
  /** The secret of the token by which servers, or agents, join a k3s cluster. */
  k3sToken(cluster: string, joiner: "server" | "agent"): Uint8Array;
}

/** Length of a site's secret, in bytes. */
export const siteSecretLength = 32;

const salt = "bramble/v1";
/** A VM's name is longer than any the user chooses: cluster, group and number. */
const longestSubject = 63;

/**
 * The keys of a site.
 * @param secret 32 random bytes, known to the stack only.
 * @param site the site's name, subject of the keys that exist once per site.
 * @throws when the secret has another length.
 */
export function siteKeys(secret: Uint8Array, site: string, epochs: Epochs): SiteKeys {
  const derive = (purpose: KeyPurpose, subject: string) =>
    hkdf(secret, `${purpose}/${checkedSubject(subject)}#${epochs[purpose]}`, 32);
  const of = (purpose: KeyPurpose, cluster: string, part: string) =>
    hkdf(secret, `${purpose}/${checkedSubject(cluster)}/${checkedSubject(part)}#${epochs[purpose]}`, 32);
  return {
    derive,
    sshCa: () => derive("sshCa", site),
    sshHostKey: (machine) => derive("sshHostKey", machine),
    deployKey: () => derive("deployKey", site),
    mungeKey: (cluster) => derive("mungeKey", cluster),
    k3sCa: (cluster, authority) => of("k3sCa", cluster, authority),
    k3sToken: (cluster, joiner) => of("k3sToken", cluster, joiner),
  };
}

/**
 * The site's secret as a stack's configuration keeps it: 64 hex digits. What is wrong is said of the stack, with the
 * command to run; what was given is never shown.
 */
export function parseSiteSecret(text: string | undefined): Parsed<Uint8Array> {
  if (text === undefined) {
    const hint = "Make one: npm run bramble -- secret new";
    return { message: "has no site secret, from which all of its keys are made", hint };
  }
  if (/^[0-9a-f]{64}$/i.test(text)) return { value: Uint8Array.from(Buffer.from(text, "hex")) };
  const what = text.length === 64 ? "holds other characters than 0-9 and a-f" : `has ${text.length} characters, not 64`;
  const hint = "Was it cut when pasted? Give it again, whole: npm run bramble -- secret restore";
  return { message: `has a site secret that ${what}`, hint };
}

/** Eight hex digits that tell one secret from another and give nothing away; fit for logs and file names. */
export function siteId(secret: Uint8Array): string {
  return Buffer.from(hkdf(secret, "siteId", 4)).toString("hex");
}

function hkdf(secret: Uint8Array, info: string, length: number): Uint8Array {
  if (secret.length !== siteSecretLength) {
    throw new Error(
      `the site's secret has ${secret.length} bytes and not ${siteSecretLength}; was it cut when pasted?`,
    );
  }
  return new Uint8Array(hkdfSync("sha256", secret, salt, info, length));
}

/** Subjects hold neither `/` nor `#`, so two labels are equal only if purpose, subject and epoch are. */
function checkedSubject(subject: string): string {
  if (subject.length <= longestSubject && /^[a-z][a-z0-9-]*$/.test(subject)) return subject;
  throw new Error(`${show(subject)} is not a name that a key can be derived for`);
}
