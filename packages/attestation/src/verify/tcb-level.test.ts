// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { SvnLevel } from "../collateral/level.ts";
import { type PlatformLevel, readTcbInfo, type TcbInfo } from "../collateral/tcb-info.ts";
import { parseInstant } from "../instant.ts";
import type { TcbStatus, VerdictTcbStatus } from "../tcb-status.ts";
import { codeOf } from "../testing/code-of.ts";
import { simulate } from "../testing/evidence.ts";
import { quoteVectors, skipVectors } from "../testing/vectors.ts";
import { markVerified, type Verified } from "../verified.ts";
import { converge } from "./converge.ts";
import { matchTcbLevel } from "./tcb-level.ts";
import { verifyQuote } from "./verify-quote.ts";

const at = parseInstant("2026-03-01T12:00:00Z");
const zeros = () => new Uint8Array(16);
const level = (status: TcbStatus, overrides: Partial<PlatformLevel> = {}): PlatformLevel => ({
  status,
  date: "2026-01-01T00:00:00Z",
  advisoryIds: [],
  sgxComponents: zeros(),
  pceSvn: 0,
  tdxComponents: zeros(),
  ...overrides,
});
const info = (levels: readonly PlatformLevel[]): Verified<TcbInfo> =>
  markVerified({
    version: 3,
    id: "TDX",
    window: { from: at, to: at },
    fmspc: "000000000000",
    pceId: "0000",
    evaluationDataNumber: 1,
    levels,
    module: null,
    moduleIdentities: new Map(),
  });

/** From best to worst, as Intel lists levels. */
const STATUSES = ["UpToDate", "SWHardeningNeeded", "ConfigurationNeeded", "OutOfDate"] as const;
const rank = (found: { level: PlatformLevel } | "none"): number =>
  found === "none" ? STATUSES.length : STATUSES.indexOf(found.level.status as (typeof STATUSES)[number]);

const components = fc.uint8Array({ minLength: 16, maxLength: 16, max: 3 });
const platform = fc.record({ components, pceSvn: fc.nat(3), tee: components });
/** Levels of which each demands at most what the one before demands, as a real list does. */
const orderedLevels = fc.array(platform, { minLength: 1, maxLength: 4 }).map((tops) => {
  let previous = { components: zeros().fill(3), pceSvn: 3, tee: zeros().fill(3) };
  return tops.map((top, index) => {
    previous = {
      components: top.components.map((value, part) => Math.min(value, previous.components[part] ?? 0)),
      pceSvn: Math.min(top.pceSvn, previous.pceSvn),
      tee: top.tee.map((value, part) => Math.min(value, previous.tee[part] ?? 0)),
    };
    const { components: sgxComponents, pceSvn, tee: tdxComponents } = previous;
    return level(STATUSES[index] ?? "OutOfDate", { sgxComponents, pceSvn, tdxComponents });
  });
});

const match = (
  levels: readonly PlatformLevel[],
  { components: own, pceSvn, tee }: { components: Uint8Array; pceSvn: number; tee: Uint8Array },
) => {
  try {
    return matchTcbLevel(info(levels), { components: own, pceSvn }, tee);
  } catch {
    return "none";
  }
};

test("raising a security version never worsens the level", () => {
  fc.assert(
    fc.property(orderedLevels, platform, fc.nat(32), (levels, before, part) => {
      const after = { components: before.components.slice(), pceSvn: before.pceSvn, tee: before.tee.slice() };
      // Component 1 of a trust domain is the module's version, not a level to raise: from 0 to 1 changes who judges.
      fc.pre(part !== 17);
      if (part === 32) after.pceSvn += 1;
      else if (part < 16) after.components[part] = (after.components[part] ?? 0) + 1;
      else after.tee[part - 16] = (after.tee[part - 16] ?? 0) + 1;
      assert.ok(rank(match(levels, after)) <= rank(match(levels, before)));
    }),
    { numRuns: 2000 },
  );
});

test("raising a security version never worsens the level in real TCB info", { skip: skipVectors }, () => {
  const bodies = quoteVectors.flatMap(({ name, collateral }) =>
    collateral.tcbInfo && !name.includes("wrong-root") ? [collateral.tcbInfo.body] : [],
  );
  assert.ok(bodies.length > 3);
  for (const body of new Set(bodies)) {
    const real = markVerified(readTcbInfo(body));
    const find = (own: Uint8Array, tee: Uint8Array | null): number => {
      try {
        return real.levels.indexOf(matchTcbLevel(real, { components: own, pceSvn: 20 }, tee).level);
      } catch {
        return real.levels.length;
      }
    };
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16, max: 12 }), fc.nat(15), (own, part) => {
        const raised = own.slice();
        raised[part] = (raised[part] ?? 0) + 1;
        const tee = real.id === "TDX" ? zeros().fill(9) : null;
        assert.ok(find(raised, tee) <= find(own, tee));
        if (tee !== null && part !== 1) assert.ok(find(zeros().fill(20), raised) <= find(zeros().fill(20), own));
      }),
    );
  }
});

test("with a module version above zero the first two TDX components are left to the module", () => {
  const levels = [
    level("UpToDate", { tdxComponents: Uint8Array.from([5, 0, 6, ...zeros().slice(3)]) }),
    level("OutOfDate"),
  ];
  const found = (tee: number[]) =>
    match(levels, { components: zeros(), pceSvn: 0, tee: Uint8Array.from([...tee, ...zeros().slice(3)]) });
  assert.equal(rank(found([4, 1, 6])), 0);
  assert.equal(rank(found([4, 0, 6])), 3);
  assert.equal(rank(found([9, 1, 5])), 3);
});

const svn = (status: TcbStatus): SvnLevel => ({ status, date: "2026-01-01T00:00:00Z", advisoryIds: [], isvSvn: 0 });

/** Rows of Intel's rule: platform, quoting enclave, module, what comes out. */
const CONVERGENCE: readonly [TcbStatus, TcbStatus, TcbStatus | null, VerdictTcbStatus | "TCB_REVOKED"][] = [
  ["UpToDate", "UpToDate", null, "UpToDate"],
  ["UpToDate", "OutOfDate", null, "OutOfDate"],
  ["SWHardeningNeeded", "OutOfDate", null, "OutOfDate"],
  ["ConfigurationNeeded", "OutOfDate", null, "OutOfDateConfigurationNeeded"],
  ["ConfigurationAndSWHardeningNeeded", "OutOfDate", null, "OutOfDateConfigurationNeeded"],
  ["OutOfDateConfigurationNeeded", "OutOfDate", null, "OutOfDateConfigurationNeeded"],
  ["SWHardeningNeeded", "UpToDate", "UpToDate", "SWHardeningNeeded"],
  ["UpToDate", "UpToDate", "OutOfDate", "OutOfDate"],
  ["ConfigurationNeeded", "UpToDate", "OutOfDate", "OutOfDateConfigurationNeeded"],
  ["Revoked", "UpToDate", null, "TCB_REVOKED"],
  ["UpToDate", "Revoked", null, "TCB_REVOKED"],
  ["UpToDate", "UpToDate", "Revoked", "TCB_REVOKED"],
  ["OutOfDate", "OutOfDate", "OutOfDate", "OutOfDate"],
];

for (const [own, qe, module, wanted] of CONVERGENCE) {
  test(`platform ${own}, quoting enclave ${qe}, module ${module}: ${wanted}`, () => {
    const one = level(own);
    let status: string = "";
    const code = codeOf(() => {
      status = converge(info([one]), { level: one, sgxLevel: one, qe: svn(qe), module: module && svn(module) }, null);
    });
    assert.equal(code === "none" ? status : code, wanted);
  });
}

test("a level that the SGX part alone reaches, and that is revoked, revokes the trust domain", () => {
  const levels = [level("Revoked", { tdxComponents: zeros().fill(9) }), level("OutOfDate")];
  const matched = matchTcbLevel(info(levels), { components: zeros(), pceSvn: 0 }, zeros());
  assert.equal(
    codeOf(() => converge(info(levels), { ...matched, qe: svn("UpToDate"), module: null }, null)),
    "TCB_REVOKED",
  );
});

test("a trust domain 1.5 whose module was updated beside it is advised to launch again", () => {
  const newest = 9;
  const outdate = (body: Record<string, unknown>) => {
    const identities = structuredClone(body.tdxModuleIdentities) as { tcbLevels: object[] }[];
    const date = { tcbDate: "2026-01-01T00:00:00Z" };
    for (const identity of identities) {
      identity.tcbLevels = [
        { tcb: { isvsvn: newest }, ...date, tcbStatus: "UpToDate" },
        { tcb: { isvsvn: 0 }, ...date, tcbStatus: "OutOfDate" },
      ];
    }
    return { ...body, tdxModuleIdentities: identities };
  };
  const status = ([isvSvn = 0, version = 0, microcode = 0]: number[], overrides = {}) => {
    const { domain } = simulate("tdx").wish;
    const teeTcbSvn2 = Buffer.from(domain.teeTcbSvn);
    teeTcbSvn2.set([isvSvn, version, microcode]);
    const wish = { version: 5, bodyType: 3, domain: { ...domain, teeTcbSvn2 }, ...overrides } as const;
    const { evidence, collateral, now, trustedRoots } = simulate("tdx", wish, { tcbInfo: outdate });
    return verifyQuote(evidence, collateral, { now, trustedRoots }).tcbStatus;
  };
  assert.equal(status([newest - 1, 1, 6]), "OutOfDate");
  assert.equal(status([newest, 1, 6]), "TDRelaunchAdvised");
  assert.equal(status([newest, 1, 0]), "OutOfDate");
  assert.equal(status([newest, 1, 6], { status: "ConfigurationNeeded" }), "TDRelaunchAdvisedConfigurationNeeded");
  assert.equal(status([newest, 1, 6], { qeStatus: "OutOfDate" }), "OutOfDate");
  assert.equal(
    codeOf(() => status([newest, 9, 6])),
    "TDX_MODULE_UNKNOWN",
  );
});
