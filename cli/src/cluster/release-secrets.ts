// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { BulwarkError, byPosition, type JobFile } from "@bulwark/contracts";
import { type ConfigMap, makeSecret, namesOf, ownerPatch, RESOURCES, type Secret } from "@bulwark/kubernetes";
import { createObject, deleteObject, findObject, patchObject } from "@bulwark/kubernetes/api";
import type { Context } from "../command.ts";
import type { ClusterJob } from "./job-input.ts";
import type { Cluster } from "./open.ts";

const SECRET_BYTES = 32;

/** Secrets to make for a release, and the job's values that name them. */
export type PlannedSecrets = { secrets: readonly Secret[]; names: JobFile["security"]["secrets"] };

/** Every place of a job file that names a master key. */
function listNamedKeys({ data }: JobFile): { path: string; id: string }[] {
  return Object.entries(data).flatMap(([name, { key, columns }]) => [
    ...(key === undefined ? [] : [{ path: `data.${name}.key`, id: key }]),
    ...Object.entries(columns).map(([column, id]) => ({ path: `data.${name}.columns.${column}`, id })),
  ]);
}

/** Master keys that the datasets of a job name. */
export const namedKeys = (job: JobFile): string[] => [...new Set(listNamedKeys(job).map(({ id }) => id))];

/** Every key that the job names and the keyring lacks, where the job names it. Throws KEY_MISSING. */
function requireKeys({ job, place }: ClusterJob, known: ReadonlySet<string>): void {
  const absent = listNamedKeys(job).filter(({ id }) => !known.has(id));
  if (absent.length === 0) return;
  const ids = [...new Set(absent.map(({ id }) => id))];
  const findings = absent.map(({ path, id }) => {
    const mend = `bulwark keys init --data ${id}`;
    return place({ code: "KEY_MISSING" as const, path, message: `no data key is called "${id}"`, mend });
  });
  const message = `The job names data keys that are not in your keyring: ${ids.join(", ")}.`;
  throw new BulwarkError("KEY_MISSING", message, `bulwark keys init --data ${ids.join(" ")}`, {
    findings: findings.toSorted(byPosition),
  });
}

/** Roles that open a key store; the driver's web UI needs one under every profile. */
export const storeRolesOf = ({ security, ui }: JobFile): readonly ("driver" | "executor")[] =>
  security.profile === "tls" ? ["driver", "executor"] : ui.enabled ? ["driver"] : [];

/** Whether driver or executors open key stores. */
export const needsTls = (job: JobFile): boolean => storeRolesOf(job).length > 0;

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
  const { job, ownSecrets } = work;
  const { release, namespace } = place;
  const names = namesOf(release);
  const make = (name: string, entries: Parameters<typeof makeSecret>[3]): Secret =>
    makeSecret(release, namespace, name, entries);
  const secrets: Secret[] = [];
  const chosen = { ...job.security.secrets };
  if (!ownSecrets.has("application")) {
    chosen.application = names.applicationSecret;
    chosen.applicationEntry = "secret";
    secrets.push(make(names.applicationSecret, { secret: randomBytes(SECRET_BYTES).toString("base64url") }));
  }
  const keys = namedKeys(job);
  const wantsKeyring = keys.length > 0 && !ownSecrets.has("keyring");
  const wantsTls = needsTls(job) && !ownSecrets.has("keys") && !ownSecrets.has("password");
  if (keys.length === 0 && !ownSecrets.has("keyring")) chosen.keyring = "";
  if (wantsKeyring || wantsTls) {
    const { openKeys, selectKeys, serializeKeyring } = await import("@bulwark/pki");
    const opened = await openKeys(context.paths.keys, { now: context.now() });
    if (wantsKeyring) {
      requireKeys(work, new Set(opened.keyring.keys.map(({ id }) => id)));
      chosen.keyring = names.keyring;
      secrets.push(make(names.keyring, { "keyring.json": serializeKeyring(selectKeys(opened.keyring, keys)) }));
    }
    if (wantsTls) {
      chosen.keys = names.tls;
      chosen.password = names.tls;
      const { driver, executor, server } = opened.files;
      secrets.push(
        make(names.tls, {
          "driver.p12": await readFile(driver.keyStore),
          "executor.p12": await readFile(executor.keyStore),
          "server.p12": await readFile(server.keyStore),
          "truststore.p12": await readFile(driver.trustStore),
          password: opened.storePassword,
        }),
      );
    }
  }
  return { secrets, names: chosen };
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
