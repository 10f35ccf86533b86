// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import { type JobFile, parseJobFile } from "@bulwark/contracts";
import type { PlanInput } from "../plan.ts";

/** The job of a tree of keys, as the tool reads it. */
export function readJob(tree: object): JobFile {
  return parseJobFile(JSON.stringify(tree), { file: "job.json" }).job;
}

/** Everything a plan is made from, for a job; nothing of it is on disk. */
export function makePlanInput(job: JobFile, overrides: Partial<PlanInput> = {}): PlanInput {
  const run = "/runs/job-1";
  const keys = (role: string) => ({ keyStore: `/keys/${role}.p12`, trustStore: "/keys/truststore.p12" });
  return {
    job,
    runId: "job-1",
    baseFolder: "/jobs/my job",
    folders: {
      run,
      conf: join(run, "conf"),
      secrets: join(run, "secrets"),
      logs: join(run, "logs"),
      work: join(run, "work"),
      eventLog: join(run, "eventlog"),
    },
    java: { executable: "/java/bin/java", major: 21 },
    spark: { home: "/spark", python: "/spark's python/bin/python" },
    classPath: ["/bulwark.jar", "/spark/jars/a.jar"],
    jvmOptions: { driver: ["-XX:SharedArchiveFile=/d.jsa"], executor: ["-XX:SharedArchiveFile=/e.jsa"] },
    keys: {
      server: keys("server"),
      driver: keys("driver"),
      executor: keys("executor"),
      storePassword: "STORE-PASSWORD-0123456789",
    },
    authenticationSecret: "AUTHENTICATION-SECRET-0123456789",
    uiToken: "UI-TOKEN-0123456789",
    keyring: undefined,
    environment: { PATH: "/usr/bin:/bin", HOME: "/home/me" },
    ...overrides,
  };
}
