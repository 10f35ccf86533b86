// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, type Finding, type JobFile } from "@bulwark/contracts";

/** Every place of a job file that names a master key. */
function listNamedKeys({ data }: JobFile): { path: string; id: string }[] {
  return Object.entries(data).flatMap(([name, { key, columns }]) => [
    ...(key === undefined ? [] : [{ path: `data.${name}.key`, id: key }]),
    ...Object.entries(columns).map(([column, id]) => ({ path: `data.${name}.columns.${column}`, id })),
  ]);
}

/** Master keys that the datasets of a job name. */
export const namedKeys = (job: JobFile): string[] => [...new Set(listNamedKeys(job).map(({ id }) => id))];

/**
 * Looks whether a keyring holds every key that a job names.
 *
 * @throws BulwarkError KEY_MISSING, with a finding for each place that names an absent one
 */
export function requireKeys(job: JobFile, known: ReadonlySet<string>): void {
  const absent = listNamedKeys(job).filter(({ id }) => !known.has(id));
  if (absent.length === 0) return;
  const ids = [...new Set(absent.map(({ id }) => id))];
  const findings = absent.map(({ path, id }): Finding => {
    const mend = `bulwark keys init --data ${id}`;
    return { code: "KEY_MISSING", path, message: `no data key is called "${id}"`, mend };
  });
  const message = `The job names data keys that are not in your keyring: ${ids.join(", ")}.`;
  throw new BulwarkError("KEY_MISSING", message, `bulwark keys init --data ${ids.join(" ")}`, { findings });
}
