// SPDX-License-Identifier: Apache-2.0
// Bytes at the port of HTTP, whether they are a request or not.
import { connect } from "node:net";
import { ERRORS } from "../../packages/contracts/src/errors/index.ts";
import { type Answer, type Connections, demandKnown } from "./fuzz-http.ts";

const LINE_END = "\r\n";
const write = (lines: readonly string[], body: Buffer | string = ""): Buffer =>
  Buffer.concat([Buffer.from([...lines, "", ""].join(LINE_END), "latin1"), Buffer.from(body as string)]);

/** What may come to a server, requests with a right body among it. */
export const makeRaw = (body: Buffer): readonly Buffer[] => {
  const infer = "POST /v2/models/echo/infer HTTP/1.1";
  const whole = write([infer, "Host: h", `Content-Length: ${body.length}`], body);
  const chunks = write([infer, "Host: h", "Transfer-Encoding: chunked"], `${body.length.toString(16)}\r\n`);
  const live = write(["GET /v2/health/live HTTP/1.1", "Host: h"]);
  return [
    whole,
    Buffer.concat([chunks, body, Buffer.from("\r\n0\r\nTrailer: x\r\n\r\n")]),
    Buffer.concat([live, whole, live]),
    write([infer, "Host: h", "Expect: 100-continue", `Content-Length: ${body.length}`, "Connection: close"], body),
    write(["GET /v2 HTTP/1.0"]),
    write(["GET /metrics HTTP/1.1", "Host: h", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c"]),
    write(["GET /v2 HTTP/1.1", "Host: h", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]),
    write(["OPTIONS * HTTP/1.1", "Host: h", "Origin: null"]),
    write(["PRI * HTTP/2.0", "", "SM"]),
    write(["CONNECT h:443 HTTP/1.1", "Host: h"]),
    write(["GET /v2 HTTP/1.1", "Host: h", `x: ${"y".repeat(20_000)}`]),
    Buffer.from("16030100c2010000be0303", "hex"),
    write([infer, "Host: h", "Content-Length: 5", "Transfer-Encoding: chunked"], "0\r\n\r\nGET /v2 HTTP/1.1\r\n\r\n"),
    Buffer.from("*1\r\n$4\r\nPING\r\n"),
  ];
};

/** Sends bytes on a connection of their own, says that they are all, and reads until it is closed. */
export async function sendRaw({ http }: Connections, input: Buffer): Promise<string> {
  const answers = readAnswers(await talk(http, input));
  return answers.length === 0 ? "closed" : answers.map(judgeRaw).join(" | ").slice(0, 200);
}

function talk({ hostname, port }: URL, input: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    const socket = connect(Number(port), hostname, () => socket.end(input));
    socket.on("data", (piece) => pieces.push(piece));
    // A server that has refused need not read the rest.
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "ECONNRESET" && error.code !== "EPIPE") reject(error);
    });
    socket.on("close", () => resolve(Buffer.concat(pieces)));
  });
}

/** Answers one behind the other. Throws where the bytes are something else. */
function readAnswers(bytes: Buffer): Answer[] {
  const answers: Answer[] = [];
  for (let rest = bytes; rest.length > 0; ) {
    const end = rest.indexOf("\r\n\r\n");
    const head = rest.toString("latin1", 0, end);
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]);
    if (end === -1 || Number.isNaN(status)) throw new Error(`no answer of HTTP: ${rest.toString("latin1", 0, 300)}`);
    const read = (name: string): string => new RegExp(`^${name}: *(.*)$`, "im").exec(head)?.[1] ?? "";
    const { body, length } = cutBody(rest.subarray(end + 4), read);
    if (status >= 200) answers.push({ status, type: read("content-type"), body });
    rest = rest.subarray(end + 4 + length);
  }
  return answers;
}

/** A body, and the bytes that it takes. One that was cut ends where the bytes do. */
function cutBody(rest: Buffer, read: (header: string) => string): { body: Buffer; length: number } {
  if (read("transfer-encoding") !== "chunked") {
    const length = Math.min(Number(read("content-length")), rest.length);
    return { body: rest.subarray(0, length), length };
  }
  const pieces: Buffer[] = [];
  for (let at = 0; ; ) {
    const line = rest.indexOf(LINE_END, at);
    const size = Number.parseInt(rest.toString("latin1", at, line), 16);
    if (line === -1 || !(size > 0)) return { body: Buffer.concat(pieces), length: Math.min(rest.length, line + 4) };
    pieces.push(rest.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
}

/** Any path may be asked for, in any dialect: where it is refused, there is a code whose status it has. */
function judgeRaw({ status, type, body }: Answer): string {
  const text = body.toString("utf8");
  if (status < 400) return `answered ${status}`;
  // Node's own: a request without Host, or with an expectation that is none; and what HEAD asks for has no body.
  if (body.length === 0 && [400, 404, 417].includes(status)) return `refused ${status}`;
  if (text === "Model Not Found") return text;
  const isJson = type.startsWith("application/json");
  const code = isJson ? JSON.parse(text).code : text.split(":")[0];
  if (isJson && status === 404 && code === "SERVING_ROUTE") return code;
  const known = demandKnown(code, `${status} ${text}`);
  if (isJson && ERRORS[known].http !== status) throw new Error(`${known} with status ${status}`);
  return `${status} ${known}`;
}
