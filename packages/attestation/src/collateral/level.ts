// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { toMoment } from "../der/values.ts";
import type { Instant } from "../instant.ts";
import { Malformed } from "../malformed.ts";
import type { TcbStatus } from "../tcb-status.ts";
import { parseHex } from "../x509/pem.ts";
import { type JsonObject, toArray, toCount, toObject, toText } from "./json.ts";

/** What every TCB level says beside what it demands. */
export type Level = {
  status: TcbStatus;
  /** RFC 3339, to the second. */
  date: string;
  advisoryIds: readonly string[];
};

/** A level of an enclave or TDX module: reached when ISVSVN is at least this. */
export type SvnLevel = Level & { isvSvn: number };

const PLATFORM_STATUSES: ReadonlySet<string> = new Set<TcbStatus>([
  "UpToDate",
  "SWHardeningNeeded",
  "ConfigurationNeeded",
  "ConfigurationAndSWHardeningNeeded",
  "OutOfDate",
  "OutOfDateConfigurationNeeded",
  "Revoked",
]);
/** Enclaves and modules have no configuration. */
const ENCLAVE_STATUSES: ReadonlySet<string> = new Set<TcbStatus>(["UpToDate", "OutOfDate", "Revoked"]);
const MOST_SVN = 0xffff;

/**
 * What a level of the TCB info, an enclave identity or a module identity says.
 *
 * @throws Malformed; TCB_STATUS_UNKNOWN for a status that is not known here
 */
export function readLevel(level: JsonObject, of: "platform" | "enclave"): Level {
  const status = toText(level.tcbStatus, "tcbStatus");
  if (!(of === "platform" ? PLATFORM_STATUSES : ENCLAVE_STATUSES).has(status)) {
    throw new BulwarkError(
      "TCB_STATUS_UNKNOWN",
      "A TCB level has a status that is not known here.",
      "update Bulwark; a status that it does not know is never good enough",
    );
  }
  const advisoryIds = level.advisoryIDs === undefined ? [] : toArray(level.advisoryIDs, "advisoryIDs");
  return {
    status: status as TcbStatus,
    date: readDate(level),
    advisoryIds: advisoryIds.map((id) => toText(id, "an advisory id")),
  };
}

/** Levels by ISVSVN, in the order of the document. At least one. */
export function readSvnLevels(value: unknown): readonly SvnLevel[] {
  return toLevels(value).map((level) => ({
    ...readLevel(level, "enclave"),
    isvSvn: toCount(toObject(level.tcb, "tcb").isvsvn, "isvsvn", MOST_SVN),
  }));
}

/** The objects of a `tcbLevels` list, which is never empty. */
export function toLevels(value: unknown): readonly JsonObject[] {
  const levels = toArray(value, "tcbLevels").map((level) => toObject(level, "a TCB level"));
  if (levels.length === 0) throw new Malformed("tcbLevels is empty");
  return levels;
}

/** The date of a level to the second. */
function readDate(level: JsonObject): string {
  const date = toText(level.tcbDate, "tcbDate");
  toMoment(date);
  return `${date.slice(0, "2026-01-01T00:00:00".length)}Z`;
}

export function readMoment(object: JsonObject, key: string): Instant {
  return toMoment(toText(object[key], key));
}

/** Hex of a fixed length in bytes. */
export function readBytes(object: JsonObject, key: string, length: number): Buffer {
  return parseHex(toText(object[key], key), length);
}
