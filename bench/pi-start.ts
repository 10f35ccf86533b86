// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import { BULWARK, JAR, prepareGround, ROOT, sparkSubmit } from "./ground.ts";
import { type Bench, time } from "./measure.ts";

const RESULT = /Pi is roughly/;

/** From nothing to the result of Pi: secured by us, against Spark's own launcher without any security. */
export async function benchPiStart(): Promise<readonly Bench[]> {
  const ground = await prepareGround();
  const plain = ["--class", "bulwark.examples.SparkPi", JAR, "10"];
  const ours = ["run", join(ROOT, "examples", "spark-pi", "job.yaml"), "--quiet"];
  // Once before: makes the class archives where there are none, and warms the disk for both.
  await time(BULWARK, ours);
  await sparkSubmit(ground, plain);
  return [
    {
      peerName: "spark-submit-local-cluster-plain",
      runs: 7,
      ours: { "pi-start": async () => (await time(BULWARK, ours, { until: RESULT })).seconds },
      peer: async () => (await sparkSubmit(ground, plain, RESULT)).seconds,
    },
  ];
}
