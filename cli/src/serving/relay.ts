// SPDX-License-Identifier: Apache-2.0
import { createServer, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { BulwarkError } from "@bulwark/contracts/errors";
import {
  checkRedis,
  checkRights,
  createIntake,
  createLink,
  createRandom,
  nameKeys,
  readFacts,
  readRedisAddress,
  serveRelayClient,
  toRecordKeys,
  toRedisOptions,
} from "@bulwark/queue";
import { Redis } from "ioredis";
import { checkModel } from "./check-model.ts";
import { readRecordKey } from "./record-key.ts";
import type { RelayQueue } from "./relay-queue.ts";

export type RelayOptions = {
  /** Loopback alone: older clients speak without TLS and without a password. */
  port: number;
  /** Model that answers; empty: the engine's only one, or the one set for older clients. */
  model: string;
  mostRecords: number;
  mostBytes: number;
};

export type Relay = { port: number; close(): Promise<void> };

const HOST = "127.0.0.1";
/** Older clients name no limit; a day is longer than any waits. */
const BUDGET_MS = 86_400_000;
const PATIENCE_MS = 60_000;

/**
 * Listens on loopback for older clients. What they write is sealed before it leaves for Redis, results are opened for
 * them: neither Redis nor its disk sees either. Redis is looked at before: whether it can be trusted with records, and
 * whether our user may do what a relay does.
 *
 * @throws BulwarkError RELAY_PORT, QUEUE_UNREACHABLE, QUEUE_REFUSED, QUEUE_EVICTS, QUEUE_REDIS_OLD, QUEUE_NAME_INVALID,
 * SERVING_CONFIG, KEYRING_UNSAFE, KEYRING_INVALID, KEY_MISSING, MODEL_UNKNOWN
 */
export async function startRelay(queue: RelayQueue, options: RelayOptions): Promise<Relay> {
  const key = await readRecordKey(queue);
  const names = nameKeys(queue.job);
  const link = createLink(new Redis(toRedisOptions(await readRedisAddress(queue.relay))));
  const parts = {
    ...{ names, intake: createIntake(link, names, options), facts: () => readFacts(link), model: options.model },
    ...{ keys: toRecordKeys(key), fillRandom: createRandom(), budgetMs: BUDGET_MS, patienceMs: PATIENCE_MS },
    ...{ now: () => performance.now(), pause: (ms: number): Promise<void> => delay(ms) },
  };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.setNoDelay(true));
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    void serveRelayClient(socket, parts);
  });
  try {
    await link.connect();
    await checkRedis(link);
    await checkRights(link, names, { user: queue.relay.user ?? "default", roles: ["relay"] });
    if (options.model !== "") await checkModel(queue, options.model);
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause) => {
        const mend = "choose another port: bulwark serving relay --port PORT";
        reject(new BulwarkError("RELAY_PORT", `The relay cannot listen at ${HOST}:${options.port}.`, mend, { cause }));
      });
      server.listen(options.port, HOST, resolve);
    });
  } catch (error) {
    link.close();
    throw error;
  }
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : options.port,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
      link.close();
    },
  };
}
