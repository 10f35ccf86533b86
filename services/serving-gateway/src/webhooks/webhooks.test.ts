// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { isPrivate } from "./addresses.ts";
import { createSend, type Message } from "./send.ts";
import { createWebhooks, type Webhooks } from "./webhooks.ts";

const open = (answers: (string | undefined)[], over: { hosts?: string[]; mostWaiting?: number } = {}) => {
  const pauses: number[] = [];
  const sent: Message[] = [];
  const webhooks = createWebhooks({
    send: async (message) => {
      sent.push(message);
      return answers.shift();
    },
    ...{ allowPrivate: false, hosts: [], random: () => 0.5, ...over },
    pause: async (ms) => void pauses.push(ms),
  });
  return { webhooks, pauses, sent };
};
const settled = async (webhooks: Webhooks): Promise<void> => {
  while (webhooks.counts().waiting > 0) await new Promise((resolve) => setImmediate(resolve));
};
const ended = async () => ({ state: "succeeded" }) as const;
const url = new URL("https://hooks.example/a");

test("a message is repeated with growing pauses until it is taken", async () => {
  const { webhooks, pauses, sent } = open(["status 500", "ECONNREFUSED", undefined]);
  webhooks.watch({ id: "a", url, ended });
  await settled(webhooks);
  assert.deepEqual(pauses, [1_000, 4_000]);
  assert.deepEqual(new Set(sent.map(({ body }) => body)).size, 1);
  assert.deepEqual(webhooks.counts(), { waiting: 0, delivered: 1, failed: 0 });
});

test("one that nobody takes is given up and counted", async () => {
  const { webhooks, sent } = open(Array.from({ length: 20 }, () => "status 404"));
  webhooks.watch({ id: "a", url, ended });
  await settled(webhooks);
  assert.equal(sent.length, 6);
  assert.equal(webhooks.counts().failed, 1);
});

test("no more wait than may, and closing gives up", async () => {
  const { webhooks } = open([], { mostWaiting: 1 });
  webhooks.watch({
    id: "a",
    url,
    ended: (signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve(undefined))),
  });
  assert.throws(() => webhooks.accept("https://a.example"), { code: "ENGINE_BUSY" });
  await webhooks.close();
  assert.equal(webhooks.counts().waiting, 0);
});

for (const address of [
  ...[
    "https://127.0.0.1/",
    "https://[::1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://169.254.169.254/",
    "https://0x7f.1/",
  ],
  ...["http://a.example/", "ftp://a.example/", "https://u:p@a.example/", "https://other.example/", "x", 7, undefined],
]) {
  test(`refused: ${address}`, () => {
    const hosts = String(address).includes("other") ? ["a.example"] : [];
    assert.throws(() => open([], { hosts }).webhooks.accept(address), { code: "WEBHOOK_REFUSED" });
  });
}

test("private addresses are those of no public network", () => {
  for (const address of [
    "10.1.2.3",
    "172.31.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "fd00::1",
    "fe80::1",
    "::",
    "224.0.0.1",
    "x",
  ])
    assert.ok(isPrivate(address), address);
  for (const address of ["9.9.9.9", "172.32.0.1", "2620:fe::fe", "::ffff:9.9.9.9"])
    assert.ok(!isPrivate(address), address);
});

test("a name that stands for this machine is refused when it is called", async () => {
  const send = createSend({ secret: Buffer.from("s"), allowPrivate: false, now: Date.now });
  const message = { id: "a", url: new URL("https://localhost:1/"), body: "{}" };
  assert.equal(await send(message, new AbortController().signal), "WEBHOOK_REFUSED");
});
