// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import {
  type DataKey,
  decodeResult,
  encodeRequest,
  type FillRandom,
  makeDataKey,
  type Place,
  type RecordKeys,
  type RequestContent,
  type ResultContent,
  readBareFailure,
  readDataKey,
  seal,
  unseal,
} from "@bulwark/queue";

/** Seals a request under a key of its own, which also opens the result. */
export function sealRequest(
  content: RequestContent,
  { keys, place, fillRandom }: { keys: RecordKeys; place: Place; fillRandom: FillRandom },
): { data: Buffer; dataKey: DataKey } {
  const dataKey = makeDataKey(keys, place, fillRandom);
  return { data: seal(dataKey, encodeRequest(content), ["request", place], fillRandom), dataKey };
}

/**
 * Opens a result with the key of its request, or with the master keys where that key is not at hand any more. A bare
 * failure says that the engine could not open the record.
 *
 * @throws BulwarkError RECORD_TAMPERED, RECORD_KEY_UNKNOWN, RECORD_MALFORMED, and the code of a bare failure
 */
export function openValue(
  value: Buffer,
  { place, ...key }: { place: Place } & ({ dataKey: DataKey } | { keys: RecordKeys }),
): ResultContent {
  const code = readBareFailure(value);
  if (code !== undefined) {
    throw new BulwarkError(code, "The engine could not open the record.", "bulwark serving status serving");
  }
  const dataKey = "dataKey" in key ? key.dataKey : readDataKey(key.keys, value, place);
  return decodeResult(unseal(dataKey, value, ["result", place]));
}
