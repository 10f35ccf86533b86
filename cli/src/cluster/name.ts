// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";

/** The name a command was given; in a cluster, where others work too, there is no newest one to fall back to. */
export function demandName(name: string | undefined): string {
  if (name !== undefined && name !== "") return name;
  throw new BulwarkError("USAGE", "In a cluster a job's name is needed.", "see the names: bulwark list --cluster");
}
