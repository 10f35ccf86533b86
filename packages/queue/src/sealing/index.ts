// SPDX-License-Identifier: Apache-2.0
// What a client needs to seal its own requests; nothing of Redis comes with it.
export { DEFAULT_JOB, writeKeptUri } from "../names.ts";
export { readBareFailure } from "./bare-failure.ts";
export { decodeResult, encodeRequest, type ResultContent } from "./content.ts";
export { createRandom, type DataKey, makeDataKey, seal, unseal } from "./envelope.ts";
export { type RecordKeys, toRecordKeys } from "./record-keys.ts";
