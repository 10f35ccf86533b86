// SPDX-License-Identifier: Apache-2.0
import { isEnded, type JobStatus } from "@bulwark/kubernetes";
import { readLog } from "@bulwark/kubernetes/api";
import type { Context } from "../command.ts";
import type { Cluster } from "./open.ts";

/** How log4j begins a line of Spark's own, by the pattern that the chart gives it. */
const LOG_LINE = /^\d{2,4}[-/]\d\d[-/]\d\d[ T]\d\d:\d\d:\d\d[.,\d]*\s+(TRACE|DEBUG|INFO|WARN|ERROR|FATAL)\b/;
/** What the JVM says of itself at its start. */
const JVM_LINE = /^(WARNING: Using incubator modules|Picked up \w*JAVA\w*OPTIONS)/;
/** What follows a line of Spark's own when it tells of an exception. */
const CONTINUED = /^(\s+at |\s+\.\.\. \d+ more|Caused by: |\s+Suppressed: |[\w.$]+(Exception|Error)(: |$))/;

/** Tells Spark's own lines from those that the program printed; a container has one log for both. */
export function createLineSorter(): (line: string) => "program" | "spark" {
  let last: "program" | "spark" = "program";
  return (line) => {
    if (LOG_LINE.test(line) || JVM_LINE.test(line)) last = "spark";
    else if (!(last === "spark" && CONTINUED.test(line))) last = "program";
    return last;
  };
}

/**
 * Hands what the program prints to stdout as it comes, driver after driver where a job is retried. Spark's own lines are
 * shown under --debug.
 */
export function followOutput(context: Context, { connection, namespace }: Cluster, signal: AbortSignal) {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const seen = new Set<string>();
  let chain = Promise.resolve();
  const print = async (pod: string, isOver: boolean): Promise<void> => {
    const sort = createLineSorter();
    const query = { namespace, pod, container: "spark-driver", follow: !isOver, signal: both };
    for await (const { text } of readLog(connection, query)) {
      if (sort(text) === "program") context.progress.aside(() => context.stdout.write(`${text}\n`));
      else context.progress.debug(text);
    }
  };
  return {
    /** Begins with a driver that has begun to run. */
    look(status: JobStatus): void {
      const { driver } = status;
      if (driver === undefined || seen.has(driver.pod) || !["running", "succeeded", "failed"].includes(driver.state))
        return;
      seen.add(driver.pod);
      chain = chain
        .then(() => print(driver.pod, isEnded(status)))
        .catch((error: Error) => context.progress.debug(`the log of ${driver.pod}: ${error.message}`));
    },
    /** Waits for the last lines. */
    async end(limitMs: number): Promise<void> {
      const timer = setTimeout(() => stop.abort(), limitMs);
      await chain;
      clearTimeout(timer);
    },
    stop: (): void => stop.abort(),
  };
}
