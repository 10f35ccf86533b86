// SPDX-License-Identifier: Apache-2.0
// The older serving client as it was published, in a Python of its own.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** With these everything in the client works; newer ones break some of it. */
const REQUIREMENTS = [
  ...["numpy==1.24.4", "pyarrow==14.0.2", "redis==4.6.0", "opencv-python-headless==4.8.1.78", "httpx==0.13.3"],
  ...["pyyaml==6.0.2"],
];
export const CLIENT = "bigdl-serving==2.4.0";

/** A number of a request, four times, that is looked for where it must not be. */
export const MARKER = 4711.25;

const twice = (shape: number[], data: number[]) => [
  { shape, data },
  { shape, data },
];

/** What it gets for all it can send but pictures, from the model `echo`. */
export const ANSWERS = {
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
};

/** What it gets for strings, from the model `numbers`. */
export const STRINGS = {
  two: { shape: [2], data: [1.5, -2] },
  one: { shape: [1], data: [300] },
  wrong: "NaN",
};

/** Lets the client send all it can; gives what it got. */
export function runClient(python: string, port: number, ...more: string[]): Promise<Record<string, unknown>> {
  return runScript(python, "older_client.py", String(port), "serving_stream", ...more);
}

/** Runs a script beside this file; gives what it saw. */
export async function runScript(python: string, name: string, ...args: string[]): Promise<Record<string, unknown>> {
  const { stdout } = await run(python, [join(import.meta.dirname, name), ...args], { timeout: 120_000 });
  return JSON.parse(/^SEEN (.*)$/m.exec(stdout)?.[1] ?? assert.fail(stdout));
}

/** Lets the client send a picture to a model that gives it back, and compares what comes with OpenCV's own pixels. */
export async function checkPicture(python: string, port: number, folder: string): Promise<void> {
  const seen = await runClient(python, port, join(folder, "picture.png"));
  assert.deepEqual(seen.shape, [1, 3, 16, 24]);
  // Two decoders of JPEG differ by rounding.
  assert.ok(Number(seen.off) <= 3, `off by ${seen.off}`);
}

/** The Python of a private environment with the client, made once; it needs Python 3.9 to 3.11. */
export async function findPython(): Promise<string> {
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
