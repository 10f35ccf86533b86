// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseCollateral } from "@bulwark/attestation";
import { servePcs } from "@bulwark/collateral/testing";
import { EXIT, toExitCode } from "@bulwark/contracts/errors";
import { createRoot, createServerIdentity } from "@bulwark/simulation";
import type { Result } from "../command.ts";
import { createTestFolder } from "../testing/context.ts";
import { createRunner } from "../testing/run-line.ts";

const home = createTestFolder("bulwark-collateral-");
const { run, failureOf } = createRunner(home, new Date("2026-03-01T12:00:00.000Z"));
const documentOf = (result: Result) => result.value as Record<string, unknown>;

await run("attest simulate --to demo");
const tlsRoot = createRoot("intel", { now: new Date() });
const tls = createServerIdentity(tlsRoot, { now: new Date() });
const server = await servePcs(parseCollateral(readFileSync(join(home, "demo/collateral.json"), "utf8")), tls);
after(() => server.close());
writeFileSync(join(home, "ca.pem"), tls.ca);
writeFileSync(join(home, "api-key"), "s3cret\n");

test("collateral is fetched from a service into a folder, shown, and used from there", async () => {
  const fetched = await run(
    `attest collateral fetch demo/evidence.bin --to kept --from ${server.url} --ca-file ca.pem`,
  );
  const { file, items } = documentOf(fetched) as unknown as { file: string; items: object[] };
  assert.equal(file, join(home, "kept/tdx-50806f000000-platform.json"));
  assert.equal(items.length, 4);
  assert.deepEqual(readdirSync(join(home, "kept")), ["tdx-50806f000000-platform.json"]);
  const shown = documentOf(await run("attest collateral show kept")) as unknown as {
    items: { state: string; daysLeft: number }[];
  };
  assert.deepEqual(
    shown.items.map(({ state, daysLeft }) => [state, daysLeft]),
    Array(4).fill(["valid", 29]),
  );
  const later = documentOf(
    await run("attest collateral show kept --at 2026-06-01T00:00:00Z"),
  ) as unknown as typeof shown;
  assert.ok(later.items.every(({ state }) => state === "expired"));
  const flags = "--policy demo/policy.yaml --simulation-root demo/root.pem --collateral kept";
  assert.equal((await run(`attest verify demo/evidence.bin ${flags}`)).exitCode, EXIT.done);
});

test("a verification asks a service itself, and a subscription key stays out of everything that is said", async () => {
  const flags = `--policy demo/policy.yaml --simulation-root demo/root.pem --collateral ${server.url} --ca-file ca.pem`;
  const result = await run(`attest verify demo/evidence.bin ${flags} --api-key-file api-key`);
  assert.equal(result.exitCode, EXIT.done);
  assert.equal(server.requests.at(-1)?.headers["ocp-apim-subscription-key"], "s3cret");
  assert.ok(!(result.context.stderr.text() + JSON.stringify(result.value)).includes("s3cret"));
});

test("a service without a trusted certificate, or without the platform, exits with 4 and says the address", async () => {
  const line = "attest collateral fetch demo/evidence.bin --to kept --from";
  const untrusted = await failureOf(`${line} ${server.url}`);
  assert.deepEqual([untrusted.code, toExitCode(untrusted)], ["COLLATERAL_UNREACHABLE", EXIT.unreachable]);
  server.faults.set("tcb", (response) => response.writeHead(404).end());
  try {
    const unknown = await failureOf(`${line} ${server.url} --ca-file ca.pem`);
    assert.deepEqual([unknown.code, toExitCode(unknown)], ["COLLATERAL_NOT_FOUND", EXIT.unreachable]);
    assert.ok(unknown.message.includes(server.url));
  } finally {
    server.faults.clear();
  }
});

test("fetching wants a quote or a platform, and a folder that can be written", async () => {
  for (const line of ["--to kept", "--to kept --fmspc 12", "demo/evidence.bin"]) {
    assert.rejects(run(`attest collateral fetch ${line}`), { code: "USAGE" });
  }
  const blocked = await failureOf("attest collateral fetch demo/evidence.bin --from demo --to demo/root.pem/x");
  assert.deepEqual([blocked.code, toExitCode(blocked)], ["COLLATERAL_UNWRITABLE", EXIT.invalid]);
});
