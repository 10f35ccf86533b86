// SPDX-License-Identifier: Apache-2.0
export { coalesce } from "./coalesce.ts";
export {
  checkUri,
  DEFAULT_JOB,
  GROUP,
  type Names,
  nameKeys,
  PRIORITIES,
  type Priority,
  readKeptModel,
  TICKET_MARK,
  writeKeptUri,
} from "./names.ts";
export { createPending, type Pending } from "./pending.ts";
export {
  type Answer,
  type Delivery,
  nameOf,
  type Outcome,
  type Receipt,
  type RunShare,
  type Submission,
} from "./record.ts";
export { readAnnouncements } from "./redis/announcements.ts";
export { type Answers, listenForAnswers } from "./redis/answers.ts";
export { checkRedis, type RedisFacts, readFacts } from "./redis/check.ts";
export { checkRights } from "./redis/check-rights.ts";
export { type DeadLetter, dropDeadLetters, listDeadLetters, reviveDeadLetters } from "./redis/dead-letters.ts";
export { countDropped, ENGINE_SILENCE_MS, inspectQueue, listEngines, type QueueState } from "./redis/inspect.ts";
export { createIntake, type Intake, type IntakeLimits } from "./redis/intake.ts";
export { createLink, type Link } from "./redis/link.ts";
export { type RedisAddress, toRedisOptions } from "./redis/options.ts";
export { isReached, type Order, type Orders, type OrderVerb, openOrders } from "./redis/orders.ts";
export { createWork, type Work, type WorkSettings } from "./redis/work.ts";
export type { RelayParts } from "./relay/commands.ts";
export { serveRelayClient } from "./relay/session.ts";
export { encodeBareFailure, readBareFailure, SEALED } from "./sealing/bare-failure.ts";
export {
  decodeRequest,
  decodeResult,
  encodeRequest,
  encodeResult,
  type RequestContent,
  type ResultContent,
} from "./sealing/content.ts";
export {
  createRandom,
  type DataKey,
  type FillRandom,
  isSealed,
  makeDataKey,
  type Place,
  readDataKey,
  seal,
  unseal,
} from "./sealing/envelope.ts";
export { findKeyMismatches, fingerprintKeys, type KeyFingerprint } from "./sealing/fingerprint.ts";
export { type RecordKeys, toRecordKeys } from "./sealing/record-keys.ts";
export { type RedisServerSettings, renderRedisConfiguration } from "./server/configuration.ts";
export { type RedisConnectionSettings, readRedisAddress } from "./server/connection-files.ts";
export { REDIS_USERS, type RedisUser, renderRights, renderUsers } from "./server/users.ts";
