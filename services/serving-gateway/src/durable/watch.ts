// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { LONGEST_ANNOUNCEMENT_BYTES } from "@bulwark/inference";
import { checkRedis, inspectQueue, type Link, type Names, type QueueState, readAnnouncements } from "@bulwark/queue";
import type { HearEngines } from "../hear-engines.ts";

/** Looks at the queue once a second, so that nobody has to ask Redis while a caller waits. */
export type Watch = {
  /** The job that is watched. */
  readonly job: string;
  /** The last look that succeeded, and when Redis cannot be reached or used the reason. */
  state(): { queue?: QueueState; problem?: BulwarkError };
  /** Throws what keeps records from being taken in: QUEUE_UNREACHABLE, QUEUE_REFUSED, QUEUE_EVICTS, QUEUE_REDIS_OLD. */
  check(): void;
  /** Why a request got no answer in its time. */
  explainSilence(asked: { wasAdmitted: boolean; budgetMs: number }): BulwarkError;
  /** Resolves after the first look. */
  looked: Promise<void>;
  close(): void;
};

const PERIOD_MS = 1_000;
/** A caller that gives less time learns nothing of Redis from its silence. */
const SHORTEST_ANSWER_MS = 200;

type Parts = {
  link: Link;
  names: Names;
  /** Told with each look what the engines alive say of themselves; nothing while Redis cannot be asked. */
  hear?: HearEngines | undefined;
};

export function watchQueue({ link, names, hear }: Parts): Watch {
  let queue: QueueState | undefined;
  let problem: BulwarkError | undefined = new BulwarkError(
    "QUEUE_UNREACHABLE",
    "Redis was not reached yet.",
    "try again",
  );
  let isLooking = false;

  const look = async (): Promise<void> => {
    if (isLooking) return;
    isLooking = true;
    try {
      await checkRedis(link);
      queue = await inspectQueue(link, names);
      const { engines } = queue;
      hear?.(await readAnnouncements(link, names, { engines, mostBytes: LONGEST_ANNOUNCEMENT_BYTES }));
      problem = undefined;
    } catch (error) {
      problem = error as BulwarkError;
      hear?.(new Map());
    } finally {
      isLooking = false;
    }
  };
  const looked = look();
  const timer = setInterval(() => void look(), PERIOD_MS);

  return {
    job: names.job,
    state: () => ({ ...(queue === undefined ? {} : { queue }), ...(problem === undefined ? {} : { problem }) }),
    check() {
      // A connection that is back is tried at once; the commands tell when it is not.
      if (problem !== undefined && !(problem.code === "QUEUE_UNREACHABLE" && queue !== undefined && link.isUp())) {
        throw problem;
      }
    },
    explainSilence({ wasAdmitted, budgetMs }) {
      if (problem !== undefined) return problem;
      if (!wasAdmitted && budgetMs >= SHORTEST_ANSWER_MS) {
        return new BulwarkError("QUEUE_UNREACHABLE", "Redis did not answer in time.", "bulwark serving status redis");
      }
      if (queue?.engines.length === 0) {
        return new BulwarkError(
          "ENGINE_ABSENT",
          "No engine is there to compute the request.",
          "bulwark serving status",
        );
      }
      return new BulwarkError(
        "SERVING_DEADLINE",
        "The result was not there in time.",
        "allow more time, or add engines",
      );
    },
    looked,
    close: () => clearInterval(timer),
  };
}
