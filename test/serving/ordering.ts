// SPDX-License-Identifier: Apache-2.0
// A gateway whose models are all behind the queue of a test: what it is asked, and what engines say of the model `echo`.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { askRedis } from "../../cli/src/serving/redis-probe.ts";
import { writeIdentity } from "../../packages/inference/src/testing/models.ts";
import { type Link, nameKeys } from "../../packages/queue/src/index.ts";
import { parseConfig } from "../../services/serving-gateway/src/config.ts";
import { startGateway } from "../../services/serving-gateway/src/start.ts";
import { type QueueStack, until } from "./stack.ts";

const ECHO = { inputs: [{ name: "x", datatype: "FP32", shape: [1, 1], data: [1] }] };
const LOOKUP = { inputs: [{ name: "x", datatype: "INT64", shape: [1], data: [3] }] };
const names = nameKeys("serving_stream");

type Said = {
  versions: { model: string; version: string; state: string; reason?: string }[];
  carriedOut?: { upTo: string; failures: { code: string }[] };
};
export type Answer = { status: number; content: { code?: string; [key: string]: unknown } };

export type Ordering = {
  /** Address of the gateway. */
  http: string;
  change(verb: "load" | "unload", model?: string): Promise<Answer>;
  /** Asks `echo`; `version` as the path has it. */
  infer(version?: string): Promise<Answer>;
  askLookup(): Promise<Answer>;
  /** Puts another version of `echo` where engines find it. */
  put(version: string): void;
  /** What each engine alive says, by its name. */
  listen(): Promise<Map<string, Said>>;
  /** The same of `echo` alone: version, state, and reason where there is one. */
  say(): Promise<string[]>;
  close(): Promise<void>;
};

/** Starts it; resolves when `echo` is answered. */
export async function startOrdering({ queue, keys, folder }: QueueStack): Promise<Ordering> {
  const durable = { ...queue.durable, keyringFile: keys.files.keyring, mostRecords: 1000, mostBytes: 2 ** 28 };
  const settings = { delivery: { "*": "durable" }, durable: { ...durable, budgetMs: 30_000 }, httpPort: 0 };
  const gateway = await startGateway(parseConfig(JSON.stringify(settings), "test"));
  const http = gateway.addresses.http ?? "";

  const post = async (path: string, body: object = {}): Promise<Answer> => {
    const answer = await fetch(`${http}${path}`, { method: "POST", body: JSON.stringify(body) });
    return { status: answer.status, content: (await answer.json()) as Answer["content"] };
  };
  const infer = (version = "") => post(`/v2/models/echo${version}/infer`, ECHO);
  const listen = (): Promise<Map<string, Said>> =>
    askRedis(queue.record.redis, async (link) => {
      const engines = (await link.send("ZRANGEBYSCORE", names.engines, "-inf", "+inf")) as Buffer[];
      const said = await Promise.all(
        engines.map(async (one) => [String(one), await link.send("GET", names.serves(String(one)))] as const),
      );
      return new Map(said.flatMap(([name, text]) => (text === null ? [] : [[name, JSON.parse(String(text))]])));
    });

  await until(async () => (await infer()).status === 200);
  return {
    http,
    change: (verb, model = "echo") => post(`/v2/repository/models/${model}/${verb}`),
    infer,
    askLookup: () => post("/v2/models/lookup/infer", LOOKUP),
    put(version) {
      const place = join(folder, "models", "echo", version);
      mkdirSync(place, { recursive: true });
      writeFileSync(join(place, "model.onnx"), writeIdentity("FP32", "n", "m"));
    },
    listen,
    say: async () =>
      [...(await listen()).values()].map(({ versions }) => {
        const ours = versions.filter(({ model }) => model === "echo");
        return ours.map(({ version, state, reason = "" }) => `${version} ${state} ${reason}`.trim()).join(", ");
      }),
    close: () => gateway.close().then(() => {}),
  };
}

/**
 * What somebody does who has an engine's rights at Redis and no key: says the first order again, makes one, and gives one
 * for another model. Gives the id of the last.
 */
export async function forgeOrders(link: Link): Promise<string> {
  const [first] = (await link.send("XRANGE", names.orders, "-", "+")) as [Buffer, Buffer[]][];
  const [, given = []] = first ?? [];
  await link.send("XADD", names.orders, "*", ...given);
  await link.send("XADD", names.orders, "*", "model", "echo", "order", "unload 1");
  const moved = given.map((field) => (String(field) === "echo" ? "lookup" : field));
  return String(await link.send("XADD", names.orders, "*", ...moved));
}
