// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from "node:timers/promises";
import { BulwarkError } from "@bulwark/contracts/errors";
import { createPending, type Delivery, nameOf, type Outcome, type Work } from "@bulwark/queue";
import type { Answered, Computer } from "./compute.ts";
import { judge, type Verdict } from "./failure.ts";
import type { Tally } from "./tally.ts";

export type RunnerSettings = {
  /** Records that are computed at the same time. */
  mostInFlight: number;
  minIdleMs: number;
  /** A record that was handed out more often becomes a dead letter. */
  mostDeliveries: number;
  /** How long a record without a deadline may wait for a model that is not ready. */
  mostWaitMs: number;
};

/** What happened since the start. */
export type Counts = {
  answered: number;
  failed: number;
  expired: number;
  dead: number;
  /** Handed out again because of a worker that died. */
  again: number;
  /** Ended by somebody else before. */
  duplicate: number;
};

/** Something worth a line in the log; never with anything of a record in it. */
export type Report = (event: string, details: Readonly<Record<string, string | number>>) => void;

export type Runner = {
  counts(): Readonly<Counts>;
  /** Whether it takes records now. */
  isReady(): boolean;
  /** Takes nothing more, ends what it has, gives the rest back. */
  stop(): Promise<void>;
};

type Parts = {
  work: Work;
  computer: Computer;
  /** What the engine serves now, for gateways that do not have its models. */
  announce: () => string;
  /** Carries out what gateways ordered since the last time; whether anything was. */
  follow: () => Promise<boolean>;
  /** Whether somebody took a model away on purpose: a record is then not kept waiting for it. */
  isUnloaded: (model: string) => boolean;
  now: () => number;
  report: Report;
  tally: Tally;
};

const WAIT_MS = 200;
const PAUSE_MS = 50;
const BEAT_MS = 2_000;
const FOLLOW_MS = 1_000;
const DRAIN_MS = 10_000;

/**
 * Runs an engine on the queue: first what an earlier process of this name left, then what is new; now and then what others
 * left. Records that were handed out before are computed alone, one after the other, so that one that kills the process
 * takes no other with it.
 */
export function startRunner(parts: Parts, settings: RunnerSettings): Runner {
  const { work, computer, announce, follow, isUnloaded, now, report, tally } = parts;
  const counts: Counts = { answered: 0, failed: 0, expired: 0, dead: 0, again: 0, duplicate: 0 };
  const inFlight = createPending<{ delivery: Delivery; done: Promise<void> }>();
  const suspects: Delivery[] = [];
  const stopping = new AbortController();
  const cancelling = new AbortController();
  const isStopping = (): boolean => stopping.signal.aborted;
  const isCancelled = (): boolean => cancelling.signal.aborted;

  /** Ends a record however long Redis is away: its result is here and would have to be computed again. */
  const end = async (outcome: Outcome): Promise<void> => {
    for (;;) {
      try {
        if (await work.finish(outcome)) return;
        counts.duplicate++;
        return;
      } catch (error) {
        const isAway = error instanceof BulwarkError && error.code !== "BUG";
        if (!isAway || isCancelled()) throw error;
        await delay(PAUSE_MS);
      }
    }
  };

  /** Dead letters that this engine has said to be dropped. */
  let dropped = 0;
  const endFailed = async (delivery: Delivery, error: unknown, verdict: "answer" | "bury"): Promise<void> => {
    const code = error instanceof BulwarkError ? error.code : "BUG";
    if (code === "SERVING_DEADLINE") counts.expired++;
    else counts.failed++;
    tally.failed(delivery.model ?? "", code);
    const value = computer.refuse(delivery, error);
    if (verdict === "answer" || isSentAgain(delivery)) return end({ delivery, value });
    counts.dead++;
    report("dead letter", { id: delivery.id, code, deliveries: delivery.deliveries });
    await end({ delivery, value, reason: code });
    if (work.dropped() > dropped) {
      report("dead letters dropped", { count: work.dropped() - dropped });
      dropped = work.dropped();
    }
  };

  const isOver = ({ deadline }: Delivery): boolean => deadline !== undefined && deadline <= now();
  /** Whether its gateway, told that it failed, sends each of its requests alone: the one at fault is found then. */
  const isSentAgain = (delivery: Delivery): boolean => delivery.requests > 1 && !isOver(delivery);

  /** What must be true before a record is computed. */
  const check = (delivery: Delivery): void => {
    const { deliveries } = delivery;
    const isLate = isOver(delivery);
    // Whether it was what took its engine down is not tried out when nobody waits for it any more.
    if (deliveries > (isLate ? 1 : settings.mostDeliveries)) {
      const message = `The record was handed out ${deliveries - 1} times, and nothing that computed it came back.`;
      throw new BulwarkError("QUEUE_DELIVERIES", message, "look at the dead letter and at the engine's log");
    }
    if (isLate) {
      throw new BulwarkError("SERVING_DEADLINE", "The deadline passed while the record waited.", "allow more time");
    }
    if (deliveries > 1 && isSentAgain(delivery)) {
      const message = "One of the requests of the record may have taken its engine down.";
      throw new BulwarkError("QUEUE_SHARED", message, "their gateway sends each alone");
    }
  };

  const judgeFor = (delivery: Delivery, error: unknown): Verdict => {
    const verdict = judge(error);
    return verdict === "wait" && isUnloaded(delivery.model ?? "") ? "answer" : verdict;
  };

  /** The answer; undefined when there is none, and that was settled. */
  const compute = async (delivery: Delivery): Promise<Answered | undefined> => {
    const patience = now() + settings.mostWaitMs;
    let waitedFor: unknown;
    for (;;) {
      try {
        check(delivery);
        return await computer.answer(delivery, { isGone: isCancelled });
      } catch (error) {
        const verdict = judgeFor(delivery, error);
        // What it waited for says more than that it waited too long.
        if (verdict !== "wait" || now() > patience) {
          await settle(delivery, waitedFor ?? error, verdict);
          return undefined;
        }
        waitedFor = error;
        if (isStopping()) {
          work.drop(delivery);
          return undefined;
        }
        await delay(PAUSE_MS);
      }
    }
  };

  const settle = async (delivery: Delivery, error: unknown, verdict: Verdict): Promise<void> => {
    if (verdict === "leave") return work.drop(delivery);
    if (verdict === "answer" || verdict === "bury") return endFailed(delivery, error, verdict);
    if (verdict === "wait") return endFailed(delivery, error, "bury");
    counts.again++;
    const redelivered = await work.again(delivery);
    if (redelivered !== undefined) suspects.push(redelivered);
  };

  const run = async (delivery: Delivery): Promise<void> => {
    const answered = await compute(delivery);
    if (answered === undefined) return;
    // Outside of what judges the model: an answer that cannot be written says nothing of it.
    await end({ delivery, ...answered });
    counts.answered++;
  };

  const start = (delivery: Delivery): Promise<void> => {
    if (delivery.deliveries === 1) tally.taken(now() - delivery.queuedAt);
    const done = run(delivery)
      .catch((error) => {
        work.drop(delivery);
        report("record left", { id: delivery.id, code: error.code ?? "BUG" });
      })
      .finally(() => inFlight.delete(nameOf(delivery)));
    inFlight.set(nameOf(delivery), { delivery, done });
    return done;
  };

  const drain = (): Promise<unknown> => Promise.all(inFlight.list().map(({ done }) => done));

  const runAlone = async (delivery: Delivery): Promise<void> => {
    await drain();
    await start(delivery);
  };

  const sweep = async (): Promise<void> => {
    for await (const delivery of work.abandoned()) {
      report("taken over", { id: delivery.id, deliveries: delivery.deliveries });
      await runAlone(delivery);
    }
  };

  let sweptAt = now();
  const step = async (): Promise<void> => {
    for (let suspect = suspects.shift(); suspect !== undefined; suspect = suspects.shift()) await runAlone(suspect);
    if (now() - sweptAt >= settings.minIdleMs / 2) {
      sweptAt = now();
      await sweep();
    }
    const room = settings.mostInFlight - inFlight.size();
    if (room <= 0) {
      await Promise.race(inFlight.list().map(({ done }) => done));
      return;
    }
    for (const delivery of await work.take(room, WAIT_MS)) void start(delivery);
  };

  let isOpen = false;
  /** What keeps it waiting, so that it is said once. */
  let trouble: string | undefined;
  const tell = (error: unknown): void => {
    const code = error instanceof BulwarkError ? error.code : "BUG";
    if (code !== trouble) report("waiting for Redis", { code });
    trouble = code;
  };
  const beat = async (): Promise<void> => {
    // What was given back is looked for in the next step.
    if (await work.beat(announce())) sweptAt = Number.NEGATIVE_INFINITY;
  };
  const begin = async (): Promise<void> => {
    await work.open();
    await follow();
    await beat();
    for await (const delivery of work.own()) await runAlone(delivery);
    isOpen = true;
    trouble = undefined;
    report("ready", {});
  };
  const loop = async (): Promise<void> => {
    while (!isStopping()) {
      try {
        if (isOpen) {
          await step();
          continue;
        }
        await begin();
      } catch (error) {
        // What was handed out while the connection broke is in our own list.
        isOpen = false;
        tell(error);
        await delay(PAUSE_MS * 4);
      }
    }
  };

  const ignore = (): void => {};
  const holding = setInterval(() => {
    const deliveries = [...inFlight.list(), ...suspects.map((delivery) => ({ delivery }))];
    work.hold(deliveries.map(({ delivery }) => delivery)).catch(ignore);
  }, settings.minIdleMs / 3);
  const beating = setInterval(() => void beat().catch(ignore), BEAT_MS);
  /** Loading takes its time: it keeps no heartbeat waiting. */
  const following = setInterval(() => {
    if (isOpen) follow().then((isNew) => (isNew ? beat() : undefined), ignore);
  }, FOLLOW_MS);
  const done = loop();

  return {
    counts: () => counts,
    isReady: () => isOpen && !isStopping(),
    async stop() {
      stopping.abort();
      await done;
      await Promise.race([drain(), delay(DRAIN_MS, undefined, { ref: false })]);
      cancelling.abort();
      clearInterval(holding);
      clearInterval(beating);
      clearInterval(following);
      await work.leave().catch(ignore);
    },
  };
}
