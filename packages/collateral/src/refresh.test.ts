// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { type Collateral, type Instant, toInstant } from "@bulwark/attestation";
import { BulwarkError } from "@bulwark/contracts/errors";
import { createRoot, makeWish, simulateIntel } from "@bulwark/simulation";
import { type CollateralEvent, createRefreshingSource, type RefreshOptions } from "./refresh.ts";
import type { CollateralRequest, CollateralSource } from "./source.ts";

const START = Date.UTC(2026, 2, 1);
const DAY_MS = 86_400_000;
const root = createRoot("intel", { now: new Date(START - 400 * DAY_MS) });
const request: CollateralRequest = { tee: "sgx", fmspc: "50806f000000", ca: "platform" };
const signal = new AbortController().signal;

/** A source that issues collateral for thirty days, a clock, and an audit. */
function setUp(options: Partial<RefreshOptions> = {}) {
  let now = START;
  let isBroken = false;
  const events: CollateralEvent[] = [];
  const issued: Collateral[] = [];
  const source: CollateralSource = {
    name: "test",
    async fetch() {
      if (isBroken) throw new BulwarkError("COLLATERAL_UNREACHABLE", "nothing listens there", "look");
      const { collateral } = simulateIntel(root, makeWish("sgx"), { now: new Date(now) });
      issued.push(collateral);
      return collateral;
    },
  };
  const refreshing = createRefreshingSource(source, {
    now: () => toInstant(now),
    audit: (event) => events.push(event),
    ...options,
  });
  return {
    events,
    issued,
    fetch: (own = request) => refreshing.fetch(own, { signal }),
    goTo: (day: number) => {
      now = START + day * DAY_MS;
    },
    break: (broken: boolean) => {
      isBroken = broken;
    },
  };
}

const names = (events: readonly CollateralEvent[]): string[] => events.map(({ event }) => event);

test("what is fresh is given out without asking again", async () => {
  const { fetch, issued, goTo } = setUp();
  const first = await fetch();
  goTo(10);
  assert.equal(await fetch(), first);
  assert.equal(issued.length, 1);
});

test("past half of its life it is given out at once and renewed behind the scenes, once", async () => {
  const { fetch, issued, goTo } = setUp();
  const first = await fetch();
  goTo(20);
  assert.deepEqual(await Promise.all([fetch(), fetch(), fetch()]), [first, first, first]);
  await turn();
  assert.equal(issued.length, 2);
  assert.equal(await fetch(), issued[1]);
});

test("past its next update it is fetched first, and many who ask share one fetch", async () => {
  const { fetch, issued, goTo } = setUp();
  await fetch();
  goTo(31);
  const given = await Promise.all([fetch(), fetch(), fetch()]);
  assert.equal(issued.length, 2);
  assert.ok(given.every((one) => one === issued[1]));
});

test("a refresh that fails behind the scenes disturbs nobody before the next update, and is in the audit", async () => {
  const { fetch, goTo, break: breakSource, events } = setUp();
  const first = await fetch();
  breakSource(true);
  goTo(29);
  assert.equal(await fetch(), first);
  await turn();
  assert.equal(await fetch(), first);
  assert.deepEqual(names(events), ["fetched", "refresh failed"]);
});

test("without grace nothing is given out beyond the next update", async () => {
  const { fetch, goTo, break: breakSource } = setUp();
  await fetch();
  breakSource(true);
  goTo(30);
  await assert.rejects(fetch(), { name: "BulwarkError", code: "COLLATERAL_STALE" });
});

test("with grace it is given out so long, no longer, and the audit is told each time", async () => {
  const { fetch, goTo, break: breakSource, events } = setUp({ graceDays: 3 });
  const first = await fetch();
  breakSource(true);
  goTo(32);
  assert.equal(await fetch(), first);
  assert.equal(await fetch(), first);
  assert.deepEqual(names(events).filter((event) => event === "used beyond next update").length, 2);
  goTo(33);
  await assert.rejects(fetch(), { code: "COLLATERAL_STALE" });
  breakSource(false);
  assert.notEqual(await fetch(), first);
});

test("within the grace nobody waits for a source that failed a moment ago", async () => {
  const { fetch, goTo, break: breakSource, events } = setUp({ graceDays: 3 });
  await fetch();
  breakSource(true);
  goTo(31);
  await fetch();
  await fetch();
  assert.equal(names(events).filter((event) => event === "refresh failed").length, 1);
  goTo(31 + 2 / 1440);
  await fetch();
  assert.equal(names(events).filter((event) => event === "refresh failed").length, 2);
});

test("an older set does not take the place of a newer one", async () => {
  const [newer, older] = [0, -10].map(
    (day) => simulateIntel(root, makeWish("sgx"), { now: new Date(START + day * DAY_MS) }).collateral,
  );
  const sets = [newer, older];
  let now = START;
  const source: CollateralSource = { name: "cache", fetch: async () => sets.shift() as Collateral };
  const refreshing = createRefreshingSource(source, { now: () => toInstant(now), audit: () => {} });
  assert.equal(await refreshing.fetch(request, { signal }), newer);
  now += 20 * DAY_MS;
  await refreshing.fetch(request, { signal });
  await turn();
  assert.equal(await refreshing.fetch(request, { signal }), newer);
  assert.equal(sets.length, 0);
});

test("a source that has nothing newer is a failure, and its set is given out within the grace alone", async () => {
  const { collateral } = simulateIntel(root, makeWish("sgx"), { now: new Date(START - 31 * DAY_MS) });
  const source: CollateralSource = { name: "folder", fetch: async () => collateral };
  const give = (graceDays: number, events: CollateralEvent[] = []) =>
    createRefreshingSource(source, {
      now: () => toInstant(START),
      audit: (event) => events.push(event),
      graceDays,
    }).fetch(request, { signal });
  await assert.rejects(give(0), { code: "COLLATERAL_STALE" });
  const events: CollateralEvent[] = [];
  assert.equal(await give(3, events), collateral);
  assert.deepEqual(names(events), ["fetched", "used beyond next update"]);
});

test("the first fetch that fails tells why", async () => {
  const { fetch, break: breakSource } = setUp();
  breakSource(true);
  await assert.rejects(fetch(), { code: "COLLATERAL_UNREACHABLE" });
});

test("no more is remembered than was allowed", async () => {
  const { fetch, issued } = setUp({ mostEntries: 2 });
  const ask = (fmspc: string) => fetch({ ...request, fmspc });
  await ask("000000000001");
  await ask("000000000002");
  await ask("000000000003");
  await ask("000000000003");
  assert.equal(issued.length, 3);
  await ask("000000000001");
  assert.equal(issued.length, 4);
});

test("whoever asked can give up, and the fetch goes on for the others", async () => {
  let resolve: (collateral: Collateral) => void = () => {};
  const slow: CollateralSource = { name: "slow", fetch: () => new Promise((done) => (resolve = done)) };
  const refreshing = createRefreshingSource(slow, { now: () => START as Instant, audit: () => {} });
  const stop = new AbortController();
  const one = refreshing.fetch(request, { signal: stop.signal });
  const two = refreshing.fetch(request, { signal });
  stop.abort(new Error("enough"));
  await assert.rejects(one, { message: "enough" });
  resolve(simulateIntel(root, makeWish("sgx"), { now: new Date(START) }).collateral);
  assert.ok((await two).tcbInfo);
});

test("a grace that is no number of days is refused", () => {
  for (const graceDays of [-1, 31, Number.NaN]) {
    assert.throws(() => setUp({ graceDays }), { code: "COLLATERAL_SOURCE_INVALID" });
  }
});
