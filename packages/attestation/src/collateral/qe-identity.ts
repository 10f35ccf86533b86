// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import { Malformed } from "../malformed.ts";
import type { Window } from "../window.ts";
import { parseJsonObject, toCount, toText } from "./json.ts";
import { readBytes, readMoment, readSvnLevels, type SvnLevel } from "./level.ts";

/** Intel's identity of a quoting enclave (PCS API v4, "Get Quoting Enclave Identity", version 2). */
export type QeIdentity = {
  id: "QE" | "TD_QE";
  window: Window;
  miscselect: Buffer;
  miscselectMask: Buffer;
  attributes: Buffer;
  attributesMask: Buffer;
  mrsigner: Buffer;
  isvProdId: number;
  evaluationDataNumber: number;
  levels: readonly SvnLevel[];
};

const VERSION = 2;
const WORD = 0xffff;
const MOST_EVALUATION_NUMBER = 0xffff_ffff;

/**
 * Reads the text of a QE identity.
 *
 * @throws Malformed, QE_IDENTITY_VERSION_UNKNOWN, TCB_STATUS_UNKNOWN
 */
export function readQeIdentity(text: string): QeIdentity {
  const identity = parseJsonObject(text);
  const version = toCount(identity.version, "version", WORD);
  if (version !== VERSION) {
    throw new BulwarkError(
      "QE_IDENTITY_VERSION_UNKNOWN",
      `The QE identity has version ${version}; ${VERSION} is known.`,
      "fetch it again: bulwark attest collateral fetch",
    );
  }
  const id = toText(identity.id, "id");
  if (id !== "QE" && id !== "TD_QE") throw new Malformed("id is neither QE nor TD_QE");
  return {
    id,
    window: { from: readMoment(identity, "issueDate"), to: readMoment(identity, "nextUpdate") },
    miscselect: readBytes(identity, "miscselect", 4),
    miscselectMask: readBytes(identity, "miscselectMask", 4),
    attributes: readBytes(identity, "attributes", 16),
    attributesMask: readBytes(identity, "attributesMask", 16),
    mrsigner: readBytes(identity, "mrsigner", 32),
    isvProdId: toCount(identity.isvprodid, "isvprodid", WORD),
    evaluationDataNumber: toCount(identity.tcbEvaluationDataNumber, "tcbEvaluationDataNumber", MOST_EVALUATION_NUMBER),
    levels: readSvnLevels(identity.tcbLevels),
  };
}
