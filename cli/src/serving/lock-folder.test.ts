// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { writeMlp } from "@bulwark/inference/testing";
import { identifyProcess } from "../runs/processes.ts";
import { createTestContext, createTestFolder } from "../testing/context.ts";
import { createRunner } from "../testing/run-line.ts";
import { withServingFolder } from "./lock-folder.ts";

const LOCK = new URL("./lock-folder.ts", import.meta.url).href;
const CONTEXT = new URL("../testing/context.ts", import.meta.url).href;

/** A process that holds the folder of a home, with a part that outlives it by a moment; gives both. */
async function holdElsewhere(home: string, partSeconds: number) {
  const program = `
    import { spawn } from "node:child_process";
    import { withServingFolder } from ${JSON.stringify(LOCK)};
    import { createTestContext } from ${JSON.stringify(CONTEXT)};
    const context = createTestContext({ home: ${JSON.stringify(home)}, env: process.env });
    await withServingFolder(context, async ({ env }) => {
      const part = spawn("sleep", ["${partSeconds}"], { env, detached: true, stdio: "ignore" });
      part.once("spawn", () => console.log(part.pid));
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    });
  `;
  const holder = spawn(process.execPath, ["--input-type=module", "-e", program], {
    env: { PATH: process.env.PATH },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(holder.stdout, "data");
  return { holder, part: Number(String(line)) };
}

test("a second one is refused, with the process that is there, and changes nothing of the first's", async () => {
  const home = createTestFolder();
  const { holder } = await holdElsewhere(home, 0);
  try {
    const folder = join(home, ".local", "state", "bulwark", "serving");
    writeFileSync(join(folder, "stack.json"), "{}");
    writeFileSync(join(home, "mlp.onnx"), writeMlp([4, 8, 2]));
    const names = readdirSync(folder);
    const { failureOf } = createRunner(home);
    const { code, mend } = await failureOf("serve mlp.onnx --direct --http-port 0 --https-port 0 --grpc-port 0");
    assert.deepEqual(
      [code, mend.includes(`kill ${holder.pid} `), mend.includes("XDG_STATE_HOME")],
      ["SERVING_LOCKED", true, true],
    );
    assert.deepEqual(readdirSync(folder), names);
    assert.equal(readFileSync(join(folder, "stack.json"), "utf8"), "{}");
  } finally {
    holder.kill("SIGKILL");
  }
});

test("of one that was killed the lock is taken over, once what it started has ended", async () => {
  const home = createTestFolder();
  const { holder, part } = await holdElsewhere(home, 2);
  holder.kill("SIGKILL");
  await once(holder, "exit");
  assert.ok(identifyProcess(part));
  const left = await withServingFolder(createTestContext({ home }), async () => identifyProcess(part));
  assert.equal(left, undefined);
});
