import type { Connection } from "../../providers/transport/connection.ts";
import type { FolderServer } from "../../providers/transport/folder-server.ts";
import { reach } from "../../providers/transport/reach.ts";
import { HostKeyMismatch, Unreachable } from "../../providers/transport/ssh.ts";

/** What a machine said, or why it said nothing: that is an answer too. */
export type Reply =
  | { readonly kind: "said"; readonly text: string }
  /** Nobody answers. */
  | { readonly kind: "silent"; readonly why: string }
  /** It answers, and not as it should. */
  | {
      readonly kind: "strange";
      readonly why: string;
      /** Whether it is the right machine, and has another deploy key. */
      readonly refused?: boolean;
    };

/** How long a machine may take to let us in, and then to answer, in seconds. A dead one costs no more than the first. */
export interface Patience {
  readonly login: number;
  readonly answer: number;
}

export const budgets: Patience = { login: 4, answer: 15 };

/** Runs a script on a machine that may be off, or hang. @throws the signal's reason */
export async function askMachine(
  machine: FolderServer,
  deployKey: string,
  script: string,
  args: readonly string[],
  { login, answer }: Patience = budgets,
  signal?: AbortSignal,
): Promise<Reply> {
  let connection: Connection;
  try {
    connection = await reach(machine, () => deployKey, login, signal);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof HostKeyMismatch) return { kind: "strange", why: error.message };
    if (error instanceof Unreachable) return silent(error.message);
    throw error;
  }
  try {
    const { code, stdout, stderr } = await within(answer, connection.run(script, args));
    if (code === 0) return { kind: "said", text: stdout };
    return { kind: "strange", why: `it can't be asked (exit code ${code}): ${plain(stderr)}` };
  } catch (error) {
    signal?.throwIfAborted();
    return { kind: "strange", why: error instanceof Error ? error.message : String(error) };
  } finally {
    connection.close();
  }
}

/** The result of some work. @throws Error when it takes longer, in seconds */
export async function within<T>(seconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it let us in and then said nothing for ${seconds} s`)), seconds * 1000);
  });
  try {
    return await Promise.race([work, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}

/** What follows a machine's name: every sentence about one begins with "it". */
export function withoutSubject(words: string): string {
  return words.replace(/^it /, "");
}

/** A machine's words on one line, without anything that a terminal could act on. */
export function plain(text: string): string {
  return text
    .replace(/[^ -~]+/g, " ")
    .trim()
    .slice(0, 300);
}

function silent(why: string): Reply {
  if (why.includes("ECONNREFUSED")) return { kind: "strange", why: "it is there and has no SSH server" };
  if (why.includes("authentication methods failed"))
    return {
      kind: "strange",
      why: "it shows its host key and does not let Bramble in: it has another deploy key",
      refused: true,
    };
  return { kind: "silent", why };
}
