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
  isUp(): boolean;
  close(): void;
};

/** Wraps a connection that the caller made with `toRedisOptions`, so that its errors have codes. */
export function createLink(redis: Redis): Link {
  // Without a listener ioredis prints; every command tells of its own failure.
  redis.on("error", () => {});
  let isClosed = false;

  const send = async (command: string, ...args: Argument[]): Promise<unknown> => {
    if (isClosed) throw new BulwarkError("QUEUE_UNREACHABLE", "The connection to Redis is closed.", "start again");
    try {
      return await redis.callBuffer(command, ...args.map(toWire));
    } catch (error) {
      throw toQueueError(error);
    }
  };

  return {
    send,
    async run({ sha1, text }, keys, args) {
      const rest = [keys.length, ...keys, ...args];
      try {
        return await redis.callBuffer("EVALSHA", sha1, ...rest.map(toWire));
      } catch (error) {
        if (!isUnknownScript(error)) throw toQueueError(error);
      }
      return send("EVAL", text, ...rest);
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
