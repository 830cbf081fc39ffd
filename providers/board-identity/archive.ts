import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";
import { signCertificate } from "../../formats/ssh-certificate.ts";
import { sshKeyPair } from "../../formats/ssh-key.ts";

export interface IdentityWish {
  readonly site: string;
  readonly board: string;
  readonly principals: readonly string[];
  readonly hostSeed: Uint8Array;
  readonly caSeed: Uint8Array;
  /** In seconds since 1970. */
  readonly issued: number;
  readonly expires: number;
}

export interface Identity {
  readonly publicKey: string;
  readonly serial: bigint;
  /** A tar archive for the root of the board's file system: secret. */
  readonly archive: Buffer;
}

const keyFile = "etc/ssh/ssh_host_ed25519_key";
/** A certificate is good from so long before it was made, in seconds: clocks differ. */
const clockDifference = 3600;

/** A board's host key and certificate, in the files in which sshd looks for them; the same for the same wish. */
export async function identityArchive(wish: IdentityWish): Promise<Identity> {
  const { site, board, principals, hostSeed, caSeed, issued, expires } = wish;
  const { privateKey, publicKey } = sshKeyPair(hostSeed);
  const serial = serialOf([publicKey, ...principals, issued, expires]);
  const certificate = signCertificate(caSeed, {
    kind: "host",
    publicKey,
    serial,
    keyId: `board ${board} of ${site}`,
    principals,
    validAfter: issued - clockDifference,
    validBefore: expires,
  });
  const files = [
    { name: `${keyFile}.pub`, mode: 0o644, text: `${publicKey} ${board}\n` },
    { name: `${keyFile}-cert.pub`, mode: 0o644, text: `${certificate} ${board}\n` },
    { name: keyFile, mode: 0o600, text: privateKey },
  ];
  const tar = pack();
  const common = { uid: 0, gid: 0, uname: "root", gname: "root", mtime: new Date(issued * 1000) };
  for (const { name, mode, text } of files) tar.entry({ name, mode, ...common }, text);
  tar.finalize();
  return { publicKey, serial, archive: await buffer(tar) };
}

/** The board that an archive is of; undefined if it is none of ours. */
export function boardOf(archive: Uint8Array): string | undefined {
  return /\0ssh-ed25519 [A-Za-z0-9+/]+=* (\S+)\n/.exec(Buffer.from(archive).toString("latin1"))?.[1];
}

/** 64 bits that no other certificate of the site will have. */
function serialOf(facts: readonly (string | number)[]): bigint {
  return createHash("sha256").update(JSON.stringify(facts)).digest().readBigUInt64BE();
}
