import { createSocket } from "node:dgram";

/** Opcodes and error codes of TFTP (RFC 1350 §5, RFC 2347). */
const opcodes = { readRequest: 1, data: 3, error: 5, optionsAcknowledged: 6 } as const;
const fileNotFound = 1;
/** A lost packet is made up for by asking again after this many milliseconds. */
const askAgain = 1000;

/**
 * Asks a TFTP server for a file, as a board would, and takes the first answer: its content, or that it has no such
 * file, shows that the server is at work. Nothing is transferred.
 * @returns undefined, or why the server can't be said to work.
 */
export function whyNoTftp(address: string, file: string, timeoutMs: number): Promise<string | undefined> {
  const socket = createSocket("udp4");
  const request = Buffer.from(`\0\x01${file}\0octet\0tsize\x000\0`, "latin1");
  return new Promise((resolve) => {
    const ask = () => socket.send(request, 69, address);
    const again = setInterval(ask, askAgain);
    const late = setTimeout(() => end(`nothing answered within ${timeoutMs / 1000} s`), timeoutMs);
    const end = (answer: string | undefined) => {
      clearInterval(again);
      clearTimeout(late);
      socket.close();
      resolve(answer);
    };
    socket.on("error", (error) => end(error.message));
    socket.on("message", (packet, from) => {
      // RFC 1350 §4: the answer comes from a port of its own, which makes it the server's end of this transfer.
      if (from.address === address) end(judge(packet));
    });
    ask();
  });
}

function judge(packet: Buffer): string | undefined {
  const opcode = packet.length < 4 ? 0 : packet.readUInt16BE(0);
  if (opcode === opcodes.data || opcode === opcodes.optionsAcknowledged) return undefined;
  if (opcode !== opcodes.error) return `the answer is not TFTP: ${packet.subarray(0, 16).toString("hex")}`;
  const code = packet.readUInt16BE(2);
  return code === fileNotFound ? undefined : `it refused with error ${code}: ${packet.toString("latin1", 4)}`;
}
