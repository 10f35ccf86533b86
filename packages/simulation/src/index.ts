// SPDX-License-Identifier: Apache-2.0
export { FAULTS, type Fault, type Step } from "./faults/index.ts";
export { createRoot, exportRoot, importRoot, type Root, toFingerprint } from "./installation.ts";
export { adviseRelaunch, makePlatform, makeWish, type SimulatedIntel, simulateIntel } from "./intel.ts";
export { VENDOR_ID } from "./marks.ts";
export { createServerIdentity } from "./server-identity.ts";
export {
  createSnpIntermediate,
  makeSnpWish,
  type SimulatedSnp,
  type SnpCollateral,
  type SnpIntermediate,
  type SnpWish,
  simulateSnp,
} from "./snp.ts";
export type { Adjust, Collateral, IntelWish, TcbStatus } from "./wish.ts";
