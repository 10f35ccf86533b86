// SPDX-License-Identifier: Apache-2.0
import { type Fault, flip, strangerSigns, write } from "./fault.ts";

/** Faults of the quoting enclave (step G). */
export const QUOTING_ENCLAVE_FAULTS: Readonly<Record<string, Fault>> = {
  "qe-report-signature": {
    step: "G",
    code: "QE_REPORT_SIGNATURE_INVALID",
    about: "another key signed the report of the quoting enclave",
    adjust: strangerSigns("qeReport"),
  },
  "qe-key-unbound": {
    step: "G",
    code: "QE_KEY_UNBOUND",
    about: "the report vouches for another attestation key",
    adjust: { qeReport: (report) => flip(report, 320) },
  },
  "qe-key-tail": {
    step: "G",
    code: "QE_KEY_UNBOUND",
    about: "the second half of its report data is not zero",
    adjust: { qeReport: (report) => write(report, 383, 1) },
  },
  "qe-miscselect": {
    step: "G",
    code: "QE_MISCSELECT_WRONG",
    about: "another MISCSELECT",
    adjust: { qeReport: (report) => write(report, 16, 1) },
  },
  "qe-attributes": {
    step: "G",
    code: "QE_ATTRIBUTES_WRONG",
    about: "without the provisioning key",
    adjust: { qeReport: (report) => write(report, 48, 0x01) },
  },
  "qe-signer": {
    step: "G",
    code: "QE_SIGNER_WRONG",
    about: "signed by another vendor",
    adjust: { qeReport: (report) => flip(report, 128) },
  },
  "qe-product": {
    step: "G",
    code: "QE_PRODUCT_WRONG",
    about: "another product of its vendor",
    adjust: { qeReport: (report) => write(report, 256, 7) },
  },
  "qe-debug": {
    step: "G",
    code: "QE_DEBUG",
    about: "it runs in debug mode",
    adjust: { qeReport: (report) => write(report, 48, 0x13) },
  },
  "qe-too-old": {
    step: "G",
    code: "QE_LEVEL_UNKNOWN",
    about: "older than every level of its identity",
    adjust: { qeReport: (report) => write(report, 258, 0, 0) },
  },
};
