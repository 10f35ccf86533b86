// SPDX-License-Identifier: Apache-2.0
import { createHash, timingSafeEqual } from "node:crypto";
import { BulwarkError } from "@bulwark/contracts/errors";
import { readSecretFile } from "@bulwark/contracts/secret-file";
import type { ClientLimits, GatewayConfig } from "./config.ts";

/** What tells who calls, whatever protocol it came by. */
export type Caller = {
  /** The `authorization` header. */
  readonly authorization: string | undefined;
  /** Name in the certificate that the caller proved to hold. */
  readonly certificate: string | undefined;
  readonly address: string;
};

/** Who may call, and how much. */
export type Clients = {
  /**
   * Lets a request in; the returned function says that it is over.
   * Throws SERVING_UNAUTHENTICATED, SERVING_LIMIT, ENGINE_BUSY, SERVING_STOPPING.
   */
  admit(caller: Caller): () => void;
  /** Requests under way. */
  inFlight(): number;
  /** Lets no more in, and resolves when all are over. */
  drain(): Promise<void>;
};

type Usage = { concurrent: number; tokens: number; filledAt: number };

/** Callers that are remembered; the one that has been silent for longest is forgotten. */
const MOST_REMEMBERED = 10_000;

export function createClients(
  config: Pick<GatewayConfig, "clientLimits" | "maxInFlight" | "clientCertificates">,
  { tokens, now }: { tokens: Tokens | undefined; now: () => number },
): Clients {
  const { clientLimits: limits, maxInFlight, clientCertificates } = config;
  const isLimited = limits.requestsPerSecond > 0 || limits.concurrent > 0;
  const usages = new Map<string, Usage>();
  let inFlight = 0;
  let drained: (() => void) | undefined;
  let isStopping = false;

  const leave = (usage: Usage | undefined): (() => void) => {
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      inFlight--;
      if (usage !== undefined) usage.concurrent--;
      if (inFlight === 0) drained?.();
    };
  };

  return {
    admit(caller) {
      const name = identify(caller, tokens, clientCertificates);
      if (isStopping) {
        throw new BulwarkError("SERVING_STOPPING", "The server is ending", "send the request again");
      }
      const usage = isLimited ? take(usages, name, { limits, now: now() }) : undefined;
      if (inFlight >= maxInFlight) {
        if (usage !== undefined) usage.concurrent--;
        throw new BulwarkError("ENGINE_BUSY", `${inFlight} requests are under way`, "send it again a little later");
      }
      inFlight++;
      return leave(usage);
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

function identify(
  { authorization, certificate, address }: Caller,
  tokens: Tokens | undefined,
  mustShow: boolean,
): string {
  if (tokens !== undefined) {
    const name = tokens.find(authorization);
    if (name !== undefined) return `token ${name}`;
    if (certificate === undefined || !mustShow) {
      throw new BulwarkError("SERVING_UNAUTHENTICATED", "No valid token was sent", "send Authorization: Bearer TOKEN");
    }
  }
  if (certificate !== undefined) return `certificate ${certificate}`;
  if (mustShow) {
    throw new BulwarkError("SERVING_UNAUTHENTICATED", "No certificate was shown", "connect with a client certificate");
  }
  return `address ${address}`;
}

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

/** Tokens by the digest of each, so that the file gives none away. */
export type Tokens = { find(authorization: string | undefined): string | undefined };

/** A file's line: name of the caller, SHA-256 of its token in hex. */
const LINE = /^([A-Za-z0-9._-]{1,64})\s+([0-9a-f]{64})$/;

/** Reads the tokens. Throws SERVING_CONFIG, KEYRING_UNSAFE when others can read the file. */
export async function readTokens(path: string): Promise<Tokens> {
  const text = await readSecretFile(path, "name a file of tokens");
  const lines = text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
  return createTokens(
    lines.map((line, at) => {
      const [, name, digest] = LINE.exec(line.trim()) ?? [];
      if (name !== undefined && digest !== undefined) return { name, digest: Buffer.from(digest, "hex") };
      throw new BulwarkError("SERVING_CONFIG", `Line ${at + 1} of ${path} is no name and digest`, "NAME SHA256-HEX");
    }),
  );
}

export function createTokens(known: readonly { name: string; digest: Buffer }[]): Tokens {
  return {
    find(authorization) {
      if (authorization?.startsWith("Bearer ") !== true) return undefined;
      const digest = createHash("sha256").update(authorization.slice("Bearer ".length)).digest();
      let found: string | undefined;
      // All are compared, so that the time tells nothing.
      for (const token of known) if (timingSafeEqual(token.digest, digest)) found = token.name;
      return found;
    },
  };
}
