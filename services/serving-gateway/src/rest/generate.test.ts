// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { writeIdentity, writeLookup, writeTokenState, writeTokenTable } from "@bulwark/inference/testing";
import { type GatewayConfig, parseConfig } from "../config.ts";
import { type Started, startGateway } from "../start.ts";

/** Behind token t comes t + 1, behind 5 comes 5 again; behind 9 three tokens are as likely as each other. */
const TABLE = Array.from({ length: 10 }, (_, from) =>
  Array.from({ length: 10 }, (_, to) => {
    if (from === 9) return to < 3 ? 1 : -100;
    return to === Math.min(from + 1, 5) ? 1 : 0;
  }),
);
const FILES = {
  table: writeTokenTable(TABLE),
  endless: writeTokenTable(TABLE),
  state: writeTokenState(),
  lookup: writeLookup(),
  strings: writeIdentity("BYTES", "rows", 2),
  wrong: writeTokenTable(TABLE),
};
const table = { tokens: "input_ids", next: "logits", end: [5], maxTokens: 20 };
const state = { tokens: "input_ids", next: "next", state: { present: "past" }, mask: "mask", positions: "positions" };
const modelSettings = {
  "*": { batch: { maxRows: 32, windowMs: 0 } },
  table: { stream: table },
  endless: { stream: { ...table, end: [], maxTokens: 1_000_000 } },
  state: { stream: state },
  wrong: { stream: { ...table, next: "no" } },
};

const root = await mkdtemp(join(tmpdir(), "bulwark-generate-"));
const models = join(root, "models");
for (const [name, bytes] of Object.entries(FILES)) {
  const path = join(models, name, "1", "model.onnx");
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
}

async function open(settings: Partial<GatewayConfig> = {}): Promise<Started> {
  return startGateway(parseConfig(JSON.stringify({ models, httpPort: 0, modelSettings, ...settings }), "test"));
}

let started: Started;
let base = "";
before(async () => {
  started = await open();
  base = started.addresses.http ?? "";
});
after(async () => {
  await started.close();
  await rm(root, { recursive: true, force: true });
});

const ask = (path: string, body: object, at = base): Promise<Response> =>
  fetch(`${at}/v2/models/${path}`, { method: "POST", body: JSON.stringify(body) });

type Event = { output_ids?: number[]; finish_reason?: string; code?: string; model_name?: string };

/** The events of a stream, each as its JSON. */
async function readEvents(answer: Response): Promise<Event[]> {
  const text = await answer.text();
  assert.match(text, /^(data: .*\n\n)*$/);
  return [...text.matchAll(/^data: (.*)$/gm)].map(([, json]) => JSON.parse(json ?? ""));
}

async function countInFlight(at = base): Promise<string | undefined> {
  return /^bulwark_serving_in_flight (\d+)$/m.exec(await (await fetch(`${at}/metrics`)).text())?.[1];
}

async function until(isTrue: () => Promise<boolean>, what: string): Promise<void> {
  const limit = Date.now() + 10_000;
  while (!(await isTrue())) {
    assert.ok(Date.now() < limit, what);
    await delay(10);
  }
}

test("fields are inputs by name: scalars, lists, strings; a model that does not stream answers once", async () => {
  const scalar = await ask("lookup/generate", { id: "7", x: 3 });
  assert.deepEqual(await scalar.json(), { model_name: "lookup", model_version: "1", id: "7", y: 9 });
  const list = await ask("lookup/versions/1/generate", { x: [2, 3], parameters: { timeout: 5_000_000 }, more: true });
  assert.deepEqual(await list.json(), { model_name: "lookup", model_version: "1", y: [4, 9] });
  const words = await ask("strings/generate", { x: ["é", ""] });
  assert.deepEqual(await words.json(), { model_name: "strings", model_version: "1", y: ["é", ""], z: ["é", ""] });
  const streamed = await ask("lookup/generate_stream", { x: 3 });
  assert.equal(streamed.headers.get("content-type"), "text/event-stream; charset=utf-8");
  assert.deepEqual(await readEvents(streamed), [{ model_name: "lookup", model_version: "1", y: 9 }]);
});

test("a model that streams gives an event for each token, up to the one that ends it", async () => {
  const head = { model_name: "table", model_version: "1" };
  const answer = await ask("table/generate_stream", { input_ids: [0, 1, 2] });
  assert.deepEqual(await readEvents(answer), [
    { ...head, output_ids: [3] },
    { ...head, output_ids: [4] },
    { ...head, output_ids: [5], finish_reason: "end" },
  ]);
  const whole = await ask("table/generate", { id: "a", input_ids: [[1]], max_tokens: 2 });
  assert.deepEqual(await whole.json(), { ...head, id: "a", output_ids: [2, 3], finish_reason: "length" });
});

test("states, mask and positions are what the model needs", async () => {
  const seen = [4, 7];
  const expected: number[] = [];
  for (let step = 0; step < 6; step++) {
    const length = seen.length;
    // The first step is given all positions, later ones the newest alone.
    const positions = step === 0 ? (length * (length - 1)) / 2 : length - 1;
    const token = (seen.reduce((sum, each) => sum + each, 0) + length + positions) % 11;
    seen.push(token);
    expected.push(token);
  }
  const answer = await ask("state/generate", { input_ids: [4, 7], parameters: { max_tokens: 6 } });
  assert.deepEqual(((await answer.json()) as Event).output_ids, expected);
});

test("a seed makes the choice the same, and without temperature the likeliest is taken", async () => {
  const choose = async (parameters: object) => {
    const answer = await ask("table/generate", { input_ids: [9], max_tokens: 1, parameters });
    return ((await answer.json()) as Event).output_ids?.[0];
  };
  assert.equal(await choose({}), 0);
  const chosen = new Set<number | undefined>();
  for (let seed = 0; seed < 40; seed++) {
    const token = await choose({ temperature: 1, seed });
    assert.equal(await choose({ temperature: 1, seed }), token);
    chosen.add(token);
  }
  assert.deepEqual([...chosen].sort(), [0, 1, 2]);
});

test("steps of many callers share runs of the model", async () => {
  const count = async (): Promise<[number, number]> => {
    const [model] = started.models.filter(({ model }) => model === "state");
    assert.ok(model);
    const text = await (await fetch(`${base}/metrics`)).text();
    const read = (family: string) =>
      Number(new RegExp(`^${family}\\{model="state",version="1"\\} (\\d+)`, "m").exec(text)?.[1]);
    return [read("nv_inference_count"), read("nv_inference_exec_count")];
  };
  const [rowsBefore, runsBefore] = await count();
  const answers = await Promise.all(
    Array.from({ length: 16 }, async (_, caller) => {
      const answer = await ask("state/generate", { input_ids: [caller], max_tokens: 30 });
      return ((await answer.json()) as Event).output_ids;
    }),
  );
  const alone = await ask("state/generate", { input_ids: [3], max_tokens: 30 });
  assert.deepEqual(((await alone.json()) as Event).output_ids, answers[3]);
  const [rows, runs] = await count();
  assert.equal(rows - rowsBefore, 17 * 30);
  assert.ok(runs - runsBefore < rows - rowsBefore, `${runs - runsBefore} runs for ${rows - rowsBefore} steps`);
});

for (const [what, status, code, path, body] of [
  ["no tokens", 400, "TENSOR_MISSING", "table/generate_stream", {}],
  ["tokens that are none", 400, "TENSOR_VALUE", "table/generate_stream", { input_ids: ["a"] }],
  ["two sequences", 400, "TENSOR_SHAPE", "table/generate", { input_ids: [[1], [2]] }],
  ["a parameter that cannot be", 400, "SERVING_REQUEST", "table/generate", { input_ids: [1], temperature: -1 }],
  ["a field that is no parameter", 400, "TENSOR_UNKNOWN", "lookup/generate", { x: 1, y: [1] }],
  ["a missing input", 400, "TENSOR_MISSING", "lookup/generate", {}],
  ["an unknown model", 404, "MODEL_UNKNOWN", "nothing/generate", {}],
  ["settings that the model does not fit", 501, "SERVING_UNSUPPORTED", "wrong/generate_stream", { input_ids: [1] }],
  ["a token that the model does not know", 500, "MODEL_FAILED", "table/generate_stream", { input_ids: [77] }],
] as const) {
  test(`refused with a status before the first event: ${what}`, async () => {
    const answer = await ask(path, body);
    assert.deepEqual([answer.status, ((await answer.json()) as Event).code], [status, code]);
    assert.match(answer.headers.get("content-type") ?? "", /^application\/json/);
  });
}

test("a deadline in the middle is an event, and the end", async () => {
  const answer = await ask("endless/generate_stream", { input_ids: [0], parameters: { timeout: 150_000 } });
  assert.equal(answer.status, 200);
  const events = await readEvents(answer);
  assert.ok(events.length > 1);
  assert.equal(events.at(-1)?.code, "SERVING_DEADLINE");
  assert.ok(events.slice(0, -1).every(({ output_ids }) => output_ids?.length === 1));
});

test("a caller that goes away ends its loop", async () => {
  const leaving = new AbortController();
  const answer = await fetch(`${base}/v2/models/endless/generate_stream`, {
    method: "POST",
    body: JSON.stringify({ input_ids: [0] }),
    signal: leaving.signal,
  });
  await answer.body?.getReader().read();
  assert.equal(await countInFlight(), "1");
  leaving.abort();
  await until(async () => (await countInFlight()) === "0", "the stream goes on for nobody");
  const metrics = await (await fetch(`${base}/metrics`)).text();
  assert.match(
    metrics,
    /^nv_inference_request_failure\{model="endless",reason="CANCELED",code="SERVING_CANCELLED"\} 1$/m,
  );
});

test("no steps are computed for a caller that does not read, and its time ends it", async () => {
  const { hostname, port } = new URL(base);
  const body = JSON.stringify({ input_ids: [0], parameters: { timeout: 1_500_000 } });
  const socket = connect(Number(port), hostname);
  socket.write(
    `POST /v2/models/endless/generate_stream HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  await new Promise((resolve) => socket.once("readable", resolve));
  await until(async () => (await countInFlight()) === "0", "a caller that does not read holds its place");
  socket.destroy();
});

test("a server that is asked to end lets streams end, and cuts those that do not", async () => {
  const short = await open({ drainMs: 10_000 });
  const ending = await ask("table/generate_stream", { input_ids: [0] }, short.addresses.http);
  const closed = short.close();
  assert.equal((await readEvents(ending)).at(-1)?.finish_reason, "end");
  // Its connection, kept for more, keeps the server no longer.
  await Promise.race([closed, delay(10_000, undefined, { ref: false }).then(() => assert.fail("still there"))]);

  const cutting = await open({ drainMs: 100 });
  const endless = await ask("endless/generate_stream", { input_ids: [0] }, cutting.addresses.http);
  const [events] = await Promise.all([readEvents(endless), cutting.close()]);
  assert.equal(events.at(-1)?.code, "SERVING_STOPPING");
});
