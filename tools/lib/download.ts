import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Content, unlessAbsent } from "./files.ts";

/** What a download may take before it is given up. */
const limits = {
  /** ms until a host must have answered something: name, connection, TLS, first headers. */
  answer: 4_000,
  /** ms in which at least `slowestBytes` must arrive. */
  slowWindow: 10_000,
  slowestBytes: 200_000,
};

/** A host that does not answer, or stopped answering before all was there. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError";
}

/** A host that answers something else than what was asked for, such as 404. */
export class AnswerError extends Error {
  override readonly name = "AnswerError";
  readonly status: number;
  readonly headers: Headers;
  constructor(url: string, response: Response) {
    super(`${new URL(url).host} answers ${response.status} for ${url}`);
    this.status = response.status;
    this.headers = response.headers;
  }
}

/** Bytes that are not those that were to come. */
export class DamagedError extends Error {
  override readonly name = "DamagedError";
}

export interface DownloadOptions {
  /** What the content must hash to (hex), where its maker says so. */
  readonly sha256?: string | undefined;
  /** Bytes after which a download is stopped that does not end. */
  readonly most?: number | undefined;
  /** Goes on behind what an earlier download left in the file, where the server can do that. */
  readonly resume?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Called with the bytes of the content that are there by now. */
  readonly onBytes?: (bytes: number) => void;
}

/** Asks each server (like https://github.com) once whether it answers; all downloads of a set-up share the answers. */
export function reachability(): (origin: string, signal?: AbortSignal) => Promise<void> {
  useProxyFromEnvironment();
  const asked = new Map<string, Promise<void>>();
  return (origin, signal) => {
    const known = asked.get(origin) ?? ask(origin, signal);
    asked.set(origin, known);
    return known;
  };
}

/**
 * Downloads an address into a file. What breaks off stays in the file, for a later call that resumes; what turns out
 * to be wrong does not.
 * @throws UnreachableError that names the host, within seconds when it does not answer, stops answering or is too slow
 * to use; AnswerError; DamagedError with both hashes
 */
export async function download(url: string, file: string, options: DownloadOptions = {}): Promise<Content> {
  const kept = options.resume === true ? ((await stat(file).catch(unlessAbsent))?.size ?? 0) : 0;
  try {
    const content = await transfer(url, file, kept, options);
    const { sha256 } = options;
    if (sha256 === undefined || content.sha256 === sha256) return content;
    throw new DamagedError(
      `${url} is damaged or not what its maker published: SHA-256 ${content.sha256}, published ${sha256}`,
    );
  } catch (error) {
    if (!(error instanceof DamagedError)) throw error;
    await rm(file, { force: true });
    // The fault may be in what was there before.
    if (kept > 0) return download(url, file, { ...options, resume: false });
    throw error;
  }
}

/** A small text by its address; undefined when the server has no such file. */
export async function downloadText(url: string, signal?: AbortSignal): Promise<string | undefined> {
  const { host } = new URL(url);
  const timeout = AbortSignal.timeout(limits.slowWindow);
  try {
    const response = await fetch(url, { signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]) });
    if (response.status === 404) return undefined;
    if (!response.ok) throw new AnswerError(url, response);
    return await response.text();
  } catch (error) {
    signal?.throwIfAborted();
    if (timeout.aborted) throw new UnreachableError(`${host} does not answer within ${limits.slowWindow / 1000} s`);
    throw describeError(host, error);
  }
}

/** The checksum of a file in the text of a checksums file as `sha256sum` and GoReleaser write it. */
export function findChecksum(text: string, file: string): string | undefined {
  for (const line of text.split("\n")) {
    const [sum, name] = line.trim().split(/\s+\*?/);
    if (name === file && sum !== undefined && /^[0-9a-f]{64}$/.test(sum)) return sum;
  }
  return undefined;
}

/** Gets what is behind the first `kept` bytes of the file, or all of it where the server does not go on. */
async function transfer(url: string, file: string, kept: number, options: DownloadOptions): Promise<Content> {
  const { host } = new URL(url);
  const tooSlow = new AbortController();
  const signal = AbortSignal.any([tooSlow.signal, ...(options.signal === undefined ? [] : [options.signal])]);
  let arrived = 0;
  let before = 0;
  const watch = setInterval(() => {
    if (arrived - before < limits.slowestBytes)
      tooSlow.abort(new UnreachableError(`${host} sends less than 20 KB a second`));
    before = arrived;
  }, limits.slowWindow);
  try {
    // A server that compresses on the way would count other bytes than the file has.
    const headers = { "accept-encoding": "identity", ...(kept > 0 ? { range: `bytes=${kept}-` } : {}) };
    const response = await fetch(url, { signal, headers });
    const goesOn = kept > 0 && response.status === 206;
    if (kept > 0 && (response.status === 416 || (goesOn && firstByte(response) !== kept)))
      throw new DamagedError(`${host} does not go on at byte ${kept} of ${url}`);
    if (!response.ok || response.body === null) throw new AnswerError(url, response);
    const hash = createHash("sha256");
    if (goesOn) for await (const chunk of createReadStream(file)) hash.update(chunk);
    let bytes = goesOn ? kept : 0;
    const meter = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        arrived += chunk.length;
        bytes += chunk.length;
        hash.update(chunk);
        options.onBytes?.(bytes);
        const endless = options.most !== undefined && bytes > options.most;
        done(endless ? new DamagedError(`${url} does not end after ${bytes} bytes`) : null, chunk);
      },
    });
    const out = createWriteStream(file, { flags: goesOn ? "a" : "w", flush: true });
    await pipeline(Readable.fromWeb(response.body), meter, out, { signal });
    return { sha256: hash.digest("hex"), bytes };
  } catch (error) {
    options.signal?.throwIfAborted();
    if (tooSlow.signal.aborted) throw tooSlow.signal.reason;
    // fetch() and the body of its response fail with a TypeError; a full disk does not.
    throw error instanceof TypeError ? describeError(host, error) : error;
  } finally {
    clearInterval(watch);
    tooSlow.abort(); // a response that nobody read to its end
  }
}

/** Where the part begins that the server sends, by RFC 9110 section 14.4; undefined where it does not say. */
function firstByte(response: Response): number | undefined {
  const begin = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1];
  return begin === undefined ? undefined : Number(begin);
}

/** Not by fetch(): its connection attempts live on for ten seconds after an abort, and with them the process. */
function ask(origin: string, signal?: AbortSignal): Promise<void> {
  const { host, protocol } = new URL(origin);
  const client = protocol === "http:" ? http : https;
  return new Promise((resolve, reject) => {
    const silence = new UnreachableError(`${host} does not answer within ${limits.answer / 1000} s`);
    const request = client.request(origin, { method: "HEAD", ...(signal === undefined ? {} : { signal }) });
    const timer = setTimeout(() => request.destroy(silence), limits.answer);
    request.on("close", () => clearTimeout(timer));
    request.on("error", (error) => reject(error === silence ? error : describeError(host, error)));
    request.on("response", () => {
      request.destroy();
      resolve();
    });
    request.end();
  });
}

/** What a failed connection means, in words. fetch() only says "fetch failed"; why is in its cause. */
function describeError(host: string, error: unknown): Error {
  const cause = error instanceof TypeError && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return new Error(String(cause));
  const { code } = cause as NodeJS.ErrnoException;
  if (code === undefined) return cause;
  const reasons: Record<string, string> = {
    ENOTFOUND: "its name is not known here",
    EAI_AGAIN: "its name cannot be looked up (no DNS)",
    ECONNREFUSED: "it refuses the connection",
    ENETUNREACH: "no network leads to it",
    EHOSTUNREACH: "no network leads to it",
    UND_ERR_CONNECT_TIMEOUT: "it does not answer",
    ECONNRESET: "it broke the connection off",
    UND_ERR_SOCKET: "it broke the connection off",
  };
  return new UnreachableError(`${host} cannot be reached: ${reasons[code] ?? cause.message}`);
}

/** HTTP_PROXY, HTTPS_PROXY and NO_PROXY count for fetch() too, where this Node can do that (24.14 and newer). */
function useProxyFromEnvironment(): void {
  if ("setGlobalProxyFromEnv" in http) http.setGlobalProxyFromEnv();
}
