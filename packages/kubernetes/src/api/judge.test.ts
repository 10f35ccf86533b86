// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { json, startFakeServer } from "../testing/fake-server.ts";
import { judgeObject } from "./judge.ts";
import { RESOURCES } from "./resources.ts";

const POD = { apiVersion: "v1", kind: "Pod", metadata: { name: "pi-exec-1" } };
/** As Kubernetes 1.34 says it. */
const UNKNOWN =
  'Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec.affinity.nope", unknown field "spec.hostAliases[0].nope"';
const TYPED =
  'Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal number into Go struct field HostAlias.spec.hostAliases.ip of type string';
const CAUSES = [{ reason: "FieldValueNotSupported", message: "Unsupported", field: "spec.tolerations[0].operator" }];

async function judge(...answers: [status: number, body: unknown][]) {
  await using server = await startFakeServer(answers.map(([status, body]) => json(status, body)));
  const objections = await judgeObject(server.connect(), RESOURCES.pods, POD, "runs");
  return {
    asked: server.asked.map(({ searchParams: query }) => [query.get("dryRun"), query.get("fieldValidation")]),
    told: objections.map(({ error, field }) => [error.code, field?.path, field?.isUnknown]),
  };
}

test("fields that are not known hide nothing else", async () => {
  const refused = await judge([400, { message: UNKNOWN }], [422, { message: "invalid", details: { causes: CAUSES } }]);
  assert.deepEqual(refused.told, [
    ["CLUSTER_REFUSED", "spec.affinity.nope", true],
    ["CLUSTER_REFUSED", "spec.hostAliases[0].nope", true],
    ["CLUSTER_REFUSED", "spec.tolerations[0].operator", false],
  ]);
  assert.deepEqual(refused.asked, [
    ["All", "Strict"],
    ["All", "Ignore"],
  ]);
});

test("what is taken is judged once, and what is refused for another reason too", async () => {
  const rows: [status: number, body: unknown, told: unknown[]][] = [
    [201, POD, []],
    [400, { message: TYPED }, [["CLUSTER_REFUSED", "spec.hostAliases.ip", false]]],
    [403, { message: "violates PodSecurity" }, [["CLUSTER_FORBIDDEN", undefined, undefined]]],
    [409, { message: "already exists" }, [["CLUSTER_CONFLICT", undefined, undefined]]],
  ];
  for (const [status, body, told] of rows) {
    assert.deepEqual(await judge([status, body]), { asked: [["All", "Strict"]], told }, String(status));
  }
  await assert.rejects(judge([503, {}]), { code: "CLUSTER_UNREACHABLE" });
});
