// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { buffer } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { ERRORS, type ErrorCode } from "./errors/index.ts";
import { answerNoHttp } from "./no-http.ts";

const GET = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;
const POST = "POST /read HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";

describe("what is no HTTP", () => {
  let server: Server;
  /** Resolves when a request is with its handler. */
  let reached = Promise.withResolvers<void>();

  const ROUTES: Readonly<Record<string, RequestListener>> = {
    "/now": (_request, response) => void response.end("fine"),
    "/begun": (_request, response) => void response.writeHead(200).write("begun"),
    "/read": (request, response) =>
      void request
        .on("error", () => {})
        .on("end", () => response.end("read"))
        .resume(),
    "/never": () => {},
  };
  before(async () => {
    const limits = { requestTimeout: 300, headersTimeout: 300, connectionsCheckingInterval: 50 };
    server = createServer(limits, (request, response) => {
      ROUTES[request.url ?? ""]?.(request, response);
      reached.resolve();
    }).on("clientError", answerNoHttp);
    await once(server.listen(0, "127.0.0.1"), "listening");
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  /** Sends first what is HTTP, then what is not, and gives all that comes until the end. */
  async function send(good: string, bad: string | Buffer): Promise<string> {
    reached = Promise.withResolvers();
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    const read = buffer(socket);
    if (good !== "") {
      socket.write(good);
      await reached.promise;
    }
    socket.write(bad);
    return String(await read);
  }

  function demand(answer: string, code: ErrorCode): void {
    const [head = "", body = ""] = answer.split("\r\n\r\n");
    const { http } = ERRORS[code];
    assert.ok(head.startsWith(`HTTP/1.1 ${http} `), answer);
    assert.match(head, /^connection: close$/im);
    assert.match(head, new RegExp(`^content-length: ${Buffer.byteLength(body)}$`, "im"));
    const content = JSON.parse(body);
    assert.deepEqual([content.code, typeof content.error, typeof content.mend], [code, "string", "string"]);
  }

  const hello = Buffer.from("16030100c2010000be0303", "hex");
  for (const [what, bytes, code] of [
    ["words", "hello server\r\n\r\n", "SERVING_REQUEST"],
    ["the begin of TLS", hello, "SERVING_REQUEST"],
    ["the begin of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "SERVING_REQUEST"],
    ["another version", "GET / HTTP/9.9\r\n\r\n", "SERVING_REQUEST"],
    ["a header without a name", "GET / HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n", "SERVING_REQUEST"],
    ["two lengths", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "SERVING_REQUEST"],
    ["a head that is too large", `GET / HTTP/1.1\r\nx: ${"y".repeat(20_000)}`, "SERVING_HEAD_TOO_LARGE"],
    ["a head that does not end", "GET / HTTP/1.1\r\n", "SERVING_REQUEST_SLOW"],
  ] as const) {
    it(`is answered with a code: ${what}`, async () => demand(await send("", bytes), code));
  }

  it("is answered within a request whose answer has not begun", async () => {
    demand(await send(POST, "no length\r\n"), "SERVING_REQUEST");
    demand(await send(POST, "5\r\nab"), "SERVING_REQUEST_SLOW");
  });

  it("is answered behind an answer that is whole", async () => {
    const [first = "", ...rest] = (await send(GET("/now"), "hello\r\n\r\n")).split("fine");
    assert.match(first, /^HTTP\/1.1 200 /);
    demand(rest.join("fine"), "SERVING_REQUEST");
  });

  it("is not answered behind a request whose own answer is still to come, nor within an answer", async () => {
    assert.equal(await send(GET("/never"), "hello\r\n\r\n"), "");
    const begun = await send(GET("/begun"), "hello\r\n\r\n");
    assert.match(begun, /^HTTP\/1.1 200 [\s\S]*begun\r\n$/);
  });
});
