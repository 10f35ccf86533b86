// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { BulwarkError, type ErrorCode, type Finding } from "@bulwark/contracts";
import type { Connection } from "@bulwark/kubernetes/api";
import { placeFindings } from "../runs/place-findings.ts";
import { createTestContext } from "../testing/context.ts";
import { readClusterJob } from "./job-input.ts";
import { toTimeOut } from "./outcome.ts";
import { checkAgainstCluster } from "./preflight.ts";

const FILE = "job.yaml";
/** Every value that names something of the cluster, each in a line that a test can tell. */
const NAMES_EVERYTHING = `name: sales
image: registry.example/spark@sha256:${"a".repeat(64)}
pvc: no-claim
imagePullSecrets:
  - present
  - no-secret
volumes:
  models: { mountPath: /mnt/models, configMap: no-map }
  cloud:
    mountPath: /mnt/cloud
    secret: no-cloud
  other:
    mountPath: /mnt/other
    claim: no-other-claim
eventLog:
  pvc: no-log-claim
serviceAccount:
  driver: no-account
security:
  secrets:
    application: no-application
    keys: no-keys
trust:
  tee: tdx
`;

/** A cluster in which there is a namespace, every right, and what is called "present". */
function makeCluster(present: RegExp = /namespaces\/runs$|\/present$/, refused?: ErrorCode) {
  const ask = async ({ path, query }: { path: string; query?: { dryRun?: string } }): Promise<unknown> => {
    if (query?.dryRun === "All") {
      if (refused === undefined) return {};
      throw new BulwarkError(refused, "refused", "mend", { cause: { message: "refused" } });
    }
    if (path.includes("selfsubjectaccessreviews")) return { status: { allowed: true } };
    if (path.endsWith("/secrets")) return { metadata: {}, items: [] };
    if (present.test(path)) return { metadata: { name: "present" } };
    throw new BulwarkError("OBJECT_MISSING", path, "none");
  };
  const access = { context: "test", server: new URL("https://cluster.example"), namespace: "runs" };
  const connection = { access, ask, close: () => undefined } as unknown as Connection;
  return { connection, namespace: "runs", helmArgs: [] };
}

const SECRET = { apiVersion: "v1", kind: "Secret", metadata: { name: "sales-secret" } };

async function submit(
  text: string,
  options: { present?: RegExp; name?: string; isUpgrade?: boolean; isDryRun?: boolean; refused?: ErrorCode } = {},
) {
  const context = createTestContext();
  await writeFile(join(context.home, FILE), text);
  const work = await readClusterJob(context, FILE);
  const { name, isUpgrade = false, isDryRun = false } = options;
  const release = name ?? work.job.name;
  const plan = { work, release, isUpgrade, isNamedByFile: name === undefined, isDryRun, render: async () => [SECRET] };
  await checkAgainstCluster({ ...plan, cluster: makeCluster(options.present, options.refused) });
}

async function findingsOf(action: Promise<unknown>): Promise<readonly Finding[]> {
  const error = await action.then(
    () => assert.fail("nothing was found"),
    (found: unknown) => found,
  );
  assert.ok(error instanceof BulwarkError, String(error));
  assert.notDeepEqual(error.findings, [], String(error));
  return error.findings;
}

const brief = ({ code, path, file, line }: Finding) => `${code} ${path} ${file}:${line}`;

test("what the cluster lacks is told with the line of the job file that names it", async () => {
  const findings = await findingsOf(submit(NAMES_EVERYTHING));
  assert.deepEqual(findings.map(brief), [
    "OBJECT_MISSING pvc job.yaml:3",
    "OBJECT_MISSING imagePullSecrets.1 job.yaml:6",
    "OBJECT_MISSING volumes.models.configMap job.yaml:8",
    "OBJECT_MISSING volumes.cloud.secret job.yaml:11",
    "OBJECT_MISSING volumes.other.claim job.yaml:14",
    "OBJECT_MISSING eventLog.pvc job.yaml:16",
    "OBJECT_MISSING serviceAccount.driver job.yaml:18",
    // One of keys and password: the mend is at both, so the place is what holds them.
    "SECRET_MISMATCH security.secrets job.yaml:21",
    "OBJECT_MISSING security.secrets.application job.yaml:21",
    "OBJECT_MISSING security.secrets.keys job.yaml:22",
    "OBJECT_MISSING trust.tee job.yaml:24",
  ]);
  assert.ok(findings.every(({ column, mend }) => (column ?? 0) > 1 && mend !== ""));
});

test("a name in use is a finding at the job file's name, unless the command line gave another", async () => {
  const present = /namespaces\/runs$|\/sales-conf$/;
  const job = "image: registry.example/spark:1\nname: sales\nui: { enabled: false }\n";
  assert.deepEqual((await findingsOf(submit(job, { present }))).map(brief), ["RELEASE_EXISTS name job.yaml:2"]);
  const [given] = await findingsOf(submit(job.replace("sales", "other"), { present, name: "sales" }));
  assert.deepEqual([given?.code, given?.file, given?.path], ["RELEASE_EXISTS", undefined, undefined]);
  const unknown = await findingsOf(submit(job, { isUpgrade: true }));
  assert.deepEqual(unknown.map(brief), ["RELEASE_UNKNOWN name job.yaml:2"]);
});

test("what the API server has against objects, and about no key, is a dry run's to tell, once", async () => {
  const job = "image: registry.example/spark:1\nname: sales\nui: { enabled: false }\n";
  const told = async (options: Parameters<typeof submit>[1]) =>
    (await findingsOf(submit(job, { isDryRun: true, ...options }))).map(({ code }) => code);
  for (const refused of ["CLUSTER_REFUSED", "CLUSTER_FORBIDDEN", "CLUSTER_CONFLICT"] as const) {
    await submit(job, { refused });
    assert.deepEqual(await told({ refused }), [refused]);
  }
  const present = /namespaces\/runs$|\/sales-conf$/;
  assert.deepEqual(await told({ refused: "CLUSTER_CONFLICT", present }), ["RELEASE_EXISTS"]);
  // An upgrade finds its objects there.
  assert.deepEqual(await told({ refused: "CLUSTER_CONFLICT", isUpgrade: true }), ["RELEASE_UNKNOWN"]);
});

test("files to send along are found with their lines", async () => {
  const job = "image: registry.example/spark:1\npython: absent.py\npyFiles:\n  - local:///opt/a.zip\n  - gone.zip\n";
  assert.deepEqual((await findingsOf(submit(job))).map(brief), [
    "JOB_FILE_REFERENCE python job.yaml:2",
    "JOB_FILE_REFERENCE pyFiles.1 job.yaml:5",
  ]);
});

test("a pod that finds no node or no image points at the value that asks for it", async () => {
  const context = createTestContext();
  await writeFile(join(context.home, FILE), "image: registry.example/spark:1\ndriver:\n  memory: 900g\n");
  const { place } = await readClusterJob(context, FILE);
  const reason = { kind: "unschedulable", words: "no node", mend: "lower it", isFinal: false, path: "driver.memory" };
  const status = { name: "sales", namespace: "runs", state: "pending", reason } as unknown as Parameters<
    typeof toTimeOut
  >[0];
  const placed = placeFindings(toTimeOut(status, "sales", "30s"), place);
  assert.ok(placed instanceof BulwarkError);
  assert.deepEqual(
    [placed.code, ...placed.findings.map(brief)],
    ["POD_UNSCHEDULABLE", "POD_UNSCHEDULABLE driver.memory job.yaml:3"],
  );
});
