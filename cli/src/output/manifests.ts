// SPDX-License-Identifier: Apache-2.0
import { Document, stringify, visit } from "yaml";

/**
 * Objects as YAML documents for kubectl. Readers of YAML differ in what they take for a text, and kubectl takes neither `yes`
 * nor `0o7` for a name: what any of them would misread stands in quotes.
 */
export function writeManifests(objects: readonly object[]): string {
  return objects.map(writeManifest).join("---\n");
}

function writeManifest(object: object): string {
  const document = new Document(object, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar(_key, scalar) {
      const { value } = scalar;
      if (typeof value === "string" && !value.includes("\n") && !isPlain(value)) scalar.type = "QUOTE_DOUBLE";
    },
  });
  return document.toString({ lineWidth: 0 });
}

const VERSIONS = ["1.1", "1.2"] as const;
const isPlain = (text: string): boolean =>
  VERSIONS.every((version) => stringify(text, { version, lineWidth: 0 }) === `${text}\n`);
