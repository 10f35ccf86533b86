// SPDX-License-Identifier: Apache-2.0
import type { SgxBody, TdBody } from "./quote.ts";

/** Size of each body. */
export const BODY_BYTES = { "sgx-enclave-report": 384, "td-report-1.0": 584, "td-report-1.5": 648 } as const;

/** Fields of an SGX report body of 384 bytes (Intel SDM volume 3D, REPORT). */
export function readSgxBody(bytes: Buffer): SgxBody {
  return {
    type: "sgx-enclave-report",
    cpuSvn: bytes.subarray(0, 16),
    miscselect: bytes.subarray(16, 20),
    isvExtProdId: bytes.subarray(32, 48),
    attributes: bytes.subarray(48, 64),
    mrenclave: bytes.subarray(64, 96),
    mrsigner: bytes.subarray(128, 160),
    configId: bytes.subarray(192, 256),
    isvProdId: bytes.readUInt16LE(256),
    isvSvn: bytes.readUInt16LE(258),
    configSvn: bytes.readUInt16LE(260),
    isvFamilyId: bytes.subarray(304, 320),
    reportData: bytes.subarray(320, 384),
  };
}

/** Fields of a TD report body of 584 bytes, or 648 for TD 1.5 (Intel TDX DCAP Quoting Library API, TD Quote Body). */
export function readTdBody(bytes: Buffer, type: TdBody["type"]): TdBody {
  const body: TdBody = {
    type,
    teeTcbSvn: bytes.subarray(0, 16),
    mrseam: bytes.subarray(16, 64),
    mrsignerseam: bytes.subarray(64, 112),
    seamAttributes: bytes.subarray(112, 120),
    tdAttributes: bytes.subarray(120, 128),
    xfam: bytes.subarray(128, 136),
    mrtd: bytes.subarray(136, 184),
    mrconfigid: bytes.subarray(184, 232),
    mrowner: bytes.subarray(232, 280),
    mrownerconfig: bytes.subarray(280, 328),
    rtmr0: bytes.subarray(328, 376),
    rtmr1: bytes.subarray(376, 424),
    rtmr2: bytes.subarray(424, 472),
    rtmr3: bytes.subarray(472, 520),
    reportData: bytes.subarray(520, 584),
  };
  if (type === "td-report-1.0") return body;
  return { ...body, teeTcbSvn2: bytes.subarray(584, 600), mrservicetd: bytes.subarray(600, 648) };
}
