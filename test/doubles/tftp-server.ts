import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";

/** A TFTP server that does things dnsmasq does not: it takes names as they are, and may answer no options. */
export interface PlainTftpServer {
  readonly address: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** Serves a few small files, of any size that fits the test's patience, without sending anything twice. */
export async function startPlainTftpServer(
  files: ReadonlyMap<string, Buffer>,
  { answersOptions }: { readonly answersOptions: boolean },
): Promise<PlainTftpServer> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  // All transfers go over the one port; the client's port tells them apart.
  const transfers = new Map<number, { readonly bytes: Buffer; readonly blockSize: number }>();
  const send = (to: RemoteInfo, opcode: number, number: number, rest: Buffer | string = "") => {
    const head = Buffer.from([0, opcode, number >> 8, number & 0xff]);
    socket.send(Buffer.concat([head, Buffer.from(rest)]), to.port, to.address);
  };
  const sendBlock = (to: RemoteInfo, number: number) => {
    const { bytes, blockSize } = transfers.get(to.port) ?? { bytes: Buffer.alloc(0), blockSize: 512 };
    const start = (number - 1) * blockSize;
    if (start <= bytes.length) send(to, 3, number, bytes.subarray(start, start + blockSize));
  };
  socket.on("message", (packet, from) => {
    if (packet.readUInt16BE(0) === 4) return sendBlock(from, packet.readUInt16BE(2) + 1);
    if (packet.readUInt16BE(0) !== 1) return;
    const [name = "", , , , , blockSize] = packet.toString("latin1", 2).split("\0");
    const bytes = files.get(name);
    if (bytes === undefined) return send(from, 5, 1, "File not found\0");
    transfers.set(from.port, { bytes, blockSize: answersOptions ? Number(blockSize) : 512 });
    if (!answersOptions) return sendBlock(from, 1);
    const options = `tsize\0${bytes.length}\0blksize\0${blockSize}\0`;
    socket.send(Buffer.concat([Buffer.from([0, 6]), Buffer.from(options)]), from.port, from.address);
  });
  return {
    address: "127.0.0.1",
    port: socket.address().port,
    stop: async () => {
      socket.close();
      await once(socket, "close");
    },
  };
}
