// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import type { Context } from "../command.ts";
import { COMMANDS } from "../commands/index.ts";
import { DEFAULTS } from "../config/settings.ts";
import { createProgress } from "../output/progress.ts";
import { resolvePaths } from "../paths.ts";

/** A stream that keeps what is written to it. */
export type Captured = Writable & { isTTY?: boolean; columns?: number; text: () => string };

/** Makes a stream that keeps what is written to it. */
export function captureStream(properties: { isTTY?: boolean; columns?: number } = {}): Captured {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return Object.assign(stream, { ...properties, text: () => Buffer.concat(chunks).toString("utf8") });
}

/** A context whose streams can be read, with a temporary folder as home that goes when the tests of the file are done. */
export type TestContext = Context & { home: string; stdout: Captured; stderr: Captured };

/** Makes a context in a new temporary folder; `overrides` take the place of its parts. */
export function createTestContext(overrides: Partial<TestContext> = {}): TestContext {
  const home = overrides.home ?? createTestFolder();
  const stdout = overrides.stdout ?? captureStream();
  const stderr = overrides.stderr ?? captureStream();
  const env = overrides.env ?? {};
  return {
    home,
    env,
    cwd: home,
    paths: resolvePaths(env, home),
    settings: DEFAULTS,
    stdin: new PassThrough().end(),
    signal: new AbortController().signal,
    now: () => new Date("2026-03-01T12:00:00.000Z"),
    commands: COMMANDS,
    progress: createProgress({ stream: stderr, paint: (_format, text) => text, quiet: false, debug: true }),
    ...overrides,
    stdout,
    stderr,
  };
}

const folders: string[] = [];
// Each test file is a process of its own, so this is when its tests are done.
process.once("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Makes a temporary folder that goes when the tests of the file are done. */
export function createTestFolder(prefix = "bulwark-test-"): string {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  folders.push(folder);
  return folder;
}
