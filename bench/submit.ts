// SPDX-License-Identifier: Apache-2.0
import { measure } from "./measure.ts";
import { type Marks, type Node, onNode, plainSubmit, securedSubmit } from "./submit-peer.ts";

export const SUBMIT_RUNS = 5;
export const SUBMIT_MANY_RUNS = 1;
const PEER = "spark-submit-cluster-plain";
const PARTITIONS = "10";

/** One run gives both figures, so it is made once for the two of them. */
function shared(run: () => Promise<Marks>): Record<keyof Marks, () => Promise<number>> {
  const runs: Record<keyof Marks, Promise<Marks>[]> = { firstExecutor: [], result: [] };
  const take = async (mark: keyof Marks): Promise<number> => {
    if (runs[mark].length === 0) {
      const made = run();
      for (const list of Object.values(runs)) list.push(made);
    }
    const next = runs[mark].shift();
    if (next === undefined) throw new Error("no run was made");
    return (await next)[mark];
  };
  return { firstExecutor: () => take("firstExecutor"), result: () => take("result") };
}

type Say = (line: string) => void;

/**
 * From `bulwark submit` to the first executor registered, and to the result of Pi, in a namespace that enforces
 * "restricted": against `spark-submit --deploy-mode cluster` without any security, same node, image and jars.
 */
export function benchSubmit(runs: number, say: Say): Promise<string[]> {
  return onNode(async (node) => {
    const ours = shared(() => securedSubmit(node, "pi", PARTITIONS));
    const peer = shared(() => plainSubmit(node, "plain-pi", PARTITIONS));
    // Once before, so that both have a warm disk.
    await securedSubmit(node, "warm", PARTITIONS);
    await plainSubmit(node, "plain-warm", PARTITIONS);
    const base = { peerName: PEER, runs };
    return [
      ...(await measure({ ...base, ours: { "submit-pi": ours.result }, peer: peer.result }, runs, say)),
      ...(await measure(
        { ...base, ours: { "submit-first-executor": ours.firstExecutor }, peer: peer.firstExecutor },
        runs,
        say,
      )),
    ];
  });
}

const MANY = Number(process.env.BENCH_JOBS ?? 50);
/** As many as a node of 24 GiB can hold: 50 drivers alone would ask for 44 GiB, and no executor would find room. */
const AT_ONCE = Number(process.env.BENCH_AT_ONCE ?? 12);

/**
 * Seconds for each job that finishes when there are many, the next one submitted as soon as there is room: 60 divided by it is
 * jobs per minute. A side's job that fails, as Spark's driver does when the API server takes ten seconds to answer, is told of.
 */
export function benchSubmitMany(runs: number, say: Say): Promise<string[]> {
  return onNode((node) => {
    const each = async (run: (node: Node, name: string, partitions: string) => Promise<Marks>): Promise<number> => {
      const began = performance.now();
      const names = Array.from({ length: MANY }, (_none, index) => `many-${index}`).values();
      let finished = 0;
      const submitInTurn = async (): Promise<void> => {
        for (const name of names) {
          await run(node, name, "2").then(
            () => finished++,
            (error) => say(String(error)),
          );
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, submitInTurn));
      const seconds = (performance.now() - began) / 1000;
      say(`${finished} of ${MANY} jobs finished in ${Math.round(seconds)} s`);
      return seconds / finished;
    };
    const ours = { [`submit-many-${MANY}`]: () => each(securedSubmit) };
    return measure({ peerName: PEER, runs, ours, peer: () => each(plainSubmit) }, runs, say);
  });
}
