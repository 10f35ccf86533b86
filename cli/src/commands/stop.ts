// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from "node:timers/promises";
import { BulwarkError } from "@bulwark/contracts";
import type { CommandSpec } from "../command.ts";
import { cleanLostRun } from "../runs/lost-runs.ts";
import { isSameProcess, sendSignal, sweepProcesses } from "../runs/processes.ts";
import { findRecord, isEnded } from "../runs/record.ts";

const PATIENCE_MS = 20_000;
const PAUSE_MS = 100;

/** `bulwark stop`: ends a run that was started in another terminal, and waits until nothing of it is left. */
export const spec: CommandSpec = {
  examples: ["bulwark stop diagnosis"],
  configure(command) {
    command.argument("<name>", "id of a run, or name of a job (its newest run)");
  },
  async execute(context, { args }) {
    const record = await findRecord(context.paths.runs, args[0]);
    if (record.state === "lost") {
      const cleaned = await cleanLostRun(context.paths.runs, record, context.now());
      return { value: cleaned, text: `${record.id} was lost before; nothing of it runs` };
    }
    if (isEnded(record))
      throw new BulwarkError("RUN_ENDED", `${record.id} has ${record.state} already.`, `bulwark status ${record.id}`);
    sendSignal(record.supervisor.pid, "SIGTERM");
    const limit = Date.now() + PATIENCE_MS;
    while (isSameProcess(record.supervisor)) {
      if (Date.now() > limit) sendSignal(record.supervisor.pid, "SIGKILL");
      await delay(PAUSE_MS, undefined, { signal: context.signal });
    }
    await sweepProcesses(record.id);
    const ended = await findRecord(context.paths.runs, record.id);
    return { value: ended, text: `${record.id} ${ended.state}` };
  },
};
