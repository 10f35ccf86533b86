// SPDX-License-Identifier: Apache-2.0
import { readFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { BulwarkError } from "@bulwark/contracts/errors";
import { parseKeyring, selectKeys } from "@bulwark/pki";
import {
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
import type { Stack } from "./stack.ts";

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
 * them: neither Redis nor its disk sees either.
 *
 * @throws BulwarkError RELAY_PORT, QUEUE_UNREACHABLE, QUEUE_REFUSED, KEY_MISSING
 */
export async function startRelay(queue: NonNullable<Stack["queue"]>, options: RelayOptions): Promise<Relay> {
  const [key] = selectKeys(parseKeyring(await readFile(queue.keyringFile, "utf8")), [queue.recordKey]).keys;
  if (key === undefined) throw new BulwarkError("BUG", "A selected key is absent.", "report it");
  const link = createLink(new Redis(toRedisOptions(await readRedisAddress(queue.relay))));
  const names = nameKeys(queue.job);
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
