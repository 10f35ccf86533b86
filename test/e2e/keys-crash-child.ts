// SPDX-License-Identifier: Apache-2.0
// Rotates the keys in a folder (first argument) until it is killed, or a number of times (second argument).
// Prints "ready", then the number of each generation that is done.
import { initKeys, rotateKeys } from "../../packages/pki/src/index.ts";

const [folder = "", rotations = "Infinity"] = process.argv.slice(2);
const now = new Date("2026-03-01T12:00:00.000Z");
// Loaded before the first change, so that the kill does not fall on the loading.
await import("../../packages/pki/src/material.ts");
process.stdout.write("ready\n");
await initKeys(folder, { now, keyNames: ["patients"], ifMissing: true });
for (let count = 0; count < Number(rotations); count++) {
  const { generation } = await rotateKeys(folder, { now, what: ["certificates", "password", "secret", "data"] });
  process.stdout.write(`${generation}\n`);
}
