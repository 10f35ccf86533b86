// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { createObject } from "./collection.ts";
import type { Connection } from "./connection.ts";
import type { ApiStatus } from "./errors.ts";
import type { KubeObject } from "./objects.ts";
import type { Resource } from "./resources.ts";

/** What the API server has against an object, and against which field of it where it says so. */
export type Objection = {
  /** The whole answer, as our error. */
  error: BulwarkError;
  field?: { path: string; isUnknown: boolean; message: string };
};

/** Answers that are about the object, and not about the way to the server. */
const ABOUT_OBJECT: ReadonlySet<string> = new Set(["CLUSTER_REFUSED", "CLUSTER_FORBIDDEN", "CLUSTER_CONFLICT"]);

/**
 * Lets the API server judge an object with all its admission, and makes none. Fields that it does not know end its
 * judgement, so it is asked for the rest without them.
 *
 * @throws BulwarkError when it gives no judgement
 */
export async function judgeObject(
  connection: Connection,
  resource: Resource,
  object: KubeObject,
  namespace: string,
): Promise<Objection[]> {
  const judge = async (dryRun: "Strict" | "Ignore"): Promise<Objection[]> => {
    try {
      await createObject(connection, resource, object, { namespace, dryRun });
      return [];
    } catch (error) {
      if (error instanceof BulwarkError && ABOUT_OBJECT.has(error.code)) return readObjections(error);
      throw error;
    }
  };
  const strict = await judge("Strict");
  return strict.some(({ field }) => field?.isUnknown) ? [...strict, ...(await judge("Ignore"))] : strict;
}

function readObjections(error: BulwarkError): Objection[] {
  const { message: said = "", details } = error.cause as ApiStatus;
  const unknown = [...said.matchAll(/unknown field "([^"]+)"/g)].map(([, path = ""]) => ({
    ...{ path, isUnknown: true, message: "there is no such field" },
  }));
  // Of a wrong type Go's decoder names the field without the places in lists.
  const typed = [...said.matchAll(/cannot unmarshal (\S+) into Go struct field \w+\.(\S+) of type (\S+)/g)].map(
    ([, found = "", path = "", wanted = ""]) => ({ path, isUnknown: false, message: `${found} is no ${wanted}` }),
  );
  const invalid = (details?.causes ?? []).flatMap(({ field: path = "", message = "" }) =>
    path === "" ? [] : [{ path, isUnknown: false, message }],
  );
  const fields = [...unknown, ...typed, ...invalid];
  return fields.length === 0 ? [{ error }] : fields.map((field) => ({ error, field }));
}
