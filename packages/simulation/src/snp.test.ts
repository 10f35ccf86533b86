// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { HARDWARE_ROOTS, type TrustedRoots, toInstant, verifySnpReport } from "@bulwark/attestation";
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";
import { createRoot, toFingerprint } from "./installation.ts";
import { createSnpIntermediate, makeSnpWish, type SimulatedSnp, simulateSnp } from "./snp.ts";

const NOW = new Date("2026-03-01T12:00:00Z");
const BEFORE = new Date(NOW.getTime() - 86_400_000);
const root = createRoot("amd", { now: BEFORE });
const intermediate = createSnpIntermediate(root, { now: BEFORE });
const simulated: TrustedRoots = [{ kind: "simulation", fingerprint: toFingerprint(root) }];

const verify = ({ evidence, collateral }: SimulatedSnp, trustedRoots = simulated) =>
  verifySnpReport(evidence, collateral, { trustedRoots, now: toInstant(NOW) });

function codeOf(action: () => unknown): ErrorCode | "accepted" {
  try {
    action();
    return "accepted";
  } catch (error) {
    assert.ok(error instanceof BulwarkError, error instanceof Error ? error.stack : String(error));
    return error.code;
  }
}

for (const version of [2, 3, 5] as const) {
  test(`a simulated report of version ${version} verifies and says what was asked for`, () => {
    const wish = makeSnpWish({ version, reportData: Buffer.alloc(64, 3) });
    const verdict = verify(simulateSnp(root, intermediate, wish, { now: NOW }));
    assert.equal(verdict.simulated, true);
    assert.equal(verdict.debug, true);
    assert.equal(verdict.quoteVersion, version);
    assert.equal(verdict.measurements.measurement, wish.measurement.toString("hex"));
    assert.equal(verdict.measurements.chipId, wish.chipId.toString("hex"));
    assert.equal(verdict.reportData, "03".repeat(64));
    assert.deepEqual(
      { ...verdict.tcb, fmc: undefined },
      { bootloader: 3, tee: 0, snp: 8, microcode: 115, fmc: undefined },
    );
  });
}

test("it passes under its own root alone", () => {
  const made = simulateSnp(root, intermediate, makeSnpWish(), { now: NOW });
  assert.equal(
    codeOf(() => verify(made, HARDWARE_ROOTS)),
    "ROOT_UNTRUSTED",
  );
});

const offset = (at: number, value: number) => (report: Buffer) => void report.writeUInt8(value, at);

for (const [about, change, code] of [
  ["a version nobody knows", offset(0, 9), "SNP_VERSION_UNKNOWN"],
  ["another signature algorithm", offset(0x34, 2), "SNP_ALGORITHM_UNKNOWN"],
  ["another kind of key", offset(0x48, 1 << 2), "SNP_KEY_KIND_WRONG"],
  ["another chip", offset(0x1a0, 0), "SNP_CHIP_WRONG"],
  ["another reported TCB", offset(0x180, 99), "SNP_TCB_WRONG"],
  ["the mark removed", offset(0x0a, 0x02), "SIMULATION_MARK_MISSING"],
] as const) {
  test(`${about}: ${code}`, () => {
    const wish = makeSnpWish({ chipId: Buffer.alloc(64, 7) });
    assert.equal(
      codeOf(() => verify(simulateSnp(root, intermediate, wish, { now: NOW, change }))),
      code,
    );
  });
}

test("a bit turned over after it was signed: SNP_SIGNATURE_INVALID", () => {
  const made = simulateSnp(root, intermediate, makeSnpWish(), { now: NOW });
  const evidence = Buffer.from(made.evidence);
  evidence.writeUInt8(evidence.readUInt8(0x90) ^ 1, 0x90);
  assert.equal(
    codeOf(() => verify({ ...made, evidence })),
    "SNP_SIGNATURE_INVALID",
  );
});
