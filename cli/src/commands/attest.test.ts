// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { test } from "node:test";
import { type ErrorCode, EXIT, toExitCode } from "@bulwark/contracts/errors";
import { createRoot, FAULTS, makeWish, simulateIntel } from "@bulwark/simulation";
import type { Result } from "../command.ts";
import { createTestFolder } from "../testing/context.ts";
import { createRunner } from "../testing/run-line.ts";

const NOW = new Date("2026-03-01T12:00:00.000Z");
const AT = NOW.toISOString().replace(".000", "");
const home = createTestFolder("bulwark-attest-");
const VECTORS = join(import.meta.dirname, "../../../../shared/vectors/quotes");
const skip = existsSync(VECTORS) ? false : "../shared/vectors not found";

const { run, failureOf } = createRunner(home, NOW);

const documentOf = (result: Result) => result.value as Record<string, unknown> & { appraisal: Record<string, unknown> };
const judgeFlags = (folder: string): string =>
  `--collateral ${folder} --policy ${folder}/policy.yaml --simulation-root ${folder}/root.pem`;

await run("attest simulate --to demo");
await run("attest simulate --to sgx --tee sgx");
const DEMO = judgeFlags("demo");
const quote = readFileSync(join(home, "demo", "evidence.bin"));

test("simulated evidence is accepted with both switches, as a warning", async () => {
  const result = await run(`attest verify demo/evidence.bin ${DEMO}`);
  assert.equal(result.exitCode, EXIT.done);
  const { outcome, simulated, tee, appraisal } = documentOf(result);
  assert.deepEqual([outcome, simulated, tee], ["verdict", true, "tdx"]);
  assert.deepEqual([appraisal.outcome, appraisal.tee, appraisal.earStatus], ["accepted", "sim-tdx", "warning"]);
  assert.match(result.context.stderr.text(), /simulation/);
});

test("each switch alone refuses", async () => {
  const demo = "--collateral demo";
  const unasked = await failureOf(`attest verify demo/evidence.bin ${demo} --policy demo/policy.yaml`);
  assert.equal(unasked.code, "SIMULATION_NOT_ALLOWED");
  writeFileSync(
    join(home, "hardware.yaml"),
    readFileSync(join(home, "demo/policy.yaml"), "utf8").split("simulation:")[0] ?? "",
  );
  const refused = await failureOf(
    `attest verify demo/evidence.bin ${demo} --policy hardware.yaml --simulation-root demo/root.pem`,
  );
  assert.deepEqual(
    [refused.code, refused.findings.map(({ code }) => code)],
    ["APPRAISAL_REFUSED", ["APPRAISAL_SIMULATED"]],
  );
});

test("no variable of the environment accepts simulated evidence", async () => {
  const env = { BULWARK_SIMULATION: "1", BULWARK_SIMULATION_ROOT: join(home, "demo/root.pem"), SGX_MODE: "SW" };
  const error = await failureOf("attest verify demo/evidence.bin --collateral demo --policy demo/policy.yaml", { env });
  assert.equal(error.code, "SIMULATION_NOT_ALLOWED");
});

test("the root is made once, is its owner's alone, and is never written beside the evidence with its key", async () => {
  const folder = join(home, ".local/share/bulwark/simulation");
  assert.deepEqual(readdirSync(folder), ["intel-root.pem"]);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  assert.equal(statSync(join(folder, "intel-root.pem")).mode & 0o777, 0o600);
  for (const name of readdirSync(join(home, "demo"))) {
    assert.ok(!readFileSync(join(home, "demo", name)).includes("PRIVATE KEY"), name);
  }
  await run("attest simulate --to again");
  assert.deepEqual(readFileSync(join(home, "again/root.pem")), readFileSync(join(home, "demo/root.pem")));
});

test("a broken root is refused, and not replaced", async () => {
  const own = createTestFolder();
  await run("attest simulate --to demo", { home: own, cwd: own });
  const path = join(own, ".local/share/bulwark/simulation/intel-root.pem");
  writeFileSync(path, "nonsense");
  assert.equal((await failureOf("attest simulate --to demo", { home: own, cwd: own })).code, "SIMULATION_ROOT_BROKEN");
  assert.equal(readFileSync(path, "utf8"), "nonsense");
});

for (const [form, text] of [
  ["hex", quote.toString("hex")],
  ["hex in lines, with 0x", `0x${quote.toString("hex").replaceAll(/(.{60})/g, "$1\n")}\n`],
  ["base64", quote.toString("base64")],
  ["base64 in lines", `${quote.toString("base64").replaceAll(/(.{76})/g, "$1\n")}\n`],
  ["base64url", quote.toString("base64url")],
  ["bytes", quote],
] as const) {
  test(`evidence as ${form} is recognised, from a file and from standard input, and said so`, async () => {
    writeFileSync(join(home, "form"), text);
    const encoding = form.startsWith("hex") ? "hex" : form.startsWith("base64") ? "base64" : "binary";
    for (const [file, stdin] of [
      ["form", Readable.from([])],
      ["-", Readable.from([Buffer.from(text)])],
    ] as const) {
      const result = await run(`attest verify ${file} ${DEMO}`, { stdin });
      assert.equal(documentOf(result).encoding, encoding);
      assert.match(result.context.stderr.text(), new RegExp(`is a quote \\(${encoding}\\)`));
    }
  });
}

/** What is no evidence, by what it is. */
const WRONG: readonly { name: string; make: (path: string) => void; code: ErrorCode; exit: number }[] = [
  { name: "no file", make: () => {}, code: "EVIDENCE_FILE_MISSING", exit: EXIT.invalid },
  {
    name: "an empty file",
    make: (path) => writeFileSync(path, ""),
    code: "EVIDENCE_FILE_UNREADABLE",
    exit: EXIT.invalid,
  },
  { name: "a folder", make: (path) => mkdirSync(path), code: "EVIDENCE_FILE_UNREADABLE", exit: EXIT.invalid },
  {
    name: "a file of 2 GiB",
    make: (path) => {
      writeFileSync(path, "");
      truncateSync(path, 2 * 1024 ** 3);
    },
    code: "EVIDENCE_FILE_UNREADABLE",
    exit: EXIT.invalid,
  },
  {
    name: "a letter",
    make: (path) => writeFileSync(path, "Dear all,\n"),
    code: "EVIDENCE_FORM_UNKNOWN",
    exit: EXIT.invalid,
  },
  {
    name: "letters beyond ASCII",
    make: (path) => writeFileSync(path, "grüße"),
    code: "EVIDENCE_FORM_UNKNOWN",
    exit: EXIT.invalid,
  },
  {
    name: "other bytes",
    make: (path) => writeFileSync(path, Buffer.alloc(5000, 0xa5)),
    code: "EVIDENCE_FORM_UNKNOWN",
    exit: EXIT.invalid,
  },
  {
    name: "half JSON",
    make: (path) => writeFileSync(path, '{"tcbInfo": '),
    code: "EVIDENCE_FORM_UNKNOWN",
    exit: EXIT.invalid,
  },
  {
    name: "a quote of an unknown version",
    make: (path) => writeFileSync(path, Buffer.concat([Buffer.from([9, 0]), quote.subarray(2)])),
    code: "QUOTE_VERSION_UNKNOWN",
    exit: EXIT.refused,
  },
  {
    name: "half a quote",
    make: (path) => writeFileSync(path, quote.subarray(0, 700)),
    code: "QUOTE_MALFORMED",
    exit: EXIT.refused,
  },
];

for (const [index, { name, make, code, exit }] of WRONG.entries()) {
  test(`${name}: ${code}`, async () => {
    make(join(home, `wrong-${index}`));
    const error = await failureOf(`attest verify wrong-${index} ${DEMO}`);
    assert.deepEqual([error.code, toExitCode(error)], [code, exit]);
    if (exit === EXIT.invalid) assert.equal((await failureOf(`attest show wrong-${index}`)).code, code);
  });
}

test("what is not evidence is named for what it is", async () => {
  for (const [file, kind] of [
    ["demo/collateral.json", "collateral"],
    ["demo/root.pem", "certificate"],
  ] as const) {
    const error = await failureOf(`attest verify ${file} ${DEMO}`);
    assert.equal(error.code, "EVIDENCE_FORM_UNKNOWN");
    assert.match(error.message, new RegExp(kind));
  }
});

for (const [flags, code] of [
  ["--at yesterday", "INSTANT_INVALID"],
  ["--at 2026-02-30T00:00:00Z", "INSTANT_INVALID"],
  ["--report-data 00ff", "USAGE"],
  ["--collateral nowhere", "COLLATERAL_SOURCE_INVALID"],
  ["--collateral http://127.0.0.1:1", "COLLATERAL_SOURCE_INVALID"],
  ["--collateral demo/evidence.bin", "COLLATERAL_INVALID"],
  ["--policy nowhere", "POLICY_FILE_MISSING"],
  ["--policy demo", "POLICY_FILE_UNREADABLE"],
  ["--policy demo/evidence.bin", "POLICY_FILE_UNREADABLE"],
  ["--simulation-root demo/policy.yaml", "SIMULATION_ROOT_BROKEN"],
  [`--report-data ${"11".repeat(64)}`, "REPORT_DATA_MISMATCH"],
  ["--at 2020-01-01T00:00:00Z", "PCK_CHAIN_NOT_CURRENT"],
  ["--at 2026-04-30T00:00:00Z", "ROOT_CRL_NOT_CURRENT"],
] as const satisfies readonly (readonly [string, ErrorCode])[]) {
  test(`${flags.slice(0, 60)}: ${code}`, async () => {
    assert.equal((await failureOf(`attest verify demo/evidence.bin ${DEMO} ${flags}`)).code, code);
  });
}

test("a policy with an enclave of 63 digits or a misspelt key is refused before anything is verified", async () => {
  for (const [text, code] of [
    [`name: p\nallow: {a: {mrenclave: ${"a".repeat(63)}}}\n`, "POLICY_TYPE_WRONG"],
    [`name: p\nalow: {}\n`, "POLICY_KEY_UNKNOWN"],
  ] as const) {
    writeFileSync(join(home, "policy.yaml"), text);
    const error = await failureOf("attest verify nowhere --policy policy.yaml");
    assert.deepEqual([error.code, error.findings.map((finding) => finding.code)], ["POLICY_INVALID", [code]]);
    assert.equal(toExitCode(error), EXIT.invalid);
  }
});

test("a document about refused evidence has the keys of a verdict, the error as always, and exit code 6", async () => {
  const late = await run(`attest verify demo/evidence.bin ${DEMO} --at 2027-01-01T00:00:00Z -o json`);
  assert.equal(late.exitCode, EXIT.refused);
  const { outcome, rejectReason, error } = documentOf(late) as unknown as Record<string, { code: string }>;
  assert.equal(outcome, "reject");
  assert.equal(typeof rejectReason, "string");
  assert.equal(error?.code, "ROOT_CRL_NOT_CURRENT");

  await run("attest simulate --to old --status OutOfDate --advisory INTEL-SA-00615");
  const old = await run(`attest verify old/evidence.bin ${judgeFlags("old")} -o json`);
  assert.equal(old.exitCode, EXIT.refused);
  const { appraisal, tcbStatus, advisoryIds } = documentOf(old);
  assert.deepEqual([tcbStatus, advisoryIds, appraisal.outcome], ["OutOfDate", ["INTEL-SA-00615"], "refused"]);
});

test("every fault is refused with its code by the tool, too", async () => {
  // One of each step: the whole table is tried where it is made.
  const perStep = new Map(Object.entries(FAULTS).map(([name, { step }]) => [step, name]));
  for (const name of perStep.values()) {
    await run(`attest simulate --to fault --fault ${name}`);
    const reportData = "00".repeat(64);
    const error = await failureOf(
      `attest verify fault/evidence.bin ${judgeFlags("fault")} --report-data ${reportData}`,
    );
    const code = error.code === "APPRAISAL_REFUSED" ? error.findings[0]?.code : error.code;
    assert.equal(code, FAULTS[name]?.code, name);
  }
});

test("what evidence cannot be is refused", async () => {
  for (const flags of [
    "--mrenclave 00",
    `--mrenclave ${"00".repeat(32)}`,
    "--tee sgx --quote-version 4",
    "--fault no-such",
    "--tee snp --status OutOfDate",
    "--tee sgx --isv-svn 99999",
    "--tee sgx --relaunch",
  ]) {
    const error = await failureOf(`attest simulate --to x ${flags}`);
    assert.deepEqual([error.code, toExitCode(error)], ["SIMULATION_WISH_INVALID", EXIT.usage], flags);
  }
  assert.equal((await failureOf("attest simulate")).code, "USAGE");
});

test("measurements that are asked for are in the evidence, and show tells them without verifying", async () => {
  const mrtd = "ab".repeat(48);
  await run(`attest simulate --to own --quote-version 5 --mrtd ${mrtd} --report-data ${"cd".repeat(64)}`);
  const { value } = await run("attest show own/evidence.bin");
  const { measurements, reportData, verified, bodyType } = value as Record<string, unknown>;
  assert.equal((measurements as { mrtd: string }).mrtd, mrtd);
  assert.deepEqual([reportData, verified, bodyType], ["cd".repeat(64), false, "td-report-1.5"]);
});

test("a domain that should be launched again is refused until the policy accepts it", async () => {
  await run("attest simulate --to relaunch --relaunch");
  const error = await failureOf(`attest verify relaunch/evidence.bin ${judgeFlags("relaunch")}`);
  assert.deepEqual(
    error.findings.map(({ code }) => code),
    ["APPRAISAL_TCB_STATUS"],
  );
  const policy = readFileSync(join(home, "relaunch/policy.yaml"), "utf8");
  writeFileSync(join(home, "relaunch/policy.yaml"), `${policy}tcb: {accept: {TDRelaunchAdvised: 2026-03-01}}\n`);
  const { appraisal } = documentOf(await run(`attest verify relaunch/evidence.bin ${judgeFlags("relaunch")}`));
  assert.deepEqual([appraisal.outcome, appraisal.validUntil], ["accepted", "2026-03-01T23:59:59Z"]);
});

test("show tells collateral, certificates, certificates with evidence inside, and tokens", async () => {
  const kindOf = async (file: string) => documentOf(await run(`attest show ${file}`)).kind;
  assert.equal(await kindOf("demo/collateral.json"), "collateral");
  assert.equal(await kindOf("demo/root.pem"), "certificate");

  const root = createRoot("intel", { now: NOW });
  const adjust = {
    certificate: (role: string, spec: { extensions: readonly object[] }) =>
      role === "tcbSigning" ? { ...spec, extensions: [{ id: "2.23.133.5.4.9", value: quote }] } : spec,
  };
  const { collateral } = simulateIntel(root, makeWish("tdx"), { now: NOW, adjust: adjust as never });
  writeFileSync(join(home, "ra-tls.pem"), collateral.tcbInfo?.issuerChainPem ?? "");
  const { evidence } = documentOf(await run("attest show ra-tls.pem")) as unknown as {
    evidence: { extension: string; tee: string }[];
  };
  assert.deepEqual(
    evidence.map(({ extension, tee }) => [extension, tee]),
    [["TCG DICE tagged evidence", "tdx"]],
  );

  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { iss: "broker", iat: 1772366400, submods: { cpu0: { "ear.status": "affirming" } } };
  writeFileSync(join(home, "token"), `${part({ alg: "ES256" })}.${part(claims)}.c2ln\n`);
  const token = documentOf(await run("attest show token"));
  assert.deepEqual([token.kind, token.claims], ["token", claims]);
  writeFileSync(join(home, "token"), "aaa.bbb.ccc");
  assert.equal((await failureOf("attest show token")).code, "EVIDENCE_FORM_UNKNOWN");
});

test("an SEV-SNP report is simulated, verified and appraised", async () => {
  await run("attest simulate --to snp --tee snp");
  const result = await run(`attest verify snp/evidence.bin ${judgeFlags("snp")}`);
  assert.equal(documentOf(result).appraisal.tee, "sim-sev-snp");
  const missing = await failureOf(
    "attest verify snp/evidence.bin --policy snp/policy.yaml --simulation-root snp/root.pem",
  );
  assert.equal(missing.code, "COLLATERAL_MISSING");
});

test("every vector gives its expected document", { skip }, async () => {
  for (const name of skip ? [] : readdirSync(VECTORS)) {
    const folder = join(VECTORS, name);
    const expected = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")) as Record<string, unknown>;
    if (!existsSync(join(folder, "collateral.json"))) continue;
    const line = `attest verify ${folder}/quote.bin --collateral ${folder} --at ${String(expected.now)} -o json`;
    const result = await run(line);
    const value = documentOf(result);
    assert.equal(value.outcome, expected.outcome, name);
    assert.equal(result.exitCode, expected.outcome === "verdict" ? EXIT.done : EXIT.refused);
    if (expected.outcome !== "verdict") continue;
    const keys = Object.keys(expected).filter((key) => key in value);
    assert.ok(keys.length >= 14, name);
    for (const key of keys) assert.deepEqual(value[key], expected[key], `${name} ${key}`);
  }
});

test("an event log must replay to the registers of its quote", { skip }, async () => {
  const folder = join(VECTORS, "tdx-v4-event-log");
  const line = `attest verify ${folder}/quote.bin --collateral ${folder} --at 2025-10-01T00:00:00Z --event-log`;
  const replayed = await run(`${line} ${folder}/eventlog.bin`);
  assert.match(replayed.context.stderr.text(), /43 events/);
  writeFileSync(join(home, "log"), readFileSync(join(folder, "eventlog.bin")).subarray(0, 2000));
  const cut = await failureOf(`${line} log`);
  assert.deepEqual([cut.code, toExitCode(cut)], ["EVENT_LOG_MALFORMED", EXIT.refused]);
  const enclave = await failureOf(
    `attest verify sgx/evidence.bin ${judgeFlags("sgx")} --event-log ${folder}/eventlog.bin`,
  );
  assert.equal(enclave.code, "USAGE");
});

test("the instant is this machine's when none is given", async () => {
  assert.equal(documentOf(await run(`attest verify demo/evidence.bin ${DEMO}`)).now, AT);
});
