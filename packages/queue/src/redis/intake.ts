// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { coalesce } from "../coalesce.ts";
import { checkUri, GROUP, type Names, PRIORITIES } from "../names.ts";
import type { Receipt, Submission } from "../record.ts";
import type { Argument, Link } from "./link.ts";
import { asList } from "./read-entry.ts";
import { SCRIPTS } from "./script.ts";
import { toQueueError } from "./translate.ts";

/** The side of the queue where records come in and results are fetched. */
export type Intake = {
  /** Takes a record in, or throws QUEUE_FULL, QUEUE_URI_INVALID, QUEUE_UNREACHABLE, QUEUE_REFUSED. */
  admit(submission: Submission): Promise<Receipt>;
  /** Takes a record back that no engine was given. False: one has it, or had it. */
  withdraw(receipt: Receipt): Promise<boolean>;
  /** Whether a record was neither ended nor taken back. */
  isThere(receipt: Receipt): Promise<boolean>;
  /** A kept result, or undefined while there is none. */
  readResult(uri: string): Promise<Buffer | undefined>;
  removeResult(uri: string): Promise<void>;
  /** Uris of all kept results. Scans every key of Redis: for older clients alone, who cannot do without. */
  listResults(): Promise<string[]>;
};

export type IntakeLimits = {
  /** Records that may wait, all priorities together. */
  mostRecords: number;
  mostBytes: number;
};

const MOST_AT_ONCE = 128;

/** Opens the intake of a job over a connection. */
export function createIntake(link: Link, names: Names, limits: IntakeLimits): Intake {
  const keys = [...names.streams, names.bytes];

  const admitAll = coalesce(async (submissions: readonly Submission[]) => {
    const args: Argument[] = [limits.mostRecords, limits.mostBytes];
    for (const submission of submissions) writeSubmission(args, submission);
    return asList(await link.run(SCRIPTS.admit, keys, args));
  }, MOST_AT_ONCE);

  const withdrawAll = coalesce(async (receipts: readonly Receipt[]) => {
    const args = receipts.flatMap(({ id, priority, uri }) => [PRIORITIES.indexOf(priority) + 1, id, uri]);
    return asList(await link.run(SCRIPTS.withdraw, keys, [GROUP, ...args]));
  }, MOST_AT_ONCE);

  return {
    async admit(submission) {
      checkUri(submission.uri);
      const admitted = await admitAll(submission);
      if (admitted instanceof Error) throw toQueueError(admitted);
      const id = String(admitted);
      if (id !== "") return { id, priority: submission.priority, uri: submission.uri };
      throw new BulwarkError(
        "QUEUE_FULL",
        `${limits.mostRecords} records or ${limits.mostBytes} bytes wait already.`,
        "try again later, or add engines",
      );
    },
    withdraw: async (receipt) => (await withdrawAll(receipt)) === 1,
    async isThere({ id, priority }) {
      const stream = names.streams[PRIORITIES.indexOf(priority)] ?? names.job;
      return asList(await link.send("XRANGE", stream, id, id)).length > 0;
    },
    readResult: async (uri) => ((await link.send("HGET", names.result(uri), "value")) as Buffer | null) ?? undefined,
    async listResults() {
      const prefix = names.result("");
      const uris: string[] = [];
      let cursor = "0";
      do {
        const [next, keys] = asList(await link.send("SCAN", cursor, "MATCH", names.result("*"), "COUNT", 1000));
        cursor = String(next);
        for (const key of asList(keys)) uris.push(String(key).slice(prefix.length));
      } while (cursor !== "0");
      return [...new Set(uris)];
    },

    async removeResult(uri) {
      await link.send("DEL", names.result(uri));
    },
  };
}

/** Adds what the script wants of one record: stream, bytes, number of fields and values, these. */
function writeSubmission(args: Argument[], submission: Submission): void {
  const { uri, priority, budgetMs, model, serde, data, reply, keep, trace, requests = 1 } = submission;
  const fields: Argument[] = ["uri", uri, "data", data, "serde", serde, "model", model, "budget", Math.ceil(budgetMs)];
  if (reply !== undefined) fields.push("reply", reply);
  if (keep === true) fields.push("keep", 1);
  if (trace !== undefined) fields.push("trace", trace);
  if (requests > 1) fields.push("requests", requests);
  args.push(PRIORITIES.indexOf(priority) + 1, data.byteLength, fields.length, ...fields);
}
