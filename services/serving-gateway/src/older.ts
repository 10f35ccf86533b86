// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, toHttpStatus } from "@bulwark/contracts/errors";
import {
  FAILED,
  fitInputs,
  type OlderInput,
  type Prediction,
  parsePostProcessing,
  postProcess,
} from "@bulwark/tensors";
import { type Call, type Gateway, infer } from "./gateway.ts";

type OlderCall = Pick<Call, "deadline" | "priority" | "isGone"> & {
  model: string;
  version: string;
  instances: readonly (readonly OlderInput[])[];
};

/** The model that `/predict` means. Throws MODEL_NOT_READY, SERVING_REQUEST when several could be meant. */
export function findOlderModel({ config, models }: Gateway): string {
  const { model } = config.older;
  if (model !== undefined) return model;
  const [first, ...others] = new Set(models.list().map((status) => status.model));
  if (first === undefined) throw new BulwarkError("MODEL_NOT_READY", "No model is loaded", "bulwark model load NAME");
  if (others.length === 0) return first;
  const mend = "set older.model, or use /models/NAME/versions/VERSION/predict";
  throw new BulwarkError("SERVING_REQUEST", `/predict could mean ${others.length + 1} models`, mend);
}

/**
 * A prediction for each instance. As with the older server, an instance that the model cannot take becomes `NaN` and
 * leaves the others alone; what is no fault of the instance is thrown.
 */
export function predict(gateway: Gateway, call: OlderCall): Promise<Prediction[]> {
  return Promise.all(
    call.instances.map((instance) =>
      predictOne(gateway, call, instance).catch((error) => {
        if (error instanceof BulwarkError && isOfInstance(error)) return FAILED;
        throw error;
      }),
    ),
  );
}

const isOfInstance = (error: BulwarkError): boolean => {
  const status = toHttpStatus(error);
  return status === 400 || error.code === "MODEL_FAILED";
};

async function predictOne(gateway: Gateway, call: OlderCall, instance: readonly OlderInput[]): Promise<Prediction> {
  const { config, models } = gateway;
  const { model, version, deadline, priority, isGone } = call;
  const { resize, postProcessing, asWritten } = config.older;
  const { decrypt } = gateway;
  const options = {
    limits: config.tensorLimits,
    ...(resize === undefined ? {} : { resize }),
    ...(decrypt === undefined ? {} : { decrypt }),
  };
  const inputs = await fitInputs(instance, models.describe(model, version).inputs, options);
  const { outputs } = await infer(gateway, {
    ...{ model, version, inputs, deadline, priority, isGone },
    outputs: undefined,
    isQueued: true,
  });
  const wanted = parsePostProcessing(postProcessing);
  return wanted === undefined ? outputs : postProcess(wanted, outputs, { asWritten });
}
