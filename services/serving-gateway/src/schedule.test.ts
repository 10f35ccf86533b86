// SPDX-License-Identifier: Apache-2.0
// What requests say of their time and priority, by every protocol. That it counts in the queue is tested where that is.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { writeLookup, writeSum } from "@bulwark/inference/testing";
import { type ServiceError, status } from "@grpc/grpc-js";
import { parseConfig } from "./config.ts";
import { type Started, startGateway } from "./start.ts";
import { callGrpc } from "./testing/call-grpc.ts";

const root = await mkdtemp(join(tmpdir(), "bulwark-schedule-"));
let started: Started;
let grpc = "";
before(async () => {
  for (const [name, bytes] of Object.entries({ lookup: writeLookup(), sum: writeSum() })) {
    const path = join(root, name, "1", "model.onnx");
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
  }
  const settings = { models: root, httpPort: 0, grpcPort: 0, older: { model: "sum" } };
  started = await startGateway(parseConfig(JSON.stringify(settings), "test"));
  grpc = started.addresses.grpc ?? "";
});
after(async () => {
  await started.close();
  await rm(root, { recursive: true, force: true });
});

const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${started.addresses.http}${path}`, { method: "POST", body: JSON.stringify(body), headers });
const lookup = (...data: number[]): object => ({
  inputs: [{ name: "x", datatype: "INT64", shape: [data.length], data }],
});

for (const [parameters, names] of [
  [{ priority: 1.5 }, "priority"],
  [{ priority: -1 }, "priority"],
  [{ priority: "high" }, "priority"],
  [{ timeout: -1 }, "timeout"],
  [{ timeout: "soon" }, "timeout"],
] as const) {
  const text = JSON.stringify(parameters);
  test(`the schedule ${text} is refused in each caller's own way`, async () => {
    for (const path of ["infer", "generate"]) {
      const asked = path === "infer" ? lookup(1) : { x: 1 };
      const answer = await post(`/v2/models/lookup/${path}`, { ...asked, parameters });
      assert.equal(answer.status, 400, path);
      const { code, error } = (await answer.json()) as { code: string; error: string };
      assert.equal(code, "SERVING_REQUEST");
      assert.ok(error.includes(names));
    }
    const [[name, value] = ["", 0]] = Object.entries(parameters);
    const headers = { [`bulwark-${name}`]: String(value) };
    const older = await post("/predict", { instances: [{ x: [1, 2] }] }, headers);
    assert.deepEqual([older.status, (await older.text()).slice(0, 15)], [400, "SERVING_REQUEST"]);
  });
}

test("by gRPC, a priority or time that cannot be is an invalid argument; one that can is taken", async () => {
  const ask = (parameters: object) =>
    callGrpc(grpc, {
      method: "ModelInfer",
      types: ["ModelInferRequest", "ModelInferResponse"],
      message: {
        model_name: "lookup",
        parameters,
        inputs: [{ name: "x", datatype: "INT64", shape: [1], contents: { int64_contents: [5] } }],
      },
    });
  for (const parameters of [
    { priority: { string_param: "high" } },
    { priority: { int64_param: -1 } },
    { timeout: { double_param: -0.5 } },
  ]) {
    await assert.rejects(ask(parameters), (error: ServiceError) => {
      assert.equal(error.code, status.INVALID_ARGUMENT);
      assert.deepEqual(error.metadata.get("bulwark-code"), ["SERVING_REQUEST"]);
      return true;
    });
  }
  const answer = await ask({ priority: { uint64_param: 1 }, timeout: { int64_param: 5_000_000 } });
  assert.equal(answer.model_name, "lookup");
  await assert.rejects(ask({ timeout: { int64_param: 1 } }), { code: status.DEADLINE_EXCEEDED });
});
