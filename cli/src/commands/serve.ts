// SPDX-License-Identifier: Apache-2.0
import { totalmem } from "node:os";
import { join, resolve } from "node:path";
import { BulwarkError } from "@bulwark/contracts/errors";
import { shareMemory } from "@bulwark/inference";
import type { Keys } from "@bulwark/pki";
import type { IntakeLimits } from "@bulwark/queue";
import { InvalidArgumentError, Option } from "commander";
import type { CommandSpec, Context } from "../command.ts";
import { awaitEngines } from "../serving/await-engines.ts";
import { isQueued } from "../serving/check-serve.ts";
import { type GatewayProcess, startGatewayProcess } from "../serving/gateway-process.ts";
import { withServingFolder } from "../serving/lock-folder.ts";
import { placeModels } from "../serving/place-models.ts";
import { DEFAULT_QUEUE, type QueueSettings, USUAL_LIMITS } from "../serving/queue-settings.ts";
import { RECORD_KEY } from "../serving/record-key.ts";
import {
  type Flags,
  listenSettings,
  readServeSettings,
  type ServeSettings,
  toGraceMs,
} from "../serving/serve-settings.ts";
import { removeStack, writeStack } from "../serving/stack.ts";
import type { QueueOptions, QueueParts } from "../serving/start-queue.ts";

/** `bulwark serve`: serves until it is stopped. With an installed Redis, older clients and async requests are queued. */
export const spec: CommandSpec = {
  examples: [
    "bulwark serve model.onnx",
    "bulwark serve models/ --direct",
    "bulwark serve --settings serving.yaml",
    "bulwark serve models/ --engine flink --parallelism 2",
    "bulwark serve models/ --host 0.0.0.0 --tokens tokens.txt",
  ],
  configure(command) {
    command
      .argument("[models]", "a model file, or a folder NAME/VERSION/model.onnx")
      .option("--name <name>", "name of a single model; that of its file when not given")
      .option("-f, --settings <file>", "settings of gateway and models (YAML), or the older config.yaml")
      .option("--direct", "without a queue: older clients are answered directly, and nothing outlives this process")
      .option(
        "--host <address>",
        "address to listen on; others than 127.0.0.1 need tokens or certificates",
        "127.0.0.1",
      )
      .option("--http-port <port>", "port of HTTP, on 127.0.0.1 alone; 0: a free one", toPort, 10_020)
      .option("--https-port <port>", "port of HTTPS; 0: a free one", toPort, 10_023)
      .option("--grpc-port <port>", "port of gRPC; 0: a free one", toPort, 8001)
      .option(
        "--tokens <file>",
        "who may call: lines of NAME and the SHA-256 of a token, and admin for who may load models; mode 0600",
      )
      .option("--client-certificates", "callers must show a certificate of our authority")
      .addOption(
        new Option("--engine <engine>", "what computes what is queued: processes of our own, or a job of Apache Flink")
          .choices(["embedded", "flink"])
          .default("embedded"),
      )
      .option("--engines <number>", "processes of the embedded engine", toCount, 1)
      .option("--parallelism <number>", "subtasks of the Flink job, each in a task manager of its own", toCount, 1)
      .addOption(new Option("--dialect <dialect>", "how /predict answers").choices(["a", "b", "c"]));
  },
  async execute(context, { args, flags }) {
    const read = await readServeSettings(context.cwd, { models: args[0], flags });
    await withServingFolder(context, ({ folder, env }) => start({ ...context, env }, { read, flags, folder }));
    return {};
  },
};

/** Everything from the first file that is written on. */
async function start(
  context: Context,
  { read, flags, folder }: { read: ServeSettings; flags: Flags; folder: string },
): Promise<void> {
  const isFlink = flags.engine === "flink";
  const { queue: given, models, ...others } = read;
  const limits = given?.limits ?? {};
  const settings = {
    // Whoever runs Flink wants it to compute: nothing is answered past the queue unless the settings say so.
    ...(isFlink ? { delivery: { "*": "durable" } } : {}),
    ...others,
    models: typeof models === "string" ? models : await placeModels(join(folder, "models"), models),
  };
  const isNeeded = flags.direct !== true && (isFlink || isQueued(settings) || given?.redis !== undefined);
  const keys = await readKeys(context, { ...flags, ...settings }, isNeeded);
  const parts = { settings, flags, folder, keys };
  const queue = flags.direct === true ? undefined : await openQueue(context, { ...parts, given, isNeeded });
  try {
    await serve(context, { ...parts, queue, limits });
  } finally {
    await queue?.stop();
    await removeStack(context.paths);
  }
}

type Parts = {
  settings: Flags & { models: string };
  flags: Flags;
  folder: string;
  keys: Keys | undefined;
  queue: QueueParts | undefined;
  /** Bounds of what may wait on the queue, where the settings say them. */
  limits: Partial<IntakeLimits>;
};

async function serve(context: Context, { settings, flags, folder, keys, queue, limits }: Parts): Promise<void> {
  const { env, progress, signal } = context;
  const intake = { ...USUAL_LIMITS, ...limits, budgetMs: BUDGET_MS };
  const durable = queue === undefined ? {} : { durable: { ...queue.durable, ...intake } };
  const memory = { memoryBytes: memoryOf(settings, flags) };
  const whole = { ...listenSettings({ ...flags, ...settings }, keys), ...memory, ...settings, ...durable };
  const source =
    typeof flags.settings === "string" ? resolve(context.cwd, flags.settings) : "the flags of bulwark serve";
  const gatewayOptions = { folder, settings: whole, source, env };
  const step = progress.step("Loading models");
  let gateway = await startGatewayProcess(gatewayOptions);
  step.done(`${gateway.ready.models.length} ready`);
  const parts = { folder, keys, queue, isQueued: isQueued(settings) };
  await announce(context, gateway, parts);
  for (;;) {
    const stopped = new Promise<"stop">((resolve) => {
      if (signal.aborted) resolve("stop");
      else signal.addEventListener("abort", () => resolve("stop"), { once: true });
    });
    const how = await Promise.race([gateway.ended, stopped]);
    if (how === "stop") break;
    progress.warn(`The gateway ended (${how}); it is started again. Its log: ${gateway.log}`);
    gateway = await startGatewayProcess(gatewayOptions);
    await announce(context, gateway, parts);
  }
  await gateway.stop(toGraceMs(settings));
}

/** Time of a queued request without a deadline. */
const BUDGET_MS = 30_000;

/** @param isQueued whether engines behind the queue have to say first what they serve */
async function announce(
  context: Context,
  { ready, log }: GatewayProcess,
  { folder, keys, queue, isQueued }: Pick<Parts, "folder" | "keys" | "queue"> & { isQueued: boolean },
): Promise<void> {
  const { progress, stdout, paths, signal } = context;
  for (const { model, message, mend } of ready.failures) progress.warn(`${model}: ${message}\n  -> ${mend}`);
  for (const { model, version } of ready.models) progress.note(`model ${model}, version ${version}`);
  if (queue === undefined) {
    progress.note("No queue: requests are answered directly; async requests and older Redis clients are off.");
  }
  const stack = {
    pid: process.pid,
    startedAt: context.now().toISOString(),
    folder,
    gateway: { ...ready.addresses, log, ...(keys === undefined ? {} : { caFile: keys.files.server.caBundle }) },
    ...(queue === undefined ? {} : { queue: queue.record }),
  };
  await writeStack(paths, stack);
  if (isQueued) {
    const step = progress.step("Waiting for engines");
    const models = await awaitEngines(stack, { signal });
    step.done(models.map(({ name, version }) => `${name} version ${version}`).join(", ") || "none is ready");
  }
  for (const address of Object.values(ready.addresses)) stdout.write(`${address}\n`);
}

/** Keys of this machine; without any, only HTTP on loopback is served. */
async function readKeys(context: Context, flags: Flags, isForQueue: boolean): Promise<Keys | undefined> {
  const { openKeys } = await import("@bulwark/pki");
  try {
    return await openKeys(context.paths.keys, { now: context.now() });
  } catch (error) {
    const isNeeded = flags.host !== "127.0.0.1" || flags.clientCertificates === true || isForQueue;
    if (isNeeded || !(error instanceof BulwarkError) || error.code !== "KEYS_MISSING") throw error;
    context.progress.note("No keys: HTTPS, encrypted models and the queue are off. Turn them on: bulwark keys init");
    return undefined;
  }
}

type QueueParameters = Omit<Parts, "queue" | "limits"> & { given: QueueSettings | undefined; isNeeded: boolean };

async function openQueue(
  context: Context,
  { keys, settings, flags, folder, given, isNeeded }: QueueParameters,
): Promise<QueueParts | undefined> {
  if (keys === undefined) return undefined;
  const flink = flags.engine === "flink" ? await prepareFlink(context, Number(flags.parallelism)) : undefined;
  const [{ addDataKey }, { startQueue }] = await Promise.all([
    import("@bulwark/pki"),
    import("../serving/start-queue.ts"),
  ]);
  let own = keys;
  if (!keys.keyring.keys.some(({ id }) => id === RECORD_KEY)) {
    own = await addDataKey(context.paths.keys, { id: RECORD_KEY, now: context.now() });
  }
  const { models, modelName, modelSettings, older, tracesEndpoint } = settings;
  const { job, limits, redis, fsync, memoryBytes } = given ?? DEFAULT_QUEUE;
  try {
    const queue = await startQueue({
      ...{ folder, keys: own, job, limits },
      recordKey: RECORD_KEY,
      engines: flink === undefined ? Number(flags.engines) : 0,
      ...(flink === undefined ? {} : { flink }),
      models: { models, modelName, modelSettings, older, tracesEndpoint },
      ...(redis === undefined ? {} : { redis }),
      ...{ redisPort: 0, redisMostBytes: memoryBytes, fsync },
      memoryBytes: memoryOf(settings, flags),
      env: context.env,
      onEnd(part, how, isLast = false) {
        const next = isLast ? "is not started again; mend it, then start bulwark serve again" : "is started again";
        context.progress.warn(`${part} ${next}. It ended: ${how}`);
      },
    });
    if (!queue.isDurable) {
      const what = "Redis keeps no append-only file: what waits there is lost when it ends.";
      context.progress.warn(`${what}\n  -> set appendonly yes in the configuration of ${redis?.url}`);
    }
    return queue;
  } catch (error) {
    const isOptional = error instanceof BulwarkError && error.code === "REDIS_MISSING" && !isNeeded;
    if (!isOptional) throw error;
    context.progress.note(`${error.message} The queue is off. Turn it on: ${error.mend}`);
    return undefined;
  }
}

/** Bytes that the gateway and each engine may use: what the settings say, else an equal share of what there is. */
function memoryOf({ memoryBytes }: Flags, { engine, engines, parallelism, direct }: Flags): number {
  if (typeof memoryBytes === "number") return memoryBytes;
  const memory = { machineBytes: totalmem(), containerBytes: process.constrainedMemory() };
  const others = Number(engine === "flink" ? parallelism : engines);
  return shareMemory(memory, 1 + (direct === true ? 0 : others));
}

/** What Flink's processes run on. Throws JAVA_MISSING, JAVA_TOO_OLD, JAR_MISSING. */
async function prepareFlink(context: Context, parallelism: number): Promise<NonNullable<QueueOptions["flink"]>> {
  const [{ findJava }, { javaOptions }, { findFlinkClassPath }] = await Promise.all([
    import("../runtime/java.ts"),
    import("../runtime/choices.ts"),
    import("../serving/flink/library.ts"),
  ]);
  const [java, classPath] = await Promise.all([findJava(javaOptions(context)), findFlinkClassPath()]);
  return { java: java.executable, classPath, parallelism };
}

function toPort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError("give a port from 0 to 65535");
}

function toCount(text: string): number {
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("give a whole number from 1 on");
}
