// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";

/** What a redis-server of ours is started with. All paths are absolute. */
export type RedisServerSettings = {
  /** Addresses it listens on, loopback by default. */
  addresses?: readonly string[];
  port: number;
  /** Holds the append-only file. */
  folder: string;
  usersFile: string;
  certificateFile: string;
  privateKeyFile: string;
  /** Authorities whose certificates clients must show. */
  caFile: string;
  mostBytes: number;
  /** `always`: on disk before the answer. `everysec`: when the machine dies, at most the last second is lost. */
  fsync: "always" | "everysec";
};

/**
 * The configuration file: TLS alone, nobody without certificate and password, nothing evicted, everything
 * in an append-only file. Throws SERVING_CONFIG for a path that cannot be written into it.
 *
 * @see https://redis.io/docs/latest/operate/oss_and_stack/management/config/
 */
export function renderRedisConfiguration(settings: RedisServerSettings): string {
  return [
    `bind ${(settings.addresses ?? ["127.0.0.1"]).join(" ")}`,
    "port 0",
    `tls-port ${settings.port}`,
    `tls-cert-file ${quote(settings.certificateFile)}`,
    `tls-key-file ${quote(settings.privateKeyFile)}`,
    `tls-ca-cert-file ${quote(settings.caFile)}`,
    "tls-auth-clients yes",
    'tls-protocols "TLSv1.2 TLSv1.3"',
    `aclfile ${quote(settings.usersFile)}`,
    `dir ${quote(settings.folder)}`,
    "appendonly yes",
    `appendfsync ${settings.fsync}`,
    'save ""',
    `maxmemory ${settings.mostBytes}`,
    "maxmemory-policy noeviction",
    "daemonize no",
    "",
  ].join("\n");
}

function quote(path: string): string {
  if (!/[\n\r"\\\0]/.test(path)) return `"${path}"`;
  throw new BulwarkError(
    "SERVING_CONFIG",
    "Redis cannot be told a path with quotes or line ends.",
    "use another folder",
  );
}
