// SPDX-License-Identifier: Apache-2.0
import { maskSecret } from "@bulwark/kubernetes";
import type { Context, Result } from "../command.ts";
import { writeManifests } from "../output/manifests.ts";
import type { Place } from "./open.ts";
import { renderSubmission, type Submission } from "./submit.ts";

/** Everything a submission would make, as manifests; of Secrets the names and sizes of entries alone. */
export async function showDryRun(context: Context, submission: Submission<Place>): Promise<Result> {
  const objects = [...submission.planned.secrets.map(maskSecret), ...(await renderSubmission(context, submission))];
  return {
    value: { apiVersion: "v1", kind: "List", items: objects },
    text: writeManifests(objects),
  };
}
