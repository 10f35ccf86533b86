// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, ERRORS, type ErrorCode } from "@bulwark/contracts/errors";
import { isDatatype, type TensorInfo } from "@bulwark/tensors";
import { type Catalog, type Described, VERSION_STATES, type VersionStatus } from "./engine.ts";
import { isRecord, isStream, isText } from "./read-settings.ts";

/** One version of a model as an engine elsewhere tells of it; `described` where that engine could load it. */
export type AnnouncedVersion = VersionStatus & { readonly described?: Described };

/** Which orders of gateways an engine has carried out: all up to one, and which of the last failed. */
export type CarriedOut = {
  readonly upTo: string;
  readonly failures: readonly (Failure & { readonly order: string })[];
};
type Failure = { readonly code: ErrorCode; readonly message: string; readonly mend: string };

/** A key that opens records: its name, its version, and what tells it from another one of these (docs/adr/0030). */
export type AnnouncedKey = { readonly id: string; readonly version: number; readonly check: string };

/** What an engine says of itself; without `carriedOut` it takes no orders, without `recordKeys` it says nothing of them. */
export type Announcement = {
  readonly versions: readonly AnnouncedVersion[];
  readonly carriedOut?: CarriedOut | undefined;
  readonly recordKeys?: readonly AnnouncedKey[] | undefined;
};

/** What one engine may say of itself. */
export const LONGEST_ANNOUNCEMENT_BYTES = 2 ** 18;
const FORMAT = 1;

/**
 * What an engine serves, as JSON for those that send it requests without having its models. Throws ANNOUNCEMENT_TOO_LARGE.
 */
export function writeAnnouncement(
  catalog: Pick<Catalog, "list" | "describe">,
  { carriedOut, recordKeys }: Omit<Announcement, "versions"> = {},
): string {
  const versions = catalog.list().map((status) => {
    const { model, version, state } = status;
    return state === "READY" ? { ...status, ...catalog.describe(model, version), version } : status;
  });
  const text = JSON.stringify({ format: FORMAT, versions, carriedOut, recordKeys });
  const bytes = Buffer.byteLength(text);
  if (bytes <= LONGEST_ANNOUNCEMENT_BYTES) return text;
  const message = `What the engine serves takes ${bytes} bytes to say; ${LONGEST_ANNOUNCEMENT_BYTES} are the most`;
  throw new BulwarkError("ANNOUNCEMENT_TOO_LARGE", message, "serve fewer models or versions with one engine");
}

/** Reads what `writeAnnouncement`, or Flink's engine, wrote. Throws ANNOUNCEMENT_MALFORMED for anything else. */
export function readAnnouncement(bytes: Buffer): Announcement {
  if (bytes.byteLength > LONGEST_ANNOUNCEMENT_BYTES) throw malformed("it is too large");
  const content = parse(bytes);
  if (!isRecord(content) || content.format !== FORMAT) throw malformed("its format is another one");
  if (!Array.isArray(content.versions)) throw malformed("it has no versions");
  const { carriedOut, recordKeys } = content;
  return {
    versions: content.versions.map(readVersion),
    ...(carriedOut === undefined ? {} : { carriedOut: readCarriedOut(carriedOut) }),
    ...(recordKeys === undefined ? {} : { recordKeys: readKeys(recordKeys) }),
  };
}

/** Any id that Redis can give: whoever may add an order may choose its id. */
const ORDER = /^\d{1,20}-\d{1,20}$/;
const isOrder = (value: unknown): value is string => isText(value) && ORDER.test(value);

function readCarriedOut(given: unknown): CarriedOut {
  if (!isRecord(given) || !isOrder(given.upTo)) throw malformed("it does not say which orders were carried out");
  if (!Array.isArray(given.failures)) throw malformed("it does not say which orders failed");
  const failures = given.failures.map((failure: unknown) => {
    if (!isRecord(failure) || !isOrder(failure.order)) throw malformed("a failure is of no order");
    const { order, code, message, mend } = failure;
    if (!isText(code) || !isText(message) || !isText(mend)) throw malformed("a failure says nothing");
    return { order, code: Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : "BUG", message, mend };
  });
  return { upTo: given.upTo, failures };
}

function readKeys(given: unknown): AnnouncedKey[] {
  if (!Array.isArray(given)) throw malformed("its keys are no list");
  return given.map((key) => {
    if (!isRecord(key)) throw malformed("a key is no object");
    const { id, version, check } = key;
    if (!isText(id) || !isText(check)) throw malformed("a key has no name, or nothing to tell it by");
    if (!Number.isSafeInteger(version)) throw malformed("a key has no version");
    return { id, version: Number(version), check };
  });
}

function readVersion(given: unknown): AnnouncedVersion {
  if (!isRecord(given)) throw malformed("a version is no object");
  const { model, version, state, reason, labels = [] } = given;
  if (!isText(model) || model === "") throw malformed("a model has no name");
  if (!isText(version) || !/^\d{1,18}$/.test(version)) throw malformed("a version is no number");
  const known = VERSION_STATES.find((one) => one === state);
  if (known === undefined) throw malformed("a state is not known");
  if (!Array.isArray(labels) || !labels.every(isText)) throw malformed("labels are no texts");
  if (reason !== undefined && !isText(reason)) throw malformed("a reason is no text");
  const status = { model, version, state: known, labels, ...(reason === undefined ? {} : { reason }) };
  return known === "READY" ? { ...status, described: readDescribed(version, given) } : status;
}

function readDescribed(version: string, { inputs, outputs, maxRows, stream }: Record<string, unknown>): Described {
  const isShared = Number.isSafeInteger(maxRows) && Number(maxRows) > 1;
  if (maxRows !== undefined && !isShared) throw malformed("the rows of a run are no number");
  const isStreaming = isStream(stream);
  if (stream !== undefined && !isStreaming) throw malformed("the settings of a stream are none");
  return {
    version,
    inputs: readInfos(inputs),
    outputs: readInfos(outputs),
    ...(isShared ? { maxRows: Number(maxRows) } : {}),
    ...(isStreaming ? { stream } : {}),
  };
}

function readInfos(given: unknown): TensorInfo[] {
  if (!Array.isArray(given)) throw malformed("inputs or outputs are missing");
  return given.map((info) => {
    if (!isRecord(info)) throw malformed("an input or output is no object");
    const { name, datatype, shape } = info;
    if (!isText(name)) throw malformed("an input or output has no name");
    if (!isText(datatype) || !isDatatype(datatype)) throw malformed("a datatype does not exist");
    if (!Array.isArray(shape) || !shape.every(isSize)) throw malformed("a shape is no list of sizes");
    return { name, datatype, shape };
  });
}

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= -1;

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (cause) {
    throw malformed("it is no JSON", cause);
  }
}

const malformed = (why: string, cause?: unknown): BulwarkError =>
  new BulwarkError(
    "ANNOUNCEMENT_MALFORMED",
    `An engine's announcement cannot be read: ${why}`,
    "look who else may write to Redis, or update the engine",
    {
      cause,
    },
  );
