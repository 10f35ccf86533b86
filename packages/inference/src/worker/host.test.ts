// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { writeMlp } from "../testing/models.ts";

/** A process that keeps what it compiled, as the tool does, and starts and ends threads. */
const SCRIPT = `
import { enableCompileCache } from "node:module";
const [, , host, cache, path] = process.argv;
enableCompileCache(cache);
const { startModelWorker } = await import(host);
for (let count = 0; count < 8; count++) {
  const worker = startModelWorker({ model: { path }, threads: 1, runLimitMs: 60_000 });
  await worker.ready;
  await worker.end(60_000);
}
`;

test("threads of a process that keeps what it compiled compile no WebAssembly, which V8 miscounts at their end", async (t) => {
  const root = await mkdtemp(join(tmpdir(), "bulwark-host-"));
  t.after(() => rm(root, { recursive: true, force: true }));
  const path = join(root, "model.onnx");
  await writeFile(path, writeMlp([4, 8, 2]));
  const host = join(import.meta.dirname, "host.ts");
  // V8 tells each function of WebAssembly that it compiles.
  const script = join(root, "script.mjs");
  await writeFile(script, SCRIPT);
  const run = () => {
    const args = ["--trace-wasm-compilation-times", script, host, join(root, "cache"), path];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 60_000 });
    assert.equal(status, 0, stderr);
    return stdout.split("\n").filter((line) => line.startsWith("Compiled function")).length;
  };
  assert.ok(run() > 0, "the first compiles all");
  assert.equal(run(), 0);
});
