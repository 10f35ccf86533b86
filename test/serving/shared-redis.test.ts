// SPDX-License-Identifier: Apache-2.0
// Two `bulwark serve`, on one machine and with the same keys, on one queue of a Redis that somebody else runs.
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kill } from "node:process";
import { after, before, describe, it } from "node:test";
import { BulwarkError } from "../../packages/contracts/src/errors/index.ts";
import { writeIdentity } from "../../packages/inference/src/testing/models.ts";
import { GROUP, inspectQueue, type Link, nameKeys } from "../../packages/queue/src/index.ts";
import { findRedisPrograms, startTestRedis, type TestRedis } from "../../packages/queue/src/testing/index.ts";
import { type Client, createClient } from "../../packages/serving-client/src/index.ts";
import type { Tensor } from "../../packages/tensors/src/index.ts";
import { askAndWait, askWhile, type LoadCounts, makeRow, submitAndFetch } from "./load.ts";
import { until } from "./stack.ts";
import { makeHome } from "./tool.ts";

const [program] = findRedisPrograms();
const NAMES = nameKeys("clinic");
const CALLERS = 8;
const SOME = 100;
/** Another engine takes over what a killed one held, after half a minute. */
const LIMIT_MS = 90_000;

describe("two bulwark serve on one queue", { skip: program === undefined ? "no redis-server here" : false }, () => {
  const keys = mkdtempSync(join(tmpdir(), "bulwark-keys-"));
  const variables = { BULWARK_KEYS_DIR: join(keys, "keys") };
  const homes = [makeHome("bulwark one", variables), makeHome("bulwark other", variables)] as const;
  const [one, other] = homes;
  let redis: TestRedis;
  let link: Link;
  let first: Serving;
  let second: Serving;

  before(async () => {
    assert.ok(program);
    redis = await startTestRedis(program);
    link = await redis.connect();
    const settings = {
      models: "models",
      delivery: { "*": "durable" },
      queue: { job: NAMES.job, redis: { url: redis.url } },
    };
    for (const { home } of homes) {
      mkdirSync(join(home, "models", "echo", "1"), { recursive: true });
      writeFileSync(join(home, "models", "echo", "1", "model.onnx"), writeIdentity("FP32", "n", "m"));
      writeFileSync(join(home, "serving.yaml"), JSON.stringify(settings));
    }
    assert.equal((await one.run("keys", "init")).code, 0);
    first = await serve(one);
    second = await serve(other);
  });
  after(async () => {
    for (const serving of [first, second]) await serving?.stop();
    await redis?.stop();
    for (const folder of [keys, ...homes.map(({ home }) => home)]) {
      rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
    }
  });

  const answerSome = async (seen: Readonly<LoadCounts>): Promise<void> => {
    const enough = seen.answered + SOME;
    await until(() => seen.answered >= enough, LIMIT_MS);
  };
  const findEngines = async (): Promise<number> => (await inspectQueue(link, NAMES)).engines.length;
  /** Engines that hold records at this moment. */
  const findHolders = async (): Promise<string[]> => {
    const pending = (await link.send("XPENDING", NAMES.job, GROUP)) as [number, ...(Buffer | [Buffer, Buffer][])[]];
    return ((pending[3] ?? []) as [Buffer, Buffer][]).map(([name]) => String(name));
  };

  it("have engines that know of each other, and compute what either took in", async () => {
    await until(async () => (await findEngines()) === 2);
    for (const { client } of [first, second]) {
      const seen = new Set<string>();
      const counts = await askWhile(askAndWait(client), { callers: CALLERS }, async () => {
        await until(async () => {
          for (const name of await findHolders()) seen.add(name);
          return seen.size === 2;
        });
      });
      assert.deepEqual([counts.wrong, counts.lost, counts.broken], [0, [], 0]);
    }
  });

  it("give each the results of what the other took in", async () => {
    const row = makeRow(1);
    const id = await second.client.submit("echo", [row]);
    assert.deepEqual((await first.client.result(id))?.outputs[0]?.data, row.data);
  });

  it("compute what an engine held that was killed and did not come back", async () => {
    const rows: Tensor[] = [];
    const ids: string[] = [];
    await until(async () => {
      const row = makeRow(rows.length);
      rows.push(row);
      second.signal("SIGCONT");
      ids.push(await first.client.submit("echo", [row], { timeoutMs: LIMIT_MS }));
      second.signal("SIGSTOP");
      return (await findHolders()).includes(second.engine);
    });
    await second.kill();
    const results = await Promise.all(ids.map((id) => first.client.result(id, { timeoutMs: LIMIT_MS })));
    assert.deepEqual(
      results.map((result) => result?.outputs[0]?.data),
      rows.map(({ data }) => data),
    );
    second = await serve(other);
  });

  it("lose nothing when one of them is killed, and when it is back it takes part again", async (context) => {
    const either = goOnWith(() => second.client, first.client);
    const askers = [askAndWait(either), submitAndFetch(either), askAndWait(first.client)];
    const counts = await askWhile(askers, { callers: CALLERS, limitMs: LIMIT_MS }, async (seen) => {
      await answerSome(seen);
      await second.kill();
      await answerSome(seen);
      second = await serve(other);
      await until(async () => (await findEngines()) === 2);
      await answerSome(seen);
    });
    context.diagnostic(JSON.stringify(counts));
    assert.deepEqual([counts.wrong, counts.lost], [0, []]);
    assert.ok(counts.answered >= 3 * SOME);
    // What was killed together with its asker is nobody's answer: its engine takes it up when it is back, a moment after the gateway.
    await until(async () => (await inspectQueue(link, NAMES)).pending === 0, LIMIT_MS);
    const { records, pending, dead, lost } = await inspectQueue(link, NAMES);
    assert.deepEqual(
      { records, pending, dead, lost },
      { records: { high: 0, normal: 0, low: 0 }, pending: 0, dead: 0, lost: 0 },
    );
  });
});

type Home = ReturnType<typeof makeHome>;
type Serving = {
  client: Client;
  /** Its engine, as the queue knows it. */
  engine: string;
  /** To each of its parts. */
  signal(name: NodeJS.Signals): void;
  kill(): Promise<void>;
  stop(): Promise<void>;
};

async function serve({ home, folder, serve: start, listParts }: Home): Promise<Serving> {
  const file = join(folder, "stack.json");
  rmSync(file, { force: true });
  const process = start("--settings", join(home, "serving.yaml"));
  await until(() => existsSync(file) || process.exitCode !== null, 60_000);
  const { gateway } = JSON.parse(readFileSync(file, "utf8"));
  const client = createClient({ url: gateway.https, ca: readFileSync(gateway.caFile, "utf8"), attempts: 1 });
  await until(() => client.isReady("echo").catch(() => false));
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const ended = once(process, "exit");
    if (process.exitCode === null && process.signalCode === null) {
      process.kill(signal);
      await ended;
    }
    await until(() => listParts().length === 0);
    client.close();
  };
  const signal = (name: NodeJS.Signals): void => {
    for (const pid of listParts()) kill(Number(pid), name);
  };
  return {
    client,
    engine: JSON.parse(readFileSync(join(folder, "engine-1.json"), "utf8")).consumer,
    signal,
    async kill() {
      // An engine that only loses its parent would give back what it holds.
      signal("SIGKILL");
      await end("SIGKILL");
    },
    stop: () => end("SIGTERM"),
  };
}

/** Asks one, and the other where the first does not answer. Results are the other's to give. */
function goOnWith(find: () => Client, other: Client): Client {
  const elsewhere =
    <Given>(ask: () => Promise<Given>) =>
    (error: unknown): Promise<Given> => {
      if (error instanceof BulwarkError && error.code === "SERVING_UNREACHABLE") return ask();
      throw error;
    };
  return {
    ...other,
    infer: (...given) =>
      find()
        .infer(...given)
        .catch(elsewhere(() => other.infer(...given))),
    submit: (...given) =>
      find()
        .submit(...given)
        .catch(elsewhere(() => other.submit(...given))),
  };
}
