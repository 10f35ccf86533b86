// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { SvnLevel } from "../collateral/level.ts";
import type { TcbInfo } from "../collateral/tcb-info.ts";
import type { TdBody } from "../quote/quote.ts";
import type { TcbStatus, VerdictTcbStatus } from "../tcb-status.ts";
import type { Verified } from "../verified.ts";
import { findModuleIdentity, type MatchedLevel } from "./tcb-level.ts";

/** Statuses of the parts that were matched. `module` is null for SGX and for module version zero. */
export type Matched = MatchedLevel & { qe: SvnLevel; module: SvnLevel | null };

/** What an outdated quoting enclave or module makes of a status (Intel, TcbLevelCheck.cpp, TdxModuleCheck.cpp). */
const WHEN_OUT_OF_DATE: Readonly<Record<VerdictTcbStatus, VerdictTcbStatus>> = {
  UpToDate: "OutOfDate",
  SWHardeningNeeded: "OutOfDate",
  ConfigurationNeeded: "OutOfDateConfigurationNeeded",
  ConfigurationAndSWHardeningNeeded: "OutOfDateConfigurationNeeded",
  OutOfDate: "OutOfDate",
  OutOfDateConfigurationNeeded: "OutOfDateConfigurationNeeded",
  TDRelaunchAdvised: "TDRelaunchAdvised",
  TDRelaunchAdvisedConfigurationNeeded: "TDRelaunchAdvisedConfigurationNeeded",
};

const NEEDS_CONFIGURATION: ReadonlySet<VerdictTcbStatus> = new Set([
  "ConfigurationNeeded",
  "ConfigurationAndSWHardeningNeeded",
  "OutOfDateConfigurationNeeded",
  "TDRelaunchAdvisedConfigurationNeeded",
]);
const OUT_OF_DATE: ReadonlySet<VerdictTcbStatus> = new Set(["OutOfDate", "OutOfDateConfigurationNeeded"]);

/**
 * Step K: one status out of those of platform, TDX module and quoting enclave.
 *
 * @param td of a trust domain; null for SGX
 * @throws TCB_REVOKED when any part is revoked, TDX_MODULE_UNKNOWN
 */
export function converge(info: Verified<TcbInfo>, matched: Matched, td: TdBody | null): VerdictTcbStatus {
  const { module, qe } = matched;
  const [platform, sgx] = [toVerdictStatus(matched.level.status), toVerdictStatus(matched.sgxLevel.status)];
  const moduleStatus = module === null ? null : toVerdictStatus(module.status);
  const qeStatus = toVerdictStatus(qe.status);
  const withModule = moduleStatus === "OutOfDate" ? WHEN_OUT_OF_DATE[platform] : platform;
  if (qeStatus === "OutOfDate") return WHEN_OUT_OF_DATE[withModule];
  const isRelaunchEnough =
    moduleStatus === "OutOfDate" && OUT_OF_DATE.has(withModule) && !OUT_OF_DATE.has(sgx) && runsBesideNewest(info, td);
  if (!isRelaunchEnough) return withModule;
  const needsConfiguration = NEEDS_CONFIGURATION.has(sgx) || NEEDS_CONFIGURATION.has(withModule);
  return needsConfiguration ? "TDRelaunchAdvisedConfigurationNeeded" : "TDRelaunchAdvised";
}

/** @throws TCB_REVOKED: no policy can accept it, so no verdict carries it */
export function toVerdictStatus(status: TcbStatus): VerdictTcbStatus {
  if (status !== "Revoked") return status;
  throw new BulwarkError(
    "TCB_REVOKED",
    "The TCB of the platform, its quoting enclave or its TDX module is revoked.",
    "do not trust this machine; its owner has to update it and attest again",
  );
}

/**
 * Whether the module that runs now (TD 1.5 tells its version beside that of the launch) is the newest: then launching the
 * trust domain again is all that is needed (Intel, TDRelaunchCheck.cpp).
 */
function runsBesideNewest(info: Verified<TcbInfo>, td: TdBody | null): boolean {
  const newest = info.levels[0]?.tdxComponents;
  if (!td?.teeTcbSvn2 || !newest) return false;
  const [isvSvn = 0, version = 0, microcode = 0] = td.teeTcbSvn2;
  const [newestSvn = 0, , newestMicrocode = 0] = newest;
  const wanted = version === 0 ? newestSvn : findModuleIdentity(info, version).levels[0]?.isvSvn;
  return wanted !== undefined && isvSvn >= wanted && microcode >= newestMicrocode;
}
