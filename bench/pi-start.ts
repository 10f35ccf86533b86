// SPDX-License-Identifier: Apache-2.0
import { mkdir, readdir, rm, symlink } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { resolvePaths } from "../cli/src/paths.ts";
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
  const fresh = await makeCacheWithoutArchives(ground.folder);
  const first = { env: { ...process.env, BULWARK_CACHE_DIR: fresh }, until: RESULT, interrupts: true };
  return [
    {
      peerName: "spark-submit-local-cluster-plain",
      runs: 7,
      ours: {
        "pi-start": async () => (await time(BULWARK, ours, { until: RESULT })).seconds,
        "pi-start-first-run": async () => (await time(BULWARK, ours, first)).seconds,
      },
      peer: async () => (await sparkSubmit(ground, plain, RESULT)).seconds,
    },
  ];
}

/** As after the installation: Spark is there, class archives are not. The interrupted run never makes them. */
async function makeCacheWithoutArchives(folder: string): Promise<string> {
  const { cache } = resolvePaths(process.env, homedir());
  const fresh = join(folder, "cache");
  await mkdir(fresh, { mode: 0o700 });
  for (const name of await readdir(cache)) await symlink(join(cache, name), join(fresh, name));
  await rm(join(fresh, "archives"));
  return fresh;
}
