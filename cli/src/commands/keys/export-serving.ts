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

/** Which release of `charts/serving` the Secrets are for. */
export type ServingRelease = {
  release: string;
  namespace: string;
  /** Master keys of encrypted models. */
  dataKeys: readonly string[];
  /** Names under which the gateway is reached from outside the cluster. */
  hosts: readonly string[];
  now: Date;
};

/** Master key that seals records, as the chart tells gateway and engine. */
const RECORD_KEY = "serving-records";

/** Parts of a release, each with a certificate of its own; `client` is for callers. */
type Part = "gateway" | "engine" | "redis" | "client";

/**
 * Makes the Secrets of a release of `charts/serving`, under the names that it mounts by default: for each part its
 * certificate and its password of Redis, Redis's users as digests, the master keys that are needed, the tokens that the
 * gateway takes as digests, for callers a token, a certificate and the authority, and what Flink's processes need, which
 * speak to each other by an authority of their own.
 * Passwords and token follow from the authority's key: the same command gives the same ones again.
 *
 * Throws KEY_MISSING.
 */
export async function exportServing(keys: Keys, options: ServingRelease): Promise<SecretManifest[]> {
  const { release, namespace, dataKeys, now } = options;
  const keyring = selectKeys(keys.keyring, [RECORD_KEY, ...dataKeys]);
  const secretFor = (whom: string): Promise<string> => deriveSecret(keys, `${whom} of ${release} in ${namespace}`);
  const issue = async (part: Part): Promise<Record<string, string>> => {
    const holder = { subject: `bulwark-${release}-${part}`, hosts: listHosts(part, options), uris: [] };
    return toEntries(await issueElsewhere(keys, holder, now));
  };
  const users = REDIS_USERS.map(async (user) => [user, await secretFor(`redis user ${user}`)] as const);
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
      "users.acl": renderUsers(nameKeys(DEFAULT_JOB), passwords),
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

/** The names by which others connect to a part: those of its Service. */
function listHosts(part: Part, { release, namespace, hosts }: ServingRelease): string[] {
  const service = { gateway: release, redis: `${release}-redis`, engine: undefined, client: undefined }[part];
  if (service === undefined) return [];
  const names = ["", `.${namespace}`, `.${namespace}.svc`, `.${namespace}.svc.cluster.local`];
  return [...names.map((rest) => `${service}${rest}`), ...(part === "gateway" ? hosts : [])];
}

const toEntries = ({ certificate, privateKey, caBundle }: IssuedElsewhere): Record<string, string> => ({
  "tls.crt": certificate,
  "tls.key": privateKey,
  "ca.crt": caBundle,
});
