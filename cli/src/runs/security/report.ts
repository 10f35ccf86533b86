// SPDX-License-Identifier: Apache-2.0

/** One thing that was looked at while the application ran. */
export type Observation = {
  subject: string;
  protection: string;
  /** What was seen, and how. */
  observed: string;
  asPlanned: boolean;
};

/** What is not protected, and why. */
export type Exposure = { subject: string; reason: string };

/** The report every run ends with; `security-report.json` in the run's folder. */
export type SecurityReport = {
  apiVersion: "bulwark/v1";
  run: string;
  profile: string;
  tee: string;
  observedAt: string;
  verdict: "as planned" | "differs";
  observations: readonly Observation[];
  exposures: readonly Exposure[];
};

/** Puts observations together; one that differs decides. */
export function composeReport(
  run: { id: string; profile: string; tee: string },
  observedAt: Date,
  observations: readonly Observation[],
  exposures: readonly Exposure[],
): SecurityReport {
  const asPlanned = observations.length > 0 && observations.every((observation) => observation.asPlanned);
  return {
    apiVersion: "bulwark/v1",
    run: run.id,
    profile: run.profile,
    tee: run.tee,
    observedAt: observedAt.toISOString(),
    verdict: asPlanned ? "as planned" : "differs",
    observations,
    exposures,
  };
}

/** What no profile protects on a machine without a TEE. */
export function listExposures(tee: string, python: boolean): Exposure[] {
  return [
    ...(tee === "none"
      ? [{ subject: "memory of driver and executors", reason: "no TEE: whoever is root on this machine can read it" }]
      : []),
    {
      subject: "integrity of spill and shuffle files",
      reason: "Spark encrypts them with AES-CTR, which has no authentication tag",
    },
    {
      subject: "names, sizes and times",
      reason: "file names, sizes, row counts in logs and the number of tasks are not hidden",
    },
    {
      subject: "keys of this user",
      reason: "the job's own code runs as you and can read your keys folder; run only programs you trust with it",
    },
    ...(python
      ? [
          { subject: "driver and executors to their Python", reason: "loopback sockets with a token, not encrypted" },
          {
            subject: "what Python itself spills",
            reason: "RDD groupings and sorts beyond spark.python.worker.memory; plain, in the 0700 scratch folder",
          },
          { subject: "secrets inside the driver", reason: "the job's own Python code can reach the memory of its JVM" },
        ]
      : [{ subject: "secrets inside the driver", reason: "the job's own code runs in the same JVM" }]),
  ];
}
