// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import {
  deriveSecret,
  type IssuedElsewhere,
  issueChannel,
  issueElsewhere,
  type Keys,
  type SecretManifest,
  selectKeys,
  serializeKeyring,
  toManifest,
} from "@bulwark/pki";
import { DEFAULT_JOB, nameKeys, REDIS_USERS, type RedisUser, renderUsers } from "@bulwark/queue";
import { CHANNEL_ENTRIES, renderPodConfiguration } from "../../serving/flink/pods.ts";
import { RECORD_KEY } from "../../serving/record-key.ts";

/** Which release of `charts/serving` the Secrets are for. */
export type ServingRelease = {
  release: string;
  namespace: string;
  /** Master keys of encrypted models. */
  dataKeys: readonly string[];
  /** Names under which the gateway is reached from outside the cluster. */
  hosts: readonly string[];
  /** Stream of its records: the value `queue.job`, `serving_stream` when absent. */
  job?: string;
  now: Date;
};

/** Parts of a release, each with a certificate of its own; `client` is for callers, `relay` for machines of older ones. */
type Part = "gateway" | "engine" | "redis" | "client" | "relay";

/**
 * Makes the Secrets of a release of `charts/serving`, under the names that it mounts by default: for each part its
 * certificate and its password of Redis, Redis's users as digests, the master keys that are needed, the tokens that the
 * gateway takes as digests, for callers a token, a certificate and the authority, and what Flink's processes need, which
 * speak to each other by an authority of their own.
 * Passwords and token follow from the authority's key: the same command gives the same ones again.
 *
 * Throws KEY_MISSING, QUEUE_NAME_INVALID.
 */
export async function exportServing(keys: Keys, options: ServingRelease): Promise<SecretManifest[]> {
  const { release, namespace, dataKeys, job = DEFAULT_JOB, now } = options;
  const keyring = selectKeys(keys.keyring, [RECORD_KEY, ...dataKeys]);
  const secretFor = (whom: string): Promise<string> => deriveFor(whom, keys, options);
  const issue = (part: Part): Promise<Record<string, string>> => issueFor(part, keys, options);
  const users = REDIS_USERS.map(async (user) => [user, await secretFor(passwordOf(user))] as const);
  const passwords = Object.fromEntries(await Promise.all(users)) as Record<RedisUser, string>;
  const token = await secretFor("token of callers");
  const digest = createHash("sha256").update(token).digest("hex");
  const channelPassword = await secretFor("channel of flink");
  const channel = await issueChannel({ now, days: keys.validity.leafDays, password: channelPassword });
  const entries: Readonly<Record<string, Record<string, string | Buffer>>> = {
    gateway: { ...(await issue("gateway")), "redis-password": passwords.gateway },
    engine: { ...(await issue("engine")), "redis-password": passwords.engine },
    redis: {
      ...(await issue("redis")),
      "users.acl": renderUsers(nameKeys(job), passwords),
      "operator-password": passwords.operator,
    },
    keyring: { "keyring.json": serializeKeyring(keyring) },
    // For gateways that have no model: what they hold opens none.
    records: { "keyring.json": serializeKeyring(selectKeys(keys.keyring, [RECORD_KEY])) },
    tokens: { tokens: `${release}-client ${digest}\n` },
    client: { ...(await issue("client")), token },
    flink: {
      // Flink reads passwords here and nowhere else.
      "config.yaml": renderPodConfiguration(release, namespace, channelPassword),
      [CHANNEL_ENTRIES.keyStore]: channel.keyStore,
      [CHANNEL_ENTRIES.trustStore]: channel.trustStore,
    },
  };
  return Object.entries(entries).map(([part, data]) => toManifest(`${release}-${part}`, data, { release, namespace }));
}

/**
 * Makes the one Secret of a release that `bulwark serving relay` needs on machines of older clients: a certificate, the
 * relay's password of Redis, which Redis has already, and the master key of records. Nothing else of the release changes.
 *
 * Throws KEY_MISSING.
 */
export async function exportRelay(keys: Keys, options: ServingRelease): Promise<SecretManifest[]> {
  const { release, namespace } = options;
  const entries = {
    ...(await issueFor("relay", keys, options)),
    "redis-password": await deriveFor(passwordOf("relay"), keys, options),
    "keyring.json": serializeKeyring(selectKeys(keys.keyring, [RECORD_KEY])),
  };
  return [toManifest(`${release}-relay`, entries, { release, namespace })];
}

const passwordOf = (user: RedisUser): string => `redis user ${user}`;

const deriveFor = (whom: string, keys: Keys, { release, namespace }: ServingRelease): Promise<string> =>
  deriveSecret(keys, `${whom} of ${release} in ${namespace}`);

async function issueFor(part: Part, keys: Keys, options: ServingRelease): Promise<Record<string, string>> {
  const holder = { subject: `bulwark-${options.release}-${part}`, hosts: listHosts(part, options), uris: [] };
  return toEntries(await issueElsewhere(keys, holder, options.now));
}

/** The names by which others connect to a part: those of its Service. */
function listHosts(part: Part, { release, namespace, hosts }: ServingRelease): string[] {
  const services: Partial<Record<Part, string>> = { gateway: release, redis: `${release}-redis` };
  const service = services[part];
  if (service === undefined) return [];
  const names = ["", `.${namespace}`, `.${namespace}.svc`, `.${namespace}.svc.cluster.local`];
  return [...names.map((rest) => `${service}${rest}`), ...(part === "gateway" ? hosts : [])];
}

const toEntries = ({ certificate, privateKey, caBundle }: IssuedElsewhere): Record<string, string> => ({
  "tls.crt": certificate,
  "tls.key": privateKey,
  "ca.crt": caBundle,
});
