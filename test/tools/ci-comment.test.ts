import { deepEqual, doesNotMatch, equal, match, rejects } from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text as bodyOf } from "node:stream/consumers";
import { type Forge, keepComment, longestComment } from "../../tools/ci/comments.ts";

interface Comment {
  id: number;
  body: string | null;
  user: { login: string } | null;
}

/** A forge in small: the three requests about comments, as GitHub documents them, pages and refusals included. */
describe("a comment under a pull request", () => {
  let server: Server;
  let forge: Forge;
  let comments: Comment[];
  let answer: { status: number; location?: string } | undefined;
  const requests: string[] = [];
  const bot = { login: "github-actions[bot]" };

  before(async () => {
    server = createServer(async (request, response) => {
      const { method = "", url = "", headers } = request;
      requests.push(`${method} ${url}`);
      const send = (status: number, value: unknown, more: Record<string, string> = {}) =>
        response.writeHead(status, { "content-type": "application/json", ...more }).end(JSON.stringify(value));
      if (answer !== undefined) {
        const { status, location } = answer;
        return send(status, { message: "no" }, location === undefined ? {} : { location });
      }
      if (headers.authorization !== "Bearer only-for-the-forge") return send(401, { message: "Bad credentials" });
      const [path = "", query] = url.split("?");
      if (method === "GET" && path === "/repos/ann/site/issues/7/comments") {
        const page = Number(new URLSearchParams(query).get("page"));
        const size = Number(new URLSearchParams(query).get("per_page"));
        const more = comments.length > page * size;
        const link: Record<string, string> = more ? { link: `<${forge.api}${path}?page=${page + 1}>; rel="next"` } : {};
        return send(200, comments.slice((page - 1) * size, page * size), link);
      }
      const { body }: { body: string } = JSON.parse(await bodyOf(request));
      if (method === "POST" && path === "/repos/ann/site/issues/7/comments") {
        comments.push({ id: comments.length + 1, body, user: bot });
        return send(201, comments.at(-1));
      }
      const id = /^\/repos\/ann\/site\/issues\/comments\/(\d+)$/.exec(path)?.[1];
      const known = comments.find((comment) => comment.id === Number(id));
      if (method !== "PATCH" || known === undefined) return send(404, { message: "Not Found" });
      known.body = body;
      return send(200, known);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    forge = { api: `http://127.0.0.1:${port}`, repository: "ann/site", token: "only-for-the-forge", author: bot.login };
  });
  beforeEach(() => {
    comments = [];
    answer = undefined;
    requests.length = 0;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const keep = (text: string, marker = "<!-- home -->") => keepComment(forge, 7, marker, text);

  it("is written once and then written over, one for each stack", async () => {
    equal(await keep("first"), "new");
    equal(await keep("of another", "<!-- lab -->"), "new");
    equal(await keep("second"), "updated");
    deepEqual(
      comments.map(({ body }) => body),
      ["<!-- home -->\nsecond", "<!-- lab -->\nof another"],
    );
  });

  it("is found behind hundreds of others, on the last page", async () => {
    comments = Array.from({ length: 250 }, (_, index) => ({ id: index + 1, body: "talk", user: { login: "ann" } }));
    comments.push({ id: 251, body: "<!-- home -->\nfirst", user: bot });
    equal(await keep("second"), "updated");
    equal(comments.at(-1)?.body, "<!-- home -->\nsecond");
    equal(requests.length, 4);
  });

  it("is not the one that somebody else wrote with its marker, nor one that only cites it", async () => {
    comments = [
      { id: 1, body: "<!-- home -->\nlooks good", user: { login: "mallory" } },
      { id: 2, body: "> <!-- home -->\nsee above", user: bot },
      { id: 3, body: null, user: null },
    ];
    equal(await keep("ours"), "new");
    equal(comments[0]?.body, "<!-- home -->\nlooks good");
  });

  it("says what the forge answered, and keeps the token to itself", async () => {
    const said = async () => {
      const error = await keep("text").then(
        () => undefined,
        (error: Error) => error,
      );
      doesNotMatch(String(error), /only-for-the-forge/);
      return error?.message ?? "";
    };
    answer = { status: 403 };
    match(await said(), /GET .* was answered with 403: \{"message":"no"\}\nThe token needs .*pull-requests: write/);
    answer = { status: 500 };
    match(await said(), /was answered with 500/);
    answer = { status: 302, location: `${forge.api}/elsewhere` };
    match(await said(), /can't be reached: .*redirect/);
    equal(
      requests.some((request) => request.includes("elsewhere")),
      false,
    );
    await rejects(
      keepComment({ ...forge, api: "http://127.0.0.1:1" }, 7, "<!-- home -->", "text"),
      /can't be reached: .*Run this step again/,
    );
  });

  it("is not sent when the forge would refuse its length", async () => {
    await rejects(keep("x".repeat(longestComment)), /has 65550 characters, and the forge takes 65536/);
    deepEqual(requests, []);
  });
});
