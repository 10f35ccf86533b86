// SPDX-License-Identifier: Apache-2.0

/** Numbers from 0 up to but not including a limit; the same seed gives the same numbers (xorshift32). */
export type Dice = (limit: number) => number;

export function makeDice(seed: number): Dice {
  let state = seed | 0 || 1;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

/** Numbers at which lengths and counts go wrong. */
const EDGES = [0, 1, 2, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0xffff_ffff];
const TOKENS = [
  "{",
  "}",
  "[",
  "]",
  '"',
  ",",
  ":",
  "null",
  "-1",
  "1e9",
  '"\\u0000"',
  "-----BEGIN",
  "\0",
  "9".repeat(30),
];
const LONGEST_PIECE = 64;
const LARGEST_INPUT = 65_536;
const MOST_STEPS = 6;

type Step = (bytes: Buffer, dice: Dice, other: Buffer) => Buffer;

const place = (bytes: Buffer, dice: Dice): number => dice(bytes.length + 1);

const splice = (bytes: Buffer, at: number, remove: number, piece: Buffer): Buffer =>
  Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at + remove)]);

function writeEdge(bytes: Buffer, dice: Dice, width: 1 | 2 | 4, isLittle: boolean): Buffer {
  if (bytes.length < width) return bytes;
  const [at, edge] = [dice(bytes.length - width + 1), EDGES[dice(EDGES.length)] ?? 0];
  const value = edge % 2 ** (8 * width);
  if (isLittle) bytes.writeUIntLE(value, at, width);
  else bytes.writeUIntBE(value, at, width);
  return bytes;
}

const STEPS: readonly Step[] = [
  (bytes, dice) => {
    if (bytes.length > 0) {
      const at = dice(bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << dice(8));
    }
    return bytes;
  },
  (bytes, dice) => writeEdge(bytes, dice, 1, true),
  (bytes, dice) => writeEdge(bytes, dice, 2, dice(2) === 0),
  (bytes, dice) => writeEdge(bytes, dice, 4, dice(2) === 0),
  (bytes, dice) => bytes.subarray(0, place(bytes, dice)),
  (bytes, dice) => splice(bytes, place(bytes, dice), dice(LONGEST_PIECE), Buffer.alloc(0)),
  (bytes, dice) => splice(bytes, place(bytes, dice), 0, Buffer.alloc(dice(LONGEST_PIECE), dice(256))),
  (bytes, dice) => {
    const from = place(bytes, dice);
    return splice(bytes, place(bytes, dice), 0, Buffer.from(bytes.subarray(from, from + dice(LONGEST_PIECE * 8))));
  },
  (bytes, dice, other) =>
    splice(bytes, place(bytes, dice), dice(LONGEST_PIECE), Buffer.from(other.subarray(dice(other.length + 1)))),
  (bytes, dice) => splice(bytes, place(bytes, dice), dice(8), Buffer.from(TOKENS[dice(TOKENS.length)] ?? "")),
];

/** A changed copy of an input: one to six steps, each a flip, an edge value, a cut, a piece put in or taken over. */
export function mutate(input: Buffer, other: Buffer, dice: Dice): Buffer {
  let bytes: Buffer = Buffer.from(input);
  for (let steps = 1 + dice(MOST_STEPS); steps > 0; steps--) {
    bytes = STEPS[dice(STEPS.length)]?.(bytes, dice, other) ?? bytes;
  }
  return bytes.length > LARGEST_INPUT ? Buffer.from(bytes.subarray(0, LARGEST_INPUT)) : bytes;
}
