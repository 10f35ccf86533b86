// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { RedisOptions } from "ioredis";

/** Where Redis is and who we are there. */
export type RedisAddress = {
  /** `rediss://host:port`. Plain `redis://` is taken on loopback alone. */
  url: string;
  user?: string;
  password?: string;
  /** PEM: authorities that are trusted, and our own certificate and key where Redis asks for them. */
  ca?: string;
  certificate?: string;
  privateKey?: string;
  /** The name that Redis's certificate is to have; that in `url` when absent. */
  serverName?: string;
  /** Limit for a command that does not wait, default 5000 ms. */
  timeoutMs?: number;
};

const TIMEOUT_MS = 5_000;
const LONGEST_PAUSE_MS = 1_000;
/** A Redis that reads its append-only file is asked again so soon, whatever it guesses: ioredis would believe up to 10 s. */
const LOADING_PAUSE_MS = 250;
const LOOPBACK = new Set(["127.0.0.1", "[::1]", "localhost"]);

/**
 * Options for ioredis: TLS 1.2 or newer, nothing queued while the connection is away, nothing sent twice, reconnects for
 * ever. Throws SERVING_CONFIG for an address that cannot be used, or that would send records in the clear.
 */
export function toRedisOptions(address: RedisAddress): Omit<RedisOptions, "replyMapping"> {
  const url = URL.parse(address.url);
  if (url === null || !/^rediss?:$/.test(url.protocol) || url.hostname === "" || hasMore(url)) {
    throw new BulwarkError(
      "SERVING_CONFIG",
      "The address of Redis cannot be read.",
      "use rediss://HOST:PORT and no more; user and password have settings of their own",
    );
  }
  const isSecure = url.protocol === "rediss:";
  if (!isSecure && !LOOPBACK.has(url.hostname)) {
    throw new BulwarkError(
      "SERVING_CONFIG",
      `Records would go to ${url.hostname} in the clear.`,
      "use rediss:// and an authority's certificate",
    );
  }
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const timeoutMs = address.timeoutMs ?? TIMEOUT_MS;
  return {
    host,
    port: Number(url.port || 6379),
    protocol: 2,
    ...(address.user === undefined ? {} : { username: address.user }),
    ...(address.password === undefined ? {} : { password: address.password }),
    ...(isSecure ? { tls: toTls(address, host) } : {}),
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    disableClientInfo: true,
    lazyConnect: true,
    maxLoadingRetryTime: LOADING_PAUSE_MS,
    retryStrategy: (times) => Math.min(25 * 2 ** times, LONGEST_PAUSE_MS),
  };
}

/** What would be left alone if it stood there: a user, a database, options. */
const hasMore = ({ username, password, pathname, search, hash }: URL): boolean =>
  [username, password, pathname.replace(/^\/$/, ""), search, hash].some((part) => part !== "");

function toTls(address: RedisAddress, host: string): Record<string, unknown> {
  const { ca, certificate, privateKey, serverName = host } = address;
  return {
    minVersion: "TLSv1.2",
    servername: /^[\d.]+$|:/.test(serverName) ? "" : serverName,
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(privateKey === undefined ? {} : { key: privateKey }),
  };
}
