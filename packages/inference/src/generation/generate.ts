// SPDX-License-Identifier: Apache-2.0

import { BulwarkError } from "@bulwark/contracts/errors";
import type { Tensor } from "@bulwark/tensors";
import { copyTensors } from "../rows.ts";
import { makeFirstState, type StreamPlan, toSequence } from "./plan.ts";
import { chooseToken, type Sampling, seedRandom } from "./sampling.ts";

/** Runs the model once, as any request; gives the outputs named. */
export type Step = (inputs: readonly Tensor[], outputs: readonly string[]) => Promise<readonly Tensor[]>;

/** A token, and why it is the last one where it is. */
export type Generated = { readonly token: number; readonly end: "end" | "length" | undefined };

export type Generation = {
  readonly plan: StreamPlan;
  /** By name: the tokens to begin with, and whatever else the model takes; a state to begin with, too. */
  readonly inputs: readonly Tensor[];
  readonly sampling: Sampling;
  /** For requests without a seed. */
  readonly random: () => number;
};

/**
 * Lets a model make one token after the other. A step is computed when the next token is asked for, never ahead.
 * Throws TENSOR_MISSING and TENSOR_SHAPE for the tokens given, MODEL_FAILED, and what `step` throws.
 */
export async function* generateTokens(step: Step, generation: Generation): AsyncGenerator<Generated, void, void> {
  const { plan, sampling } = generation;
  const random = sampling.seed === undefined ? generation.random : seedRandom(sampling.seed);
  const wanted = [plan.next, ...plan.state.map(({ output }) => output)];
  const given = new Map(generation.inputs.map((input) => [input.name, input]));
  const others = generation.inputs.filter(({ name }) => !isMade(plan, name));
  let tokens = readPrompt(plan, given);
  let state = plan.state.map(({ input }) => given.get(input.name) ?? makeFirstState(input));
  let length = tokens.length;
  for (let count = 1; ; count++) {
    const outputs = await step([...others, ...state, ...makeInputs(plan, tokens, length)], wanted);
    const find = (name: string): Tensor | undefined => outputs.find((output) => output.name === name);
    const token = chooseToken(find(plan.next), sampling, random);
    const isOver = count === sampling.maxTokens ? "length" : undefined;
    const end = plan.end.includes(token) ? "end" : isOver;
    // In memory of its own: the consumer may take its time.
    state = copyTensors(plan.state.flatMap(({ output, input }) => rename(find(output), input.name)));
    yield { token, end };
    if (end !== undefined) return;
    tokens = plan.state.length === 0 ? [...tokens, token] : [token];
    length++;
  }
}

/** Inputs that the loop makes itself, whatever the request says of them. */
function isMade({ tokens, mask, positions, state }: StreamPlan, name: string): boolean {
  return [tokens, mask, positions, ...state.map(({ input }) => input)].some((info) => info?.name === name);
}

function readPrompt({ tokens }: StreamPlan, given: ReadonlyMap<string, Tensor>): number[] {
  const input = given.get(tokens.name);
  const mend = `send "${tokens.name}": [1, 2, 3]`;
  if (input === undefined || input.datatype === "BYTES") {
    throw new BulwarkError("TENSOR_MISSING", `The tokens "${tokens.name}" are missing`, mend);
  }
  if (input.data.length === 0 || input.shape.slice(0, -1).some((size) => size !== 1)) {
    throw new BulwarkError("TENSOR_SHAPE", `"${tokens.name}" is to be one sequence of tokens`, mend);
  }
  return Array.from(input.data as ArrayLike<number | bigint>, Number);
}

function makeInputs(
  { tokens: info, mask, positions }: StreamPlan,
  tokens: readonly number[],
  length: number,
): Tensor[] {
  const first = length - tokens.length;
  return [
    toSequence(info, tokens),
    ...(mask === undefined ? [] : [toSequence(mask, Array<number>(length).fill(1))]),
    ...(positions === undefined
      ? []
      : [
          toSequence(
            positions,
            tokens.map((_, at) => first + at),
          ),
        ]),
  ];
}

function rename(tensor: Tensor | undefined, name: string): Tensor[] {
  if (tensor !== undefined) return [{ ...tensor, name }];
  throw new BulwarkError("MODEL_FAILED", `The model gave nothing for "${name}"`, "mend modelSettings.NAME.stream");
}
