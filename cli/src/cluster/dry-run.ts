// SPDX-License-Identifier: Apache-2.0
import { findResource, type KubeObject, maskSecret } from "@bulwark/kubernetes";
import { createObject } from "@bulwark/kubernetes/api";
import { stringify } from "yaml";
import type { Context, Result } from "../command.ts";
import type { Cluster, Place } from "./open.ts";
import { renderSubmission, type Submission } from "./submit.ts";

/** Everything a submission would make, as manifests; of Secrets the names and sizes of entries alone. */
export async function showDryRun(context: Context, submission: Submission<Place>): Promise<Result> {
  return toResult(submission, await renderSubmission(context, submission));
}

/** The same, when the API server takes each object with all its admission; it makes none. */
export async function showJudged(context: Context, submission: Submission): Promise<Result> {
  const rendered = await renderSubmission(context, submission);
  const objects = [...submission.planned.secrets, ...rendered];
  for (const object of objects) await judge(submission.cluster, object);
  context.progress.note(`The API server takes all ${objects.length} objects; none was made.`);
  return toResult(submission, rendered);
}

async function judge({ connection, namespace }: Cluster, object: KubeObject): Promise<void> {
  const resource = findResource(object.apiVersion ?? "", object.kind ?? "");
  if (resource !== undefined) await createObject(connection, resource, object, { namespace, dryRun: true });
}

function toResult({ planned }: Submission<Place>, rendered: readonly KubeObject[]): Result {
  const objects = [...planned.secrets.map(maskSecret), ...rendered];
  return {
    value: { apiVersion: "v1", kind: "List", items: objects },
    text: objects.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })).join("---\n"),
  };
}
