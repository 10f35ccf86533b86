// SPDX-License-Identifier: Apache-2.0
import { stringify } from "yaml";

/**
 * Objects as YAML documents for kubectl. Every text stands in quotes: readers of YAML differ in what they take for one,
 * and kubectl takes neither `yes` nor `0o7` for a name.
 */
export function writeManifests(objects: readonly object[]): string {
  const options = {
    defaultStringType: "QUOTE_DOUBLE",
    defaultKeyType: "PLAIN",
    lineWidth: 0,
    aliasDuplicateObjects: false,
  } as const;
  return objects.map((object) => stringify(object, options)).join("---\n");
}
