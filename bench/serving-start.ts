// SPDX-License-Identifier: Apache-2.0
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { median } from "./measure.ts";
import { installPeers, SIDES, startSide, stop } from "./serving/sides.ts";
import { findPort, SUBJECTS } from "./serving/subjects.ts";

export const START_ROUNDS = 5;

const OURS = { direct: "binary", durable: "durable-binary" } as const;
const PEERS = ["mosec", "fastapi", "mlserver"] as const;

/**
 * Seconds from the start of a server to its first answer, on one core: of the gateway with the engine in its process, of
 * Redis, engine and gateway together (with their keys made anew), and of the quickest peer.
 */
export async function benchServingStart(rounds: number, say: (line: string) => void): Promise<string[]> {
  await installPeers(say);
  const names = [...Object.values(OURS), ...PEERS];
  const seconds = new Map<string, number[]>(names.map((name) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const name of names) {
      const taken = await startOnce(name);
      say(`round ${round} of ${rounds}: ${name} ${taken.toFixed(2)} s`);
      seconds.get(name)?.push(taken);
    }
  }
  const middle = (name: string): number => median(seconds.get(name) ?? []);
  const [best = "mosec"] = PEERS.toSorted((a, b) => middle(a) - middle(b));
  return Object.entries(OURS).map(([delivery, name]) => {
    const [ours, peer] = [middle(name), middle(best)];
    return `serving-start-${delivery} ratio=${(ours / peer).toFixed(2)} ours=${ours.toFixed(3)} peer=${peer.toFixed(3)} unit=s peer-name=${best} runs=${rounds}`;
  });
}

async function startOnce(name: keyof typeof SIDES): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "bulwark-bench-"));
  try {
    const subject = await SUBJECTS.mlp(folder);
    const port = await findPort();
    const startedAt = performance.now();
    const server = await startSide(SIDES[name], subject, port);
    const taken = (performance.now() - startedAt) / 1000;
    await stop(server);
    return taken;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
