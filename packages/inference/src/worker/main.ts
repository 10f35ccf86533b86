// SPDX-License-Identifier: Apache-2.0
// Runs in a worker thread: one model, one run at a time. Ending the thread gives all of its memory back.
import { parentPort, workerData } from "node:worker_threads";
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Tensor } from "@bulwark/tensors";
import { END, type Failure, type RunRequest, type WorkerReport, type WorkerStart } from "./messages.ts";
import { isRowwise, makeInput } from "./rowwise.ts";
import { openSession, type Session } from "./session.ts";

const port = parentPort;
if (port === null) throw new Error("not a worker thread");
const report = (message: WorkerReport, transfer: readonly ArrayBuffer[] = []): void =>
  port.postMessage(message, transfer);

try {
  const session = await openSession(workerData as WorkerStart);
  report({ kind: "loaded" });
  report({ kind: "ready", signature: session.signature, ...(await warmUp(session)) });
  port.on("message", (request: RunRequest | typeof END) => {
    if (request === END) process.exit();
    else void run(session, request);
  });
} catch (error) {
  report({ kind: "refused", failure: toFailure(error) });
}

/** The first run is slow, so it is made before anybody waits for it. Not every model takes made-up inputs. */
async function warmUp(session: Session): Promise<{ isRowwise: boolean; note?: string }> {
  try {
    if (await isRowwise(session)) return { isRowwise: true };
    await session.run(session.signature.inputs.map((info) => makeInput(info, 1)));
    return { isRowwise: false };
  } catch (error) {
    return { isRowwise: false, note: firstLine(error) };
  }
}

async function run(session: Session, { id, inputs }: RunRequest): Promise<void> {
  const startedAt = performance.now();
  try {
    const outputs = await session.run(inputs);
    const computeUs = Math.round((performance.now() - startedAt) * 1000);
    report({ kind: "done", id, outputs, computeUs }, listBuffers(outputs));
  } catch (error) {
    report({ kind: "failed", id, message: firstLine(error) });
  }
}

/** Buffers that can change their thread instead of being copied; two outputs may share one. */
function listBuffers(outputs: readonly Tensor[]): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const { datatype, data } of outputs) {
    if (datatype !== "BYTES" && data.buffer instanceof ArrayBuffer) buffers.add(data.buffer);
  }
  return [...buffers];
}

function toFailure(error: unknown): Failure {
  if (error instanceof BulwarkError) return { code: error.code, message: error.message, mend: error.mend };
  const mend = "check that it is a whole ONNX model of an opset that ONNX Runtime 1.30 knows";
  return { code: "MODEL_LOAD_FAILED", message: `ONNX Runtime refused the model: ${firstLine(error)}`, mend };
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (text.split("\n", 1)[0] ?? "").slice(0, 300);
}
