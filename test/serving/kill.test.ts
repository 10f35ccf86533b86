// SPDX-License-Identifier: Apache-2.0
// Each part is killed again and again while callers ask: no record may be lost, no answer may be another caller's.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { askRedis } from "../../cli/src/serving/redis-probe.ts";
import { inspectQueue, nameKeys, type QueueState } from "../../packages/queue/src/index.ts";
import { type Durable, openDurable } from "../../services/serving-gateway/src/durable/index.ts";
import { askWhile, type LoadCounts, makeRow } from "./load.ts";
import { type QueueStack, skip, startQueueStack, until } from "./stack.ts";

const KILLS = Number(process.env.BULWARK_KILLS ?? 20);
const CALLERS = 16;
/** Redis reads all of its append-only file first, with what the tests before have left in it, on a machine that may be busy. */
const BACK_MS = 60_000;

describe("killed under load", { skip }, () => {
  let stack: QueueStack;
  let gateway: Durable;
  before(async () => {
    stack = await startQueueStack(["echo", "lookup"], { engines: 2 });
    gateway = await openDurable(settings());
  });
  after(async () => {
    await gateway?.close();
    await stack?.stop();
  });

  const settings = () => ({ ...stack.queue.durable, mostRecords: 10_000, mostBytes: 2 ** 28, budgetMs: 30_000 });
  const look = (): Promise<QueueState> =>
    askRedis(stack.queue.record.redis, (link) => inspectQueue(link, nameKeys(stack.queue.record.job)));

  /** Nobody's record was lost, nobody got another's answer, and nothing is left over. */
  const assertWhole = async (counts: LoadCounts, context: { diagnostic(text: string): void }): Promise<void> => {
    const { answered, refused, wrong, lost, slowestMs } = counts;
    const slowest = `slowest ${Math.round(slowestMs)} ms`;
    context.diagnostic(`${KILLS} kills, ${answered} answered, ${refused} refused with 503, ${slowest}`);
    assert.deepEqual({ wrong, lost }, { wrong: 0, lost: [] });
    await until(async () => (await look()).pending === 0);
    const { records, dead, bytes } = await look();
    assert.deepEqual([records, dead, lost.length, bytes], [{ high: 0, normal: 0, low: 0 }, 0, 0, 0]);
  };

  it("an engine process", async (context) => {
    const counts = await askWhile(gateway, { callers: CALLERS }, async (seen) => {
      for (let kill = 0; kill < KILLS; kill++) {
        const engine = stack.queue.processes[`engine-${1 + (kill % 2)}`] ?? assert.fail();
        const { answered } = seen;
        await until(() => seen.answered > answered + 200);
        const restarts = engine.restarts();
        process.kill(engine.pid() ?? assert.fail(), "SIGKILL");
        await until(() => engine.restarts() > restarts);
      }
    });
    await assertWhole(counts, context);
  });

  it("Redis, which comes back from its append-only file", async (context) => {
    const redis = stack.queue.processes.redis ?? assert.fail();
    const counts = await askWhile(gateway, { callers: CALLERS }, async (seen) => {
      for (let kill = 0; kill < KILLS; kill++) {
        const { answered } = seen;
        await until(() => seen.answered > answered + 200, BACK_MS);
        const restarts = redis.restarts();
        process.kill(
          await askRedis(stack.queue.record.redis, async (link) => readPid(await link.send("INFO"))),
          "SIGKILL",
        );
        await until(() => redis.restarts() > restarts);
      }
    });
    await assertWhole(counts, context);
  });

  it("the gateway, whose submitted requests are answered by another", async (context) => {
    let fetched = 0;
    const counts = await askWhile(gateway, { callers: 2 }, async () => {
      for (let kill = 0; kill < KILLS; kill++) {
        const ids = await submitAndDie(settings());
        for (const [index, id] of ids.entries()) {
          const result = await gateway.result(id, { waitMs: 20_000 });
          assert.ok(typeof result === "object", `request ${index} of kill ${kill}: ${result}`);
          assert.deepEqual(result.outputs[0]?.data, makeRow(index).data);
          fetched++;
        }
      }
    });
    context.diagnostic(`${fetched} results of killed gateways fetched`);
    await assertWhole(counts, context);
  });

  it("and a record that the model cannot take hurts nobody else", async () => {
    const bad = { name: "x", datatype: "INT64", shape: [1], data: BigInt64Array.of(99n) } as const;
    const counts = await askWhile(gateway, { callers: CALLERS }, async () => {
      for (let count = 0; count < 20; count++) {
        await assert.rejects(gateway.infer("lookup", undefined, [bad]), { code: "MODEL_FAILED" });
      }
    });
    assert.deepEqual([counts.wrong, counts.lost], [0, []]);
    assert.equal((await look()).dead, 20);
  });

  it("answers 503 within the deadline when no engine is left", async () => {
    for (const name of ["engine-1", "engine-2"]) await stack.queue.processes[name]?.stop(15_000);
    await until(async () => gateway.watch.state().queue?.engines.length === 0);
    const startedAt = performance.now();
    const asked = gateway.infer("echo", undefined, [makeRow(1)], { deadline: Date.now() + 500 });
    await assert.rejects(asked, { code: "ENGINE_ABSENT" });
    assert.ok(performance.now() - startedAt < 1_500);
    assert.match(readFileSync(stack.queue.record.engineLogs[0] ?? "", "utf8"), /"event":"stopped"/);
  });
});

const readPid = (info: unknown): number => Number(/process_id:(\d+)/.exec(String(info))?.[1]);

/** A gateway that takes requests in, says so, and is killed at once. */
async function submitAndDie(settings: object): Promise<string[]> {
  const url = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
  const program = `
    import { openDurable } from ${url("../../services/serving-gateway/src/durable/index.ts")};
    import { makeRow } from ${url("./load.ts")};
    const gateway = await openDurable(JSON.parse(process.argv[1]));
    const rows = Array.from({ length: 50 }, (_, index) => makeRow(index));
    const ids = await Promise.all(rows.map((row) => gateway.submit("echo", undefined, [row])));
    console.log(JSON.stringify(ids.map(({ id }) => id)));
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program, JSON.stringify(settings)], {
    cwd: join(import.meta.dirname, "..", ".."),
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  for await (const chunk of child.stdout) {
    output += chunk;
    if (output.endsWith("\n")) child.kill("SIGKILL");
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  assert.equal(child.signalCode, "SIGKILL");
  return JSON.parse(output);
}
