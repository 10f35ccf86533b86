// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode } from "@bulwark/contracts/errors";
import { makeZeros } from "@bulwark/tensors";
import { type Gateway, infer } from "./gateway.ts";
import { type Problem, toProblem } from "./problem.ts";

/** Resolves to nothing once the whole pipe has computed something, until then to what is in the way. */
export type Canary = () => Promise<Problem | undefined>;

const LIMIT_MS = 5_000;
/** Failures of a model that got its inputs: not every model takes zeros, and the pipe is whole all the same. */
const OF_THE_MODEL: readonly ErrorCode[] = ["MODEL_FAILED", "TENSOR_VALUE", "TENSOR_SHAPE", "TENSOR_DATATYPE"];

/**
 * Sends zeros to each model that is ready: through the queue to an engine and back where there is a queue, otherwise to the
 * engine here. Once it succeeded it is not sent again: `watchAnswers` looks from then on.
 */
export function createCanary(gateway: Gateway): Canary {
  let hasSucceeded = false;
  let asking: Promise<Problem | undefined> | undefined;
  const ask = async (): Promise<Problem | undefined> => {
    const names = new Set(gateway.models.list().flatMap(({ model, state }) => (state === "READY" ? [model] : [])));
    const problems = await Promise.all([...names].map((model) => askModel(gateway, { model, isQueued: true })));
    const problem = problems.find((each) => each !== undefined);
    hasSucceeded = problem === undefined && gateway.models.isReady();
    return problem ?? (hasSucceeded ? undefined : NOT_READY);
  };
  return () => {
    if (hasSucceeded) return Promise.resolve(undefined);
    // Whoever asks meanwhile gets the same answer.
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  };
}

/** Why a version of a model does not answer zeros; nothing when it does. */
export async function askModel(
  gateway: Gateway,
  { model, version, isQueued = false }: { model: string; version?: string; isQueued?: boolean },
): Promise<Problem | undefined> {
  try {
    const { inputs } = gateway.models.describe(model, version);
    await infer(gateway, {
      ...{ model, version, inputs: inputs.map((input) => makeZeros(input)), outputs: undefined },
      ...{
        deadline: gateway.now() + LIMIT_MS,
        priority: "normal",
        isQueued,
        isGone: () => false,
      },
    });
    return undefined;
  } catch (error) {
    const problem = toProblem(error);
    return OF_THE_MODEL.includes(problem.code) ? undefined : problem;
  }
}

const NOT_READY: Problem = {
  status: 503,
  code: "MODEL_NOT_READY",
  message: "Not every model is ready",
  mend: "look into the log",
};
