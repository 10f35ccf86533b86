// SPDX-License-Identifier: Apache-2.0
// Methods, paths and headers that no client of ours sends.
import { METHODS } from "node:http";
import { type Connections, exchange, judge, judgeOlder } from "./fuzz-http.ts";

const INFER = "/v2/models/echo/infer";

/** A method and a path, then headers, a line each. */
export const HEADS: readonly Buffer[] = [
  `POST ${INFER}\ncontent-type: application/json\naccept: application/vnd.apache.arrow.stream`,
  `POST ${INFER}\ninference-header-content-length: 12\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`,
  `POST ${INFER}\ncontent-type: application/vnd.apache.arrow.stream\nauthorization: Bearer x`,
  "POST /v2/models/echo/versions/1/infer\ncontent-encoding: gzip",
  "POST /predict\nbulwark-timeout: 1000000\nbulwark-priority: 1\nbulwark-dialect: a",
  "POST /models/lookup/versions/1/predict\ncontent-type: text/plain",
  "POST /v2/models/table/generate_stream",
  "POST /v2/repository/index\naccept: */*",
  "POST /v2/repository/models/nobody/load",
  "POST /v2/models/echo/requests\nbulwark-uri: a",
  "GET /v2/models/echo/requests/x\nprefer: wait=1",
  "GET /v2/models/echo/versions/1/stats",
  "GET /v2/models/echo%2F/ready",
  "GET /models/echo?x=1",
  "GET /metrics\naccept: application/json",
  "GET /v2",
  "DELETE /docs",
].map((text) => Buffer.from(text));

/** What Node's client would not send. */
const UNSENDABLE = { path: /[^\x21-\x7e]/g, name: /[^A-Za-z0-9!#$%&'*+.^_`|~-]/g, value: /[^\x20-\x7e\x80-\xff]/g };
/** They say how the message itself is sent, which is the client's to say. */
const OF_THE_CLIENT = new Set(["connection", "content-length", "expect", "host", "transfer-encoding", "upgrade"]);
/** Without a body, or ends the connection. */
const BODILESS = new Set(["GET", "HEAD", "CONNECT", "TRACE"]);

/** Sends what HEADS were made to. Throws for an answer that may not be. */
export async function sendHead(to: Connections, input: Buffer, body: Buffer): Promise<string> {
  const [first = "", ...lines] = input.toString("latin1").split("\n");
  const [given = "", ...rest] = first.split(" ");
  const method = METHODS.includes(given) && given !== "CONNECT" ? given : "POST";
  const path = `/${rest.join("%20").replaceAll(UNSENDABLE.path, "").replace(/^\/+/, "")}`;
  const headers = Object.fromEntries(
    lines.flatMap((line) => {
      const [name = "", ...value] = line.split(":");
      const clean = name.replaceAll(UNSENDABLE.name, "").toLowerCase();
      const isOurs = clean === "" || OF_THE_CLIENT.has(clean);
      return isOurs ? [] : [[clean, value.join(":").replaceAll(UNSENDABLE.value, "").trim()]];
    }),
  );
  const answer = await exchange(to, path, { method, headers, ...(BODILESS.has(method) ? {} : { body }) });
  if (answer.status < 400) return `answered ${answer.status}`;
  if (method === "HEAD") return demandNoFault(answer.status);
  // Which dialect a path speaks is the router's to say.
  return answer.type.startsWith("text/plain") ? judgeOlder(answer) : judge(answer);
}

/** Its answers have no body that could hold a code. */
function demandNoFault(status: number): string {
  if (status < 500) return `refused ${status}`;
  throw new Error(`answered with ${status}`);
}
