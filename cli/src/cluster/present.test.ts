// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { deriveStatus, type JobStatus, reducePod } from "@bulwark/kubernetes";
import { toListLine } from "./list.ts";
import { describeSecurity, describeStatus, listColumns, warnOfTrust } from "./present.ts";
import { toLine } from "./status.ts";

const NOW = new Date("2026-03-01T12:01:00Z");

/** A job of this TEE, whose driver has been looked at or not. */
function makeStatus(tee: string, observed?: string): JobStatus {
  const createdAt = "2026-03-01T12:00:00Z";
  const planned = JSON.stringify({ tee, profile: "aes-gcm", executors: 2 });
  const driver = reducePod({
    metadata: {
      name: "sales-abcde",
      namespace: "runs",
      uid: "uid",
      creationTimestamp: createdAt,
      labels: {
        "app.kubernetes.io/name": "spark-job",
        "app.kubernetes.io/instance": "sales",
        "app.kubernetes.io/part-of": "bulwark",
        "bulwark/role": "driver",
      },
      ...(observed === undefined ? {} : { annotations: { "bulwark/tee": observed } }),
    },
    status: { phase: "Running" },
  });
  assert.ok(driver !== undefined);
  const metadata = { name: "sales", creationTimestamp: createdAt, annotations: { "bulwark/planned": planned } };
  return deriveStatus({ name: "sales", namespace: "runs", job: { metadata }, pods: [driver] });
}

/** Every way in which a job is shown to people, but the notes of the chart. */
const OUTPUTS: Readonly<Record<string, (status: JobStatus) => string>> = {
  "submit's warning": ({ planned }) => warnOfTrust(planned.tee) ?? "",
  status: (status) => describeStatus(status, NOW),
  "status --security, and describe": describeSecurity,
  "a line of status --watch": toLine,
  list: (status) =>
    listColumns(NOW, false)
      .map(({ cell }) => cell(status))
      .join("  "),
  "a line of list --watch": toListLine,
};

test("a simulated TEE has its own word in every output, before it was looked at and after", () => {
  for (const [output, show] of Object.entries(OUTPUTS)) {
    for (const observed of [undefined, "simulation"]) {
      assert.match(show(makeStatus("simulation", observed)), /simulation|SIMULATED/, output);
    }
    for (const tee of ["none", "sgx", "tdx", "snp"]) {
      assert.doesNotMatch(show(makeStatus(tee, tee)), /simulat/i, `${output} of ${tee}`);
    }
  }
});

test("the status says what trust is worth", () => {
  const trust = (tee: string, observed?: string) =>
    /^trust +(.*)$/m.exec(describeStatus(makeStatus(tee, observed), NOW))?.[1];
  assert.match(trust("simulation") ?? "", /^simulation, not checked \(no TEE: .* everything\)$/);
  assert.match(trust("simulation", "simulation") ?? "", /^simulation \(no TEE/);
  assert.match(trust("none") ?? "", /^none, not checked \(no TEE/);
  assert.match(trust("tdx", "tdx") ?? "", /^tdx \(.*hosts can read\)$/);
  assert.match(trust("tdx", "none") ?? "", /^none \(tdx wanted\)/);
});
