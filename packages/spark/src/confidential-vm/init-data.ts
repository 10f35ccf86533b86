// SPDX-License-Identifier: Apache-2.0
import { gzipSync } from "node:zlib";
import { formatToml } from "../gramine/toml.ts";

const ALGORITHM = "sha384";
const OPERATING_SYSTEM_BYTE = 9;
const OPERATING_SYSTEM_UNKNOWN = 255;

/**
 * Init data of a confidential VM (Kata's annotation `cc_init_data`): files by name, such as `policy.rego` and `aa.toml`, as
 * TOML, gzip, base64. The VM measures them, so the same files give the same text.
 */
export function encodeInitData(files: Readonly<Record<string, string>>): string {
  const entries = Object.entries(files).map(([name, content]): [string, string] => [name, content]);
  // A table of its own, since names of files have dots.
  const data = entries.map(([name, content]) => `${JSON.stringify(name)} = ${JSON.stringify(content)}\n`).join("");
  const text = `${formatToml({ version: "0.1.0", algorithm: ALGORITHM })}\n[data]\n${data}`;
  const compressed = gzipSync(text, { level: 9 });
  // The header says on which system it was made; that is no part of what is measured here.
  compressed[OPERATING_SYSTEM_BYTE] = OPERATING_SYSTEM_UNKNOWN;
  return compressed.toString("base64");
}
