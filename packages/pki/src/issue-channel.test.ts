// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { createSecureContext } from "node:tls";
import { issueChannel } from "./issue-channel.ts";

const issue = (password = "p") => issueChannel({ now: new Date(), days: 1, password });

test("a channel's stores open with its password alone", async () => {
  const { keyStore, trustStore } = await issue();
  createSecureContext({ pfx: keyStore, passphrase: "p" });
  assert.throws(() => createSecureContext({ pfx: keyStore, passphrase: "another" }));
  assert.ok(trustStore.length > 0 && !keyStore.equals(trustStore));
});

test("no two channels have the same key or authority", async () => {
  const [one, other] = await Promise.all([issue(), issue()]);
  assert.ok(!one.keyStore.equals(other.keyStore) && !one.trustStore.equals(other.trustStore));
});
