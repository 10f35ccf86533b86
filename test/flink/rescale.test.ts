// SPDX-License-Identifier: Apache-2.0
// A savepoint, and the job started from it with twice the subtasks, while callers ask.
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { askFlink } from "../../cli/src/serving/flink/ask.ts";
import { describeFlinkPart } from "../../cli/src/serving/flink/start-flink.ts";
import { keepRunning, type RunningPart } from "../../cli/src/serving/keep-running.ts";
import { askWhile, type LoadCounts } from "../serving/load.ts";
import { until } from "../serving/stack.ts";
import { countFlink, type FlinkStack, findJob, skip, startFlinkStack } from "./stack.ts";

const LIMIT_MS = 90_000;

describe("a savepoint and a rescale", { skip }, () => {
  let stack: FlinkStack;
  let second: RunningPart | undefined;
  before(async () => {
    stack = await startFlinkStack(["echo"]);
  });
  after(async () => {
    await second?.stop(15_000);
    await stack?.stop();
  });

  /** Takes a savepoint, with which the job ends where it is asked to; gives the place of it. */
  const takeSavepoint = async (job: string, verb: "savepoints" | "stop", body: object): Promise<string> => {
    const given = await askFlink(stack.flink, `/jobs/${job}/${verb}`, 10_000, { method: "POST", body });
    let location: string | undefined;
    await until(async () => {
      const path = `/jobs/${job}/savepoints/${given["request-id"]}`;
      const { operation, status } = await askFlink(stack.flink, path, 10_000);
      assert.equal((operation as { "failure-cause"?: object } | undefined)?.["failure-cause"], undefined);
      location = (operation as { location?: string } | undefined)?.location;
      return (status as { id: string }).id === "COMPLETED";
    }, LIMIT_MS);
    return location ?? assert.fail("no location");
  };

  const answerSome = async (seen: Readonly<LoadCounts>): Promise<void> => {
    const { answered } = seen;
    await until(() => seen.answered > answered + 300, LIMIT_MS);
  };

  it("lose nothing of what is under way", async (context) => {
    const folder = join(stack.folder, "serving", "flink");
    const counts = await askWhile(stack.gateway, { callers: 32, limitMs: LIMIT_MS }, async (seen) => {
      await answerSome(seen);
      const job = await findJob(stack.flink);
      const folders = ["first", "last"].map((name) => join(stack.folder, "savepoints", name));
      const savepoint = await takeSavepoint(job, "savepoints", { "target-directory": folders[0] });
      assert.ok(existsSync(join(fileURLToPath(savepoint), "_metadata")));
      // The subtasks go on after the barrier.
      await answerSome(seen);
      rescale(folder, savepoint);
      const part = describeFlinkPart("taskmanager", "flink-taskmanager-2", {
        ...stack.launch,
        folder,
        env: process.env,
      });
      second = keepRunning(part, () => {});
      // With the job its job manager ends, and is started again: from the savepoint now.
      const jobManager = stack.queue.processes["flink-jobmanager"] ?? assert.fail();
      await takeSavepoint(job, "stop", { targetDirectory: folders[1], drain: false });
      await until(() => jobManager.restarts() === 1, LIMIT_MS);
      await until(async () => countFlink(await stack.look()) === 2, LIMIT_MS);
      await answerSome(seen);
    });
    const { answered, wrong, lost, slowestMs } = counts;
    context.diagnostic(`${answered} answered, slowest ${Math.round(slowestMs)} ms`);
    assert.deepEqual({ wrong, lost }, { wrong: 0, lost: [] });
    await until(async () => (await stack.look()).pending === 0);
    const { records, dead, lost: removed } = await stack.look();
    assert.deepEqual([records, dead, removed], [{ high: 0, normal: 0, low: 0 }, 0, 0]);
    const log = readFileSync(stack.flink.jobManagerLog, "utf8");
    assert.match(log, /Starting job \w+ from savepoint/);
  });
});

/** Changes the settings as somebody does who wants two subtasks, started from a savepoint. */
function rescale(folder: string, savepoint: string): void {
  const settings = join(folder, "serving.json");
  const given = JSON.parse(readFileSync(settings, "utf8"));
  writeFileSync(settings, JSON.stringify({ ...given, parallelism: 2 }));
  const configuration = join(folder, "config.yaml");
  const lines = readFileSync(configuration, "utf8");
  writeFileSync(configuration, `${lines}execution.state-recovery.path: ${JSON.stringify(savepoint)}\n`);
}
