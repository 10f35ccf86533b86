// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { generateTokens, makePlan, readSampling } from "@bulwark/inference";
import { type GenerateRequest, readGenerate, writeGenerated } from "@bulwark/tensors";
import { type Call, type Gateway, infer, toSchedule } from "./gateway.ts";

/** A request of the generate extension that is being answered: event by event, or all at once. */
export type Generating = {
  readonly version: string;
  readonly deadline: number;
  /** JSON of each step, computed when it is asked for. */
  events(): AsyncGenerator<string, void, void>;
  /** JSON of all steps together. */
  whole(): Promise<string>;
};

type Asked = Pick<Call, "model" | "version" | "isGone"> & { readonly body: Buffer };

/**
 * Begins to answer: with one token after the other where the model's settings say `stream`, otherwise at once. Each step is
 * a request of its own to the engine, so that steps of many callers share runs.
 * Throws what reading the request throws; `events` and `whole` throw what `infer` throws.
 */
export function generate(gateway: Gateway, asked: Asked): Generating {
  const { config, models, split } = gateway;
  const { model, body } = asked;
  const described = models.describe(model, asked.version ?? split(model));
  const { version, stream } = described;
  const request = readGenerate(body, described.inputs, config.tensorLimits);
  const schedule = toSchedule(gateway, request.parameters, stream === undefined ? undefined : config.streamMs);
  const { deadline } = schedule;
  const call = { ...asked, version, ...schedule };
  if (stream === undefined) return generateOnce(gateway, call, request);

  const plan = makePlan(stream, described);
  const sampling = readSampling(request.parameters, plan.maxTokens);
  const head = { model_name: model, model_version: version, ...(request.id === undefined ? {} : { id: request.id }) };
  const begin = () =>
    generateTokens(
      async (inputs, outputs) => {
        if (gateway.cutting.aborted) throw stopping();
        return (await infer(gateway, { ...call, inputs, outputs })).outputs;
      },
      { plan, inputs: request.inputs, sampling, random: Math.random },
    );
  const write = (tokens: readonly number[], end: string | undefined): string =>
    JSON.stringify({ ...head, output_ids: tokens, ...(end === undefined ? {} : { finish_reason: end }) });
  return {
    version,
    deadline,
    async *events() {
      for await (const { token, end } of begin()) yield write([token], end);
    },
    async whole() {
      const tokens: number[] = [];
      let reason: string | undefined;
      for await (const { token, end } of begin()) {
        tokens.push(token);
        reason = end;
      }
      return write(tokens, reason);
    },
  };
}

type Ready = Omit<Call, "inputs" | "outputs">;

function generateOnce(gateway: Gateway, call: Ready, { inputs, id }: GenerateRequest): Generating {
  const whole = async (): Promise<string> => {
    const inference = await infer(gateway, { ...call, inputs, outputs: undefined });
    return writeGenerated({ ...inference, id });
  };
  return {
    version: call.version ?? "",
    deadline: call.deadline,
    whole,
    async *events() {
      yield await whole();
    },
  };
}

const stopping = (): BulwarkError =>
  new BulwarkError("SERVING_STOPPING", "The server is ending, and the stream took longer", "send the request again");
