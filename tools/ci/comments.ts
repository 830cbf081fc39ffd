import { z } from "zod";

/** Where a pull request's comments are, in the words of GitHub's REST API. */
export interface Forge {
  /** Such as `https://api.github.com`. */
  readonly api: string;
  /** `OWNER/NAME`. */
  readonly repository: string;
  /** May write comments. It is sent to `api` and nowhere else. */
  readonly token: string;
  /** The login that comments with this token have, such as `github-actions[bot]`. */
  readonly author: string;
}

/** The most characters that GitHub takes in a comment. */
export const longestComment = 65_536;

/** An answer that is slower than this, in milliseconds, is none. */
const patience = 30_000;

const comments = z.array(
  z.object({ id: z.number().int(), body: z.string().nullish(), user: z.object({ login: z.string() }).nullish() }),
);

/**
 * Writes a comment under a pull request, or over the one that begins with `marker`. Only comments of the forge's own
 * author are written over: whoever writes another with this marker could change it again after the review.
 * @throws Error with the forge's answer where it refuses.
 */
export async function keepComment(
  forge: Forge,
  number: number,
  marker: string,
  text: string,
): Promise<"new" | "updated"> {
  const body = `${marker}\n${text}`;
  if (body.length > longestComment)
    throw new Error(`The comment has ${body.length} characters, and the forge takes ${longestComment}.`);
  const existing = await findComment(forge, number, marker);
  if (existing === undefined) await ask(forge, "POST", `issues/${number}/comments`, { body });
  else await ask(forge, "PATCH", `issues/comments/${existing}`, { body });
  return existing === undefined ? "new" : "updated";
}

async function findComment(forge: Forge, number: number, marker: string): Promise<number | undefined> {
  for (let page = 1; ; page++) {
    const response = await ask(forge, "GET", `issues/${number}/comments?per_page=100&page=${page}`);
    const found = comments.parse(await response.json());
    const own = found.find(({ body, user }) => user?.login === forge.author && body?.startsWith(`${marker}\n`));
    if (own !== undefined) return own.id;
    if (!/rel="next"/.test(response.headers.get("link") ?? "")) return undefined;
  }
}

async function ask({ api, repository, token }: Forge, method: string, path: string, body?: object): Promise<Response> {
  const url = `${api}/repos/${repository}/${path}`;
  const response = await fetch(url, {
    method,
    redirect: "error", // a redirect would take the token along
    signal: AbortSignal.timeout(patience),
    headers: {
      accept: "application/vnd.github+json",
      authorization: `Bearer ${token}`,
      "x-github-api-version": "2022-11-28",
      ...(body && { "content-type": "application/json" }),
    },
    ...(body && { body: JSON.stringify(body) }),
  }).catch((error: Error) => {
    const cause = error.cause instanceof Error ? error.cause.message : error.message;
    throw new Error(`${url} can't be reached: ${cause}. Run this step again.`);
  });
  if (response.ok) return response;
  const said = (await response.text()).slice(0, 300);
  const hint = response.status === 403 ? "\nThe token needs the permission pull-requests: write." : "";
  throw new Error(`${method} ${url} was answered with ${response.status}: ${said}${hint}`);
}
