// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";
import type { SvnLevel } from "../collateral/level.ts";
import type { ModuleIdentity, PlatformLevel, TcbInfo, VersionedModuleIdentity } from "../collateral/tcb-info.ts";
import { equalBytes, equalUnderMask } from "../equal.ts";
import type { TdBody } from "../quote/quote.ts";
import type { Verified } from "../verified.ts";

/** What a platform's certificate says of its TCB. */
export type PlatformTcb = { components: Uint8Array; pceSvn: number };

/** The level that a platform reaches, and the first one that its SGX part reaches (which differs for TDX alone). */
export type MatchedLevel = { level: PlatformLevel; sgxLevel: PlatformLevel };

const MEND = "the owner of the machine has to update it (microcode, firmware, TDX module) and attest again";
const NO_BYTES = Buffer.alloc(8);

/**
 * Step J: the first level, in the order of the document, all of whose parts the platform reaches. With a TDX module of
 * version above zero, components 0 and 1 belong to the module's identity and are left to it (Intel, TcbLevelCheck.cpp).
 *
 * @param teeTcbSvn of a trust domain; null for SGX
 * @throws TCB_LEVEL_UNKNOWN
 */
export function matchTcbLevel(info: Verified<TcbInfo>, tcb: PlatformTcb, teeTcbSvn: Uint8Array | null): MatchedLevel {
  let sgxLevel: PlatformLevel | undefined;
  for (const level of info.levels) {
    if (tcb.pceSvn < level.pceSvn || !reaches(tcb.components, level.sgxComponents, 0)) continue;
    sgxLevel ??= level;
    if (teeTcbSvn === null || reachesTdx(teeTcbSvn, level.tdxComponents)) return { level, sgxLevel };
  }
  throw refuse("TCB_LEVEL_UNKNOWN", "The platform is older than every level of the TCB info.");
}

function reachesTdx(teeTcbSvn: Uint8Array, components: Uint8Array | null): boolean {
  return components !== null && reaches(teeTcbSvn, components, (teeTcbSvn[1] ?? 0) > 0 ? 2 : 0);
}

function reaches(actual: Uint8Array, wanted: Uint8Array, from: number): boolean {
  for (let index = from; index < wanted.length; index++) {
    if ((actual[index] ?? 0) < (wanted[index] ?? 0)) return false;
  }
  return true;
}

/** The identity of a TDX module version above zero. @throws TDX_MODULE_UNKNOWN */
export function findModuleIdentity(info: Verified<TcbInfo>, version: number): VersionedModuleIdentity {
  const name = version.toString(16).padStart(2, "0").toUpperCase();
  const identity = info.moduleIdentities.get(name);
  if (identity !== undefined) return identity;
  throw refuse("TDX_MODULE_UNKNOWN", `The TCB info has no identity TDX_${name} for the module of this trust domain.`);
}

/**
 * Step I: the TDX module is Intel's, and how good its version is.
 *
 * @returns null for module version zero, whose version the platform's level covers
 * @throws TDX_MODULE_..., TCB_INFO_MALFORMED
 */
export function matchModuleLevel(info: Verified<TcbInfo>, body: TdBody): SvnLevel | null {
  const [isvSvn = 0, version = 0] = body.teeTcbSvn;
  const identity = version > 0 ? findModuleIdentity(info, version) : null;
  const module: ModuleIdentity | null = identity ?? info.module;
  if (module === null) throw refuse("TCB_INFO_MALFORMED", "The TCB info says nothing of the TDX module.");
  if (!equalBytes(body.mrsignerseam, module.mrsigner)) {
    throw refuse("TDX_MODULE_SIGNER_WRONG", "The TDX module was signed by another than its identity says.");
  }
  const { attributes, attributesMask } = module;
  if (!equalBytes(body.seamAttributes, NO_BYTES) || !equalUnderMask(body.seamAttributes, attributesMask, attributes)) {
    throw refuse("TDX_MODULE_ATTRIBUTES_WRONG", "The attributes of the TDX module are not as they must be.");
  }
  if (identity === null) return null;
  const level = identity.levels.find((known) => isvSvn >= known.isvSvn);
  if (level !== undefined) return level;
  throw refuse("TDX_MODULE_LEVEL_UNKNOWN", `The TDX module has version ${isvSvn}, below every known level.`);
}

function refuse(code: ErrorCode, message: string): BulwarkError {
  return new BulwarkError(code, message, MEND);
}
