// SPDX-License-Identifier: Apache-2.0
import { getCompileCacheDir } from "node:module";
import { dirname } from "node:path";
import { Worker } from "node:worker_threads";
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Tensor } from "@bulwark/tensors";
import { END, type RunRequest, type WorkerReport, type WorkerStart } from "./messages.ts";

export type Ready = Extract<WorkerReport, { kind: "ready" }>;
export type RunResult = { readonly outputs: readonly Tensor[]; readonly computeUs: number };

/** A model in a thread of its own. */
export type ModelWorker = {
  readonly ready: Promise<Ready>;
  /**
   * Runs the model once; the memory of `inputs` goes to the worker. Throws MODEL_FAILED when the model threw, ENGINE_LOST
   * when the thread died.
   */
  run(inputs: readonly Tensor[]): Promise<RunResult>;
  isAlive(): boolean;
  /** Resolves when it takes no more runs, whether it was ended or died. */
  readonly ended: Promise<void>;
  /**
   * Ends the thread once its run is over. It is never ended within a run: ONNX Runtime would take the whole process down
   * when it comes back to a thread that is no more. Where the run lasts longer than one waits, the thread ends by itself,
   * should the run ever end.
   */
  end(waitMs: number): Promise<void>;
  /** Whether it was ended within a run that goes on all the same, on a core of its own. */
  isStuck(): boolean;
  /** Resolves when the thread itself is gone. */
  readonly exited: Promise<void>;
};

const ENTRY = new URL("./main.ts", import.meta.url);

/**
 * V8's own memory of a thread; numbers lie outside it, strings of a run within. A thread that needs more ends, the process
 * goes on. The space for machine code is set aside from the start, and a model's thread has little code.
 */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 1024, codeRangeSizeMb: 32 };

/**
 * Where the process keeps what it compiled, its threads take it from there. Unasked a thread would strip types anew, by
 * WebAssembly. In a process that strips none itself, the end of each thread frees that code, and once in hundreds V8 loses
 * count of it and takes the process down (13.6, https://github.com/nodejs/node/issues/64500).
 */
function shareCompiled(): { env?: { NODE_COMPILE_CACHE: string } } {
  const folder = getCompileCacheDir();
  // It lies in a folder of this version of Node's.
  return folder === undefined ? {} : { env: { NODE_COMPILE_CACHE: dirname(folder) } };
}

/** Starts a thread and loads the model in it. `ready` rejects with MODEL_LOAD_FAILED, MODEL_FORMAT, ENGINE_LOST. */
export function startModelWorker(start: WorkerStart): ModelWorker {
  const thread = new Worker(ENTRY, {
    workerData: start,
    resourceLimits: RESOURCE_LIMITS,
    ...shareCompiled(),
    stdout: false,
    stderr: false,
  });
  const runs = new Map<number, PromiseWithResolvers<RunResult>>();
  const ready = Promise.withResolvers<Ready>();
  const ended = Promise.withResolvers<void>();
  const exited = Promise.withResolvers<void>();
  let isGone = false;
  let isStuck = false;
  let lastId = 0;
  thread.on("message", (report: WorkerReport) => {
    if (report.kind === "loaded") limitFirstRuns();
    else if (report.kind === "ready") ready.resolve(report);
    else if (report.kind === "refused") {
      const { code, message, mend } = report.failure;
      ready.reject(new BulwarkError(code, message, mend));
    } else {
      settle(runs.get(report.id), report);
      runs.delete(report.id);
    }
  });
  const lose = (cause?: unknown): void => {
    if (isGone) return;
    isGone = true;
    const error = new BulwarkError("ENGINE_LOST", "The worker of the model died", "send the request again", { cause });
    ready.reject(error);
    for (const run of runs.values()) run.reject(error);
    runs.clear();
    ended.resolve();
  };
  thread.on("error", lose);
  thread.on("exit", () => {
    lose();
    isStuck = false;
    exited.resolve();
  });
  const limitFirstRuns = (): void => {
    const timer = setTimeout(() => {
      const message = `The model's first run did not end within ${start.runLimitMs} ms`;
      ready.reject(new BulwarkError("MODEL_LOAD_FAILED", message, "mend the model, or raise runLimitMs"));
    }, start.runLimitMs);
    const clear = (): void => clearTimeout(timer);
    ready.promise.then(clear, clear);
  };
  // Whoever waits for neither must not bring the process down.
  ready.promise.catch(() => {});
  return {
    ready: ready.promise,
    ended: ended.promise,
    isAlive: () => !isGone,
    run(inputs) {
      const run = Promise.withResolvers<RunResult>();
      if (isGone) {
        run.reject(new BulwarkError("ENGINE_LOST", "The worker of the model died", "send the request again"));
        return run.promise;
      }
      const id = ++lastId;
      runs.set(id, run);
      thread.postMessage({ id, inputs } satisfies RunRequest, listBuffers(inputs));
      return run.promise;
    },
    exited: exited.promise,
    isStuck: () => isStuck,
    async end(waitMs) {
      const hasRun = runs.size > 0;
      lose();
      thread.postMessage(END);
      const limit = Promise.withResolvers<void>();
      const timer = setTimeout(() => {
        isStuck ||= hasRun;
        // What cannot be ended must not keep the process alive.
        thread.unref();
        limit.resolve();
      }, waitMs);
      await Promise.race([exited.promise, limit.promise]);
      clearTimeout(timer);
    },
  };
}

function settle(
  run: PromiseWithResolvers<RunResult> | undefined,
  report: Extract<WorkerReport, { kind: "done" | "failed" }>,
): void {
  if (report.kind === "done") run?.resolve(report);
  else {
    const mend = "look at the inputs; the same request fails again";
    run?.reject(new BulwarkError("MODEL_FAILED", `The model failed: ${report.message}`, mend));
  }
}

function listBuffers(inputs: readonly Tensor[]): ArrayBuffer[] {
  return inputs.flatMap(({ datatype, data }) => (datatype === "BYTES" ? [] : [data.buffer as ArrayBuffer]));
}
