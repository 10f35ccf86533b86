// SPDX-License-Identifier: Apache-2.0
// Figures of the serving gateway that have no peer: idle connections held, and memory over many reloads.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEngine, DEFAULT_SETTINGS, openFile } from "../packages/inference/src/index.ts";
import { writeMlp } from "../packages/inference/src/testing/models.ts";
import { toTensor } from "../packages/tensors/src/index.ts";
import { median } from "./measure.ts";

type Say = (line: string) => void;

const MIB = 2 ** 20;
const CONNECTIONS = 10_000;
const REQUESTS = 2_000;
const BODY = JSON.stringify({
  inputs: [{ name: "x", datatype: "FP32", shape: [1, 784], data: Array<number>(784).fill(0.5) }],
});

/** A folder with one model that is removed with the process. */
function makeModel(): string {
  const folder = mkdtempSync(join(tmpdir(), "bulwark-bench-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "model.onnx");
  writeFileSync(file, writeMlp([784, 256, 10]));
  return file;
}

/** Ten thousand connections that say nothing, while requests by others are answered. */
export async function benchServingIdle(_runs: number, say: Say): Promise<string[]> {
  const server = fork(join(import.meta.dirname, "serving", "idle-server.ts"), [makeModel()]);
  process.once("exit", () => server.kill("SIGKILL"));
  const [{ url }] = (await once(server, "message")) as [{ url: string }];
  const port = Number(new URL(url).port);
  await answerMany(url, REQUESTS);
  const before = await readMemory(server);
  const alone = await answerMany(url, REQUESTS);
  const idle = await holdConnections(port, CONNECTIONS);
  say(`${idle.length} connections held`);
  const loaded = await answerMany(url, REQUESTS);
  const after = await readMemory(server);
  const alive = idle.filter(({ destroyed }) => !destroyed).length;
  for (const socket of idle) socket.destroy();
  server.kill("SIGTERM");
  const each = ((after - before) / CONNECTIONS / 1024).toFixed(1);
  return [
    `serving-idle connections=${alive} of=${CONNECTIONS} kib-each=${each} answered=${REQUESTS} p50-ms=${loaded.toFixed(2)} p50-ms-without=${alone.toFixed(2)}`,
  ];
}

/** Resident memory of the server after a sweep. */
async function readMemory(server: ChildProcess): Promise<number> {
  server.send("memory");
  const [{ rss }] = (await once(server, "message")) as [{ rss: number }];
  return rss;
}

async function answerMany(url: string, count: number): Promise<number> {
  const times: number[] = [];
  for (let at = 0; at < count; at++) {
    const startedAt = performance.now();
    const answer = await fetch(`${url}/v2/models/model/infer`, { method: "POST", body: BODY });
    await answer.arrayBuffer();
    if (answer.status !== 200) throw new Error(`a request was answered with ${answer.status}`);
    times.push(performance.now() - startedAt);
  }
  return median(times);
}

/** From several addresses of loopback, so that ports do not run out; each has had one answer, as connections that a client keeps. */
async function holdConnections(port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  const AT_ONCE = 200;
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - sockets.length) }, async (_, at) => {
      const socket = connect({ port, host: "127.0.0.1", localAddress: `127.0.0.${2 + (at % 4)}` });
      socket.on("error", () => socket.destroy());
      await once(socket, "connect");
      socket.write("GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n");
      await once(socket, "data");
      return socket;
    });
    sockets.push(...(await Promise.all(some)));
  }
  return sockets;
}

export const RELOAD_CYCLES = 1_000;

/** Memory of an engine that loads and unloads a model again and again. */
export async function benchServingReload(cycles: number, say: Say): Promise<string[]> {
  const engine = createEngine({
    repository: openFile(makeModel(), "model"),
    settings: () => DEFAULT_SETTINGS,
    now: () => performance.timeOrigin + performance.now(),
  });
  const input = toTensor("x", "FP32", [1, 784], new Float32Array(784).fill(0.5));
  const samples: number[] = [];
  for (let cycle = 1; cycle <= cycles; cycle++) {
    await engine.load("model");
    await engine.infer("model", undefined, [input]);
    await engine.unload("model");
    samples.push(process.memoryUsage.rss() / MIB);
    if (cycle % 100 === 0) say(`${cycle} cycles: ${samples.at(-1)?.toFixed(0)} MiB`);
  }
  await engine.close();
  // Threads and allocators have grown to their size after a tenth.
  const tenth = Math.ceil(cycles / 10);
  const first = median(samples.slice(tenth, 2 * tenth));
  const last = median(samples.slice(-tenth));
  return [
    `serving-reload ratio=${(last / first).toFixed(2)} last=${last.toFixed(1)} first=${first.toFixed(1)} unit=MiB cycles=${cycles}`,
  ];
}
