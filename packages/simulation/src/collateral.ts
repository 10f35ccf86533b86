// SPDX-License-Identifier: Apache-2.0
import { QE_PROD_ID, QE_SIGNER } from "./marks.ts";
import type { IntelWish, Json, TcbStatus } from "./wish.ts";

/** When collateral was issued and until when it may be used. */
export type Issue = { issueDate: Date; nextUpdate: Date };

const TCB_DATE = "2025-11-12T00:00:00Z";
const FORMER_TCB_DATE = "2024-03-13T00:00:00Z";
const FORMER_ADVISORY = "INTEL-SA-00837";

/** ISO 8601 without fractions, as Intel writes instants. */
export const toInstant = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, "Z");

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex").toUpperCase();
const toComponents = (svns: readonly number[]): { svn: number }[] =>
  Array.from({ length: 16 }, (_, index) => ({ svn: svns[index] ?? 0 }));
/** A level that the wished platform passes by far, so that raising an SVN changes nothing and lowering one shows. */
const toFormer = (svns: readonly number[]): number[] => svns.map((svn) => Math.max(0, svn - 1));

const level = (tcb: Json, tcbDate: string, tcbStatus: TcbStatus, advisoryIDs: readonly string[]): Json => ({
  tcb,
  tcbDate,
  tcbStatus,
  ...(advisoryIDs.length === 0 ? {} : { advisoryIDs }),
});

/** TCB info of the wished platform, version 3: a level that it just reaches, and an older one. */
export function makeTcbInfo(wish: IntelWish, { issueDate, nextUpdate }: Issue): Json {
  const { platform, domain, tee } = wish;
  const newest = domain.newestTcbSvn ?? domain.teeTcbSvn;
  const module = newest[1] ?? 0;
  const toTcb = (change: (svns: readonly number[]) => readonly number[]): Json => ({
    sgxtcbcomponents: toComponents(change(platform.components)),
    pcesvn: platform.pceSvn,
    ...(tee === "sgx" ? {} : { tdxtcbcomponents: toComponents(change([...newest])) }),
  });
  const noSigner = "0".repeat(96);
  const identity = { mrsigner: noSigner, attributes: "0".repeat(16), attributesMask: "F".repeat(16) };
  const svn = newest[0] ?? 0;
  return {
    id: tee === "sgx" ? "SGX" : "TDX",
    version: 3,
    issueDate: toInstant(issueDate),
    nextUpdate: toInstant(nextUpdate),
    fmspc: hex(platform.fmspc),
    pceId: hex(platform.pceId),
    tcbType: 0,
    tcbEvaluationDataNumber: wish.tcbEvaluationDataNumber,
    ...(tee === "sgx"
      ? {}
      : {
          tdxModule: identity,
          tdxModuleIdentities: [
            {
              id: `TDX_${module.toString(16).padStart(2, "0").toUpperCase()}`,
              ...identity,
              tcbLevels: [
                level({ isvsvn: svn }, TCB_DATE, wish.moduleStatus, []),
                level({ isvsvn: Math.max(0, svn - 1) }, FORMER_TCB_DATE, "OutOfDate", []),
              ],
            },
          ],
        }),
    tcbLevels: [
      level(
        toTcb((svns) => svns),
        TCB_DATE,
        wish.status,
        wish.advisoryIds,
      ),
      level(toTcb(toFormer), FORMER_TCB_DATE, "OutOfDate", [FORMER_ADVISORY]),
    ],
  };
}

/** Identity of the simulated quoting enclave, version 2. */
export function makeQeIdentity(wish: IntelWish, { issueDate, nextUpdate }: Issue): Json {
  return {
    id: wish.tee === "sgx" ? "QE" : "TD_QE",
    version: 2,
    issueDate: toInstant(issueDate),
    nextUpdate: toInstant(nextUpdate),
    tcbEvaluationDataNumber: wish.tcbEvaluationDataNumber,
    miscselect: "00000000",
    miscselectMask: "FFFFFFFF",
    attributes: "11000000000000000000000000000000",
    attributesMask: "FBFFFFFFFFFFFFFF0000000000000000",
    mrsigner: hex(QE_SIGNER),
    isvprodid: QE_PROD_ID[wish.tee],
    tcbLevels: [
      level({ isvsvn: wish.qeSvn }, TCB_DATE, wish.qeStatus, []),
      level({ isvsvn: Math.max(0, wish.qeSvn - 1) }, FORMER_TCB_DATE, "OutOfDate", []),
    ],
  };
}
