// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { ClientLimits, GatewayConfig } from "./config.ts";
import type { Tokens } from "./tokens.ts";

/** What tells who calls, whatever protocol it came by. */
export type Caller = {
  /** The `authorization` header. */
  readonly authorization: string | undefined;
  /** Name in the certificate that the caller proved to hold. */
  readonly certificate: string | undefined;
  readonly address: string;
};

/** One request that was let in, until it is over. A plain record: there is one for each request. */
export type Visit = { readonly usage: Usage | undefined; bytes: number; isOver: boolean };

/** Who may call, and how much. */
export type Clients = {
  /**
   * Lets a request in, by its head alone.
   *
   * @param need what only some may do: load and unload models
   * @throws BulwarkError SERVING_UNAUTHENTICATED, SERVING_FORBIDDEN, SERVING_LIMIT, ENGINE_BUSY, SERVING_STOPPING
   */
  admit(caller: Caller, need?: "admin"): Visit;
  /** Counts bytes of a body until its request is over. False: all bodies together would be more than may be. */
  hold(visit: Visit, bytes: number): boolean;
  /** The request is over, however it ended; said again, it says nothing. */
  leave(visit: Visit): void;
  /** Requests under way. */
  inFlight(): number;
  /** Lets no more in, and resolves when all are over. */
  drain(): Promise<void>;
};

type Usage = { concurrent: number; tokens: number; filledAt: number };
type Identity = { readonly key: string; readonly isAdmin: boolean };

/** Callers that are remembered; the one that has been silent for longest is forgotten. */
const MOST_REMEMBERED = 10_000;

export function createClients(
  config: Pick<GatewayConfig, "clientLimits" | "maxInFlight" | "clientCertificates" | "adminCertificates">,
  { tokens, bodiesBytes, now }: { tokens: Tokens | undefined; bodiesBytes: number; now: () => number },
): Clients {
  const { clientLimits: limits, maxInFlight, clientCertificates, adminCertificates } = config;
  const isLimited = limits.requestsPerSecond > 0 || limits.concurrent > 0;
  const usages = new Map<string, Usage>();
  let inFlight = 0;
  let held = 0;
  let drained: (() => void) | undefined;
  let isStopping = false;

  const identify = ({ authorization, certificate, address }: Caller): Identity => {
    const holder = tokens?.find(authorization);
    if (holder !== undefined) return { key: `token ${holder.name}`, isAdmin: holder.isAdmin };
    if (tokens !== undefined && (certificate === undefined || !clientCertificates)) {
      throw new BulwarkError("SERVING_UNAUTHENTICATED", "No valid token was sent", "send Authorization: Bearer TOKEN");
    }
    if (clientCertificates && certificate === undefined) {
      const mend = "connect with a client certificate";
      throw new BulwarkError("SERVING_UNAUTHENTICATED", "No certificate was shown", mend);
    }
    // Where nobody has to say who they are, nobody can be told from an administrator.
    const isAdmin = clientCertificates ? adminCertificates.includes(certificate ?? "") : true;
    return { key: certificate === undefined ? `address ${address}` : `certificate ${certificate}`, isAdmin };
  };

  return {
    admit(caller, need) {
      const { key, isAdmin } = identify(caller);
      if (need === "admin" && !isAdmin) throw forbidden();
      if (isStopping) {
        throw new BulwarkError("SERVING_STOPPING", "The server is ending", "send the request again");
      }
      const usage = isLimited ? take(usages, key, { limits, now: now() }) : undefined;
      if (inFlight >= maxInFlight) {
        if (usage !== undefined) usage.concurrent--;
        throw new BulwarkError("ENGINE_BUSY", `${inFlight} requests are under way`, LATER);
      }
      inFlight++;
      return { usage, bytes: 0, isOver: false };
    },
    hold(visit, bytes) {
      if (visit.isOver) return true;
      if (held + bytes > bodiesBytes) return false;
      held += bytes;
      visit.bytes += bytes;
      return true;
    },
    leave(visit) {
      if (visit.isOver) return;
      visit.isOver = true;
      inFlight--;
      held -= visit.bytes;
      if (visit.usage !== undefined) visit.usage.concurrent--;
      if (inFlight === 0) drained?.();
    },
    inFlight: () => inFlight,
    async drain() {
      isStopping = true;
      if (inFlight === 0) return;
      await new Promise<void>((resolve) => {
        drained = resolve;
      });
    },
  };
}

const LATER = "send it again a little later";

/** What `hold` refuses. */
export const noRoom = (): BulwarkError =>
  new BulwarkError("ENGINE_BUSY", "The bodies under way are as large together as they may be", LATER);

const forbidden = (): BulwarkError => {
  const mend = "ask the operator: `admin` behind the token's line, or adminCertificates";
  return new BulwarkError("SERVING_FORBIDDEN", "This caller may not load and unload models", mend);
};

function take(usages: Map<string, Usage>, name: string, { limits, now }: { limits: ClientLimits; now: number }): Usage {
  const { requestsPerSecond, concurrent } = limits;
  const burst = Math.max(1, limits.burst, requestsPerSecond);
  const usage = usages.get(name) ?? { concurrent: 0, tokens: burst, filledAt: now };
  // Written anew, so that the first in the map is the one that has been silent for longest.
  usages.delete(name);
  usages.set(name, usage);
  if (usages.size > MOST_REMEMBERED) forgetIdle(usages);
  usage.tokens = Math.min(burst, usage.tokens + ((now - usage.filledAt) / 1000) * requestsPerSecond);
  usage.filledAt = now;
  if (concurrent > 0 && usage.concurrent >= concurrent) throw limit(`${concurrent} requests at once`);
  if (requestsPerSecond > 0 && usage.tokens < 1) {
    throw limit(`${requestsPerSecond} requests per second`, ((1 - usage.tokens) / requestsPerSecond) * 1000);
  }
  usage.tokens--;
  usage.concurrent++;
  return usage;
}

function forgetIdle(usages: Map<string, Usage>): void {
  for (const [name, { concurrent }] of usages) {
    if (concurrent > 0) continue;
    usages.delete(name);
    return;
  }
}

/** @param retryAfterMs until the next request would be let in; unknown where one under way has to end first */
const limit = (what: string, retryAfterMs?: number): BulwarkError => {
  const mend = "send more slowly, or ask the operator for more";
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
  return new BulwarkError("SERVING_LIMIT", `This caller may send ${what}`, mend, wait);
};
