// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, openSync, writeFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { resolvePaths } from "../../cli/src/paths.ts";
import { NODE_ARGUMENTS } from "../../cli/src/serving/node-arguments.ts";
import { ROOT } from "../ground.ts";
import { time } from "../measure.ts";

/** The model of a run, one request for it, and how many rows it takes at once. */
export type Subject = { file: string; input: string; shape: readonly number[]; data: Float32Array; maxBatch: number };

/** A server under load: how it is started, what is sent to it. */
export type Side = {
  name: string;
  start(subject: Subject, port: number): ChildProcess | Promise<ChildProcess>;
  request(subject: Subject): Buffer;
};

/** Peers in virtual environments of their own, with the versions that were compared. */
const PACKAGES = {
  mosec: ["mosec==0.9.8", "onnxruntime==1.30.0", "numpy==2.2.6"],
  mlserver: ["mlserver==1.7.1", "onnxruntime==1.30.0"],
  fastapi: [
    ...["fastapi==0.165.0", "uvicorn==0.54.0", "uvloop==0.23.0", "httptools==0.9.0", "orjson==3.13.0"],
    ...["onnxruntime==1.30.0", "numpy==2.2.6"],
  ],
  bentoml: ["bentoml==1.4.40", "uvloop==0.23.0", "httptools==0.9.0", "onnxruntime==1.30.0", "numpy==2.2.6"],
  litserve: ["litserve==0.2.19", "onnxruntime==1.30.0", "numpy==2.2.6"],
  ray: ["ray[serve]==2.60.0", "orjson==3.13.0", "onnxruntime==1.30.0", "numpy==2.2.6"],
} as const;
type Program = keyof typeof PACKAGES;
/** mosec twice: its default is JSON, raw floats are the quickest that it takes. */
export type Peer = Program | "mosec-json";
export const PEERS: readonly Peer[] = [...(Object.keys(PACKAGES) as Program[]), "mosec-json"];

const cache = join(resolvePaths(process.env, homedir()).cache, "bench");
const HERE = join(ROOT, "bench", "serving");
const SERVER_CORE = "0";
/** How long a batch waits for more rows: the same for ours as for mosec (`max_wait_time` in its server). */
const WINDOW_MS = 2;
/** Between two looks whether a server answers. */
const POLL_MS = 20;
const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 10_000;

/** Makes the environments that are not there yet. */
export async function installPeers(say: (line: string) => void): Promise<void> {
  for (const [name, packages] of Object.entries(PACKAGES)) {
    const folder = join(cache, name);
    const receipt = join(folder, "bulwark-receipt");
    if (existsSync(receipt)) continue;
    say(`installing ${name} ...`);
    await mkdir(cache, { recursive: true });
    await time("python3", ["-m", "venv", "--clear", folder]);
    await time(join(folder, "bin", "pip"), ["install", "--quiet", ...packages]);
    writeFileSync(receipt, packages.join("\n"));
  }
}

const python = (peer: Program): string => join(cache, peer, "bin", "python");

/** Servers that run: they lead groups of their own, so whoever ends this process does not reach them. */
const started = new Set<ChildProcess>();
process.once("exit", () => started.forEach(killGroup));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // None of it is left.
  }
}

/** Starts a server on its core, and waits until it answers: some listen before they can. */
export async function startSide(side: Side, subject: Subject, port: number): Promise<ChildProcess> {
  const child = await side.start(subject, port);
  const request = side.request(subject);
  for (const limit = performance.now() + START_LIMIT_MS; !(await isAnswering(port, request)); await delay(POLL_MS)) {
    if (child.exitCode !== null || performance.now() > limit) {
      await stop(child);
      throw new Error(`${side.name} did not start; see ${dirname(subject.file)}`);
    }
  }
  return child;
}

function start(
  command: string,
  args: readonly string[],
  options: { port: number; cwd: string; env?: object },
): ChildProcess {
  const log = openSync(join(options.cwd, `${options.port}.log`), "a");
  const child = spawn("taskset", ["--cpu-list", SERVER_CORE, command, ...args], {
    cwd: options.cwd,
    env: { ...process.env, OMP_NUM_THREADS: "1", TMPDIR: options.cwd, ...options.env },
    stdio: ["ignore", log, log],
    detached: true,
  });
  started.add(child);
  return child;
}

function isAnswering(port: number, request: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(request));
    socket.once("data", (data) => {
      resolve(data.toString("latin1", 0, 12) === "HTTP/1.1 200");
      socket.destroy();
    });
    socket.once("close", () => resolve(false)).once("error", () => resolve(false));
  });
}

/** Ends a server with every process it started; those in sessions of their own it ends itself, if it is asked. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await Promise.race([ended, delay(STOP_LIMIT_MS, undefined, { ref: false })]);
  killGroup(child);
  await ended;
  started.delete(child);
}

const OURS = "/v2/models/model/infer";

function post(path: string, body: Buffer, headers: Record<string, string | number> = {}): Buffer {
  const lines = Object.entries({ host: "localhost", "content-length": body.length, ...headers });
  return Buffer.concat([
    Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`),
    body,
  ]);
}

/** The numbers as any client writes them: the shortest text that gives the float back. */
const toTexts = (data: Float32Array): number[] => Array.from(data, (value) => Number(value.toPrecision(7)));

function toJson({ input, shape, data }: Subject): Buffer {
  return Buffer.from(JSON.stringify({ inputs: [{ name: input, datatype: "FP32", shape, data: toTexts(data) }] }));
}

async function startOurs(subject: Subject, port: number): Promise<ChildProcess> {
  const settings = join(dirname(subject.file), `gateway-${port}.json`);
  const modelSettings = { "*": { batch: { maxRows: subject.maxBatch, windowMs: WINDOW_MS } } };
  const content = { models: subject.file, modelName: "model", httpPort: port, modelSettings };
  await writeFile(settings, JSON.stringify(content), { mode: 0o600 });
  const main = join(ROOT, "services", "serving-gateway", "src", "main.ts");
  return start(process.execPath, [...NODE_ARGUMENTS, main, settings], { port, cwd: dirname(subject.file) });
}

/** Gateway, engine and Redis, started by one process that all of them die with. */
function startDurable(subject: Subject, port: number): ChildProcess {
  const folder = dirname(subject.file);
  const main = join(HERE, "durable-server.ts");
  const plan = { folder, model: subject.file, maxRows: subject.maxBatch, windowMs: WINDOW_MS, port };
  return start(process.execPath, [main, JSON.stringify(plan)], { port, cwd: folder });
}

const postJson = (subject: Subject): Buffer => post(OURS, toJson(subject), { "content-type": "application/json" });

function postBinary({ input, shape, data }: Subject): Buffer {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const inputs = [{ name: input, datatype: "FP32", shape, parameters: { binary_data_size: bytes.length } }];
  const header = Buffer.from(JSON.stringify({ inputs, parameters: { binary_data_output: true } }));
  return post(OURS, Buffer.concat([header, bytes]), { "inference-header-content-length": header.length });
}

type Ours = "json" | "binary" | "durable-json" | "durable-binary";

export const SIDES: Readonly<Record<Ours | Peer, Side>> = {
  json: { name: "bulwark-json", start: startOurs, request: postJson },
  binary: { name: "bulwark-binary", start: startOurs, request: postBinary },
  "durable-json": { name: "bulwark-durable-json", start: startDurable, request: postJson },
  "durable-binary": { name: "bulwark-durable-binary", start: startDurable, request: postBinary },
  mosec: {
    name: "mosec",
    start: startMosec({}),
    request: ({ data }) => post("/inference", Buffer.from(data.buffer, data.byteOffset, data.byteLength)),
  },
  "mosec-json": {
    name: "mosec-json",
    start: startMosec({ BENCH_JSON: "1" }),
    request: ({ data }) => post("/inference", Buffer.from(JSON.stringify(toTexts(data)))),
  },
  mlserver: {
    name: "mlserver",
    async start(subject, port) {
      const folder = join(dirname(subject.file), `mlserver-${port}`);
      await mkdir(folder, { recursive: true });
      const settings = {
        host: "127.0.0.1",
        http_port: port,
        grpc_port: port + 1,
        metrics_port: port + 2,
        parallel_workers: 0,
        debug: false,
      };
      const model = { name: "model", implementation: "mlserver_model.OnnxModel", parameters: { uri: subject.file } };
      await writeFile(join(folder, "settings.json"), JSON.stringify(settings));
      await writeFile(join(folder, "model-settings.json"), JSON.stringify(model));
      return start(join(cache, "mlserver", "bin", "mlserver"), ["start", folder], {
        port,
        cwd: folder,
        env: { PYTHONPATH: HERE },
      });
    },
    request: (subject) => post(OURS, toJson(subject), { "content-type": "application/json" }),
  },
  fastapi: {
    name: "fastapi",
    start: startScript("fastapi"),
    request: (subject) => post(OURS, toJson(subject), { "content-type": "application/json" }),
  },
  bentoml: {
    name: "bentoml",
    start: startScript("bentoml"),
    request: ({ data, shape }) => postData("/infer", toNested(shape, toTexts(data))),
  },
  litserve: {
    name: "litserve",
    start: startScript("litserve"),
    request: ({ data }) => postData("/predict", toTexts(data)),
  },
  ray: {
    name: "ray",
    start: startScript("ray"),
    request: ({ data }) => postData("/", toTexts(data)),
  },
};

function startMosec(environment: Readonly<Record<string, string>>): Side["start"] {
  return ({ file, input, shape, maxBatch }, port) => {
    const own = {
      BENCH_MODEL: file,
      BENCH_INPUT: input,
      BENCH_SHAPE: shape.join(","),
      BENCH_MAX_BATCH: String(maxBatch),
    };
    const args = ["--port", String(port), "--log-level", "error", "--timeout", "10000"];
    const options = { port, cwd: dirname(file), env: { ...own, ...environment } };
    return start(python("mosec"), [join(HERE, "mosec_server.py"), ...args], options);
  };
}

/** A peer that is a script of this folder, which takes model, port, and of input, shape and most rows what it needs. */
function startScript(peer: Program): Side["start"] {
  return ({ file, input, shape, maxBatch }, port) => {
    const args = [join(HERE, `${peer}_server.py`), file, String(port), input, shape.join(","), String(maxBatch)];
    return start(python(peer), args, { port, cwd: dirname(file) });
  };
}

const postData = (path: string, data: unknown): Buffer =>
  post(path, Buffer.from(JSON.stringify({ data })), { "content-type": "application/json" });

/** Rows in rows, as deep as the shape says. */
function toNested(shape: readonly number[], data: readonly number[]): unknown {
  const [count = 1, ...inner] = shape;
  if (inner.length === 0) return data;
  const size = data.length / count;
  return Array.from({ length: count }, (_none, at) => toNested(inner, data.slice(at * size, (at + 1) * size)));
}
