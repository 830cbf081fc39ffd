import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type Channel, goodCable } from "./udp-channel.ts";

export interface TftpServer {
  /** IPv4 address. */
  readonly address: string;
  readonly port?: number;
}

export interface TftpOptions {
  /** Bytes of a block that are asked for (RFC 2348). */
  readonly blockSize: number;
  /** Milliseconds that one whole file may take. */
  readonly fileTimeout: number;
  /** Milliseconds of silence after which the last packet is sent again. */
  readonly resendAfter?: number;
  /** Whether block 0 follows block 65535. Without it a longer file is never complete. */
  readonly rollsOver?: boolean;
  readonly channel?: Channel;
}

/** Why there is no file. A server refuses with ERROR 1 what it does not have, and with other codes what it cannot send. */
export type TftpFailure =
  | { readonly kind: "missing" | "refused"; readonly code: number; readonly message: string }
  | { readonly kind: "timeout" };

/** `options`: whether the server answered the request's options (OACK). */
export type TftpProbe = { readonly kind: "found"; readonly options: boolean; readonly size?: number } | TftpFailure;
export type TftpRead = { readonly kind: "found"; readonly options: boolean; readonly bytes: Buffer } | TftpFailure;

/** Reads a whole file, as the Raspberry Pi's bootloaders do: RFC 1350 with the options tsize and blksize (RFC 2347-2349). */
export async function tftpRead(server: TftpServer, name: string, options: TftpOptions): Promise<TftpRead> {
  const answer = await transfer(server, name, false, options);
  return answer.kind === "found" ? { kind: "found", options: answer.options, bytes: answer.bytes } : answer;
}

/** Asks whether a file is there: begins to read it and ends that at the first answer with `Early terminate`. */
export async function tftpProbe(server: TftpServer, name: string, options: TftpOptions): Promise<TftpProbe> {
  const answer = await transfer(server, name, true, options);
  if (answer.kind !== "found") return answer;
  return { kind: "found", options: answer.options, ...(answer.size === undefined ? {} : { size: answer.size }) };
}

type Answer =
  | { readonly kind: "found"; readonly options: boolean; readonly size: number | undefined; readonly bytes: Buffer }
  | TftpFailure;

const opcodes = { request: 1, data: 3, acknowledge: 4, error: 5, options: 6 } as const;

async function transfer(server: TftpServer, name: string, probe: boolean, options: TftpOptions): Promise<Answer> {
  const { channel = goodCable, resendAfter = 2000, rollsOver = true } = options;
  const serverPort = server.port ?? 69;
  // The system gives each request a port of its own.
  const socket = createSocket("udp4");
  socket.bind();
  await once(socket, "listening");

  return await new Promise<Answer>((resolve, reject) => {
    const blocks: Buffer[] = [];
    let peer: number | undefined;
    let blockSize = 512; // RFC 1350's, until the server agrees to another
    let offered: ReadonlyMap<string, string> | undefined;
    let last = request(name, options.blockSize);
    let over = false;
    let leaving = 0;

    const close = () => {
      if (over && leaving === 0) socket.close();
    };
    const send = (packet: Buffer, port: number) =>
      channel.pass(packet, (datagram) => {
        if (over) return;
        leaving++;
        socket.send(datagram, port, server.address, (error) => {
          leaving--;
          if (error !== null) reject(error);
          // The last words are to leave before the socket closes.
          close();
        });
      });
    const say = (packet: Buffer) => {
      last = packet;
      resend.refresh();
      send(packet, peer ?? serverPort);
    };
    const end = (answer: Answer) => {
      if (over) return;
      clearTimeout(resend);
      clearTimeout(deadline);
      const early = answer.kind === "timeout" || (probe && answer.kind === "found");
      if (early && peer !== undefined) send(errorPacket(0, "Early terminate"), peer);
      over = true;
      close();
      resolve(answer);
    };
    const found = () => {
      const size = offered?.get("tsize");
      end({
        kind: "found",
        options: offered !== undefined,
        size: size === undefined ? undefined : Number(size),
        bytes: Buffer.concat(blocks),
      });
    };
    const resend = setInterval(() => send(last, peer ?? serverPort), resendAfter);
    const deadline = setTimeout(() => end({ kind: "timeout" }), options.fileTimeout);

    const receive = (packet: Buffer) => {
      const opcode = packet.length < 4 ? 0 : packet.readUInt16BE(0);
      if (opcode === opcodes.error) {
        const code = packet.readUInt16BE(2);
        const message = packet.toString("latin1", 4).replace(/\0.*$/s, "");
        end({ kind: code === 1 ? "missing" : "refused", code, message });
      } else if (opcode === opcodes.options && blocks.length === 0) {
        offered = pairs(packet);
        blockSize = Number(offered.get("blksize") ?? blockSize);
        if (probe) found();
        else say(acknowledgement(0));
      } else if (opcode === opcodes.data) {
        if (probe) return found();
        receiveBlock(packet.readUInt16BE(2), packet.subarray(4));
      }
    };
    const receiveBlock = (number: number, block: Buffer) => {
      const numberOf = (index: number) => (rollsOver ? index % 65536 : index);
      // The one before again: its acknowledgement was lost, or it is a duplicate.
      if (blocks.length > 0 && number === numberOf(blocks.length))
        return send(acknowledgement(number), peer ?? serverPort);
      if (number !== numberOf(blocks.length + 1)) return;
      blocks.push(Buffer.from(block));
      say(acknowledgement(number));
      if (block.length < blockSize) found();
    };
    socket.on("message", (datagram, from) =>
      channel.pass(datagram, (packet) => {
        if (over || from.address !== server.address) return;
        peer ??= from.port;
        // A request that arrived twice has begun two transfers; the second is sent away (RFC 1350 section 4).
        if (from.port !== peer) send(errorPacket(5, "Unknown transfer ID"), from.port);
        else receive(packet);
      }),
    );
    socket.on("error", reject);
    say(last);
  });
}

function request(name: string, blockSize: number): Buffer {
  const words = [name, "octet", "tsize", "0", "blksize", String(blockSize)];
  return Buffer.concat([head(opcodes.request), Buffer.from(words.map((word) => `${word}\0`).join(""), "latin1")]);
}

function acknowledgement(block: number): Buffer {
  return Buffer.concat([head(opcodes.acknowledge), head(block)]);
}

function errorPacket(code: number, message: string): Buffer {
  return Buffer.concat([head(opcodes.error), head(code), Buffer.from(`${message}\0`, "latin1")]);
}

function head(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function pairs(packet: Buffer): ReadonlyMap<string, string> {
  const words = packet.toString("latin1", 2).split("\0");
  const found = new Map<string, string>();
  for (let at = 0; at + 1 < words.length; at += 2) found.set((words[at] ?? "").toLowerCase(), words[at + 1] ?? "");
  return found;
}
