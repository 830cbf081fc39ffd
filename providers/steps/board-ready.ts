import type { BootSource } from "../readiness/boot-server.ts";
import type { ExpectedBoard } from "../readiness/judge.ts";
import { waitForBoard } from "../readiness/wait.ts";
import type { SshTarget } from "../transport/ssh.ts";
import { required, requiredSeconds } from "./environment.ts";

/** What the variable `board` holds, as JSON. */
export type BoardSpec = SshTarget & ExpectedBoard;

/**
 * Waits until a board that boots over the network says by itself that it is ready: it runs what is published for it, or
 * an older version, and nothing of it fails. While it waits, it prints what the boot server sees of the board.
 */
export async function boardReady(): Promise<string> {
  const board: BoardSpec = JSON.parse(required("board"));
  const source: BootSource = JSON.parse(required("bootServer"));
  const judgement = await waitForBoard({
    board,
    source,
    deployKey: required("sshKey"),
    patience: requiredSeconds("patience"),
    say: console.log,
  });
  return judgement.kind === "current"
    ? `${board.name} runs what is published for it`
    : `${board.name} can be used; ${judgement.why}`;
}
