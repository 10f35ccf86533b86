// SPDX-License-Identifier: Apache-2.0
// A gateway in a process of its own before the queue of a test, and a client that reaches it over HTTPS.
import { readFileSync } from "node:fs";
import { findFreePort } from "../../cli/src/serving/free-port.ts";
import { type GatewayProcess, startGatewayProcess } from "../../cli/src/serving/gateway-process.ts";
import { type Client, createClient, type Target } from "../../packages/serving-client/src/index.ts";
import type { QueueStack } from "./stack.ts";

export type TestGateway = {
  client: Client;
  /** Where it is, for other clients. */
  target: Target;
  port: number;
  grpcPort: number;
  /** Kills it, and starts another on the same port. */
  kill(): Promise<void>;
  stop(): Promise<void>;
};

/** Starts it: every model is computed behind the queue. */
export async function startTestGateway({ folder, keys, queue }: QueueStack): Promise<TestGateway> {
  const [port, grpcPort] = [await findFreePort(), await findFreePort()];
  const { certificate, privateKey, caBundle } = keys.files.server;
  const limits = { mostRecords: 10_000, mostBytes: 2 ** 28, budgetMs: 30_000 };
  const settings = {
    ...{ httpsPort: port, grpcPort, tls: { certificate, privateKey, caBundle }, delivery: { "*": "durable" } },
    ...{ durable: { ...queue.durable, ...limits }, drainMs: 2_000 },
  };
  const start = (): Promise<GatewayProcess> => startGatewayProcess({ folder, settings, env: process.env });
  let gateway = await start();
  // One call, one attempt: whoever asks sees every refusal and every broken connection.
  const target = { url: `https://localhost:${port}`, ca: readFileSync(caBundle, "utf8") };
  const client = createClient({ ...target, attempts: 1 });
  return {
    client,
    target,
    port,
    grpcPort,
    async kill() {
      process.kill(gateway.ready.pid, "SIGKILL");
      await gateway.ended;
      gateway = await start();
    },
    async stop() {
      client.close();
      await gateway.stop(5_000);
    },
  };
}
