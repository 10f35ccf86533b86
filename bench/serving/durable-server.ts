// SPDX-License-Identifier: Apache-2.0
// One process that starts Redis, an engine and a gateway as `bulwark serve` does; they end when it does.
import { join } from "node:path";
import { startGatewayProcess } from "../../cli/src/serving/gateway-process.ts";
import { startQueue } from "../../cli/src/serving/start-queue.ts";
import { initKeys } from "../../packages/pki/src/index.ts";

const { folder, model, maxRows, windowMs, port } = JSON.parse(process.argv[2] ?? "{}");
const { env } = process;
const keys = await initKeys(join(folder, "keys"), { now: new Date(), keyNames: ["serving-records"], ifMissing: true });
const modelSettings = { "*": { batch: { maxRows, windowMs } } };
const queue = await startQueue({
  ...{ folder: join(folder, `queue-${port}`), keys, job: "serving_stream", recordKey: "serving-records", engines: 1 },
  ...{ redisPort: 0, redisMostBytes: 2 ** 31, fsync: "everysec", env },
  onEnd: (part, how) => process.stderr.write(`${part} ended: ${how}\n`),
  models: { models: model, modelName: "model", modelSettings },
});
const durable = { ...queue.durable, mostRecords: 100_000, mostBytes: 2 ** 28, budgetMs: 30_000 };
const models = { models: model, modelName: "model", modelSettings, delivery: { "*": "durable" } };
await startGatewayProcess({ folder, env, settings: { ...models, durable, httpPort: port } });
// Until killed; the others hold its pipes.
await new Promise(() => setInterval(() => {}, 1 << 30));
