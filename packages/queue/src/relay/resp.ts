// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";

/** What a command is answered with, in the forms of RESP 2. */
export type Reply =
  | { kind: "simple"; text: string }
  | { kind: "error"; text: string }
  | { kind: "number"; value: number }
  | { kind: "bulk"; bytes: Uint8Array | string }
  | { kind: "list"; items: readonly Reply[] };

const MOST_WORDS = 1_024;
const MOST_BYTES = 64 * 2 ** 20;
const LONGEST_LINE = 32;
const LINE_END = "\r\n";

/**
 * Reads commands as clients send them: lists of bulk strings. Feed it bytes as they come; it gives the commands that are
 * complete. No word is looked at twice, however many pieces a command comes in.
 *
 * @see https://redis.io/docs/latest/develop/reference/protocol-spec/
 * @throws BulwarkError SERVING_REQUEST for what is no command, or a too large one
 */
export function createCommandReader(): (bytes: Buffer) => Buffer[][] {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  /** Below this many bytes there is no use in looking again. */
  let wanted = 0;
  /** Words that the command under way is to have, and those that are there. */
  let count: number | undefined;
  let words: Buffer[] = [];
  let wordBytes = 0;

  const readNext = (buffer: Buffer, at: number): Read | { wanted: number } =>
    count === undefined ? readCount(buffer, at, "*", MOST_WORDS) : readWord(buffer, at);

  /** Takes in what was read; gives the command that is whole with it. */
  const take = (read: Read): Buffer[] | undefined => {
    if ("word" in read) {
      words.push(read.word);
      wordBytes += read.word.length;
    } else {
      count = read.value;
    }
    if (words.length !== count) return undefined;
    const command = words;
    [count, words, wordBytes] = [undefined, [], 0];
    return command;
  };

  return (bytes) => {
    pending.push(bytes);
    pendingBytes += bytes.length;
    if (wordBytes + pendingBytes > MOST_BYTES) throw malformed("is too large");
    if (pendingBytes < wanted) return [];
    const buffer = pending.length === 1 ? bytes : Buffer.concat(pending, pendingBytes);
    const commands: Buffer[][] = [];
    let at = 0;
    let read = readNext(buffer, at);
    while (!("wanted" in read)) {
      at = read.end;
      const command = take(read);
      if (command !== undefined) commands.push(command);
      read = readNext(buffer, at);
    }
    wanted = read.wanted - at;
    pending = [buffer.subarray(at)];
    pendingBytes = buffer.length - at;
    return commands;
  };
}

/** The number of words in a command, or the next of them, and where it ends. */
type Read = ({ word: Buffer } | { value: number }) & { end: number };

/** A word that begins at an offset, or the length of buffer that it needs at least. */
function readWord(buffer: Buffer, from: number): { word: Buffer; end: number } | { wanted: number } {
  const length = readCount(buffer, from, "$", MOST_BYTES);
  if ("wanted" in length) return length;
  const end = length.end + length.value;
  const whole = end + LINE_END.length;
  if (buffer.length < whole) return { wanted: whole };
  if (buffer.toString("latin1", end, whole) !== LINE_END) throw malformed("has a word without an end");
  return { word: buffer.subarray(length.end, end), end: whole };
}

function readCount(
  buffer: Buffer,
  from: number,
  mark: string,
  most: number,
): { value: number; end: number } | { wanted: number } {
  const lineEnd = buffer.subarray(from, from + LONGEST_LINE).indexOf(LINE_END);
  if (lineEnd === -1) {
    if (buffer.length - from >= LONGEST_LINE || (buffer.length > from && buffer[from] !== mark.charCodeAt(0))) {
      throw malformed("does not begin as one");
    }
    return { wanted: buffer.length + 1 };
  }
  const line = buffer.toString("latin1", from, from + lineEnd);
  const value = Number(line.slice(1));
  if (line[0] !== mark || !/^\d{1,9}$/.test(line.slice(1)) || value > most) throw malformed("has a wrong length");
  return { value, end: from + lineEnd + LINE_END.length };
}

/** The bytes of a reply. */
export function writeReply(reply: Reply): Buffer {
  switch (reply.kind) {
    case "simple":
      return Buffer.from(`+${reply.text}${LINE_END}`);
    case "error":
      // A line break would end the reply early.
      return Buffer.from(`-${reply.text.replaceAll(/[\r\n]+/g, " ")}${LINE_END}`);
    case "number":
      return Buffer.from(`:${reply.value}${LINE_END}`);
    case "bulk": {
      const bytes = Buffer.from(reply.bytes as Uint8Array);
      return Buffer.concat([Buffer.from(`$${bytes.length}${LINE_END}`), bytes, Buffer.from(LINE_END)]);
    }
    case "list":
      return Buffer.concat([Buffer.from(`*${reply.items.length}${LINE_END}`), ...reply.items.map(writeReply)]);
  }
}

const malformed = (what: string): BulwarkError =>
  new BulwarkError(
    "SERVING_REQUEST",
    `What a client of the relay sent ${what}.`,
    "use a client that speaks Redis's protocol",
  );
