// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts";
import type { Context } from "../../command.ts";

export type State = "ok" | "warn" | "fail";

/** What one check found. */
export type Outcome = { state: State; detail: string; mend?: string };

/** One thing to look at. A coded error counts as failed, with the error's own mend. */
export type Check = { name: string; look: (context: Context) => Promise<Outcome> };

/** One line of the report. */
export type Report = Outcome & { name: string };

export const ok = (detail: string): Outcome => ({ state: "ok", detail });
export const warn = (detail: string, mend: string): Outcome => ({ state: "warn", detail, mend });
export const fail = (detail: string, mend: string): Outcome => ({ state: "fail", detail, mend });

/** Makes all checks side by side; the reports keep their order. */
export async function examine(checks: readonly Check[], context: Context): Promise<Report[]> {
  return Promise.all(
    checks.map(async ({ name, look }) => {
      try {
        return { name, ...(await look(context)) };
      } catch (error) {
        if (error instanceof BulwarkError) return { name, ...fail(error.message, error.mend) };
        throw error;
      }
    }),
  );
}
