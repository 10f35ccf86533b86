// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatReport } from "../../output/security-report.ts";
import { composeReport, listExposures, type Observation } from "./report.ts";

const RUN = { id: "job-1", profile: "tls", tee: "none" };
const NOW = new Date("2026-03-01T12:00:00.000Z");
const observe = (subject: string, asPlanned: boolean): Observation => ({
  subject,
  protection: "all",
  observed: "seen",
  asPlanned,
});

test("one look that differs decides, and no look at all is none that agrees", () => {
  const verdict = (...looks: boolean[]): string =>
    composeReport(
      RUN,
      NOW,
      looks.map((asPlanned, index) => observe(String(index), asPlanned)),
      [],
    ).verdict;
  assert.equal(verdict(), "differs");
  assert.equal(verdict(true), "as planned");
  assert.equal(verdict(true, true, true), "as planned");
  for (const place of [0, 1, 2]) {
    assert.equal(verdict(...[0, 1, 2].map((index) => index !== place)), "differs");
  }
});

test("a report says of which run it is, and when it was seen", () => {
  const report = composeReport(RUN, NOW, [observe("a", true)], []);
  assert.deepEqual(
    [report.apiVersion, report.run, report.profile, report.tee, report.observedAt],
    ["bulwark/v1", "job-1", "tls", "none", NOW.toISOString()],
  );
});

test("without a TEE the memory is exposed; with one it is not", () => {
  const subjects = (tee: string): string[] => listExposures(tee, true).map(({ subject }) => subject);
  assert.ok(subjects("none").some((subject) => subject.startsWith("memory")));
  assert.ok(!subjects("sgx").some((subject) => subject.startsWith("memory")));
  assert.ok(subjects("sgx").some((subject) => subject.startsWith("integrity of spill")));
});

test("every look and every exposure is shown, those that differ by a word of their own", () => {
  const report = composeReport(
    RUN,
    NOW,
    [observe("channels", true), observe("web UI", false)],
    listExposures("none", false),
  );
  const lines = formatReport(report).split("\n");
  assert.match(lines[0] ?? "", /job-1.*tls.*none.*differs$/);
  assert.ok(lines.some((line) => /^\s+ok\s+channels\s/.test(line)));
  assert.ok(lines.some((line) => /^\s+DIFFERS\s+web UI\s/.test(line)));
  for (const { subject } of report.exposures)
    assert.ok(
      lines.some((line) => line.includes(subject)),
      subject,
    );
});
