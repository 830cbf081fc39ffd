import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import http from "node:http";
import https from "node:https";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";

/** What a download may take before it is given up. */
const limits = {
  /** ms until a host must have answered something: name, connection, TLS, first headers. */
  answer: 4_000,
  /** ms in which at least `slowestBytes` must arrive. */
  slowWindow: 10_000,
  slowestBytes: 200_000,
};

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
 * Downloads an address into a file.
 * @param sha256 what the content must hash to (hex), where its maker says so
 * @throws Error that names the host, within seconds when it does not answer, stops answering or is too slow to use
 */
export async function download(
  url: string,
  file: string,
  options: { sha256?: string | undefined; signal?: AbortSignal | undefined },
): Promise<void> {
  const { host } = new URL(url);
  const tooSlow = new AbortController();
  const signal = AbortSignal.any([tooSlow.signal, ...(options.signal === undefined ? [] : [options.signal])]);
  let arrived = 0;
  let before = 0;
  const watch = setInterval(() => {
    if (arrived - before < limits.slowestBytes) tooSlow.abort(new Error(`${host} sends less than 20 KB a second`));
    before = arrived;
  }, limits.slowWindow);
  const hash = createHash("sha256");
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      arrived += chunk.length;
      hash.update(chunk);
      done(null, chunk);
    },
  });
  try {
    const response = await fetch(url, { signal });
    if (!response.ok || response.body === null) throw new Error(`${host} answers ${response.status} for ${url}`);
    await pipeline(Readable.fromWeb(response.body), meter, createWriteStream(file), { signal });
  } catch (error) {
    options.signal?.throwIfAborted();
    throw tooSlow.signal.aborted ? tooSlow.signal.reason : describeError(host, error);
  } finally {
    clearInterval(watch);
  }
  const got = hash.digest("hex");
  if (options.sha256 !== undefined && got !== options.sha256) {
    throw new Error(`${url} is damaged or not what its maker published: SHA-256 ${got}, published ${options.sha256}`);
  }
}

/** A small text by its address; undefined when the server has no such file. */
export async function downloadText(url: string, signal?: AbortSignal): Promise<string | undefined> {
  const { host } = new URL(url);
  const timeout = AbortSignal.timeout(limits.slowWindow);
  try {
    const response = await fetch(url, { signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]) });
    if (response.status === 404) return undefined;
    if (!response.ok) throw new Error(`${host} answers ${response.status} for ${url}`);
    return await response.text();
  } catch (error) {
    signal?.throwIfAborted();
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

/** Not by fetch(): its connection attempts live on for ten seconds after an abort, and with them the process. */
function ask(origin: string, signal?: AbortSignal): Promise<void> {
  const { host, protocol } = new URL(origin);
  const client = protocol === "http:" ? http : https;
  return new Promise((resolve, reject) => {
    const silence = new Error(`${host} does not answer within ${limits.answer / 1000} s`);
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
  };
  return new Error(`${host} cannot be reached: ${reasons[code] ?? cause.message}`);
}

/** HTTP_PROXY, HTTPS_PROXY and NO_PROXY count for fetch() too, where this Node can do that (24.14 and newer). */
function useProxyFromEnvironment(): void {
  if ("setGlobalProxyFromEnv" in http) http.setGlobalProxyFromEnv();
}
