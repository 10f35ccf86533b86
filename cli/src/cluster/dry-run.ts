// SPDX-License-Identifier: Apache-2.0
import { findResource, maskSecret } from "@bulwark/kubernetes";
import { createObject } from "@bulwark/kubernetes/api";
import { stringify } from "yaml";
import type { Context, Result } from "../command.ts";
import { renderChart } from "./helm.ts";
import { type Submission, toValues } from "./submit.ts";

/**
 * Everything a submission would make, as manifests; of Secrets the names and sizes of entries alone. With `server` the
 * API server judges each object with all its admission, and makes none.
 */
export async function showDryRun(
  context: Context,
  submission: Submission,
  where: "client" | "server",
): Promise<Result> {
  const { cluster, helm, release, work, planned } = submission;
  const rendered = await renderChart(context, cluster, helm, { release, values: toValues(work, planned.names) });
  const objects = [...planned.secrets.map(maskSecret), ...rendered];
  if (where === "server") {
    for (const object of [...planned.secrets, ...rendered]) {
      const resource = findResource(object.apiVersion ?? "", object.kind ?? "");
      if (resource === undefined) continue;
      await createObject(cluster.connection, resource, object, { namespace: cluster.namespace, dryRun: true });
    }
    context.progress.note(`The API server takes all ${objects.length} objects; none was made.`);
  }
  return {
    value: { apiVersion: "v1", kind: "List", items: objects },
    text: objects.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })).join("---\n"),
  };
}
