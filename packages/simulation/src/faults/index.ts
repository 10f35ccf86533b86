// SPDX-License-Identifier: Apache-2.0
import { CHAIN_FAULTS } from "./chain.ts";
import { DOCUMENT_FAULTS } from "./documents.ts";
import type { Fault } from "./fault.ts";
import { PLATFORM_FAULTS } from "./platform.ts";
import { QUOTE_FAULTS } from "./quote.ts";
import { QUOTING_ENCLAVE_FAULTS } from "./quoting-enclave.ts";
import { REVOCATION_FAULTS } from "./revocation.ts";

export type { Fault, Step } from "./fault.ts";

/** Every fault by name, in the order of the steps. Evidence with one of them is right in all else. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  ...QUOTE_FAULTS,
  ...CHAIN_FAULTS,
  ...REVOCATION_FAULTS,
  ...DOCUMENT_FAULTS,
  ...QUOTING_ENCLAVE_FAULTS,
  ...PLATFORM_FAULTS,
};
