// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { readAnnouncement } from "@bulwark/inference/announcement";
import { MODEL_NAME } from "@bulwark/inference/model-files";
import type { RelayQueue } from "./relay-queue.ts";
import { readSaid } from "./status/hear-engines.ts";

const MOST_NAMES = 20;

/**
 * Refuses a model that engines are there without: its records would wait in vain. Says nothing where no engine is there yet,
 * where one says what cannot be read, or where our user may not look, as a relay's alone may not.
 *
 * @throws BulwarkError MODEL_UNKNOWN, QUEUE_UNREACHABLE
 */
export async function checkModel({ job, redis, relay }: RelayQueue, model: string): Promise<void> {
  const models = await listModels({ job, redis: redis ?? relay });
  if (models === undefined || models.length === 0 || models.includes(model)) return;
  const known = models.filter((name) => MODEL_NAME.test(name)).slice(0, MOST_NAMES);
  const mend = `name one that they have: --model ${known.join("|")}`;
  throw new BulwarkError("MODEL_UNKNOWN", `No engine of ${job} has the model ${model}.`, mend);
}

/** Models that the engines of a queue say they have; undefined where it cannot be known. */
async function listModels(queue: Parameters<typeof readSaid>[0]): Promise<readonly string[] | undefined> {
  try {
    const said = await readSaid(queue);
    return [
      ...new Set([...said.values()].flatMap((bytes) => readAnnouncement(bytes).versions.map((one) => one.model))),
    ];
  } catch (error) {
    if (error instanceof BulwarkError && UNKNOWABLE.includes(error.code)) return undefined;
    throw error;
  }
}

const UNKNOWABLE: readonly string[] = ["QUEUE_REFUSED", "ANNOUNCEMENT_MALFORMED"];
