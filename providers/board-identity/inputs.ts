import { sshKeyPair } from "../../formats/ssh-key.ts";
import { shortDigest } from "../digest.ts";
import type { CheckFailure } from "../tftp-tree/inputs.ts";
import type { FolderServer } from "../transport/folder-server.ts";

/**
 * Who a board is: its SSH host key, certified by the site. The authority's seed is used where `up` runs, and is sent to
 * no machine: the boot server has the certificates of its boards, and could make none for another name or for longer.
 */
export interface BoardIdentityInputs {
  /** The machine that hands it to the board. */
  readonly server: FolderServer;
  /** Absolute path of the folder there with the identities of the site's boards. */
  readonly root: string;
  /** Whose folder that is. The id tells two sites of one name apart. */
  readonly owner: { readonly site: string; readonly id: string };
  /** The board's name. */
  readonly board: string;
  /** The address that the identity is handed to. */
  readonly address: string;
  /** The names and addresses that the certificate is for. */
  readonly principals: readonly string[];
  /** 32 bytes in hex, of the board's host key; secret. */
  readonly hostSeed: string;
  /** 32 bytes in hex, of the key that signs the site's certificates; secret. */
  readonly caSeed: string;
  /** How long a certificate is good for, in seconds; 30 days unless it is said. */
  readonly validity?: number;
}

/** What the state holds of an identity. Nothing in it is secret. */
export interface BoardIdentityOutputs
  extends Pick<BoardIdentityInputs, "server" | "root" | "owner" | "board" | "address"> {
  readonly schemaVersion: 1;
  /** Tells these inputs from others. */
  readonly digest: string;
  /** The host key's public half, as a line `ssh-ed25519 AAAA…`. */
  readonly publicKey: string;
  /** The certificate's, in decimal digits: a number of JavaScript can't hold it. */
  readonly serial: string;
  /** When the certificate was made and when it ends, in seconds since 1970. */
  readonly issued: number;
  readonly expires: number;
  /** SHA-256 of what is published. */
  readonly archive: string;
  /** What the last refresh found to be other than published. */
  readonly drift: readonly string[];
}

const day = 24 * 3600;
export const defaultValidity = 30 * day;
/** Less would end before the next `up`; what is good for longer is as good as a key without certificate. */
const leastValidity = 3600;
const mostValidity = 3650 * day;

/** All that is wrong with what an identity should be; nothing is asked of the server, and no secret is shown. */
export function checkInputs(inputs: BoardIdentityInputs): CheckFailure[] {
  const { root, board, address, principals, hostSeed, caSeed, validity = defaultValidity } = inputs;
  const isSeed = (text: string) => /^[0-9a-f]{64}$/.test(text);
  const found: (CheckFailure | undefined)[] = [
    fails("root", !/^(\/[A-Za-z0-9_.-]+)+$/.test(root) || root.split("/").includes(".."), () => {
      return `${show(root)} cannot be used: give an absolute path of letters, digits and . _ -`;
    }),
    fails("board", !/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(board), () => `${show(board)} is not the name of a board`),
    fails("address", !isIpv4(address), () => `${show(address)} is not an IPv4 address`),
    fails("principals", principals.length === 0, () => "there is none: name the board, and its address"),
    ...principals.map((name) =>
      fails("principals", !/^[A-Za-z0-9][A-Za-z0-9.:-]{0,252}$/.test(name), () => {
        return `${show(name)} is neither a host name nor an address`;
      }),
    ),
    // Of no property: the engine would print the value before the reason.
    fails("", !isSeed(hostSeed), () => "hostSeed is not 64 hex digits in lower case"),
    fails("", !isSeed(caSeed), () => "caSeed is not 64 hex digits in lower case"),
    fails(
      "",
      isSeed(caSeed) && caSeed === hostSeed,
      () => "caSeed is the board's own seed, which it may not sign with",
    ),
    fails("validity", !Number.isInteger(validity) || validity < leastValidity || validity > mostValidity, () => {
      return `${validity} is not a number of seconds from ${leastValidity} to ${mostValidity}`;
    }),
  ];
  return found.filter((failure) => failure !== undefined);
}

/** Over all that decides about what is published; of keys, over their public halves. */
export function digestOf(inputs: BoardIdentityInputs): string {
  const { server, root, owner, board, address, principals, validity = defaultValidity } = inputs;
  const keys = { hostKey: publicKeyOf(inputs.hostSeed), ca: publicKeyOf(inputs.caSeed) };
  return shortDigest({ server, root, owner, board, address, principals, validity, ...keys });
}

function publicKeyOf(seed: string): string {
  return sshKeyPair(Buffer.from(seed, "hex")).publicKey;
}

function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256);
}

function fails(property: string, wrong: boolean, reason: () => string): CheckFailure | undefined {
  return wrong ? { property, reason: reason() } : undefined;
}

function show(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
