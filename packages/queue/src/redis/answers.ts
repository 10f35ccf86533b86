// SPDX-License-Identifier: Apache-2.0
import type { Names } from "../names.ts";
import type { Answer } from "../record.ts";
import { readRun } from "./delivery.ts";
import type { Link } from "./link.ts";
import { asList, type RawEntry, readFields } from "./read-entry.ts";

/** A gateway's own channel of answers. `done` ends when it was closed. */
export type Answers = { done: Promise<void>; close(): void };

type Options = {
  /** A connection of its own: it waits. */
  reader: Link;
  /** A connection for commands that do not wait. */
  commands: Link;
  names: Names;
  instance: string;
  onAnswer: (answer: Answer) => void;
  /** Waits between two tries while Redis is away. */
  pause: (ms: number) => Promise<void>;
};

const WAIT_MS = 1_000;
const PAUSE_MS = 50;
const MOST_AT_ONCE = 512;
/** So many that were handed on are removed at once; fewer when none comes for a while. */
const REMOVED_AT_ONCE = 64;

/**
 * Reads the answers for one gateway until closed. What was read is removed some time after it was handed on, so an answer
 * survives a broken connection; nobody else reads this channel, and nothing is looked for by a pattern.
 */
export function listenForAnswers({ reader, commands, names, instance, onAnswer, pause }: Options): Answers {
  const stream = names.reply(instance);
  let last = "0-0";
  let handedOn = 0;
  let isOpen = true;

  /** What fails now is removed by a later one, or expires. */
  const remove = (): void => {
    handedOn = 0;
    commands.send("XTRIM", stream, "MINID", toNext(last)).catch(() => {});
  };

  const readOnce = async (): Promise<void> => {
    const read = await reader.send("XREAD", "COUNT", MOST_AT_ONCE, "BLOCK", WAIT_MS, "STREAMS", stream, last);
    if (read === null) {
      if (handedOn > 0) remove();
      return;
    }
    const [, entries] = asList(asList(read)[0]) as [Buffer, RawEntry[]];
    for (const [id, flat] of entries) {
      last = String(id);
      const fields = readFields(flat ?? []);
      const run = readRun(fields.get("run"));
      const uri = String(fields.get("uri") ?? "");
      onAnswer({ uri, value: fields.get("value") ?? Buffer.alloc(0), ...(run === undefined ? {} : { run }) });
    }
    handedOn += entries.length;
    if (handedOn >= REMOVED_AT_ONCE) remove();
  };

  const done = (async () => {
    while (isOpen) await readOnce().catch(() => (isOpen ? pause(PAUSE_MS) : undefined));
  })();

  return {
    done,
    close() {
      isOpen = false;
      reader.close();
    },
  };
}

/** The smallest id after one. */
function toNext(id: string): string {
  const [ms = "0", sequence = "0"] = id.split("-");
  return `${ms}-${BigInt(sequence) + 1n}`;
}
