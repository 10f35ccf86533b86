// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { type Names, TICKET_MARK } from "../names.ts";
import type { RedisFacts } from "../redis/check.ts";
import type { Intake } from "../redis/intake.ts";
import { readBareFailure, SEALED } from "../sealing/bare-failure.ts";
import { decodeResult, encodeRequest } from "../sealing/content.ts";
import { type FillRandom, isSealed, makeDataKey, type Place, readDataKey, seal, unseal } from "../sealing/envelope.ts";
import type { RecordKeys } from "../sealing/record-keys.ts";
import type { Reply } from "./resp.ts";

/** What the relay works with. */
export type RelayParts = {
  intake: Intake;
  names: Names;
  keys: RecordKeys;
  facts: () => Promise<RedisFacts>;
  /** The model that answers; the engine's own choice when empty. */
  model: string;
  /** How long a record may wait for its result; older clients name no limit. */
  budgetMs: number;
  /** How long a client is kept waiting when the queue is full: one that is told so drops its record. */
  patienceMs: number;
  now: () => number;
  pause: (ms: number) => Promise<void>;
  fillRandom: FillRandom;
};

type Handle = (words: readonly Buffer[], parts: RelayParts) => Promise<Reply>;

const OK: Reply = { kind: "simple", text: "OK" };
const PAUSE_MS = 50;
/** The value that older clients know as a failure. */
const FAILED = "NaN";

/** The commands of the older client, and what others send when they connect. */
const COMMANDS: Readonly<Record<string, Handle>> = {
  PING: async () => ({ kind: "simple", text: "PONG" }),
  SELECT: async ([, database]) => (String(database) === "0" ? OK : fail("ERR there is one database")),
  QUIT: async () => OK,
  INFO: async (_words, { facts }) => ({ kind: "bulk", bytes: renderInfo(await facts()) }),
  XGROUP: async ([, action]) =>
    String(action).toUpperCase() === "CREATE"
      ? fail("BUSYGROUP Consumer Group name already exists")
      : fail("NOPERM the relay creates no groups"),
  XADD: addRecord,
  KEYS: async ([, pattern], parts) => {
    if (String(pattern) !== parts.names.result("*")) return fail("NOPERM the relay lists results alone");
    const uris = (await parts.intake.listResults()).filter((uri) => !uri.startsWith(TICKET_MARK));
    return { kind: "list", items: uris.map((uri) => ({ kind: "bulk", bytes: parts.names.result(uri) })) };
  },
  HGETALL: async ([, key], parts) => {
    const value = await readResult(toUri(key, parts), parts);
    const items: Reply[] =
      value === undefined
        ? []
        : [
            { kind: "bulk", bytes: "value" },
            { kind: "bulk", bytes: value },
          ];
    return { kind: "list", items };
  },
  DEL: async (words, parts) => {
    const uris = words.slice(1).map((key) => toUri(key, parts));
    for (const uri of uris) await parts.intake.removeResult(uri);
    return { kind: "number", value: uris.length };
  },
};

/** Carries out one command. Errors become replies in Redis's words, which older clients look at. */
export async function answerCommand(words: readonly Buffer[], parts: RelayParts): Promise<Reply> {
  const name = String(words[0] ?? "").toUpperCase();
  const handle = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (handle === undefined)
    return fail(`ERR unknown command '${name.slice(0, 40)}': the relay takes records and gives results`);
  try {
    return await handle(words, parts);
  } catch (error) {
    if (!(error instanceof BulwarkError)) throw error;
    return fail(`${error.code === "QUEUE_FULL" ? "OOM" : "ERR"} ${error.code} ${error.message}`);
  }
}

/** `XADD stream * field value ...` */
async function addRecord([, stream, id, ...flat]: readonly Buffer[], parts: RelayParts): Promise<Reply> {
  const { names, model, keys, fillRandom, budgetMs } = parts;
  if (String(stream) !== names.job) return fail(`NOPERM the stream is called ${names.job}`);
  if (String(id) !== "*" || flat.length % 2 === 1) return fail("ERR the relay takes XADD with * and fields");
  const fields = new Map(Array.from({ length: flat.length / 2 }, (_, at) => [String(flat[2 * at]), flat[2 * at + 1]]));
  const [uri, data, serde] = [String(fields.get("uri") ?? ""), fields.get("data"), fields.get("serde")];
  if (data === undefined) return fail("ERR a record has the fields uri and data");
  const place: Place = { stream: names.job, uri, model };
  const content = encodeRequest({ kind: "older", data, ...(serde === undefined ? {} : { serde: String(serde) }) });
  const sealed = seal(makeDataKey(keys, place, fillRandom), content, ["request", place], fillRandom);
  const submission = { uri, model, budgetMs, priority: "normal", serde: SEALED, data: sealed, keep: true } as const;
  const limit = parts.now() + parts.patienceMs;
  for (;;) {
    try {
      return { kind: "bulk", bytes: (await parts.intake.admit(submission)).id };
    } catch (error) {
      const isFull = error instanceof BulwarkError && error.code === "QUEUE_FULL";
      if (!isFull || parts.now() >= limit) throw error;
      await parts.pause(PAUSE_MS);
    }
  }
}

/** The text of a result. One that does not open is a failure for its client, as any other. */
async function readResult(
  uri: string,
  { intake, names, model, keys }: RelayParts,
): Promise<Uint8Array | string | undefined> {
  const value = await intake.readResult(uri);
  if (value === undefined || !isSealed(value)) return value === undefined || isText(value) ? value : FAILED;
  const place: Place = { stream: names.job, uri, model };
  try {
    const result = decodeResult(unseal(readDataKey(keys, value, place), value, ["result", place]));
    return result.kind === "older" ? result.value : FAILED;
  } catch {
    return FAILED;
  }
}

/** Results that an engine wrote for a client without a relay are text; a bare failure is not for older clients. */
const isText = (value: Buffer): boolean => readBareFailure(value) === undefined;

function toUri(key: Buffer | undefined, { names }: RelayParts): string {
  const prefix = names.result("");
  const text = String(key ?? "");
  if (text.startsWith(prefix) && !text.startsWith(prefix + TICKET_MARK)) return text.slice(prefix.length);
  throw new BulwarkError("QUEUE_REFUSED", "The relay gives results alone.", `use keys that begin with ${prefix}`);
}

/** What older clients look at before they write. */
function renderInfo({ program, usedBytes, mostBytes, evictionPolicy }: RedisFacts): string {
  return [
    "# Server",
    `redis_version:${program.split(" ")[1]}`,
    "# Memory",
    `used_memory:${usedBytes}`,
    `maxmemory:${mostBytes}`,
    `maxmemory_policy:${evictionPolicy}`,
    "",
  ].join("\r\n");
}

const fail = (text: string): Reply => ({ kind: "error", text });
