// SPDX-License-Identifier: Apache-2.0
import { maskSecret } from "@bulwark/kubernetes";
import type { Result } from "../command.ts";
import { writeManifests } from "../output/manifests.ts";
import type { Place } from "./open.ts";
import type { Submission } from "./submit.ts";

/** Everything a submission would make, as manifests; of Secrets the names and sizes of entries alone. */
export async function showDryRun({ planned, render }: Submission<Place>): Promise<Result> {
  const objects = [...planned.secrets.map(maskSecret), ...(await render())];
  return {
    value: { apiVersion: "v1", kind: "List", items: objects },
    text: writeManifests(objects),
  };
}
