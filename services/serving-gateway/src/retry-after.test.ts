// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { createClients } from "./clients.ts";
import { createRetryAfter, type Load } from "./retry-after.ts";

function open(load: Partial<Load> = {}) {
  const clock = { ms: 1_000_000 };
  return {
    clock,
    retry: createRetryAfter({ now: () => clock.ms, inFlight: () => 0, oldestMs: () => undefined, ...load }),
  };
}
const busy = { code: "ENGINE_BUSY", retryAfterMs: undefined } as const;
const full = { code: "QUEUE_FULL", retryAfterMs: undefined } as const;

test("a caller over its rate is told when the next request is let in, to the millisecond", () => {
  const clock = { ms: 0 };
  const clientLimits = { requestsPerSecond: 0.25, burst: 2, concurrent: 0 };
  const clients = createClients(
    { clientLimits, maxInFlight: 10, clientCertificates: false, adminCertificates: [] },
    { tokens: undefined, bodiesBytes: 0, now: () => clock.ms },
  );
  const admit = () => clients.admit({ authorization: undefined, certificate: undefined, address: "a" });
  const waitOf = (): number | undefined => {
    try {
      admit();
      return undefined;
    } catch (error) {
      return (error as { retryAfterMs?: number }).retryAfterMs;
    }
  };
  admit();
  admit();
  assert.equal(waitOf(), 4_000);
  clock.ms = 1_500;
  assert.equal(waitOf(), 2_500);
  const { retry } = open();
  assert.equal(retry.secondsFor({ code: "SERVING_LIMIT", retryAfterMs: 2_500 }), 3);
  clock.ms = 3_999;
  assert.ok((waitOf() ?? 0) > 0, "not a moment earlier");
  clock.ms = 4_000;
  assert.equal(waitOf(), undefined);
  assert.equal(retry.secondsFor({ code: "SERVING_LIMIT", retryAfterMs: 90_000 }), 90, "what is exact is not cut");
});

test("a full queue asks for as long as it takes to be worked off, within bounds", () => {
  for (const [oldestMs, seconds] of [
    [undefined, 1],
    [0, 1],
    [400, 1],
    [7_200, 8],
    [600_000, 30],
  ] as const) {
    assert.equal(open({ oldestMs: () => oldestMs }).retry.secondsFor(full), seconds, String(oldestMs));
  }
});

test("a busy server asks for as long as what is under way takes at the rate of late", () => {
  const { clock, retry } = open({ inFlight: () => 100 });
  assert.equal(retry.secondsFor(busy), 1, "nothing is known yet");
  for (let at = 0; at < 50; at++) retry.done();
  clock.ms += 5_000;
  // 10 each second, 100 under way.
  assert.equal(retry.secondsFor(busy), 10);
  clock.ms += 10_000;
  // Of the last window 50, of the one under way none: 15 seconds.
  assert.equal(retry.secondsFor(busy), 30);
  clock.ms += 60_000;
  assert.equal(retry.secondsFor(busy), 1, "what was long ago says nothing");
});
