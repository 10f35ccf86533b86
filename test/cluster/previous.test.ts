// SPDX-License-Identifier: Apache-2.0
// Of a job whose driver was killed and tried again, the attempt before can still be read.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { EXIT } from "../../packages/contracts/src/errors/index.ts";
import { killJvm } from "./chart/processes.ts";
import { findRelease } from "./chart/release.ts";
import { type Ended, makeTool } from "./chart/tool.ts";
import { joinCluster, type TestNamespace, until } from "./fixture/index.ts";

const A_JOB_MS = 480_000;
/** Works until somebody puts a file on its claim. */
const PROGRAM = `import os
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print("an attempt", flush=True)
while not os.path.exists("/data/second"):
    spark.range(10).count()
print("the second", flush=True)
`;

const cluster = await joinCluster();
let namespace: TestNamespace;
let claim: string;
const tool = await makeTool(cluster);
const run = (...args: string[]): Promise<Ended> => tool.run(...args, "-n", namespace.name);

before(async () => {
  namespace = await cluster.makeNamespace("previous");
  claim = (await cluster.makeVolume(namespace, "data")).folder;
});
after(async () => {
  tool.stop();
  await namespace?.remove();
});

test("logs --previous gives the attempt of the killed driver", { timeout: A_JOB_MS }, async () => {
  writeFileSync(join(tool.home, "again.py"), PROGRAM);
  const executor = { instances: 1, memory: "512m" };
  const file = tool.writeJob("again", { python: "again.py", pvc: "data", executor, retries: 1 });
  const submitted = await run("submit", "-f", file);
  assert.equal(submitted.code, EXIT.done, submitted.stderr);
  const ofDriver = async (...flags: string[]): Promise<string> =>
    (await run("logs", "again", "--driver", ...flags)).stdout;
  await until("the program", async () => /^an attempt$/m.test(await ofDriver()), A_JOB_MS);
  const none = await run("logs", "again", "--previous", "-o", "json");
  assert.equal(JSON.parse(none.stdout).error.code, "LOGS_GONE");

  const release = findRelease(cluster, namespace, "again");
  const [killed] = await release.pods("driver");
  assert.ok(killJvm(killed?.metadata.name ?? ""));
  writeFileSync(join(claim, "second"), "");
  const { exitCode, log } = await release.end();
  assert.equal(exitCode, 0, log);
  const previous = await run("logs", "again", "--driver", "--previous");
  assert.equal(previous.code, EXIT.done, previous.stderr);
  assert.match(previous.stdout, /^an attempt$/m);
  assert.doesNotMatch(previous.stdout, /^the second$/m);
  assert.match(await ofDriver(), /^the second$/m);
  await release.uninstall();
});
