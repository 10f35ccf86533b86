// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { JobFile } from "@bulwark/contracts";
import { type ConfigMap, makeSecret, namesOf, ownerPatch, RESOURCES, type Secret } from "@bulwark/kubernetes";
import { createObject, deleteObject, findObject, patchObject } from "@bulwark/kubernetes/api";
import type { Keyring } from "@bulwark/pki";
import type { Context } from "../command.ts";
import { namedKeys, requireKeys } from "../runs/named-keys.ts";
import { placeFindings } from "../runs/place-findings.ts";
import type { ClusterJob } from "./job-input.ts";
import type { Cluster } from "./open.ts";

const SECRET_BYTES = 32;

/** Secrets to make for a release, and the job's values that name them. */
export type PlannedSecrets = { secrets: readonly Secret[]; names: JobFile["security"]["secrets"] };

/** Roles that open a key store; the driver's web UI needs one under every profile. */
export const storeRolesOf = ({ security, ui }: JobFile): readonly ("driver" | "executor")[] =>
  security.profile === "tls" ? ["driver", "executor"] : ui.enabled ? ["driver"] : [];

/** Whether driver or executors open key stores. */
export const needsTls = (job: JobFile): boolean => storeRolesOf(job).length > 0;

/** What the user does not bring, and so is made for a release. */
type Wanted = { application: boolean; keyring: boolean; tls: boolean };

/** Which Secrets are made for a release of this name, and the job's values that name them and those of the user's own. */
export function nameSecrets(
  { job, ownSecrets }: Pick<ClusterJob, "job" | "ownSecrets">,
  release: string,
): { names: PlannedSecrets["names"]; wanted: Wanted } {
  const made = namesOf(release);
  const namesKeys = namedKeys(job).length > 0;
  const wanted: Wanted = {
    application: !ownSecrets.has("application"),
    keyring: namesKeys && !ownSecrets.has("keyring"),
    tls: needsTls(job) && !ownSecrets.has("keys") && !ownSecrets.has("password"),
  };
  const names = {
    ...job.security.secrets,
    ...(wanted.application ? { application: made.applicationSecret, applicationEntry: "secret" } : {}),
    ...(ownSecrets.has("keyring") ? {} : { keyring: namesKeys ? made.keyring : "" }),
    ...(wanted.tls ? { keys: made.tls, password: made.tls } : {}),
  };
  return { names, wanted };
}

/**
 * Makes what the user does not bring: an application secret of this release alone, the key stores where TLS is used, and
 * of the keyring only the keys that the job names.
 *
 * @throws BulwarkError KEYS_MISSING and its like when keys of this machine are needed and not there; KEY_MISSING
 */
export async function planSecrets(
  context: Context,
  work: ClusterJob,
  place: { release: string; namespace: string },
): Promise<PlannedSecrets> {
  const { release, namespace } = place;
  const { names, wanted } = nameSecrets(work, release);
  const make = (name: string, entries: Parameters<typeof makeSecret>[3]): Secret =>
    makeSecret(release, namespace, name, entries);
  const secrets: Secret[] = [];
  if (wanted.application) {
    const secret = randomBytes(SECRET_BYTES).toString("base64url");
    secrets.push(make(names.application, { [names.applicationEntry]: secret }));
  }
  if (wanted.keyring || wanted.tls) {
    const { openKeys, selectKeys, serializeKeyring } = await import("@bulwark/pki");
    const opened = await openKeys(context.paths.keys, { now: context.now() });
    if (wanted.keyring) {
      requirePlacedKeys(work, opened.keyring);
      const keyring = selectKeys(opened.keyring, namedKeys(work.job));
      secrets.push(make(names.keyring, { "keyring.json": serializeKeyring(keyring) }));
    }
    if (wanted.tls) {
      const { driver, executor, server } = opened.files;
      secrets.push(
        make(names.keys, {
          "driver.p12": await readFile(driver.keyStore),
          "executor.p12": await readFile(executor.keyStore),
          "server.p12": await readFile(server.keyStore),
          "truststore.p12": await readFile(driver.trustStore),
          password: opened.storePassword,
        }),
      );
    }
  }
  return { secrets, names };
}

/** Looks whether the keyring has what the job names. Throws KEY_MISSING, with lines of the job file. */
function requirePlacedKeys({ job, place }: ClusterJob, { keys }: Keyring): void {
  try {
    requireKeys(job, new Set(keys.map(({ id }) => id)));
  } catch (error) {
    throw placeFindings(error, place);
  }
}

/** Makes the Secrets; when one cannot be made, those before it are taken away again. */
export async function createSecrets(cluster: Cluster, secrets: readonly Secret[]): Promise<void> {
  const made: Secret[] = [];
  try {
    for (const secret of secrets) {
      await createObject(cluster.connection, RESOURCES.secrets, secret);
      made.push(secret);
    }
  } catch (error) {
    await removeSecrets(cluster, made);
    throw error;
  }
}

/** Takes Secrets away again. What cannot be removed now, `bulwark delete --leftovers` finds by its labels. */
export async function removeSecrets({ connection, namespace }: Cluster, secrets: readonly Secret[]): Promise<void> {
  await Promise.allSettled(
    secrets.map(({ metadata: { name } }) => deleteObject(connection, RESOURCES.secrets, { namespace, name })),
  );
}

/** Binds the Secrets to the release's ConfigMap, so that a plain `helm uninstall` takes them along. */
export async function adoptSecrets(
  { connection, namespace }: Cluster,
  release: string,
  secrets: readonly Secret[],
): Promise<void> {
  const name = namesOf(release).configuration;
  const owner = await findObject<ConfigMap>(connection, RESOURCES.configmaps, { namespace, name });
  if (owner === undefined) return;
  await Promise.all(
    secrets.map(({ metadata }) =>
      patchObject(connection, RESOURCES.secrets, { namespace, name: metadata.name }, ownerPatch(owner)),
    ),
  );
}
