import type { Client, ClientChannel } from "ssh2";

/**
 * A client of SFTP version 3 (draft-ietf-secsh-filexfer-02) with the extensions of OpenSSH (its file PROTOCOL, §4).
 * ssh2 has one too, which sends each request in a packet of its own: to link 14 files that takes five times as long.
 * Here requests that are made in the same turn of the event loop travel together.
 */
export interface Sftp {
  lstat(path: string): Promise<Attributes>;
  readlink(path: string): Promise<string>;
  readdir(path: string): Promise<readonly (Attributes & { readonly name: string })[]>;
  mkdir(path: string, mode: number): Promise<void>;
  rmdir(path: string): Promise<void>;
  unlink(path: string): Promise<void>;
  symlink(target: string, path: string): Promise<void>;
  /** Changes the mode. */
  chmod(path: string, mode: number): Promise<void>;
  /** link(2) */
  hardlink(from: string, to: string): Promise<void>;
  /** rename(2), which replaces what is there. */
  rename(from: string, to: string): Promise<void>;
  statvfs(path: string): Promise<FileSystem>;
  /** fsync(2), of a folder too. */
  fsync(path: string): Promise<void>;
  /** Opens a file; a new one gets the mode. */
  open(path: string, how: "read" | "new" | "any", mode?: number): Promise<Handle>;
  /** @returns no bytes at the end of the file. */
  read(handle: Handle, at: number, bytes: number): Promise<Buffer>;
  write(handle: Handle, at: number, chunk: Uint8Array): Promise<void>;
  close(handle: Handle): Promise<void>;
}

export type Handle = Buffer & { readonly brand?: "an open file" };

export interface Attributes {
  readonly size: number;
  /** st_mode: type and permission bits. */
  readonly mode: number;
  /** Seconds since 1970. */
  readonly modified: number;
}

export interface FileSystem {
  /** Bytes that somebody without privileges may use. */
  readonly free: number;
  readonly isReadOnly: boolean;
}

/** What a server answered instead of doing it. */
export class SftpError extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.name = "SftpError";
    this.code = code;
  }
}

/** Codes of {@link SftpError} (§7). OpenSSH says `failure` for all that has no code of its own. */
export const sftpCodes = { noSuchFile: 2, permissionDenied: 3, failure: 4 } as const;

/** The longest write that OpenSSH takes. */
export const mostBytesInWrite = 255 * 1024;

/** Starts the other side's SFTP server. @throws Error if it has none, or one without the extensions that are needed. */
export async function startSftp(client: Client): Promise<{ readonly sftp: Sftp; readonly channel: ClientChannel }> {
  const channel = await new Promise<ClientChannel>((resolve, reject) => {
    client.subsys("sftp", (error, opened) => {
      if (error === undefined) return resolve(opened);
      reject(new Error(`it has no SFTP server (${error.message}); on Alpine install openssh-sftp-server`));
    });
  });
  const talk = conversation(channel);
  const version = await talk.begin();
  const extensions = extensionsIn(version);
  const missing = Object.values(extended).filter((name) => !extensions.has(name));
  if (missing.length > 0) throw new Error(`its SFTP server lacks ${missing.join(", ")}; use the one of OpenSSH`);
  return { sftp: requests(talk.ask), channel };
}

const packets = { init: 1, version: 2, status: 101, handle: 102, data: 103, name: 104, attributes: 105, reply: 201 };
const extended = {
  hardlink: "hardlink@openssh.com",
  rename: "posix-rename@openssh.com",
  statvfs: "statvfs@openssh.com",
  fsync: "fsync@openssh.com",
} as const;
const ways = { read: 0x01, new: 0x2a, any: 0x0a } as const; // SSH_FXF_*
const ok = 0;
const endOfFile = 1;
const readOnly = 1n;

type Ask = (type: number, ...fields: readonly Field[]) => Promise<Reader>;
/** A number is an uint32, a bigint an uint64; the rest are strings. */
type Field = string | Uint8Array | number | bigint;

function requests(ask: Ask): Sftp {
  const attributesOf = (mode: number) => [0x04, mode]; // SSH_FILEXFER_ATTR_PERMISSIONS
  const done = async (reply: Promise<Reader>) => {
    expect(await reply, packets.status);
  };
  return {
    lstat: async (path) => readAttributes(expect(await ask(7, path), packets.attributes)),
    readlink: async (path) => {
      const reply = expect(await ask(19, path), packets.name);
      reply.uint32(); // one name
      return reply.string().toString("utf8");
    },
    readdir: async (path) => {
      const handle = expect(await ask(11, path), packets.handle).string();
      const entries: (Attributes & { name: string })[] = [];
      try {
        for (;;) {
          const reply = await ask(12, handle).catch(unlessAtEnd);
          if (reply === undefined) return entries;
          expect(reply, packets.name);
          for (let count = reply.uint32(); count > 0; count--) {
            const name = reply.string().toString("utf8");
            reply.string(); // as `ls -l` shows it
            const attributes = readAttributes(reply);
            if (name !== "." && name !== "..") entries.push({ name, ...attributes });
          }
        }
      } finally {
        await done(ask(4, handle));
      }
    },
    mkdir: (path, mode) => done(ask(14, path, ...attributesOf(mode))),
    rmdir: (path) => done(ask(15, path)),
    unlink: (path) => done(ask(13, path)),
    symlink: (target, path) => done(ask(20, target, path)), // in OpenSSH's order, not in the draft's
    chmod: (path, mode) => done(ask(9, path, ...attributesOf(mode))),
    hardlink: (from, to) => done(ask(200, extended.hardlink, from, to)),
    rename: (from, to) => done(ask(200, extended.rename, from, to)),
    statvfs: async (path) => {
      const reply = expect(await ask(200, extended.statvfs, path), packets.reply);
      const [, fragment = 0n, , , available = 0n, , , , , flags = 0n] = Array.from({ length: 10 }, () =>
        reply.uint64(),
      );
      return { free: Number(fragment * available), isReadOnly: (flags & readOnly) !== 0n };
    },
    fsync: async (path) => {
      const handle = expect(await ask(3, path, ways.read, ...attributesOf(0)), packets.handle).string();
      await Promise.all([done(ask(200, extended.fsync, handle)), done(ask(4, handle))]);
    },
    open: async (path, how, mode = 0o644) => {
      return expect(await ask(3, path, ways[how], ...attributesOf(mode)), packets.handle).string();
    },
    read: async (handle, at, bytes) => {
      const reply = await ask(5, handle, BigInt(at), bytes).catch(unlessAtEnd);
      return reply === undefined ? Buffer.alloc(0) : expect(reply, packets.data).string();
    },
    write: (handle, at, chunk) => done(ask(6, handle, BigInt(at), chunk)),
    close: (handle) => done(ask(4, handle)),
  };
}

function unlessAtEnd(error: unknown): undefined {
  if (!(error instanceof SftpError) || error.code !== endOfFile) throw error;
}

function expect(reply: Reader, type: number): Reader {
  if (reply.type === type) return reply;
  throw new Error(`the SFTP server answered with a packet of type ${reply.type}, where ${type} was due`);
}

function readAttributes(reply: Reader): Attributes {
  const flags = reply.uint32();
  const size = flags & 0x01 ? Number(reply.uint64()) : 0;
  if (flags & 0x02) reply.uint64(); // user and group
  const mode = flags & 0x04 ? reply.uint32() : 0;
  const times = flags & 0x08 ? [reply.uint32(), reply.uint32()] : [];
  if (flags & 0x80000000) for (let count = reply.uint32() * 2; count > 0; count--) reply.string();
  return { size, mode, modified: times[1] ?? 0 };
}

function extensionsIn(version: Reader): ReadonlySet<string> {
  version.uint32();
  const names = new Set<string>();
  while (!version.atEnd()) {
    names.add(version.string().toString("utf8"));
    version.string(); // its version
  }
  return names;
}

/** Requests and their answers on a channel. */
function conversation(channel: ClientChannel): { begin(): Promise<Reader>; readonly ask: Ask } {
  const waiting = new Map<number, { resolve: (reply: Reader) => void; reject: (error: Error) => void }>();
  const first = -1; // the answer to init has no number
  let next = 0;
  let ended = false;
  let outgoing: Uint8Array[] = [];
  let incoming: Buffer = Buffer.alloc(0);

  const send = (id: number, packet: readonly Uint8Array[]) =>
    new Promise<Reader>((resolve, reject) => {
      if (ended) return reject(new Error("the SFTP server is gone"));
      waiting.set(id, { resolve, reject });
      if (outgoing.length === 0) setImmediate(flush);
      outgoing.push(...packet);
    });
  const flush = () => {
    const bytes = Buffer.concat(outgoing);
    outgoing = [];
    if (!ended) channel.write(bytes);
  };
  const receive = (packet: Buffer) => {
    const reply = reader(packet);
    const id = reply.type === packets.version ? first : reply.uint32();
    const asked = waiting.get(id);
    waiting.delete(id);
    if (reply.type !== packets.status) return asked?.resolve(reply);
    const code = reply.uint32();
    if (code === ok) asked?.resolve(reply);
    else asked?.reject(new SftpError(code, reply.string().toString("utf8")));
  };
  channel.on("data", (data: Buffer) => {
    incoming = incoming.length === 0 ? data : Buffer.concat([incoming, data]);
    let at = 0;
    while (incoming.length >= at + 4 && incoming.length >= at + 4 + incoming.readUInt32BE(at)) {
      const end = at + 4 + incoming.readUInt32BE(at);
      receive(incoming.subarray(at + 4, end));
      at = end;
    }
    incoming = incoming.subarray(at);
  });
  channel.on("close", () => {
    ended = true;
    for (const { reject } of waiting.values()) reject(new Error("the SFTP server is gone"));
    waiting.clear();
  });
  return {
    begin: () => send(first, [Buffer.from([0, 0, 0, 5, packets.init, 0, 0, 0, 3])]),
    ask: (type, ...fields) => {
      const id = next++ % 2 ** 32;
      return send(id, encode(type, id, fields));
    },
  };
}

/** A request as it is sent. What is written to files, the last field, is not copied. */
function encode(type: number, id: number, fields: readonly Field[]): Uint8Array[] {
  const last = fields.at(-1);
  const chunk = last instanceof Uint8Array && last.length > 1024 ? last : undefined;
  const texts = fields.map((field) => (typeof field === "string" ? Buffer.from(field) : field));
  const sizes = texts.map((field) =>
    typeof field === "number" ? 4 : typeof field === "bigint" ? 8 : 4 + field.length,
  );
  const total = sizes.reduce((sum, size) => sum + size, headBytes);
  const packet = Buffer.allocUnsafe(total - (chunk?.length ?? 0));
  packet.writeUInt32BE(total - 4, 0);
  packet.writeUInt8(type, 4);
  packet.writeUInt32BE(id, 5);
  let at = headBytes;
  texts.forEach((field, index) => {
    if (typeof field === "number") packet.writeUInt32BE(field, at);
    else if (typeof field === "bigint") packet.writeBigUInt64BE(field, at);
    else {
      packet.writeUInt32BE(field.length, at);
      if (field !== chunk) packet.set(field, at + 4);
    }
    at += sizes[index] ?? 0;
  });
  return chunk === undefined ? [packet] : [packet, chunk];
}

/** Length, type and number of a request. */
const headBytes = 9;

/** Gives the fields of a packet, one after the other. */
interface Reader {
  readonly type: number;
  uint32(): number;
  uint64(): bigint;
  string(): Buffer;
  atEnd(): boolean;
}

function reader(packet: Buffer): Reader {
  let at = 1;
  const skip = (bytes: number) => {
    at += bytes;
    return at - bytes;
  };
  const uint32 = () => packet.readUInt32BE(skip(4));
  return {
    type: packet.readUInt8(0),
    uint32,
    uint64: () => packet.readBigUInt64BE(skip(8)),
    string: () => {
      const length = uint32();
      const start = skip(length);
      return packet.subarray(start, start + length);
    },
    atEnd: () => at >= packet.length,
  };
}
