// SPDX-License-Identifier: Apache-2.0
import type { Progress } from "../command.ts";
import type { RunEvent } from "./events.ts";
import type { RunFailure, RunState } from "./record.ts";

type Step = ReturnType<Progress["step"]>;
type Show = { [Type in RunEvent["type"]]?: (event: Extract<RunEvent, { type: Type }>) => void };

/** Shows a run's events as steps: coming up, then one step per stage. */
export function showRunProgress(progress: Progress, executors: number) {
  let started: Step | undefined = progress.step(`starting driver and ${executors} executors`);
  const stages = new Map<number, Step>();
  let registered = 0;
  const show: Show = {
    "executor-added": () => {
      registered++;
      started?.update(`${registered} of ${executors} executors`);
    },
    "executor-removed": ({ executor, reason }) => {
      if (reason !== undefined && stages.size > 0) progress.warn(`executor ${executor} was lost: ${reason}`);
    },
    stage: ({ stage, name, tasks }) => {
      started?.done();
      started = undefined;
      const step = progress.step(`stage ${stage} (${name})`);
      step.update(`0 of ${tasks} tasks`);
      stages.set(stage, step);
    },
    tasks: ({ stage, done, of }) => stages.get(stage)?.update(`${done} of ${of} tasks`),
    "stage-done": ({ stage, tasks, failure }) => {
      stages.get(stage)?.done(failure === undefined ? `${tasks} tasks` : "failed");
      stages.delete(stage);
    },
  };
  return {
    event: (event: RunEvent): void => (show[event.type] as ((event: RunEvent) => void) | undefined)?.(event),
    /** Lets something else write without a live line in its way. */
    output: (write: () => void): void => progress.aside(write),
    end(state: RunState, failure: RunFailure | undefined): void {
      started?.done(failure === undefined ? undefined : state);
      for (const step of stages.values()) step.done(state);
      stages.clear();
    },
  };
}
