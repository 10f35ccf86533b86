// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";
import { inspectQueue, nameKeys } from "@bulwark/queue";
import { askFlink, countSlots } from "../flink/ask.ts";
import { askGateway } from "../gateway-client.ts";
import { askRedis } from "../redis-probe.ts";
import type { FlinkAddress, Stack } from "../stack.ts";
import { sendCanary } from "./canary.ts";
import { hearEngines } from "./hear-engines.ts";

/** One part of the serving stack, in the words that users of the older start scripts know. */
export type Part = {
  detecting: string;
  /** Begins the line of success and of failure. */
  subject: string;
  /** Whether a stack has it. */
  isIn(stack: Stack): boolean;
  /** Said when it is asked for and the stack has none. */
  absent: string;
  /** Where to look when it fails, and how it is mended. */
  log(stack: Stack): string;
  mend(stack: Stack, error: BulwarkError): string;
  /** Tries it in earnest. Gives what is worth knowing; throws a BulwarkError when it is not ready. */
  probe(stack: Stack, timeoutMs: number): Promise<Readonly<Record<string, string | number>>>;
};

export const PART_NAMES = ["redis", "flinkjm", "flinktm", "frontend", "serving"] as const;
export type PartName = (typeof PART_NAMES)[number];

const RESTART = "end bulwark serve with Ctrl-C and start it again";
/** What starting again does not mend. */
const OF_AN_ENGINE: readonly ErrorCode[] = ["ANNOUNCEMENT_MALFORMED", "RECORD_KEY_MISMATCH"];

type FlinkProbe = (address: FlinkAddress, timeoutMs: number) => ReturnType<Part["probe"]>;

const flink = (what: string, log: (address: FlinkAddress) => string, probe: FlinkProbe): Part => ({
  detecting: `Detecting Flink ${what} status...`,
  subject: `Flink ${what}`,
  isIn: ({ queue }) => queue?.flink !== undefined,
  absent: `The embedded engine is in use; there is no Flink ${what}.`,
  log: ({ queue, folder }) => (queue?.flink === undefined ? folder : log(queue.flink)),
  mend: () => RESTART,
  async probe({ queue }, timeoutMs) {
    if (queue?.flink === undefined) throw new BulwarkError("BUG", "A part that is not in use was probed.", "report it");
    return probe(queue.flink, timeoutMs);
  },
});

/** The parts in the order in which they are looked at. */
export const PARTS: Readonly<Record<PartName, Part>> = {
  redis: {
    detecting: "Detecting redis status...",
    subject: "Redis",
    isIn: ({ queue }) => queue !== undefined,
    absent: "Direct mode is in use; there is no Redis.",
    log: ({ queue, folder }) => queue?.redisLog ?? (queue === undefined ? folder : `the log of ${queue.redis.url}`),
    mend: ({ queue }) =>
      queue?.redisLog === undefined ? "mend the Redis that the settings name; the rest waits for it" : RESTART,
    async probe({ queue }) {
      if (queue === undefined) throw new BulwarkError("BUG", "A part that is not in use was probed.", "report it");
      return askRedis({ ...queue.redis, timeoutMs: 2_000 }, async (link, facts) => {
        await link.send("PING");
        const { records, pending, dead, dropped, lost, engines } = await inspectQueue(link, nameKeys(queue.job));
        const waiting = records.high + records.normal + records.low - pending;
        const durability = facts.isDurable ? "append-only file" : "none";
        return { program: facts.program, durability, waiting, pending, dead, dropped, lost, engines: engines.length };
      });
    },
  },
  flinkjm: flink(
    "job manager",
    ({ jobManagerLog }) => jobManagerLog,
    async (address, timeoutMs) => {
      const { "flink-version": version, "jobs-running": running } = await askFlink(address, "/overview", timeoutMs);
      return { address: address.url, version: String(version), jobs: Number(running) };
    },
  ),
  flinktm: flink(
    "task manager",
    ({ taskManagerLogs }) => taskManagerLogs.join(", "),
    async (address, timeoutMs) => {
      const { managers, slots } = await countSlots(address, timeoutMs);
      if (slots >= address.parallelism) return { managers, slots };
      const message = `Of ${address.parallelism} slots ${slots} are registered.`;
      throw new BulwarkError("SERVING_NOT_READY", message, RESTART);
    },
  ),
  frontend: {
    detecting: "Detecting http frontend status. This may take a while.",
    subject: "Http frontend",
    isIn: () => true,
    absent: "",
    log: ({ gateway }) => gateway.log,
    mend: () => RESTART,
    async probe(stack, timeoutMs) {
      const { status } = await askGateway(stack, { path: "/v2/health/ready", timeoutMs });
      if (status === 200) return { address: stack.gateway.https ?? stack.gateway.http ?? "" };
      throw new BulwarkError("SERVING_NOT_READY", `It answers, but is not ready (status ${status}).`, RESTART);
    },
  },
  serving: {
    detecting: "Detecting cluster-serving-job status...",
    subject: "cluster-serving-job",
    isIn: () => true,
    absent: "",
    log: ({ queue, gateway }) => queue?.engineLogs.join(", ") ?? gateway.log,
    mend: (_stack, { code, mend }) => (OF_AN_ENGINE.includes(code) ? mend : RESTART),
    async probe(stack, timeoutMs) {
      if (stack.queue !== undefined) await hearEngines(stack.queue);
      const { model, refusal } = await sendCanary(stack, timeoutMs);
      return { canary: model, ...(refusal === undefined ? {} : { refusal }) };
    },
  },
};
