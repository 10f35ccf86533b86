// SPDX-License-Identifier: Apache-2.0
// Who may come in, and with how much, is asked before a body is read.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect as connectHttp2 } from "node:http2";
import { request as requestHttps } from "node:https";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { writeLookup } from "@bulwark/inference/testing";
import { initKeys } from "@bulwark/pki";
import { status } from "@grpc/grpc-js";
import { parseConfig } from "../config.ts";
import { codecOf } from "../grpc/schema.ts";
import { type Started, startGateway } from "../start.ts";
import { type CallEnd, frame, sendFrame } from "../testing/send-frame.ts";

const root = await mkdtemp(join(tmpdir(), "bulwark-door-"));
const models = join(root, "models");
const tokensFile = join(root, "tokens");
const BODY_BYTES = 100_000;

const running: Started[] = [];
before(async () => {
  await mkdir(join(models, "lookup", "1"), { recursive: true });
  await writeFile(join(models, "lookup", "1", "model.onnx"), writeLookup());
  const line = (name: string): string => `${name} ${createHash("sha256").update(name).digest("hex")}`;
  await writeFile(tokensFile, `${line("clinic")}\n${line("boss")} admin\n`, { mode: 0o600 });
});
after(async () => {
  for (const started of running) await started.close();
  await rm(root, { recursive: true, force: true });
});

async function open(settings: object): Promise<{ http: string; grpc: string; https: string; health: string }> {
  const given = { models, bodyBytes: BODY_BYTES, ...settings };
  const started = await startGateway(parseConfig(JSON.stringify(given), "test"));
  running.push(started);
  const { http = "", grpc = "", https = "", health = "" } = started.addresses;
  return { http, grpc, https, health };
}

const bearer = (name: string) => ({ authorization: `Bearer ${name}` });
const body = JSON.stringify({ inputs: [{ name: "x", datatype: "INT64", shape: [1], data: [3] }] });
const INFER = "/v2/models/lookup/infer";
const post = (base: string, path: string, headers = {}, sent: string | Buffer = body): Promise<Response> =>
  fetch(base + path, { method: "POST", headers, body: sent });
const codeOf = async (answer: Response): Promise<unknown> => ((await answer.json()) as { code: string }).code;
const inFlight = async (base: string): Promise<string | undefined> =>
  /^bulwark_serving_in_flight (\d+)$/m.exec(await (await fetch(`${base}/metrics`)).text())?.[1];

const LIMIT_MS = 10_000;

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const limit = Date.now() + LIMIT_MS; !(await condition()); await delay(5)) {
    assert.ok(Date.now() < limit, String(condition));
  }
}

/** A head alone, and what comes back, whole where the server ends the connection. */
function sendHead(
  base: string,
  path: string,
  headers: Record<string, string>,
): { socket: Socket; answer: Promise<string> } {
  const { hostname, port } = new URL(base);
  const socket = connect(Number(port), hostname);
  const lines = Object.entries({ host: "x", ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`POST ${path} HTTP/1.1\r\n${lines.join("")}\r\n`);
  return { socket, answer: text(socket).catch(() => "reset") };
}

const LARGE = { "content-length": String(BODY_BYTES) };
const CHUNKED = { "transfer-encoding": "chunked" };

test("who calls is asked before the body comes, and the connection of who is refused ends", async () => {
  const { http } = await open({ httpPort: 0, tokensFile });
  for (const [path, headers, said] of [
    [INFER, LARGE, /^HTTP\/1\.1 401 .*SERVING_UNAUTHENTICATED/s],
    [INFER, CHUNKED, /^HTTP\/1\.1 401 .*SERVING_UNAUTHENTICATED/s],
    ["/v2/models/lookup/generate", LARGE, /^HTTP\/1\.1 401 /],
    ["/v2/repository/index", LARGE, /^HTTP\/1\.1 401 /],
    ["/predict", LARGE, /^HTTP\/1\.1 401 .*\r\n\r\nSERVING_UNAUTHENTICATED: /s],
    ["/nowhere", LARGE, /^HTTP\/1\.1 404 /],
    ["/", LARGE, /^HTTP\/1\.1 200 /],
  ] as const) {
    assert.match(await sendHead(http, path, headers).answer, said, path);
  }
});

test("a refused caller who goes on sending reads the answer, and is cut off", async () => {
  const { http } = await open({ httpPort: 0, tokensFile });
  const { socket, answer } = sendHead(http, INFER, { "content-length": String(2 ** 40) });
  const piece = Buffer.alloc(2 ** 16);
  let isClosed = false;
  const closed = new Promise<void>((resolve) => {
    socket
      .on("error", () => {})
      .once("close", () => {
        isClosed = true;
        resolve();
      });
  });
  const go = (): void => {
    while (!isClosed && socket.write(piece));
    if (!isClosed) socket.once("drain", go);
  };
  // A connection that the server has half closed may still be written to.
  socket.allowHalfOpen = true;
  go();
  assert.match(await answer, /^HTTP\/1\.1 401 .*connection: close/is);
  await closed;
});

test("a small body of a refused caller is read away, and its connection serves on", async () => {
  const { http } = await open({ httpPort: 0, tokensFile });
  const { socket, answer } = sendHead(http, INFER, { "content-length": "4" });
  socket.write(`oops${`GET /v2/health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`}`);
  assert.match(await answer, /^HTTP\/1\.1 401 .*HTTP\/1\.1 200 /s);
});

test("limits of callers and of the server hold before the body comes", async () => {
  const one = { clientLimits: { requestsPerSecond: 0, burst: 0, concurrent: 1 } };
  for (const [settings, code] of [
    [one, 429],
    [{ maxInFlight: 1 }, 503],
  ] as const) {
    const { http, health } = await open({ httpPort: 0, healthPort: 0, ...settings });
    const first = sendHead(http, INFER, LARGE);
    await until(async () => (await inFlight(health)) === "1");
    assert.match(await sendHead(http, INFER, LARGE).answer, new RegExp(`^HTTP/1\\.1 ${code} .*retry-after: `, "is"));
    first.socket.destroy();
    await until(async () => (await post(http, INFER)).status === 200);
  }
});

test("all bodies under way are bounded together, and each end gives its bytes back", async () => {
  const { http, health } = await open({ httpPort: 0, healthPort: 0, bodiesBytes: 150_000 });
  const padded = body + " ".repeat(BODY_BYTES - body.length);
  const first = sendHead(http, INFER, LARGE);
  await until(async () => (await inFlight(health)) === "1");
  const refused = await post(http, INFER, {}, padded);
  assert.deepEqual([refused.status, await codeOf(refused)], [503, "ENGINE_BUSY"]);
  assert.ok(Number(refused.headers.get("retry-after")) >= 1);
  const small = await post(http, INFER);
  assert.equal(small.status, 200, "there is room for less");
  const older = await post(http, "/predict", {}, padded);
  assert.deepEqual([older.status, (await older.text()).split(":")[0]], [503, "ENGINE_BUSY"]);
  // Of unknown length: as it grows.
  const growing = ReadableStream.from([padded.slice(0, 40_000), padded.slice(40_000)].map((one) => Buffer.from(one)));
  const chunked = await fetch(http + INFER, { method: "POST", body: growing, duplex: "half" });
  assert.equal(chunked.status, 503);
  first.socket.destroy();
  await until(async () => (await inFlight(health)) === "0");
  for (let round = 0; round < 3; round++) {
    assert.equal((await post(http, INFER, {}, padded)).status, 200);
    assert.equal((await post(http, INFER, {}, "{".padEnd(BODY_BYTES))).status, 400);
    assert.equal((await post(http, INFER, { "content-encoding": "gzip" }, padded)).status, 400);
  }
  assert.equal(await inFlight(health), "0");
});

test("gzip and deflate are decoded, within the same bounds", async () => {
  const { http, health } = await open({ httpPort: 0, healthPort: 0, bodiesBytes: 150_000 });
  const plain = await (await post(http, INFER)).json();
  for (const [encoding, packed] of [
    ["gzip", gzipSync(body)],
    ["deflate", deflateSync(body)],
    ["GZIP", gzipSync(body)],
  ] as const) {
    const answer = await post(http, INFER, { "content-encoding": encoding }, packed);
    assert.deepEqual([answer.status, await answer.json()], [200, plain], encoding);
  }
  for (const [encoding, packed, ...expected] of [
    ["gzip", gzipSync(Buffer.alloc(2 ** 27)).subarray(0, BODY_BYTES), 413, "TENSOR_TOO_LARGE"],
    ["gzip", gzipSync(body).subarray(0, 20), 400, "SERVING_REQUEST"],
    ["deflate", Buffer.from(body), 400, "SERVING_REQUEST"],
    ["br", brotliCompressSync(body), 415, "SERVING_ENCODING"],
  ] as const) {
    const answer = await post(http, INFER, { "content-encoding": encoding }, packed);
    assert.deepEqual([answer.status, await codeOf(answer)], expected, encoding);
  }
  const first = sendHead(http, INFER, LARGE);
  await until(async () => (await inFlight(health)) === "1");
  const full = await post(http, INFER, { "content-encoding": "gzip" }, gzipSync(body.padEnd(90_000)));
  assert.deepEqual([full.status, await codeOf(full)], [503, "ENGINE_BUSY"], "what is decoded counts");
  first.socket.destroy();
});

test("only administrators load and unload models where callers are known", async () => {
  const { http, grpc, health } = await open({ httpPort: 0, grpcPort: 0, healthPort: 0, tokensFile });
  const load = "/v2/repository/models/lookup/load";
  for (const path of [load, load.replace("/load", "/unload")]) {
    const refused = await post(http, path, bearer("clinic"));
    assert.deepEqual([refused.status, await codeOf(refused)], [403, "SERVING_FORBIDDEN"], path);
  }
  assert.equal((await post(http, INFER, bearer("clinic"))).status, 200);
  assert.equal((await post(http, load, bearer("boss"))).status, 200);
  const session = connectHttp2(`http://${grpc}`);
  const message = frame(codecOf("RepositoryModelRequest").encode({ model_name: "lookup" }));
  const call = (method: string, name: string): Promise<CallEnd> =>
    sendFrame(session, message, { method, headers: bearer(name) });
  const refused = await call("RepositoryModelUnload", "clinic");
  assert.deepEqual([refused.status, refused.code], [status.PERMISSION_DENIED, "SERVING_FORBIDDEN"]);
  assert.equal((await call("RepositoryModelLoad", "boss")).status, status.OK);
  session.close();
  const ask = async (base: string, path: string, headers = {}) => (await fetch(base + path, { headers })).status;
  for (const path of ["/metrics", "/metrics?format=bigdl"]) {
    assert.deepEqual(
      [await ask(http, path), await ask(http, path, bearer("clinic")), await ask(health, path)],
      [401, 200, 200],
    );
  }
  const open_ = await open({ httpPort: 0 });
  assert.equal((await post(open_.http, load)).status, 200, "where nobody is asked, everybody may");
});

test("certificates of administrators are named", async () => {
  const keys = await initKeys(join(root, "keys"), { now: new Date() });
  const { certificate, privateKey, caBundle } = keys.files.server;
  const tls = { certificate, privateKey, caBundle };
  const ca = await readFile(caBundle);
  const own = {
    cert: await readFile(keys.files.driver.certificate),
    key: await readFile(keys.files.driver.privateKey),
  };
  for (const [adminCertificates, expected] of [
    [["bulwark-driver"], 200],
    [[], 403],
  ] as const) {
    const { https } = await open({ httpsPort: 0, tls, clientCertificates: true, adminCertificates });
    const answered = await new Promise((resolve, reject) => {
      requestHttps(`${https}/v2/repository/models/lookup/load`, { ca, ...own, method: "POST" }, (answer) =>
        resolve(answer.resume().statusCode),
      )
        .once("error", reject)
        .end();
    });
    assert.equal(answered, expected);
  }
});

test("gRPC: metadata are judged before a message comes, and bytes under way are bounded", async () => {
  const { grpc } = await open({ grpcPort: 0, tokensFile, bodiesBytes: 150_000 });
  const session = connectHttp2(`http://${grpc}`);
  const none = Buffer.alloc(0);
  const unknown = await sendFrame(session, none, { isOpen: true });
  assert.deepEqual([unknown.status, unknown.code], [status.UNAUTHENTICATED, "SERVING_UNAUTHENTICATED"]);
  // Far more than the window: it is not read.
  const loud = await sendFrame(session, frame(Buffer.alloc(10 * BODY_BYTES)), { isOpen: true });
  assert.equal(loud.code, "SERVING_UNAUTHENTICATED");
  const live = await sendFrame(session, frame(Buffer.alloc(70_000)), { method: "ServerLive", isOpen: true });
  assert.equal(live.code, "TENSOR_TOO_LARGE", "who asks nobody's leave sends little");

  const headers = bearer("clinic");
  const lasting = { ":method": "POST", ":path": "/inference.GRPCInferenceService/ModelInfer" };
  const first = session.request({ ...lasting, "content-type": "application/grpc", te: "trailers", ...headers });
  first.on("error", () => {}).write(frame(Buffer.alloc(90_000), { length: 95_000 }));
  const isFull = async (): Promise<boolean> => {
    const { status: answered, code } = await sendFrame(session, frame(Buffer.alloc(90_000)), { headers });
    return answered === status.UNAVAILABLE && code === "ENGINE_BUSY";
  };
  await until(isFull);
  first.close();
  await until(async () => !(await isFull()));
  const input = { name: "x", datatype: "INT64", shape: [1], contents: { int64_contents: [3] } };
  const message = codecOf("ModelInferRequest").encode({
    model_name: "lookup",
    id: "i".repeat(90_000),
    inputs: [input],
  });
  for (let round = 0; round < 4; round++) {
    assert.equal((await sendFrame(session, frame(message), { headers })).status, status.OK);
  }
  session.close();
});
