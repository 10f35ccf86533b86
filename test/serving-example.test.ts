// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";

const ROOT = join(import.meta.dirname, "..");
const EXAMPLE = join(ROOT, "examples", "serving");
const home = mkdtempSync(join(tmpdir(), "bulwark-serving-"));
const env = { PATH: process.env.PATH, HOME: home };
after(() => rmSync(home, { recursive: true, force: true }));

function bulwark(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(join(ROOT, "bulwark"), args, { env, encoding: "utf8", cwd: home });
}

/** Starts `bulwark serve` and gives its HTTP address. */
async function serve(...args: string[]): Promise<{ child: ChildProcess; url: string }> {
  const ports = ["--http-port", "0", "--https-port", "0", "--grpc-port", "0"];
  const child = spawn(join(ROOT, "bulwark"), ["serve", ...args, ...ports], {
    env,
    cwd: home,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const errors: string[] = [];
  child.stderr.on("data", (data) => errors.push(String(data)));
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith("http://")) return { child, url: line };
  }
  throw new Error(`bulwark serve ended: ${errors.join("")}`);
}

test("the example: a model is made, encrypted, served and asked", { timeout: 120_000 }, async () => {
  const plain = join(home, "clouds.onnx");
  const made = spawnSync(process.execPath, [join(EXAMPLE, "make-model.ts"), plain], { encoding: "utf8" });
  assert.match(made.stdout, /right for (29\d|300) of 300/);
  assert.equal(bulwark("keys", "init", "--data", "models").status, 0);
  const folder = join(home, "models", "clouds", "1");
  const sealed = join(folder, "model.onnx.sealed");
  assert.equal(bulwark("model", "encrypt", plain, sealed, "--key", "models").status, 0);
  assert.equal(
    bulwark("model", "encrypt", plain, sealed, "--key", "models").status,
    3,
    "nothing is overwritten unasked",
  );
  assert.equal(readFileSync(sealed).includes("Softmax"), false);
  const shown = JSON.parse(bulwark("model", "inspect", sealed, "-o", "json").stdout);
  assert.deepEqual([shown.keyId, shown.modelBytes], ["models", readFileSync(plain).length]);

  const { child, url } = await serve("models", "--direct");
  try {
    const asked = bulwark("infer", "clouds", "--input", join(EXAMPLE, "request.json"), "-o", "json");
    assert.equal(asked.status, 0, asked.stderr);
    const [{ data, shape }] = JSON.parse(asked.stdout).outputs as [{ data: number[]; shape: number[] }];
    assert.deepEqual(shape, [3, 3]);
    const rows = [0, 1, 2].map((row) => data.slice(3 * row, 3 * row + 3));
    assert.deepEqual(
      rows.map((row) => row.indexOf(Math.max(...row))),
      [0, 1, 2],
    );

    const older = await fetch(`${url}/predict`, { method: "POST", body: '{"instances": [{"point": [0.1, 2.2]}]}' });
    const [prediction = ""] = ((await older.json()) as { predictions: string[] }).predictions;
    assert.deepEqual(JSON.parse(JSON.parse(prediction).value).shape, [1, 3]);

    assert.equal(bulwark("model", "unload", "clouds").status, 0);
    assert.equal(bulwark("infer", "clouds", "--input", join(EXAMPLE, "request.json")).status, 4);
    assert.match(bulwark("model", "load", "clouds").stdout, /READY/);
    assert.equal(bulwark("infer", "nothing", "--input", join(EXAMPLE, "request.json")).status, 3);
  } finally {
    child.kill("SIGINT");
    await once(child, "exit");
  }
  assert.equal(child.exitCode, 0);
  assert.equal(bulwark("model", "list").status, 4, "nothing serves any more");
});
