// SPDX-License-Identifier: Apache-2.0
// A gateway in a process of its own, which tells how much memory it has when it is asked.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { parseConfig } from "../../services/serving-gateway/src/config.ts";
import { startGateway } from "../../services/serving-gateway/src/start.ts";

setFlagsFromString("--expose-gc");
const sweep: () => void = runInNewContext("gc");
const models = process.argv[2] ?? "";
const started = await startGateway(parseConfig(JSON.stringify({ models, modelName: "model", httpPort: 0 }), "bench"));
process.on("message", () => {
  sweep();
  process.send?.({ rss: process.memoryUsage.rss() });
});
process.once("SIGTERM", () => void started.close().then(() => process.exit(0)));
process.once("disconnect", () => process.exit(0));
process.send?.({ url: started.addresses.http });
