// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { BulwarkError } from "@bulwark/contracts";
import { planHistoryServer } from "@bulwark/spark";
import type { Context } from "../command.ts";
import { startChild } from "./child.ts";
import { writePlan } from "./plan-files.ts";
import { prepareGround, toRunFolders } from "./prepare.ts";
import type { RunRecord } from "./record.ts";
import { findListeners } from "./security/sockets.ts";

const START_LIMIT_MS = 60_000;
const PAUSE_MS = 100;
const GRACE_MS = 2_000;

/** Serves the event log of an ended run until the user interrupts. */
export async function serveHistory(
  context: Context,
  record: Pick<RunRecord, "id">,
  onReady: (url: string, token: string) => Promise<void>,
): Promise<void> {
  const { java, spark, keys, archives } = await prepareGround(context);
  const run = toRunFolders(context.paths.runs, record.id);
  const session = join(run.run, `history-${randomBytes(3).toString("hex")}`);
  const token = randomBytes(32).toString("base64url");
  const plan = planHistoryServer({
    folder: session,
    eventLog: run.eventLog,
    java,
    sparkHome: spark.home,
    classPath: archives.classPath,
    keyStore: keys.files.server.keyStore,
    storePassword: keys.storePassword,
    uiToken: token,
  });
  await mkdir(session, { recursive: true, mode: 0o700 });
  try {
    await writePlan(plan.files);
    const log = join(run.logs, "history.log");
    const server = await startChild(plan.process, { output: log, errors: log });
    const step = context.progress.step("starting the history server");
    try {
      const port = await awaitPort(server.pid, context.signal, log);
      step.done();
      await onReady(`https://127.0.0.1:${port}`, token);
      context.progress.note("Ctrl-C ends the server.");
      const interrupted = new Promise<void>((resolve) => context.signal.addEventListener("abort", () => resolve()));
      await Promise.race([interrupted, server.ended]);
    } finally {
      await server.stop(GRACE_MS);
    }
  } finally {
    await rm(session, { recursive: true, force: true });
  }
}

async function awaitPort(pid: number, signal: AbortSignal, log: string): Promise<number> {
  for (const limit = Date.now() + START_LIMIT_MS; Date.now() < limit; ) {
    const [listener] = findListeners([pid]);
    if (listener !== undefined) return listener.port;
    await delay(PAUSE_MS, undefined, { signal });
  }
  throw new BulwarkError("UI_UNAVAILABLE", "The history server did not come up.", `read ${log}`);
}
