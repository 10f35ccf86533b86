// SPDX-License-Identifier: Apache-2.0
// Starts a node, says which, and ends it on SIGTERM. A test kills it.
import { startNode } from "./fixture/node.ts";

const { record, stop } = await startNode(() => undefined);
process.stdout.write(`${JSON.stringify(record)}\n`);
const alive = setInterval(() => undefined, 60_000);
process.once("SIGTERM", async () => {
  await stop();
  clearInterval(alive);
});
