// SPDX-License-Identifier: Apache-2.0
import { findResource, type KubeObject, maskSecret } from "@bulwark/kubernetes";
import { createObject } from "@bulwark/kubernetes/api";
import { parseAllDocuments, stringify } from "yaml";
import type { Context, Result } from "../command.ts";
import { versions } from "../versions.ts";
import { CHART, callHelm, withValues } from "./helm.ts";
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
  const { cluster, helm, release, planned } = submission;
  const printed = await withValues(toValues(submission), (file) =>
    callHelm(context, cluster, helm, [
      "template",
      release,
      CHART,
      "--values",
      file,
      "--skip-tests",
      // Without a cluster Helm takes the version it was built for, and some builds were for none.
      "--kube-version",
      versions.cluster.kubernetes,
    ]),
  );
  const rendered = parseAllDocuments(printed)
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null);
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
