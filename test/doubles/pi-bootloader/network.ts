import {
  type TftpOptions,
  type TftpProbe,
  type TftpRead,
  type TftpServer,
  tftpProbe,
  tftpRead,
} from "../tftp-client.ts";
import type { Channel } from "../udp-channel.ts";

/** Which program on the board asks: the one in the EEPROM, or the Pi 4's start4.elf. */
export type Stage = "eeprom" | "start4";

/** One file asked for. */
export interface BootRequest {
  readonly stage: Stage;
  /** As it was sent, prefix included. */
  readonly name: string;
  readonly kind: "probe" | "read";
  readonly result: "found" | "missing" | "refused" | "timeout";
  /** Of a file that was read. */
  readonly bytes?: number;
}

/** What a boot leaves to be looked at. */
export interface BootLog {
  readonly requests: BootRequest[];
  /** Lines that a real board prints on its serial console, among others. */
  readonly console: string[];
  /** What the firmware passes over without a word and a person would want to know. */
  readonly remarks: string[];
}

/** The way to the server. */
export interface Link {
  readonly server: TftpServer;
  readonly mac: string;
  /** Milliseconds for one whole file. */
  readonly fileTimeout: number;
  readonly rollsOver: boolean;
  readonly resendAfter?: number | undefined;
  readonly channel?: Channel | undefined;
  readonly beforeRequest?: ((name: string) => Promise<void> | void) | undefined;
}

/** The server's files as one stage sees them, below its prefix. */
export interface Files {
  readonly stage: Stage;
  readonly prefix: string;
  probe(name: string): Promise<boolean>;
  read(name: string): Promise<TftpRead>;
  /** Only the content: undefined for a file that did not come, whatever the reason. */
  content(name: string): Promise<Buffer | undefined>;
  /** @throws BootFailure when it does not come. */
  required(name: string): Promise<Buffer>;
}

/** Ends a boot: this way of booting did not work. */
export class BootFailure extends Error {
  /** Whether the board stays where it is; else it goes on along its BOOT_ORDER. */
  readonly hangs: boolean;
  constructor(why: string, hangs = false) {
    super(why);
    this.name = "BootFailure";
    this.hangs = hangs;
  }
}

export function filesOf(log: BootLog, link: Link, stage: Stage, prefix: string, blockSize: number): Files {
  const options: TftpOptions = {
    blockSize,
    fileTimeout: link.fileTimeout,
    rollsOver: link.rollsOver,
    ...(link.resendAfter === undefined ? {} : { resendAfter: link.resendAfter }),
    ...(link.channel === undefined ? {} : { channel: link.channel }),
  };
  const ask = async <Answer extends TftpProbe | TftpRead>(
    kind: BootRequest["kind"],
    name: string,
    transfer: (server: TftpServer, path: string, options: TftpOptions) => Promise<Answer>,
  ): Promise<Answer> => {
    const path = prefix + name;
    await link.beforeRequest?.(path);
    log.console.push(`TFTP_GET: ${link.mac} ${link.server.address} ${path}`);
    const answer = await transfer(link.server, path, options);
    const size = "bytes" in answer ? { bytes: answer.bytes.length } : {};
    log.requests.push({ stage, name: path, kind, result: answer.kind, ...size });
    if ("code" in answer) log.console.push(`TFTP ${answer.code}: ${answer.message}`);
    return answer;
  };
  const probe = async (name: string) => (await ask("probe", name, tftpProbe)).kind === "found";
  const read = (name: string) => ask("read", name, tftpRead);
  const content = async (name: string) => {
    const answer = await read(name);
    return answer.kind === "found" ? answer.bytes : undefined;
  };
  const required = async (name: string) => {
    const answer = await read(name);
    if (answer.kind === "found") return answer.bytes;
    throw new BootFailure(`${prefix}${name}: ${described(answer, link)}`);
  };
  return { stage, prefix, probe, read, content, required };
}

function described(answer: Exclude<TftpRead, { kind: "found" }>, { fileTimeout }: Link): string {
  if (answer.kind === "timeout") return `not complete within the ${fileTimeout} ms of TFTP_FILE_TIMEOUT`;
  return `the server answers ${answer.code}, ${answer.message}`;
}
