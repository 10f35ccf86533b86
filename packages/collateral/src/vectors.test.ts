// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  HARDWARE_ROOTS,
  inspectPlatform,
  parseCollateral,
  parseInstant,
  parseQuote,
  verifyQuote,
} from "@bulwark/attestation";
import { createRoot, createServerIdentity } from "@bulwark/simulation";
import { createServiceSource } from "./service.ts";
import { toRequest } from "./source.ts";
import { createLoopbackNetwork } from "./testing/loopback-network.ts";
import { type CrlForm, servePcs } from "./testing/pcs-server.ts";

const FOLDER = join(import.meta.dirname, "../../../../shared/vectors/quotes");
const skip = existsSync(FOLDER) ? false : "../shared/vectors not found";
const NOW = new Date();
const identity = createServerIdentity(createRoot("intel", { now: NOW }), { now: NOW });
const FORMS: readonly CrlForm[] = ["der", "hex", "pem"];

/** Vectors with every item that a service gives. */
const complete = skip
  ? []
  : readdirSync(FOLDER).filter((name) => {
      const path = join(FOLDER, name, "expected.json");
      const { tee, outcome, certificationDataType } = JSON.parse(readFileSync(path, "utf8"));
      return tee !== "sev-snp" && outcome === "verdict" && certificationDataType === 5;
    });

test("collateral of real platforms passes through a service unchanged and verifies", { skip }, async () => {
  assert.ok(complete.length >= 3);
  for (const [index, name] of complete.entries()) {
    const read = (file: string) => readFileSync(join(FOLDER, name, file));
    const [quote, expected] = [read("quote.bin"), JSON.parse(read("expected.json").toString())];
    const collateral = parseCollateral(read("collateral.json").toString());
    const form = FORMS[index % FORMS.length] ?? "der";
    const server = await servePcs(collateral, identity, { form });
    try {
      const network = createLoopbackNetwork({ ca: identity.ca });
      const platform = inspectPlatform(parseQuote(quote));
      const { signal } = new AbortController();
      const fetched = await createServiceSource({ url: server.url, network }).fetch(toRequest(expected.tee, platform), {
        signal,
      });
      assert.equal(fetched.tcbInfo?.body, collateral.tcbInfo?.body);
      const verdict = verifyQuote(quote, fetched, { trustedRoots: HARDWARE_ROOTS, now: parseInstant(expected.now) });
      assert.equal(verdict.tcbStatus, expected.tcbStatus, name);
      assert.deepEqual(verdict.advisoryIds, expected.advisoryIds, name);
    } finally {
      await server.close();
    }
  }
});
