// SPDX-License-Identifier: Apache-2.0
// A real gateway under attack: changed requests on each of its surfaces, and right ones among them.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { startGatewayProcess } from "../../cli/src/serving/gateway-process.ts";
import { makeDice, mutate } from "../../packages/attestation/src/testing/fuzz/mutate.ts";
import { writeIdentity, writeLookup, writeTokenTable } from "../../packages/inference/src/testing/models.ts";
import { type Connections, openConnections } from "./fuzz-http.ts";
import { SURFACES } from "./fuzz-surfaces.ts";
import { type Rss, watchRss } from "./read-rss.ts";

/** What an attack saw. */
export type ServerFuzzResult = {
  inputs: number;
  /** Right requests among them, each with its right answer. */
  asked: number;
  /** Different ways in which they were answered. */
  outcomes: number;
  slowestMs: number;
  rssMiB: Readonly<Rss>;
  failures: { input: string; problem: string }[];
};

const AT_ONCE = 16;
const ASK_EVERY = 64;
const LOOK_EVERY = 256;
const MOST_FAILURES = 5;
const MOST_FOUND = 2_000;
const LIMIT_MS = 20_000;

const MODELS = {
  echo: writeIdentity("FP32", "n", "m"),
  lookup: writeLookup(),
  strings: writeIdentity("BYTES", "rows", 2),
  table: writeTokenTable(
    Array.from({ length: 10 }, (_, from) => Array.from({ length: 10 }, (_, to) => (from === to ? 1 : 0))),
  ),
};
const STREAM = { tokens: "input_ids", next: "logits", end: [5], maxTokens: 8 };

export type FuzzedGateway = { pid: number; connections: Connections; isGone(): boolean; stop(): Promise<void> };

/** Starts the gateway, which computes everything itself. */
export async function startFuzzedGateway(env: NodeJS.ProcessEnv): Promise<FuzzedGateway> {
  const folder = mkdtempSync(join(tmpdir(), "bulwark-fuzz-"));
  for (const [name, bytes] of Object.entries(MODELS)) {
    const path = join(folder, "models", name, "1", "model.onnx");
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
  const settings = {
    ...{ models: join(folder, "models"), modelSettings: { table: { stream: STREAM } } },
    ...{ httpPort: 0, grpcPort: 0, older: { model: "echo" } },
  };
  const gateway = await startGatewayProcess({ folder, settings, env });
  let isGone = false;
  void gateway.ended.then(() => {
    isGone = true;
  });
  const connections = openConnections(gateway.ready.addresses, AT_ONCE);
  return {
    ...{ pid: gateway.ready.pid, connections, isGone: () => isGone },
    async stop() {
      connections.close();
      await gateway.stop(5_000);
      rmSync(folder, { recursive: true });
    },
  };
}

/** Attacks one surface; inputs that are answered in a way not seen before are changed further. */
export async function fuzzSurface(
  name: string,
  { pid, connections, isGone }: FuzzedGateway,
  { inputs, seed }: { inputs: number; seed: number },
): Promise<ServerFuzzResult> {
  const surface = SURFACES[name];
  if (surface === undefined) throw new Error(`no surface ${name}`);
  const dice = makeDice(seed);
  const seeds = surface.seeds();
  const found: Buffer[] = [];
  const seen = new Set<string>();
  const right = await surface.ask(connections);
  const { look, rss } = watchRss(pid);
  const result: ServerFuzzResult = {
    ...{ inputs: 0, asked: 0, outcomes: 0, slowestMs: 0 },
    ...{ rssMiB: rss, failures: [] },
  };
  const pick = (): Buffer => {
    const from = dice(2) === 0 && found.length > 0 ? found : seeds;
    return from[dice(from.length)] ?? Buffer.alloc(0);
  };

  const within = async (input: Buffer): Promise<string> => {
    const limit = Promise.withResolvers<never>();
    const timer = setTimeout(() => limit.reject(new Error(`no answer within ${LIMIT_MS} ms`)), LIMIT_MS);
    const startedAt = performance.now();
    try {
      return await Promise.race([surface.send(connections, input, dice), limit.promise]);
    } finally {
      clearTimeout(timer);
      result.slowestMs = Math.max(result.slowestMs, performance.now() - startedAt);
    }
  };

  const attack = async (): Promise<void> => {
    const input = mutate(pick(), pick(), dice);
    const outcome = await within(input).catch((error: Error) => {
      const problem = isGone() ? "the gateway died" : error.message;
      result.failures.push({ input: input.toString("base64"), problem });
    });
    if (outcome === undefined || seen.has(outcome)) return;
    seen.add(outcome);
    if (found.length < MOST_FOUND) found.push(input);
  };

  const ask = async (): Promise<void> => {
    result.asked++;
    const problem = await surface.ask(connections).then(
      (answer) => (answer === right ? undefined : "another answer than before"),
      (error: Error) => error.message,
    );
    if (problem !== undefined) result.failures.push({ input: "", problem });
  };

  const attacker = async (): Promise<void> => {
    while (result.inputs < inputs && result.failures.length < MOST_FAILURES && !isGone()) {
      const number = result.inputs++;
      if (number % LOOK_EVERY === 0) look(number / inputs);
      if (number % ASK_EVERY === 0) await ask();
      await attack();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, attacker));
  if (!isGone()) look(1);
  return { ...result, outcomes: seen.size };
}
