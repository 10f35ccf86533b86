// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";
import { createRoot, makeWish, simulateIntel } from "@bulwark/simulation";
import { createBundleSource, createFolderSource } from "./file.ts";
import { type CollateralRequest, toFileName } from "./source.ts";

const NOW = new Date("2026-03-01T12:00:00Z");
const { collateral } = simulateIntel(createRoot("intel", { now: NOW }), makeWish("sgx"), { now: NOW });
const request: CollateralRequest = { tee: "sgx", fmspc: "50806f000000", ca: "platform" };
const signal = new AbortController().signal;
const folder = mkdtempSync(join(tmpdir(), "bulwark-collateral-"));
after(() => rmSync(folder, { recursive: true, force: true }));

async function codeOf(action: () => Promise<unknown>): Promise<ErrorCode> {
  try {
    await action();
  } catch (error) {
    assert.ok(error instanceof BulwarkError, String(error));
    assert.ok(error.mend.length > 0);
    return error.code;
  }
  throw new assert.AssertionError({ message: "it was accepted" });
}

const fetchFolder = () => createFolderSource(folder, { read: readFile, join }).fetch(request, { signal });

test("a folder holds one bundle per kind of TEE, platform family and CA", async () => {
  writeFileSync(join(folder, toFileName(request)), JSON.stringify(collateral));
  assert.deepEqual({ ...(await fetchFolder()), pckChainPem: undefined }, { ...collateral, pckChainPem: undefined });
  const other = { ...request, fmspc: "00606a000000" };
  assert.equal(
    await codeOf(() => createFolderSource(folder, { read: readFile, join }).fetch(other, { signal })),
    "COLLATERAL_FILE_MISSING",
  );
});

test("a bundle answers whatever is asked, and says what is wrong with it", async () => {
  const path = join(folder, "bundle.json");
  const fetchBundle = () => createBundleSource(path, readFile).fetch(request, { signal });
  assert.equal(await codeOf(fetchBundle), "COLLATERAL_FILE_MISSING");
  writeFileSync(path, JSON.stringify(collateral));
  assert.equal((await fetchBundle()).tcbInfo?.body, collateral.tcbInfo?.body);
  for (const text of ["", "[]", "{}", '{"tcbInfo": 1}', JSON.stringify({ ...collateral, more: 1 })]) {
    writeFileSync(path, text);
    assert.equal(await codeOf(fetchBundle), "COLLATERAL_INVALID", text.slice(0, 20));
  }
});
