// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";

/** What is said of a model that nobody knows, and the names there are. */
export function modelUnknown(model: string, known: Iterable<string>): BulwarkError {
  const names = [...known].slice(0, 5).join(", ");
  const mend = names === "" ? "load a model first" : `the models are: ${names}`;
  return new BulwarkError("MODEL_UNKNOWN", `There is no model "${model.slice(0, 80)}"`, mend);
}

/** The same of a version or label. */
export function versionUnknown(model: string, wanted: string, known: Iterable<string>): BulwarkError {
  const message = `"${model}" has no version "${wanted.slice(0, 80)}"`;
  return new BulwarkError("MODEL_VERSION_UNKNOWN", message, `the versions are: ${[...known].join(", ")}`);
}
