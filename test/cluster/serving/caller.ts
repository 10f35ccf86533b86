// SPDX-License-Identifier: Apache-2.0
// Callers of a serving release, from the node's network, where Services have their addresses.
import { connect } from "node:http2";
import { Agent, request } from "node:https";
import { buffer, text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import type { Cluster, TestNamespace } from "../fixture/index.ts";

/** What the Secret for callers holds. */
export type Credentials = { ca: string; certificate: string; privateKey: string; token: string };

export type Answer = { status: number; body: string };
export type Ask = { path: string; body?: unknown; headers?: Readonly<Record<string, string>> };

/** Somebody who asks one address, by a connection that is kept while the server keeps it. */
export type Caller = {
  ask(what: Ask): Promise<Answer>;
  close(): void;
};

const LIMIT_MS = 60_000;
const FRAME_BYTES = 5;

export async function readCredentials(cluster: Cluster, { name }: TestNamespace, secret: string): Promise<Credentials> {
  const { data } = await cluster.get<{ data: Record<string, string> }>(["-n", name, "secret", secret]);
  const read = (entry: string): string => Buffer.from(data[entry] ?? "", "base64").toString();
  return { ca: read("ca.crt"), certificate: read("tls.crt"), privateKey: read("tls.key"), token: read("token") };
}

/** An address that is to show a certificate for a name. */
export type Target = { host: string; port: number; servername: string };

/** A caller of an address. */
export function makeCaller(
  { host, port, servername }: Target,
  { ca, token }: Pick<Credentials, "ca"> & { token?: string },
): Caller {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca, servername });
  return {
    ask: ({ path, body, headers = {} }) =>
      new Promise((resolve, reject) => {
        const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
        const method = body === undefined ? "GET" : "POST";
        const asked = request({ agent, host, port, path, method, headers: { ...authorization, ...headers } });
        asked.setTimeout(LIMIT_MS, () => asked.destroy(new Error("no answer in time")));
        asked.on("error", reject).on("response", (answer) => {
          text(answer).then((read) => resolve({ status: answer.statusCode ?? 0, body: read }), reject);
        });
        asked.end(body === undefined ? undefined : JSON.stringify(body));
      }),
    close: () => agent.destroy(),
  };
}

/** What `ServerLive` answers over gRPC: the message's bytes, with their frame (gRPC over HTTP/2, length-prefixed messages). */
export async function askLive({ host, port, servername }: Target, ca: string): Promise<Buffer> {
  const session = connect(`https://${host}:${port}`, { ca, servername });
  try {
    const headers = { "content-type": "application/grpc", te: "trailers" };
    const path = "/inference.GRPCInferenceService/ServerLive";
    const stream = session.request({ ":method": "POST", ":path": path, ...headers });
    stream.end(Buffer.alloc(FRAME_BYTES));
    return await buffer(stream);
  } finally {
    session.close();
  }
}

/** A request for the sum of two numbers. */
export const sumOf = (a: number, b: number) => ({
  inputs: [{ name: "x", datatype: "FP32", shape: [1, 2], data: [a, b] }],
});

export type LoadCounts = {
  answered: number;
  /** Answered 503, which says that nothing was taken in, and asked again. */
  refused: number;
  /** Answers with other numbers than those asked for. */
  wrong: number;
  /** What became of requests that got neither an answer nor 503. */
  lost: string[];
  slowestMs: number;
};

const UNAVAILABLE = 503;
const PAUSE_MS = 20;

/** Lets callers ask a model for sums, each for its own, while something happens; each request until it has an answer. */
export async function askWhile(
  callers: readonly Caller[],
  model: string,
  act: (counts: Readonly<LoadCounts>) => Promise<void>,
): Promise<LoadCounts> {
  const counts: LoadCounts = { answered: 0, refused: 0, wrong: 0, lost: [], slowestMs: 0 };
  let isOver = false;
  let next = 0;

  const ask = async (caller: Caller, number: number): Promise<void> => {
    const { status, body } = await caller.ask({ path: `/v2/models/${model}/infer`, body: sumOf(number, number + 0.5) });
    if (status === UNAVAILABLE) {
      counts.refused++;
      await delay(PAUSE_MS * 5);
      return ask(caller, number);
    }
    if (status !== 200) throw new Error(`${status} ${body.slice(0, 200)}`);
    counts.answered++;
    if (JSON.parse(body).outputs[0].data[0] !== 2 * number + 0.5) counts.wrong++;
  };

  const run = async (caller: Caller): Promise<void> => {
    while (!isOver) {
      const startedAt = performance.now();
      await ask(caller, next++).catch((error: Error) => counts.lost.push(error.message));
      counts.slowestMs = Math.max(counts.slowestMs, Math.round(performance.now() - startedAt));
      await delay(PAUSE_MS);
    }
  };
  const all = Promise.all(callers.map(run));
  try {
    await act(counts);
  } finally {
    isOver = true;
    await all;
  }
  return counts;
}
