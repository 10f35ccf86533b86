// SPDX-License-Identifier: Apache-2.0
import { readFile, stat } from "node:fs/promises";
import { totalmem } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { BulwarkError } from "@bulwark/contracts/errors";
import { readSecretFile } from "@bulwark/contracts/secret-file";
import {
  createAnnouncedCatalog,
  createEngine,
  type Engine,
  type OlderModels,
  openFile,
  openFolder,
  openOlderModels,
  openOlderRecords,
  type Repository,
  resolveSettings,
  shareMemory,
  type UnwrapModelKey,
  unwrapFrom,
} from "@bulwark/inference";
import { parseKeyring } from "@bulwark/pki";
import type { KeyFingerprint, OrderVerb } from "@bulwark/queue";
import { openTracing } from "@bulwark/tracing";
import type { FastifyInstance } from "fastify";
import { createClients } from "./clients.ts";
import { deliveryOf, type GatewayConfig, hasDirectModels } from "./config.ts";
import { openDurable } from "./durable/index.ts";
import { createEngineOrders } from "./engine-orders.ts";
import type { Gateway } from "./gateway.ts";
import { type GrpcServer, startGrpcServer } from "./grpc/server.ts";
import { type HearEngines, hearEngines, type Report } from "./hear-engines.ts";
import { createMetrics } from "./metrics.ts";
import { joinModels } from "./models.ts";
import { createQueuedStatistics } from "./queued-statistics.ts";
import { closeAfterAnswers, createHealthServer, createRestServer, type ServerTls } from "./rest/server.ts";
import { createRetryAfter } from "./retry-after.ts";
import { createSilentModels } from "./silent-models.ts";
import { createSplit } from "./split.ts";
import { createTimers } from "./timers.ts";
import { readTokens } from "./tokens.ts";
import { watchAnswers } from "./watch-answers.ts";
import { openWebhooks } from "./webhooks/index.ts";

/** Where the server listens, and what became of its models. */
export type Started = {
  readonly addresses: { http?: string; https?: string; grpc?: string; health?: string };
  readonly models: readonly { model: string; version: string }[];
  readonly failures: readonly { model: string; error: BulwarkError }[];
  /** As the engine's. */
  stuck(): number;
  /** Is not ready any more, after a while takes nothing new, answers what is under way, ends. `stuck` as the engine's. */
  close(): Promise<{ stuck: number }>;
};

/**
 * Loads the models of direct delivery, then listens; those of durable delivery are known by what engines say of them.
 * Throws SERVING_CONFIG, SERVING_PORT, MODEL_REPOSITORY, KEYRING_UNSAFE.
 *
 * @param report told of what an engine said that cannot be read, and of one whose keys are others
 */
export async function startGateway(config: GatewayConfig, report: Report = () => {}): Promise<Started> {
  const now = (): number => performance.timeOrigin + performance.now();
  const isQueued = (model: string): boolean => deliveryOf(config, model) === "durable";
  const repository = await openRepository(config, isQueued);
  const unwrap = config.keyringFile === undefined ? undefined : createUnwrap(config.keyringFile);
  const memory = { machineBytes: totalmem(), containerBytes: process.constrainedMemory() };
  const { memoryBytes = shareMemory(memory), older } = config;
  const olderModels = older.models === undefined ? undefined : await openOlderModels(older.models);
  const decrypt = older.records === undefined ? undefined : await openOlderRecords(older.records);
  const engine = createEngine({
    repository,
    settings: (model) => resolveSettings(config.modelSettings, model),
    ...(unwrap === undefined ? {} : { unwrap }),
    openOlder: olderModels?.open,
    ...(memoryBytes === 0 ? {} : { memory: { limitBytes: memoryBytes, usedBytes: () => process.memoryUsage.rss() } }),
    now,
  });
  const tokens = config.tokensFile === undefined ? undefined : await readTokens(config.tokensFile);
  // A body takes more memory once it is read into tensors, and models need theirs.
  const bodiesShare = Math.floor((memoryBytes || shareMemory(memory)) / 4);
  const { bodiesBytes = Math.max(config.bodyBytes, bodiesShare) } = config;
  const clients = createClients(config, { tokens, bodiesBytes, now });
  const tracing = await openTracing({ endpoint: config.tracesEndpoint, service: "bulwark-serving-gateway" });
  const hasQueued = Object.values(config.delivery).includes("durable");
  const announced = hasQueued ? createAnnouncedCatalog(isQueued) : undefined;
  const queued = createQueuedStatistics(now);
  const timers = createTimers(now);
  const silent = createSilentModels();
  const orders = createEngineOrders({ now, pause: delay });
  const hear = (recordKeys: readonly KeyFingerprint[]): HearEngines =>
    hearEngines(announced, report, { hearOrders: orders.hear, recordKeys });
  const durable =
    config.durable === undefined
      ? undefined
      : await openDurable(config.durable, { trace: tracing?.current, hear, timers });
  const order =
    durable &&
    ((model: string, verb: OrderVerb) => orders.order({ model, verb }, (...given) => durable.order(...given)));
  const models = joinModels({ engine, announced, queued, order, silent, isQueued });
  const webhooks = config.webhooks === undefined ? undefined : await openWebhooks(config.webhooks);
  const ending = new AbortController();
  const cut = new AbortController();
  const metrics = createMetrics(models, { inFlight: clients.inFlight, now, timers, durable, webhooks });
  const retryAfter = createRetryAfter({
    ...{ now, inFlight: clients.inFlight },
    oldestMs: () => durable?.watch.state().queue?.oldestMs,
  });
  const split = createSplit(config.weights, models);
  /** Models that could not be opened for want of a key. */
  const locked = new Set<string>();
  const mustBeTold = olderModels !== undefined && older.models?.secretFile === undefined;
  const secureModels = mustBeTold ? secure(engine, olderModels, locked) : undefined;
  const [stopping, cutting] = [ending.signal, cut.signal];
  const gateway: Gateway = {
    ...{
      config,
      models,
      engine,
      announced,
      durable,
      webhooks,
      stopping,
      cutting,
      split,
      decrypt,
      secureModels,
      clients,
      metrics,
      timers,
      retryAfter,
      queued,
      tracing,
      now,
    },
  };
  const failures: { model: string; error: BulwarkError }[] = [];
  for (const model of await repository.list()) {
    await engine.load(model).catch((cause) => {
      const error = toBulwarkError(cause);
      failures.push({ model, error });
      if (error.code === "KEY_MISSING") locked.add(model);
    });
  }
  const tls = await readTls(config);
  const { servers, addresses, grpc } = await listen(gateway, tls);
  const answers =
    config.canaryMs === 0
      ? undefined
      : watchAnswers({
          ...{ gateway, silent, report, periodMs: config.canaryMs, random: Math.random },
          pause: (ms, signal) => delay(ms, undefined, { signal, ref: false }).catch(() => undefined),
        });
  return {
    addresses,
    failures,
    stuck: engine.stuck,
    models: models.list().filter(({ state }) => state === "READY"),
    async close() {
      ending.abort();
      const watched = answers?.close();
      for (const server of servers) closeAfterAnswers(server);
      await delay(config.leaveMs);
      const limit = new Promise<void>((resolve) => setTimeout(resolve, config.drainMs).unref());
      await Promise.race([clients.drain(), limit]);
      cut.abort();
      await Promise.all([watched, webhooks?.close()]);
      await Promise.all([...servers.map((server) => server.close()), grpc?.close(), durable?.close()]);
      await tracing?.close();
      return engine.close();
    },
  };
}

/** Tells the secrets, and loads the models that are locked; those that open are taken off the list. */
function secure(engine: Engine, older: OlderModels, locked: Set<string>): NonNullable<Gateway["secureModels"]> {
  return async (secrets) => {
    await older.tell(secrets);
    const load = async (model: string): Promise<void> => {
      await engine.load(model);
      locked.delete(model);
    };
    const loads = await Promise.allSettled([...locked].map(load));
    return loads.every(({ status }) => status === "fulfilled");
  };
}

async function listen(gateway: Gateway, tls: ServerTls | undefined) {
  const { host, httpPort, httpsPort, grpcPort, healthPort } = gateway.config;
  const servers: FastifyInstance[] = [];
  const addresses: Started["addresses"] = {};
  let grpc: GrpcServer | undefined;
  const open = async (server: FastifyInstance, port: number): Promise<string> => {
    servers.push(server);
    return server.listen({ host, port });
  };
  try {
    if (httpPort !== undefined) addresses.http = await open(createRestServer(gateway), httpPort);
    if (httpsPort !== undefined) addresses.https = await open(createRestServer(gateway, tls), httpsPort);
    if (healthPort !== undefined) addresses.health = await open(createHealthServer(gateway, tls), healthPort);
    if (grpcPort !== undefined) {
      grpc = await startGrpcServer(gateway, { address: `${host}:${grpcPort}`, tls });
      addresses.grpc = grpc.address;
    }
  } catch (cause) {
    await Promise.all(servers.map((server) => server.close()));
    await gateway.engine.close();
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new BulwarkError("SERVING_PORT", `The server cannot listen: ${text}`, "choose another port", { cause });
  }
  return { servers, addresses, grpc };
}

/** The models that are computed here. Where none is, no folder of models is opened, nor needs to be there. */
async function openRepository(config: GatewayConfig, isQueued: (model: string) => boolean): Promise<Repository> {
  const { models = "", modelName, delivery } = config;
  if (!hasDirectModels(delivery)) return { list: async () => [], find: async () => [] };
  const found = await stat(models).catch((cause) => {
    throw new BulwarkError("MODEL_REPOSITORY", `${models} is not there`, "name a model or a folder of models", {
      cause,
    });
  });
  const repository = found.isDirectory() ? openFolder(models) : openFile(models, modelName);
  return { ...repository, list: async () => (await repository.list()).filter((model) => !isQueued(model)) };
}

async function readTls({ tls, clientCertificates }: GatewayConfig): Promise<ServerTls | undefined> {
  if (tls === undefined) return undefined;
  const read = (path: string): Promise<Buffer> =>
    readFile(path).catch((cause) => {
      throw new BulwarkError("SERVING_CONFIG", `${path} cannot be read`, "bulwark keys check", { cause });
    });
  const [key, cert, ca] = await Promise.all([read(tls.privateKey), read(tls.certificate), read(tls.caBundle)]);
  return { key, cert, ca, mustShowCertificate: clientCertificates };
}

/** Opens models with the master keys of a keyring, read anew for each. Throws KEYRING_INVALID, KEY_MISSING, KEY_WRONG. */
function createUnwrap(path: string): UnwrapModelKey {
  return async (header) => unwrapFrom(parseKeyring(await readSecretFile(path)).keys)(header);
}

function toBulwarkError(error: unknown): BulwarkError {
  if (error instanceof BulwarkError) return error;
  return new BulwarkError("BUG", "Loading met an unexpected state", "report it", { cause: error });
}
