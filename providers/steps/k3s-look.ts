import { setTimeout as delay } from "node:timers/promises";
import type { Connection } from "../transport/connection.ts";
import { connect, type SshTarget, Unreachable } from "../transport/ssh.ts";
import { onGuest } from "./guest-script.ts";

/** A node as the API sees it. */
export interface NodeSeen {
  readonly name: string;
  readonly ready: boolean;
  /** Whether its etcd has a vote. */
  readonly voter: boolean;
  /** Whether it keeps the cluster's state in etcd. */
  readonly member: boolean;
  /** Whether its etcd has been taken out of the cluster. */
  readonly left: boolean;
  /** Whether k3s has not yet said what machine it is; no pod gets there before. */
  readonly waits: boolean;
  readonly version: string;
}

export type Look =
  | { readonly down: string }
  | {
      readonly nodes: readonly NodeSeen[];
      /** The list's resource version, from which on changes can be waited for. */
      readonly at: string;
    };

/** A server whose API answers. */
export interface Answering {
  readonly target: SshTarget;
  readonly connection: Connection;
  readonly nodes: readonly NodeSeen[];
}

/** A server that was asked in vain. */
export interface Silent {
  readonly target: SshTarget;
  readonly why: string;
  /** Whether at least the machine let us in. */
  readonly reached: boolean;
}

/** The pause between two looks, in milliseconds. */
export const lookAgain = 2000;

/** What the API of a server says of the cluster. */
export async function lookAt(connection: Connection): Promise<Look> {
  const said = await onGuest(connection, { what: "asking for the cluster's nodes", scripts: ["k3s-api", "k3s-look"] });
  const look: Look = JSON.parse(said);
  return look;
}

/** Waits until a server's API may have more to say of a node than at the last look, half a minute at the most. */
export async function awaitNews(connection: Connection, node: string, last: Look): Promise<void> {
  await onGuest(connection, {
    what: `waiting for news of ${node}`,
    scripts: ["k3s-api", "k3s-news"],
    args: [node, "down" in last ? "" : last.at],
  });
}

/**
 * The first server that answers, tried again until the patience is used up; the others' connections are closed.
 * @param patience in seconds
 */
export async function findServer(
  targets: readonly SshTarget[],
  key: string,
  patience: number,
  interrupted?: AbortSignal,
): Promise<Answering | readonly Silent[]> {
  const end = Date.now() + patience * 1000;
  for (;;) {
    const tried = await Promise.all(targets.map((target) => ask(target, key)));
    const [first, ...rest] = tried.filter(answers);
    for (const { connection } of rest) connection.close();
    if (first !== undefined) return first;
    const silent = tried.filter((result): result is Silent => !answers(result));
    if (targets.length === 0 || Date.now() > end) return silent;
    await delay(lookAgain, undefined, interrupted === undefined ? {} : { signal: interrupted });
  }
}

/** Servers that were asked in vain, in words. */
export function whySilent(silent: readonly Silent[]): string {
  return silent.map(({ target, why }) => `  ${target.name}: ${why}`).join("\n");
}

function answers(result: Answering | Silent): result is Answering {
  return "nodes" in result;
}

/** How long one attempt to log in to a server may take, in seconds. */
const attemptPatience = 10;

async function ask(target: SshTarget, key: string): Promise<Answering | Silent> {
  let connection: Connection;
  try {
    connection = await connect(target, key, { patience: attemptPatience });
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    return { target, why: error.message, reached: false };
  }
  const look = await lookAt(connection).catch((error) => {
    connection.close();
    throw error;
  });
  if ("nodes" in look) return { target, connection, nodes: look.nodes };
  connection.close();
  return { target, why: `its API does not answer: ${look.down}`, reached: true };
}
