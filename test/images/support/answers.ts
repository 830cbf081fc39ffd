import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A web server on 127.0.0.1. */
export interface Answers {
  /** Its address, without a slash at the end. */
  readonly url: string;
  /** By path, what is answered; 404 for others. A number is the status of a refusal. */
  readonly by: Map<string, string | Uint8Array | number>;
  /** The paths that were asked for. */
  readonly asked: string[];
  close(): Promise<void>;
}

export async function startAnswers(): Promise<Answers> {
  const by = new Map<string, string | Uint8Array | number>();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    asked.push(path);
    const answer = by.get(path) ?? 404;
    if (typeof answer === "number") response.writeHead(answer).end();
    else response.writeHead(200, { "content-length": Buffer.byteLength(answer) }).end(answer);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    by,
    asked,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
