// SPDX-License-Identifier: Apache-2.0

import type { Json } from "../wish.ts";
import { type Fault, flip, mapLevels, tdx, v5, write } from "./fault.ts";

const moduleIdentity = (body: Json, change: Json): Json => ({
  ...body,
  tdxModuleIdentities: (body.tdxModuleIdentities as Json[]).map((identity) => ({ ...identity, ...change })),
});
const raise = (level: Json, key: string): Json => {
  const tcb = level.tcb as Json;
  const components = tcb[key] as { svn: number }[];
  return { ...level, tcb: { ...tcb, [key]: components.map(({ svn }, index) => ({ svn: index === 2 ? 255 : svn })) } };
};

/** Faults of TDX module, levels, attributes, measurements and freshness (steps I to N). */
export const PLATFORM_FAULTS: Readonly<Record<string, Fault>> = {
  // I
  "module-unknown": {
    step: "I",
    code: "TDX_MODULE_UNKNOWN",
    about: "a module version without an identity",
    ...tdx,
    adjust: { tcbInfo: (body) => moduleIdentity(body, { id: "TDX_09" }) },
  },
  "module-signer": {
    step: "I",
    code: "TDX_MODULE_SIGNER_WRONG",
    about: "a module that Intel did not sign",
    ...tdx,
    adjust: { signedPart: (bytes) => flip(bytes, 48 + 64) },
  },
  "module-attributes": {
    step: "I",
    code: "TDX_MODULE_ATTRIBUTES_WRONG",
    about: "SEAMATTRIBUTES are not zero",
    ...tdx,
    adjust: { signedPart: (bytes) => flip(bytes, 48 + 112) },
  },
  "module-too-old": {
    step: "I",
    code: "TDX_MODULE_LEVEL_UNKNOWN",
    about: "older than every level of its identity",
    ...tdx,
    adjust: {
      tcbInfo: (body) =>
        moduleIdentity(body, {
          tcbLevels: [{ tcb: { isvsvn: 99 }, tcbDate: "2025-11-12T00:00:00Z", tcbStatus: "UpToDate" }],
        }),
    },
  },
  // J
  "level-components": {
    step: "J",
    code: "TCB_LEVEL_UNKNOWN",
    about: "a component older than every level",
    adjust: { tcbInfo: (body) => mapLevels(body, (level) => raise(level, "sgxtcbcomponents")) },
  },
  "level-pce": {
    step: "J",
    code: "TCB_LEVEL_UNKNOWN",
    about: "a provisioning enclave older than every level",
    adjust: {
      tcbInfo: (body) => mapLevels(body, (level) => ({ ...level, tcb: { ...(level.tcb as Json), pcesvn: 99 } })),
    },
  },
  "level-tdx-components": {
    step: "J",
    code: "TCB_LEVEL_UNKNOWN",
    about: "a TDX component older than every level",
    ...tdx,
    adjust: { tcbInfo: (body) => mapLevels(body, (level) => raise(level, "tdxtcbcomponents")) },
  },
  // K
  "platform-revoked": {
    step: "K",
    code: "TCB_REVOKED",
    about: "the platform's level is revoked",
    wish: (wish) => ({ ...wish, status: "Revoked" }),
  },
  "qe-revoked": {
    step: "K",
    code: "TCB_REVOKED",
    about: "the quoting enclave's level is revoked",
    wish: (wish) => ({ ...wish, qeStatus: "Revoked" }),
  },
  "module-revoked": {
    step: "K",
    code: "TCB_REVOKED",
    about: "the TDX module's level is revoked",
    ...tdx,
    wish: (wish) => ({ ...wish, moduleStatus: "Revoked" }),
  },
  "platform-out-of-date": {
    step: "K",
    code: "APPRAISAL_TCB_STATUS",
    about: "the platform is out of date, and no policy accepts it",
    wish: (wish) => ({ ...wish, status: "OutOfDate" }),
  },
  "qe-out-of-date": {
    step: "K",
    code: "APPRAISAL_TCB_STATUS",
    about: "the quoting enclave is out of date, and with it all",
    wish: (wish) => ({ ...wish, qeStatus: "OutOfDate" }),
  },
  // L
  "mark-missing": {
    step: "L",
    code: "SIMULATION_MARK_MISSING",
    about: "simulated, with the debug bit cleared",
    adjust: { signedPart: (bytes) => write(bytes, 48 + 48, 0x05) },
  },
  "domain-mark-missing": {
    step: "L",
    code: "SIMULATION_MARK_MISSING",
    about: "a simulated domain with the debug bit cleared",
    ...tdx,
    adjust: { signedPart: (bytes) => write(bytes, 48 + 120, 0) },
  },
  "enclave-not-initialised": {
    step: "L",
    code: "ENCLAVE_NOT_INITIALISED",
    about: "INIT is clear",
    adjust: { signedPart: (bytes) => write(bytes, 48 + 48, 0x06) },
  },
  "domain-reserved-attributes": {
    step: "L",
    code: "TD_ATTRIBUTES_RESERVED",
    about: "a reserved attribute bit is set",
    ...tdx,
    adjust: { signedPart: (bytes) => write(bytes, 48 + 120, 0x03) },
  },
  "enclave-provision-key": {
    step: "L",
    code: "APPRAISAL_ATTRIBUTE_REFUSED",
    about: "it may use the provisioning key",
    adjust: { signedPart: (bytes) => write(bytes, 48 + 48, 0x17) },
  },
  "enclave-launch-key": {
    step: "L",
    code: "APPRAISAL_ATTRIBUTE_REFUSED",
    about: "it may make launch tokens",
    adjust: { signedPart: (bytes) => write(bytes, 48 + 48, 0x27) },
  },
  "domain-service": {
    step: "L",
    code: "APPRAISAL_ATTRIBUTE_REFUSED",
    about: "a service domain is bound to it",
    ...v5,
    wish: (wish) => ({ ...wish, domain: { ...wish.domain, mrservicetd: Buffer.alloc(48, 9) } }),
  },
  // M
  "other-enclave": {
    step: "M",
    code: "APPRAISAL_NOT_ALLOWED",
    about: "another MRENCLAVE than the policy's",
    wish: (wish) => ({ ...wish, enclave: { ...wish.enclave, mrenclave: Buffer.alloc(32, 7) } }),
  },
  "other-domain": {
    step: "M",
    code: "APPRAISAL_NOT_ALLOWED",
    about: "another MRTD than the policy's",
    ...tdx,
    wish: (wish) => ({ ...wish, domain: { ...wish.domain, mrtd: Buffer.alloc(48, 7) } }),
  },
  "other-kernel": {
    step: "M",
    code: "APPRAISAL_NOT_ALLOWED",
    about: "another RTMR1 than the policy's",
    ...tdx,
    wish: (wish) => {
      const [rtmr0, , rtmr2, rtmr3] = wish.domain.rtmr;
      return { ...wish, domain: { ...wish.domain, rtmr: [rtmr0, Buffer.alloc(48, 7), rtmr2, rtmr3] } };
    },
  },
  "other-init-data": {
    step: "M",
    code: "APPRAISAL_NOT_ALLOWED",
    about: "other init data than the policy's",
    ...tdx,
    wish: (wish) => ({ ...wish, domain: { ...wish.domain, mrconfigid: Buffer.alloc(48, 7) } }),
  },
  // N
  "other-challenge": {
    step: "N",
    code: "REPORT_DATA_MISMATCH",
    about: "an answer to another challenge",
    wish: (wish) => ({ ...wish, reportData: Buffer.alloc(64, 7) }),
  },
  "challenge-tail": {
    step: "N",
    code: "REPORT_DATA_MISMATCH",
    about: "the last byte of the report data differs",
    ...tdx,
    wish: (wish) => ({ ...wish, reportData: write(wish.reportData, 63, 7) }),
  },
};
