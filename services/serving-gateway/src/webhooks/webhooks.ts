// SPDX-License-Identifier: Apache-2.0
import { isIP } from "node:net";
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";
import { isPrivate } from "./addresses.ts";
import type { Send } from "./send.ts";

/** What is told of a request that ended. No outputs: whoever has the id fetches them, with its own token. */
export type Ended = { state: "succeeded" | "failed"; code?: ErrorCode };

/** Tells others that submitted requests ended. Everything happens behind the requests: nobody waits for it. */
export type Webhooks = {
  /** The address as it may be called. Throws WEBHOOK_REFUSED, and ENGINE_BUSY when as many are waiting as may. */
  accept(address: unknown): URL;
  /** Calls the address once the request has ended. */
  watch(hook: { id: string; url: URL; ended: (signal: AbortSignal) => Promise<Ended | undefined> }): void;
  counts(): { waiting: number; delivered: number; failed: number };
  /** Gives up what was not delivered. */
  close(): Promise<void>;
};

type Options = {
  send: Send;
  allowPrivate: boolean;
  /** Hosts that may be called; any when empty. */
  hosts: readonly string[];
  pause(ms: number, signal: AbortSignal): Promise<void>;
  random(): number;
  mostWaiting?: number;
};

const ATTEMPTS = 6;
const FIRST_PAUSE_MS = 1_000;
const MOST_WAITING = 10_000;
const MOST_AT_ONCE = 32;
const LONGEST_URL = 2_000;

export function createWebhooks({ send, allowPrivate, hosts, pause, random, mostWaiting }: Options): Webhooks {
  const closing = new AbortController();
  const running = new Set<Promise<void>>();
  const turns = createTurns(MOST_AT_ONCE);
  let [delivered, failed] = [0, 0];

  const deliver = async (id: string, url: URL, ended: Ended): Promise<boolean> => {
    const body = JSON.stringify({ type: "request.ended", id, ...ended, location: `/v2/requests/${id}` });
    for (let attempt = 0; attempt < ATTEMPTS && !closing.signal.aborted; attempt++) {
      // A little earlier or later each, so that a receiver that comes back is not met by all at once.
      if (attempt > 0) await pause(FIRST_PAUSE_MS * 4 ** (attempt - 1) * (0.5 + random()), closing.signal);
      if ((await turns.take(() => send({ id, url, body }, closing.signal))) === undefined) return true;
    }
    return false;
  };

  return {
    accept(address) {
      if (running.size >= (mostWaiting ?? MOST_WAITING)) {
        throw new BulwarkError("ENGINE_BUSY", `${running.size} webhooks are waiting`, "poll, or try again later");
      }
      return readAddress(address, { allowPrivate, hosts });
    },
    watch({ id, url, ended }) {
      const task = ended(closing.signal)
        .then(async (end) => {
          if (end !== undefined && (await deliver(id, url, end))) delivered++;
          else failed++;
        })
        .catch(() => void failed++)
        .finally(() => running.delete(task));
      running.add(task);
    },
    counts: () => ({ waiting: running.size, delivered, failed }),
    async close() {
      closing.abort();
      await Promise.all(running);
    },
  };
}

function readAddress(address: unknown, { allowPrivate, hosts }: Pick<Options, "allowPrivate" | "hosts">): URL {
  const isText = typeof address === "string" && address.length <= LONGEST_URL;
  const url = isText && URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined) throw refused("is no URL", "https://HOST/PATH");
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const rules: [boolean, string, string][] = [
    [url.protocol === "https:" || (url.protocol === "http:" && allowPrivate), "is not https", "https://HOST/PATH"],
    [url.username === "" && url.password === "", "carries a password", "leave user and password out"],
    [hosts.length === 0 || hosts.includes(url.hostname), "is of a host that is not called", "webhooks.hosts"],
    // A name is looked at when it is called.
    [allowPrivate || isIP(host) === 0 || !isPrivate(host), "is a private address", "webhooks.allowPrivate"],
  ];
  for (const [holds, what, mend] of rules) if (!holds) throw refused(what, mend);
  return url;
}

const refused = (what: string, mend: string): BulwarkError =>
  new BulwarkError("WEBHOOK_REFUSED", `The address of the webhook ${what}`, mend);

/** Lets so many run at once; the others wait for their turn. */
function createTurns(most: number): { take<Value>(run: () => Promise<Value>): Promise<Value> } {
  let free = most;
  const queue: (() => void)[] = [];
  return {
    async take(run) {
      if (free > 0) free--;
      else await new Promise<void>((resolve) => queue.push(resolve));
      try {
        return await run();
      } finally {
        const next = queue.shift();
        if (next === undefined) free++;
        else next();
      }
    },
  };
}
