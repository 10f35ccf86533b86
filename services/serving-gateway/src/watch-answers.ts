// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode } from "@bulwark/contracts/errors";
import { askModel } from "./canary.ts";
import type { Gateway } from "./gateway.ts";
import type { SilentModels } from "./silent-models.ts";

/** Failures of a model that is alive and has much to do, or of a server that ends. */
const OF_THE_LOAD: readonly ErrorCode[] = ["ENGINE_BUSY", "QUEUE_FULL", "SERVING_STOPPING", "MODEL_MEMORY"];
/** Once something failed it is looked at more often. */
const SOON_MS = 1_000;
/** By how much a pause differs at most, so that gateways do not all ask at once. */
const JITTER = 0.2;

type Parts = {
  gateway: Gateway;
  silent: SilentModels;
  /** Between two looks at a model that answers. */
  periodMs: number;
  /** From 0 on, below 1. */
  random(): number;
  pause(ms: number, signal: AbortSignal): Promise<unknown>;
  /** Told of each change. */
  report(event: string, details: Readonly<Record<string, string>>): void;
};

/**
 * Asks each version that is loaded again and again, by the way its requests go, whether it still answers. One that answered
 * somebody since the last look is not asked. Two failures in turn, a second apart, and it counts as silent; one answer, and it
 * does no more. A canary has five seconds: what falls silent is known after `periodMs` and twelve seconds at most.
 */
export function watchAnswers({ gateway, silent, periodMs, random, pause, report }: Parts): { close(): Promise<void> } {
  const closing = new AbortController();
  const { models, now } = gateway;
  let lookedAt = now();

  const list = (): { model: string; version: string }[] =>
    models.list().filter(({ model, version, state }) => state === "READY" || silent.why(model, version) !== undefined);

  const hasAnswered = (model: string, version: string, since: number): boolean =>
    models.statistics(model, version).some(({ lastInference }) => lastInference > since);

  /** Whether it answers: `undefined` where nothing can be said. */
  const ask = async ({ model, version }: { model: string; version: string }): Promise<ErrorCode | true | undefined> => {
    const startedAt = now();
    const problem = await askModel(gateway, { model, version });
    if (problem === undefined || hasAnswered(model, version, startedAt)) return true;
    return OF_THE_LOAD.includes(problem.code) ? undefined : problem.code;
  };

  /** One failure says nothing of a model that answered before. */
  const askTwice = async (one: { model: string; version: string }): Promise<ErrorCode | true | undefined> => {
    const answer = await ask(one);
    if (typeof answer !== "string") return answer;
    await pause(SOON_MS, closing.signal);
    return ask(one);
  };

  const note = (model: string, version: string, code: ErrorCode | undefined): void => {
    const was = silent.why(model, version);
    silent.set(model, version, code);
    if (code === undefined && was !== undefined) report("model answers again", { model, version });
    if (code !== undefined && was === undefined) report("model does not answer", { model, version, code });
  };

  const look = async (one: { model: string; version: string }, since: number): Promise<void> => {
    const { model, version } = one;
    const isSilent = silent.why(model, version) !== undefined;
    const era = silent.era(model);
    if (!isSilent && hasAnswered(model, version, since)) return;
    const answer = await (isSilent ? ask(one) : askTwice(one));
    // A verdict on what was unloaded meanwhile says nothing of what was loaded since.
    if (answer === undefined || closing.signal.aborted || silent.era(model) !== era) return;
    note(model, version, answer === true ? undefined : answer);
  };

  const run = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      const period = silent.some(() => true) ? Math.min(SOON_MS, periodMs) : periodMs;
      await pause(period * (1 + JITTER * (2 * random() - 1)), closing.signal);
      if (closing.signal.aborted) return;
      await Promise.all(list().map((one) => look(one, lookedAt)));
      // Canaries are answers, too: those before this instant say nothing of the time after it.
      lookedAt = now();
    }
  };
  const done = run();

  return {
    async close() {
      closing.abort();
      await done;
    },
  };
}
