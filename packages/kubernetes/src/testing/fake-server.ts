// SPDX-License-Identifier: Apache-2.0
// An API server that misbehaves on demand: for error paths alone. Everything else is tested on a real node.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Connection, createConnection, type Outside } from "../api/connection.ts";

/** What the server does with one question. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (_request, response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(body));
  };

/** Lines of a watch, then what happens to the connection. */
export const lines =
  (objects: readonly unknown[], end: "end" | "cut" | "stay" = "end"): Answer =>
  (_request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    for (const object of objects) response.write(`${JSON.stringify(object)}\n`);
    if (end === "end") response.end();
    if (end === "cut") setImmediate(() => response.destroy());
  };

/** Never answers. */
export const silence: Answer = () => undefined;

/** Starts a server that gives its answers one after the other; asked for more, it stays silent. */
export async function startFakeServer(answers: readonly Answer[], outside: Partial<Outside> = {}) {
  const asked: URL[] = [];
  const tokens: (string | undefined)[] = [];
  const left = [...answers];
  const server = createServer((request, response) => {
    asked.push(new URL(request.url ?? "", "http://fake"));
    tokens.push(request.headers.authorization);
    (left.shift() ?? silence)(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const connect = (credentials: Connection["access"]["credentials"] = { type: "anonymous" }): Connection =>
    createConnection(
      { context: "fake", server: url, namespace: "runs", credentials },
      { runProgram: async () => "", now: () => new Date(), ...outside },
    );
  return {
    url,
    asked,
    tokens,
    connect,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
