// SPDX-License-Identifier: Apache-2.0
import type { Priority } from "./names.ts";

/** A record on its way in. */
export type Submission = {
  /** Names the record and its result; without a colon. */
  uri: string;
  priority: Priority;
  /** How long the answer is of use, in ms from admission. Redis's clock alone judges it, so that no two need to agree. */
  budgetMs: number;
  model: string;
  /** What `data` is: see `sealing/`. */
  serde: string;
  data: Uint8Array;
  /** The gateway that waits for the answer. */
  reply?: string;
  /** The result is kept to be fetched later. Without it and without `reply`, it is kept too. */
  keep?: boolean;
  /** The step of a trace that waits for it (W3C `traceparent`). */
  trace?: string;
  /** Requests that share it; 1 when absent. Their gateway sends each alone when the record fails. */
  requests?: number;
};

/** What the giver of a record holds of it, to take it back. */
export type Receipt = { id: string; priority: Priority; uri: string };

/** A record that was handed to an engine, which has to end it. */
export type Delivery = {
  id: string;
  priority: Priority;
  uri: string;
  data: Buffer;
  /** Absent in records of older clients, whose data is base64 of an Arrow stream. */
  serde?: string;
  model?: string;
  reply?: string;
  keep: boolean;
  trace?: string;
  /** Requests that share it. */
  requests: number;
  /** How often it was handed out, this time included. */
  deliveries: number;
  /** When it was taken in, on the engine's own clock, in ms since 1970. */
  queuedAt: number;
  /** Instant on the engine's own clock; absent where the asker named no limit. */
  deadline?: number;
  /** Bytes it counts for. */
  size: number;
};

/** A name that no other record has: entries of two streams may have the same id, which is the time of their arrival. */
export const nameOf = ({ priority, id }: Pick<Delivery, "priority" | "id">): string => `${priority} ${id}`;

/** What a record's run tells those who count: microseconds of the whole run, rows of this record, records that shared it. */
export type RunShare = { readonly computeUs: number; readonly rows: number; readonly requests: number };

/** The end of a record: its result, or the answer for the asker with the reason why the record became a dead letter. */
export type Outcome = { delivery: Delivery; value: Uint8Array | string; reason?: string; run?: RunShare };

/** What arrives at the gateway that waits. An empty value says that a kept result is there. */
export type Answer = { uri: string; value: Buffer; run?: RunShare };
