// SPDX-License-Identifier: Apache-2.0

/** How good a TCB level is (Intel PCS API v4, TCB info and enclave identity). */
export type TcbStatus =
  | "UpToDate"
  | "SWHardeningNeeded"
  | "ConfigurationNeeded"
  | "ConfigurationAndSWHardeningNeeded"
  | "OutOfDate"
  | "OutOfDateConfigurationNeeded"
  | "Revoked";

/** What a verdict may say. Revoked is refused, so no verdict carries it; relaunch advice is ours to derive (TD 1.5). */
export type VerdictTcbStatus =
  | Exclude<TcbStatus, "Revoked">
  | "TDRelaunchAdvised"
  | "TDRelaunchAdvisedConfigurationNeeded";
