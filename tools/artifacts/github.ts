import { z } from "zod";
import { makers, type Upstream } from "./upstream.ts";

/** GitHub's list of a folder, as far as it is used. */
export const contentsSchema = z.array(
  z.object({ name: z.string(), type: z.string(), size: z.int(), sha: z.string().regex(/^[0-9a-f]{40}$/) }),
);
export type Listed = z.infer<typeof contentsSchema>[number];

/**
 * What GitHub's API says of a repository; undefined where it knows nothing of what is asked.
 * @throws Error for an answer that is none of GitHub's
 */
export async function askGithub<T>(
  repository: string,
  question: string,
  schema: z.ZodType<T>,
  upstream: Upstream,
): Promise<T | undefined> {
  const url = `${makers["github-api"]}/repos/${repository}/${question}`;
  const text = await upstream.text(url);
  if (text === undefined) return undefined;
  const answer = schema.safeParse(parseJson(text));
  if (answer.success) return answer.data;
  throw new Error(`${url} does not answer as GitHub's API does: ${z.prettifyError(answer.error)}`);
}

/** Undefined for what is no JSON, such as a login page in between: no schema here takes that. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
