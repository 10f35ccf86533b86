// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Result } from "../command.ts";
import { COMMANDS } from "../commands/index.ts";
import { loadCommand, parseCall } from "../program.ts";
import { createTestContext, type TestContext } from "./context.ts";

/** What a command line gave, and the context it ran in. */
export type Ran = Result & { context: TestContext };

/** Runs command lines as the frame does, in one home and at one instant. */
export function createRunner(home: string, now?: Date) {
  async function run(line: string, overrides: Partial<TestContext> = {}): Promise<Ran> {
    const [name = "", ...typed] = line.split(" ");
    const loaded = await loadCommand(COMMANDS, name);
    const call = parseCall(loaded, typed);
    assert.ok(!("help" in call));
    const clock = now === undefined ? {} : { now: () => now };
    const context = createTestContext({ home, cwd: home, ...clock, ...overrides });
    const result = await loaded.spec.execute(context, call);
    return { ...result, context };
  }

  /** The error of a command line; it must have one, with a mend. */
  async function failureOf(line: string, overrides: Partial<TestContext> = {}): Promise<BulwarkError> {
    try {
      await run(line, overrides);
    } catch (error) {
      assert.ok(error instanceof BulwarkError, error instanceof Error ? error.stack : String(error));
      assert.ok(error.mend.length > 0);
      return error;
    }
    throw new assert.AssertionError({ message: `${line} was accepted` });
  }

  return { run, failureOf };
}
