// SPDX-License-Identifier: Apache-2.0
// A load generator as a process, so that it can be pinned to a core: prints one line of JSON.
import { readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";

/** What is sent, and how. `rate` 0: as fast as answers come back (closed loop). */
export type LoadPlan = { port: number; request: string; connections: number; rate: number; seconds: number };
export type LoadResult = { rate: number; answered: number; errors: number; p50: number; p99: number; p999: number };

const TICK_MS = 1;
const HEAD_END = Buffer.from("\r\n\r\n");

/** One connection: sends a request, says when its answer is whole. */
function openConnection(port: number, onAnswer: (isGood: boolean) => void): Promise<{ send(bytes: Buffer): void }> {
  let expected = -1;
  let got = 0;
  let isGood = false;
  const socket: Socket = connect({ port, host: "127.0.0.1", noDelay: true });
  socket.on("data", (data) => {
    if (expected === -1) {
      const end = data.indexOf(HEAD_END);
      if (end === -1) throw new Error("an answer's head came in pieces");
      const head = data.toString("latin1", 0, end);
      isGood = head.startsWith("HTTP/1.1 200");
      expected = end + 4 + Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? Number.NaN);
      got = 0;
    }
    got += data.length;
    if (got < expected) return;
    expected = -1;
    onAnswer(isGood);
  });
  return new Promise((resolve, reject) => {
    socket.once("connect", () => resolve({ send: (bytes) => void socket.write(bytes) }));
    socket.once("error", reject);
  });
}

/**
 * Sends for some seconds. In an open loop each request has its instant, whether or not earlier ones were answered, and its
 * time counts from that instant: a server that falls behind is seen to (no coordinated omission).
 */
export async function runLoad(plan: LoadPlan): Promise<LoadResult> {
  const request = Buffer.from(plan.request, "base64");
  const times: number[] = [];
  const due: number[] = [];
  const idle: number[] = [];
  const sentAt: number[] = [];
  let errors = 0;
  let isOver = false;
  const connections: { send(bytes: Buffer): void }[] = [];
  const send = (at: number): void => {
    const connection = idle.pop();
    if (connection === undefined) due.push(at);
    else {
      sentAt[connection] = at;
      connections[connection]?.send(request);
    }
  };
  let nextDue = 0;
  for (let number = 0; number < plan.connections; number++) {
    const own = number;
    const connection = await openConnection(plan.port, (isGood) => {
      if (!isGood) errors++;
      times.push(performance.now() - (sentAt[own] ?? 0));
      idle.push(own);
      if (plan.rate === 0) {
        if (!isOver) send(performance.now());
      } else if (nextDue < due.length) send(due[nextDue++] ?? 0);
    });
    connections.push(connection);
    idle.push(own);
  }
  const startedAt = performance.now();
  const end = startedAt + plan.seconds * 1000;
  if (plan.rate === 0) while (idle.length > 0) send(performance.now());
  let sent = 0;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const now = performance.now();
      if (plan.rate > 0) {
        const wanted = Math.floor((Math.min(now, end) - startedAt) * (plan.rate / 1000));
        while (sent < wanted) send(startedAt + (++sent * 1000) / plan.rate);
      }
      if (now < end) return;
      isOver = true;
      clearInterval(timer);
      resolve();
    }, TICK_MS);
  });
  // What is not answered within a second of its window has failed.
  const limit = performance.now() + 1000;
  while (idle.length < plan.connections && performance.now() < limit) await new Promise((done) => setTimeout(done, 5));
  errors += plan.connections - idle.length + (due.length - nextDue);
  const sorted = Float64Array.from(times).sort();
  const quantile = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
  return {
    rate: times.length / plan.seconds,
    answered: times.length,
    errors,
    p50: quantile(0.5),
    p99: quantile(0.99),
    p999: quantile(0.999),
  };
}

const [, , planFile] = process.argv;
if (planFile !== undefined) {
  const result = await runLoad(JSON.parse(await readFile(planFile, "utf8")) as LoadPlan);
  process.stdout.write(`${JSON.stringify(result)}\n`);
  process.exit(0);
}
