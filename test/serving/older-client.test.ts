// SPDX-License-Identifier: Apache-2.0
// The serving client that was published, unchanged, through the relay to a real engine.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { type Relay, startRelay } from "../../cli/src/serving/relay.ts";
import { type QueueStack, skip, startQueueStack } from "./stack.ts";

const run = promisify(execFile);

/** With these everything in the client works; newer ones break some of it. */
const REQUIREMENTS = [
  ...["numpy==1.24.4", "pyarrow==14.0.2", "redis==4.6.0", "opencv-python-headless==4.8.1.78", "httpx==0.13.3"],
  ...["pyyaml==6.0.2"],
];
const CLIENT = "bigdl-serving==2.4.0";
/** A number of a request, four times, that is looked for where it must not be. */
const MARKER = 4711.25;
const LIMITS = { mostRecords: 1e6, mostBytes: 2 ** 30 };

describe("the older client", { skip }, () => {
  let stack: QueueStack;
  let relay: Relay;
  before(async () => {
    stack = await startQueueStack(["echo", "picture"]);
    relay = await startRelay(stack.queue.record, { ...LIMITS, port: 0, model: "echo" });
  });
  after(async () => {
    await relay?.close();
    await stack?.stop();
  });

  it("gets right results for all it can send", async (context) => {
    const python = await findPython().catch((error) => context.skip(`no Python with ${CLIENT}: ${error.message}`));
    if (python === undefined) return;
    const seen = await runClient(python, relay.port);
    const twice = (shape: number[], data: number[]) => [
      { shape, data },
      { shape, data },
    ];
    assert.deepEqual(seen, {
      dense: twice([2, 3], [0, 1, 2, 3, 4, 5]),
      marked: twice([1, 4], [MARKER, MARKER, MARKER, MARKER]),
      // Dimensions beyond the number of elements have no place in the older form.
      "odd uri": twice([1], [1]),
      // What the model cannot take is answered, too.
      wrong: "NaN",
      strings: "NaN",
      sparse: twice([2, 2], [7, 0, 0, 9]),
      many: true,
      predict: twice([1], [3]),
      absent: "[]",
    });
    const data = join(stack.folder, "serving", "redis", "data", "appendonlydir");
    const files = readdirSync(data).map((name) => readFileSync(join(data, name)));
    assert.ok(
      files.some((content) => content.includes("marked")),
      "the append-only file was looked at",
    );
    for (const trace of traceMarker()) assert.ok(!files.some((content) => content.includes(trace)));
  });

  it("gets right results for pictures", async (context) => {
    const python = await findPython().catch((error) => context.skip(`no Python with ${CLIENT}: ${error.message}`));
    if (python === undefined) return;
    const pictures = await startRelay(stack.queue.record, { ...LIMITS, port: 0, model: "picture" });
    try {
      const seen = await runClient(python, pictures.port, join(stack.folder, "picture.png"));
      assert.deepEqual(seen.shape, [1, 3, 16, 24]);
      // Two decoders of JPEG differ by rounding.
      assert.ok(Number(seen.off) <= 3, `off by ${seen.off}`);
    } finally {
      await pictures.close();
    }
  });

  it("gets no further than that", async () => {
    const ask = (...words: string[]): Promise<string> => askRelay(relay.port, words);
    assert.match(await ask("FLUSHALL"), /^-ERR/);
    assert.match(await ask("KEYS", "*"), /^-NOPERM/);
    assert.match(await ask("XADD", "another", "*", "uri", "a", "data", "b"), /^-NOPERM/);
    assert.match(await ask("XADD", "serving_stream", "*", "uri", "a:b", "data", "b"), /^-ERR QUEUE_URI_INVALID/);
    assert.match(await ask("HGETALL", "serving_stream:bytes"), /^-ERR QUEUE_REFUSED/);
    assert.match(await ask("DEL", "serving_stream"), /^-ERR QUEUE_REFUSED/);
    assert.match(await ask("INFO"), /redis_version:\d/);
  });
});

async function runClient(python: string, port: number, ...more: string[]): Promise<Record<string, unknown>> {
  const script = join(import.meta.dirname, "older_client.py");
  const { stdout } = await run(python, [script, String(port), "serving_stream", ...more], { timeout: 120_000 });
  return JSON.parse(/^SEEN (.*)$/m.exec(stdout)?.[1] ?? assert.fail(stdout));
}

/** How the markers would look: as they lie in memory, and in base64, wherever they begin in it. */
function traceMarker(): Buffer[] {
  const bytes = Buffer.from(Float32Array.of(MARKER, MARKER, MARKER, MARKER).buffer);
  const inBase64 = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64");
    return Buffer.from(text.slice(4, 20));
  });
  return [bytes, ...inBase64];
}

/** The Python of a private environment with the client, made once; it needs Python 3.9 to 3.11. */
async function findPython(): Promise<string> {
  const base = process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
  const folder = join(base, "bulwark-test", "bigdl-serving-2.4.0");
  const python = join(folder, "bin", "python");
  if (!existsSync(join(folder, "complete"))) {
    const base = await findOldPython();
    await run(base, ["-m", "venv", folder]);
    await run(python, ["-m", "pip", "install", "--quiet", ...REQUIREMENTS], { timeout: 300_000 });
    await run(python, ["-m", "pip", "install", "--quiet", "--no-deps", CLIENT], { timeout: 300_000 });
    await run("touch", [join(folder, "complete")]);
  }
  return python;
}

async function findOldPython(): Promise<string> {
  for (const name of ["python3.11", "python3.10", "python3.9", "python3"]) {
    const { stdout } = await run(name, ["--version"]).catch(() => ({ stdout: "" }));
    if (/ 3\.(9|10|11)\./.test(stdout)) return name;
  }
  throw new Error("Python 3.9, 3.10 or 3.11 is needed");
}

function askRelay(port: number, words: readonly string[]): Promise<string> {
  const command = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("");
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(`*${words.length}\r\n${command}`));
    socket.setTimeout(5_000, () => socket.destroy(new Error("no answer")));
    socket.once("data", (data) => resolve(String(socket.end() && data)));
    socket.once("error", reject);
  });
}
