// SPDX-License-Identifier: Apache-2.0
import { hash } from "node:crypto";
import { BulwarkError } from "@bulwark/contracts/errors";
import { equalHex } from "../equal.ts";
import type { EventLog } from "./parse.ts";

/** Runtime measurement registers, hex. */
export type Rtmrs = { rtmr0: string; rtmr1: string; rtmr2: string; rtmr3: string };

const EV_NO_ACTION = 3;
const REGISTER_BYTES = 48;
const NAMES = ["rtmr0", "rtmr1", "rtmr2", "rtmr3"] as const;

/**
 * Computes what the registers hold after every record of a log: each record extends its register with its digest
 * (Intel TDX module specification, TDG.MR.RTMR.EXTEND); records without action extend nothing.
 *
 * @throws EVENT_LOG_MALFORMED when a record that extends has no SHA-384 digest
 */
export function replayEventLog({ events }: EventLog): Rtmrs {
  const registers = NAMES.map(() => Buffer.alloc(REGISTER_BYTES));
  for (const { index, type, digest } of events) {
    const register = registers[index - 1];
    if (type === EV_NO_ACTION || register === undefined) continue;
    if (digest === null) {
      throw new BulwarkError(
        "EVENT_LOG_MALFORMED",
        "A record of the event log has no SHA-384 digest.",
        "take the log again from the machine: /sys/firmware/acpi/tables/data/CCEL",
      );
    }
    registers[index - 1] = hash("sha384", Buffer.concat([register, digest]), "buffer");
  }
  const [rtmr0 = "", rtmr1 = "", rtmr2 = "", rtmr3 = ""] = registers.map((register) => register.toString("hex"));
  return { rtmr0, rtmr1, rtmr2, rtmr3 };
}

/**
 * Checks that a log tells how the registers of a verified trust domain came about. Only then may its records be believed,
 * and of those only the digests: the text beside a digest is signed by nobody.
 *
 * @throws EVENT_LOG_MISMATCH, EVENT_LOG_MALFORMED
 */
export function checkEventLog(log: EventLog, measured: Rtmrs): void {
  const replayed = replayEventLog(log);
  const wrong = NAMES.filter((name) => !equalHex(replayed[name], measured[name]));
  if (wrong.length === 0) return;
  throw new BulwarkError(
    "EVENT_LOG_MISMATCH",
    `Replaying the event log does not give ${wrong.map((name) => name.toUpperCase()).join(", ")} of the quote.`,
    "take log and quote again from the same machine, the log last",
  );
}
