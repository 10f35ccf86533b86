// SPDX-License-Identifier: Apache-2.0
// Changed requests to a real gateway; `npm run fuzz -- gateway` sends as many as one likes.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type FuzzedGateway, fuzzSurface, startFuzzedGateway } from "./fuzz-servers.ts";
import { SURFACES } from "./fuzz-surfaces.ts";

const INPUTS = 1_000;
const MOST_MIB = 1_024;

let gateway: FuzzedGateway;
before(async () => {
  gateway = await startFuzzedGateway(process.env);
});
after(() => gateway?.stop());

for (const name of Object.keys(SURFACES)) {
  test(`${name}: whatever is sent, it is answered or refused with a code, and others are answered right`, async () => {
    const result = await fuzzSurface(name, gateway, { inputs: INPUTS, seed: 7 });
    assert.deepEqual(result.failures, []);
    assert.ok(result.inputs === INPUTS && result.asked > 10 && result.outcomes > 5, JSON.stringify(result));
    assert.ok(result.rssMiB.most < MOST_MIB, JSON.stringify(result.rssMiB));
  });
}
