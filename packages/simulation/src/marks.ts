// SPDX-License-Identifier: Apache-2.0
// How simulated evidence is told from real evidence at first sight, beside the root that signed it.
import { createHash } from "node:crypto";

/** QE vendor id of simulated quotes, in place of Intel's. */
export const VENDOR_ID = Buffer.from("bulwark-simulate");

/** MRSIGNER of the simulated quoting enclaves. */
export const QE_SIGNER = createHash("sha256").update("Bulwark simulated quoting enclave").digest();

/** Product ids of the quoting enclaves of SGX and TDX, as Intel numbers them. */
export const QE_PROD_ID = { sgx: 1, tdx: 2 } as const;

/** SGX attribute flags INIT and MODE64, and DEBUG, which every simulated enclave and domain carries. */
export const SGX_FLAGS = 0x5n;
export const DEBUG_SGX = 0x2n;
export const DEBUG_TD = 0x1n;
