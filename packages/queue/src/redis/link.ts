// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Redis } from "ioredis";
import type { Script } from "./script.ts";
import { toQueueError } from "./translate.ts";

export type Argument = string | number | Uint8Array;

/** One connection to Redis that speaks in commands and scripts. Answers hold Buffers, numbers, lists and null. */
export type Link = {
  /** Throws QUEUE_FULL, QUEUE_UNREACHABLE, QUEUE_REFUSED. */
  send(command: string, ...args: Argument[]): Promise<unknown>;
  /** Runs a script; Redis keeps it, so that only its digest travels. The same errors. */
  run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown>;
  /** Waits for the connection to come up. Throws QUEUE_UNREACHABLE, QUEUE_REFUSED; it goes on trying in either case. */
  connect(): Promise<void>;
  isUp(): boolean;
  close(): void;
};

/** Wraps a connection that the caller made with `toRedisOptions`, so that its errors have codes. */
export function createLink(redis: Redis): Link {
  // Why there is no connection: a command that fails for lack of one says only that.
  let trouble: unknown;
  redis.on("error", (error) => {
    trouble = error;
  });
  redis.on("ready", () => {
    trouble = undefined;
  });
  let isClosed = false;
  const translate = (error: unknown): BulwarkError => toQueueError(isUnconnected(error) ? (trouble ?? error) : error);

  const send = async (command: string, ...args: Argument[]): Promise<unknown> => {
    if (isClosed) throw new BulwarkError("QUEUE_UNREACHABLE", "The connection to Redis is closed.", "start again");
    try {
      return await redis.callBuffer(command, ...args.map(toWire));
    } catch (error) {
      throw translate(error);
    }
  };

  return {
    send,
    async run({ sha1, text }, keys, args) {
      const rest = [keys.length, ...keys, ...args];
      try {
        return await redis.callBuffer("EVALSHA", sha1, ...rest.map(toWire));
      } catch (error) {
        if (!isUnknownScript(error)) throw translate(error);
      }
      return send("EVAL", text, ...rest);
    },
    async connect() {
      await redis.connect().catch((error) => {
        throw translate(error);
      });
    },
    isUp: () => redis.status === "ready",
    close() {
      isClosed = true;
      redis.disconnect();
    },
  };
}

function toWire(argument: Argument): string | number | Buffer {
  if (!(argument instanceof Uint8Array) || Buffer.isBuffer(argument)) return argument;
  return Buffer.from(argument.buffer, argument.byteOffset, argument.byteLength);
}

const isUnknownScript = (error: unknown): boolean => error instanceof Error && error.message.startsWith("NOSCRIPT");

/** ioredis's words for a command that it could not send. */
const isUnconnected = (error: unknown): boolean =>
  error instanceof Error &&
  /^(Connection is closed|Stream isn't writeable|Reached the max retries)/.test(error.message);
