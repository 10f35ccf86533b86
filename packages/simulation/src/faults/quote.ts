// SPDX-License-Identifier: Apache-2.0
import { type Fault, flip, strangerSigns, tdx, v5, write } from "./fault.ts";

const INTEL_VENDOR_ID = [...Buffer.from("939a7233f79c4ca9940a0db3957f0607", "hex")];
const SIGNATURE_DATA_LENGTH_V3 = 432;
const CERTIFICATION_TYPE_V3 = SIGNATURE_DATA_LENGTH_V3 + 4 + 64 + 64 + 384 + 64 + 2 + 32;
const OUTER_TYPE_V4 = 48 + 584 + 4 + 64 + 64;

/** Faults of the quote itself, and its signature (steps B and H). */
export const QUOTE_FAULTS: Readonly<Record<string, Fault>> = {
  // B
  "quote-cut-off": {
    step: "B",
    code: "QUOTE_MALFORMED",
    about: "the last byte is missing",
    adjust: { evidence: (quote) => quote.subarray(0, -1) },
  },
  "quote-empty-signature": {
    step: "B",
    code: "QUOTE_MALFORMED",
    about: "the signature data has no length",
    adjust: { evidence: (quote) => write(quote, SIGNATURE_DATA_LENGTH_V3, 0, 0, 0, 0) },
  },
  "quote-huge-signature": {
    step: "B",
    code: "QUOTE_MALFORMED",
    about: "the signature data claims 4 GiB",
    adjust: { evidence: (quote) => write(quote, SIGNATURE_DATA_LENGTH_V3, 255, 255, 255, 255) },
  },
  "quote-version": {
    step: "B",
    code: "QUOTE_VERSION_UNKNOWN",
    about: "version 6",
    adjust: { signedPart: (bytes) => write(bytes, 0, 6, 0) },
  },
  "quote-key-type": {
    step: "B",
    code: "QUOTE_KEY_TYPE_UNKNOWN",
    about: "a P-384 attestation key",
    adjust: { signedPart: (bytes) => write(bytes, 2, 3, 0) },
  },
  "quote-tee-type": {
    step: "B",
    code: "QUOTE_TEE_UNKNOWN",
    about: "TEE type 7",
    adjust: { signedPart: (bytes) => write(bytes, 4, 7) },
  },
  "quote-tdx-in-version-3": {
    step: "B",
    code: "QUOTE_TEE_UNKNOWN",
    about: "version 3 does not carry TDX",
    adjust: { signedPart: (bytes) => write(bytes, 4, 0x81) },
  },
  "quote-sgx-in-version-4": {
    step: "B",
    code: "QUOTE_TEE_UNKNOWN",
    about: "version 4 does not carry SGX",
    version: 4,
  },
  "quote-vendor-intel": {
    step: "B",
    code: "QUOTE_VENDOR_UNKNOWN",
    about: "simulated evidence with Intel's vendor id",
    adjust: { signedPart: (bytes) => write(bytes, 12, ...INTEL_VENDOR_ID) },
  },
  "quote-vendor-other": {
    step: "B",
    code: "QUOTE_VENDOR_UNKNOWN",
    about: "a vendor that nobody knows",
    adjust: { signedPart: (bytes) => write(bytes, 12, 0xde, 0xad) },
  },
  "quote-body-type": {
    step: "B",
    code: "QUOTE_BODY_UNKNOWN",
    about: "body type 9 in version 5",
    ...v5,
    adjust: { signedPart: (bytes) => write(bytes, 48, 9, 0) },
  },
  "quote-body-of-other-tee": {
    step: "B",
    code: "QUOTE_BODY_UNKNOWN",
    about: "an SGX body in a TDX quote of version 5",
    ...v5,
    adjust: { signedPart: (bytes) => write(bytes, 48, 1, 0) },
  },
  "quote-body-size": {
    step: "B",
    code: "QUOTE_BODY_UNKNOWN",
    about: "a body of another size than its type",
    ...v5,
    adjust: { signedPart: (bytes) => write(bytes, 50, 1, 0, 0, 0) },
  },
  "quote-certification-type": {
    step: "B",
    code: "QUOTE_CERTIFICATION_UNKNOWN",
    about: "certification data of type 9",
    adjust: { evidence: (quote) => write(quote, CERTIFICATION_TYPE_V3, 9, 0) },
  },
  "quote-outer-type": {
    step: "B",
    code: "QUOTE_CERTIFICATION_UNKNOWN",
    about: "version 4 without its outer certification data",
    ...tdx,
    adjust: { evidence: (quote) => write(quote, OUTER_TYPE_V4, 5, 0) },
  },
  // H
  "quote-signature": {
    step: "H",
    code: "QUOTE_SIGNATURE_INVALID",
    about: "another key signed the quote",
    adjust: strangerSigns("quote"),
  },
  "quote-changed": {
    step: "H",
    code: "QUOTE_SIGNATURE_INVALID",
    about: "one bit of MRENCLAVE is turned over",
    adjust: { evidence: (quote) => flip(quote, 48 + 64) },
  },
  "quote-header-changed": {
    step: "H",
    code: "QUOTE_SIGNATURE_INVALID",
    about: "one bit of the user data in the header is turned over",
    ...v5,
    adjust: { evidence: (quote) => flip(quote, 40) },
  },
};
