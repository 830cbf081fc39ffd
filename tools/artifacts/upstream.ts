import { AnswerError, type DownloadOptions, download, downloadText, reachability } from "../lib/download.ts";
import type { Content } from "../lib/files.ts";

/** Where makers publish, under the names that mirrors are given by. */
export const makers = {
  alpine: "https://dl-cdn.alpinelinux.org/alpine",
  github: "https://github.com",
  "github-api": "https://api.github.com",
  "github-raw": "https://raw.githubusercontent.com",
} as const;
type Maker = keyof typeof makers;

/** Addresses to use in place of makers' own. */
export type Mirrors = Readonly<Partial<Record<Maker, string>>>;

/** What makers publish. The addresses that it takes are always the makers' own, as the lock has them. */
export interface Upstream {
  /** The host that an address is really had from. */
  host(url: string): string;
  /** A small text, undefined where there is none. */
  text(url: string): Promise<string | undefined>;
  /** A file, as {@link download} gets it. */
  file(url: string, path: string, options: DownloadOptions): Promise<Content>;
}

/** Upstream as it is reached through mirrors; a host that does not answer is asked once. */
export function openUpstream(mirrors: Mirrors, signal: AbortSignal): Upstream {
  const reach = reachability();
  const locate = async (url: string): Promise<string> => {
    const address = throughMirror(url, mirrors);
    await reach(new URL(address).origin, signal);
    return address;
  };
  return {
    host: (url) => new URL(throughMirror(url, mirrors)).host,
    async text(url) {
      return explainRefusal(downloadText(await locate(url), signal));
    },
    async file(url, path, options) {
      return explainRefusal(download(await locate(url), path, { ...options, signal }));
    },
  };
}

/** The same address on a mirror, where its maker has one. */
export function throughMirror(url: string, mirrors: Mirrors): string {
  for (const maker of allMakers) {
    const mirror = mirrors[maker];
    if (mirror !== undefined && url.startsWith(`${makers[maker]}/`)) return mirror + url.slice(makers[maker].length);
  }
  return url;
}

/** The mirrors with one more, given as `alpine=http://mirror.example/alpine`. @throws Error for anything else */
export function addMirror(text: string, before: Mirrors = {}): Mirrors {
  const [name, ...rest] = text.split("=");
  const maker = allMakers.find((each) => each === name);
  if (maker === undefined || rest.length === 0)
    throw new Error(`Give NAME=ADDRESS, where NAME is one of ${allMakers.join(", ")}.`);
  return { ...before, [maker]: checkedAddress(rest.join("=")) };
}

/** Mirrors from the environment, such as BRAMBLE_ALPINE_MIRROR. @throws Error for a value that is no address */
export function mirrorsFrom(environment: NodeJS.ProcessEnv): Mirrors {
  let mirrors: Mirrors = {};
  for (const maker of allMakers) {
    const address = environment[mirrorVariable(maker)];
    if (address !== undefined && address !== "") mirrors = addMirror(`${maker}=${address}`, mirrors);
  }
  return mirrors;
}

/** The environment variable that names a maker's mirror. */
export function mirrorVariable(maker: Maker): string {
  return `BRAMBLE_${maker.toUpperCase().replaceAll("-", "_")}_MIRROR`;
}

export const allMakers: readonly Maker[] = ["alpine", "github", "github-api", "github-raw"];

function checkedAddress(address: string): string {
  if (!/^https?:\/\/[^\s/]+/.test(address) || !URL.canParse(address))
    throw new Error(`${JSON.stringify(address)} is no address with http:// or https://.`);
  return address.replace(/\/+$/, "");
}

/** GitHub lets an address without a login ask 60 times an hour, and says by 403 or 429 when that is used up. */
async function explainRefusal<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof AnswerError) || error.headers.get("x-ratelimit-remaining") !== "0") throw error;
    const reset = Number(error.headers.get("x-ratelimit-reset"));
    const when = reset > 0 ? `after ${new Date(reset * 1000).toISOString().slice(11, 16)} UTC` : "in an hour";
    throw new Error(
      `${error.message}: it takes no more questions from this network for now. Run the same command ${when}, or ` +
        "download the file by hand and pin it with `npm run bramble -- artifacts add`",
    );
  }
}
