// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, ERRORS, type ErrorCode } from "@bulwark/contracts/errors";
import type { Tensor } from "@bulwark/tensors";
import { openReader, type Reader } from "./reader.ts";
import { readTensor, writeTensor } from "./tensor-frame.ts";
import { createWriter, type Writer } from "./writer.ts";

/** What a sealed request holds: tensors from a gateway, or a record of an older client just as that client wrote it. */
export type RequestContent =
  | { kind: "tensors"; version?: string; outputs?: readonly string[]; inputs: readonly Tensor[] }
  | { kind: "older"; serde?: string; data: Buffer };

/** What a sealed result holds. */
export type ResultContent =
  | { kind: "tensors"; model: string; version: string; outputs: readonly Tensor[] }
  | { kind: "older"; value: Buffer }
  | { kind: "failure"; code: ErrorCode; message: string; mend: string };

const KINDS = ["tensors", "older", "failure"] as const;

export function encodeRequest(content: RequestContent): Buffer {
  const writer = createWriter();
  writer.u8(KINDS.indexOf(content.kind));
  if (content.kind === "older") {
    writer.text(content.serde ?? "");
    writer.bytes(content.data);
  } else {
    writer.text(content.version ?? "");
    writeList(writer, content.outputs ?? [], writer.text);
    writeList(writer, content.inputs, (tensor) => writeTensor(writer, tensor));
  }
  return writer.end();
}

/** Throws RECORD_MALFORMED. */
export function decodeRequest(bytes: Buffer): RequestContent {
  const reader = openReader(bytes);
  const kind = KINDS[reader.u8()];
  if (kind === "older") {
    const serde = reader.text();
    return { kind, ...(serde === "" ? {} : { serde }), data: finish(reader, reader.bytes()) };
  }
  if (kind !== "tensors") throw malformed();
  const version = reader.text();
  const outputs = readList(reader, reader.text);
  const inputs = finish(
    reader,
    readList(reader, () => readTensor(reader)),
  );
  return { kind, ...(version === "" ? {} : { version }), ...(outputs.length === 0 ? {} : { outputs }), inputs };
}

export function encodeResult(content: ResultContent): Buffer {
  const writer = createWriter();
  writer.u8(KINDS.indexOf(content.kind));
  switch (content.kind) {
    case "older":
      writer.bytes(content.value);
      break;
    case "failure":
      for (const text of [content.code, content.message, content.mend]) writer.text(text);
      break;
    case "tensors":
      writer.text(content.model);
      writer.text(content.version);
      writeList(writer, content.outputs, (tensor) => writeTensor(writer, tensor));
      break;
  }
  return writer.end();
}

/** Throws RECORD_MALFORMED. */
export function decodeResult(bytes: Buffer): ResultContent {
  const reader = openReader(bytes);
  const kind = KINDS[reader.u8()];
  switch (kind) {
    case "older":
      return { kind, value: finish(reader, reader.bytes()) };
    case "failure": {
      const [code, message, mend] = [reader.text(), reader.text(), reader.text()];
      return finish(reader, { kind, code: toCode(code), message, mend });
    }
    case "tensors": {
      const [model, version] = [reader.text(), reader.text()];
      return {
        kind,
        model,
        version,
        outputs: finish(
          reader,
          readList(reader, () => readTensor(reader)),
        ),
      };
    }
    default:
      throw malformed();
  }
}

const toCode = (text: string): ErrorCode => (Object.hasOwn(ERRORS, text) ? (text as ErrorCode) : "BUG");

function writeList<Item>(writer: Writer, items: readonly Item[], write: (item: Item) => void): void {
  writer.u32(items.length);
  for (const item of items) write(item);
}

function readList<Item>(reader: Reader, read: () => Item): Item[] {
  const count = reader.u32();
  const items: Item[] = [];
  // Each item takes a byte at least: a count that lies runs out of bytes, not of memory.
  for (let index = 0; index < count; index++) items.push(read());
  return items;
}

function finish<Value>(reader: Reader, value: Value): Value {
  reader.end();
  return value;
}

const malformed = (): BulwarkError =>
  new BulwarkError(
    "RECORD_MALFORMED",
    "The content of a record is of an unknown kind.",
    "update the engine first, then the gateway",
  );
