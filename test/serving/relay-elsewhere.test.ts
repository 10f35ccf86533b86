// SPDX-License-Identifier: Apache-2.0
// The relay of a machine on which nothing serves: all it knows of the queue are its flags.
import assert from "node:assert/strict";
import { chmodSync, copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { findFreePort } from "../../cli/src/serving/free-port.ts";
import { startRelay } from "../../cli/src/serving/relay.ts";
import { createRunner } from "../../cli/src/testing/run-line.ts";
import type { BulwarkError } from "../../packages/contracts/src/errors/index.ts";
import { askRelay, computeRow, launchRelay, type RelayProcess, toArguments } from "./ask-relay.ts";
import { ANSWERS, CLIENT, findPython, runClient } from "./python-client.ts";
import { type QueueStack, skip, startQueueStack } from "./stack.ts";
import { makeHome } from "./tool.ts";

describe("a relay with nothing but flags", { skip }, () => {
  const { home, folder, env } = makeHome("bulwark relay");
  let stack: QueueStack;
  let relay: RelayProcess;
  /** What the flags name, for a wrong one to take the place of one of them. */
  let flags: Record<string, string>;
  before(async () => {
    stack = await startQueueStack(["echo"]);
    const { relay: redis, keyringFile } = stack.queue.record;
    flags = {
      redis: redis.url.replace("127.0.0.1", "localhost"),
      "password-file": redis.passwordFile ?? "",
      "ca-file": redis.caFile ?? "",
      "certificate-file": redis.certificateFile ?? "",
      "private-key-file": redis.privateKeyFile ?? "",
      "keyring-file": keyringFile,
    };
    relay = await launchRelay(flags, { env });
  });
  after(async () => {
    await relay?.stop();
    await stack?.stop();
    rmSync(home, { recursive: true, force: true });
  });

  it("gives an older client what a real engine computed, and knows no stack", async () => {
    assert.ok(!existsSync(join(folder, "stack.json")));
    assert.deepEqual(await computeRow(relay.port, "far", [4711.25, -1, 0.5]), [
      [4711.25, -1, 0.5],
      [4711.25, -1, 0.5],
    ]);
    assert.match(await askRelay(relay.port, ["DEL", "cluster-serving_serving_stream:far"]), /^:1/);
    assert.match(await askRelay(relay.port, ["HGETALL", "cluster-serving_serving_stream:far"]), /^\*0/);
  });

  it("serves the older client as it was published", async (context) => {
    const python = await findPython().catch((error) => context.skip(`no Python with ${CLIENT}: ${error.message}`));
    if (python !== undefined) assert.deepEqual(await runClient(python, relay.port), ANSWERS);
  });

  it("refuses a model that the engines do not have, where it may look, and takes any where it may not", async () => {
    const options = { port: 0, mostRecords: 10, mostBytes: 2 ** 20 };
    await assert.rejects(
      startRelay(stack.queue.record, { ...options, model: "nosuch" }),
      (error: BulwarkError) => error.code === "MODEL_UNKNOWN" && error.mend.includes("echo"),
    );
    await (await startRelay(stack.queue.record, { ...options, model: "echo" })).close();
    await (await launchRelay({ ...flags, model: "nosuch" }, { env })).stop();
  });

  it("refuses what is wrong before it listens, each with a code and a mend", async () => {
    const { failureOf } = createRunner(stack.folder);
    const write = (name: string, text: string, mode = 0o600): string => {
      const path = join(stack.folder, name);
      writeFileSync(path, text);
      chmodSync(path, mode);
      return path;
    };
    const loose = join(stack.folder, "loose");
    copyFileSync(flags["keyring-file"] ?? "", loose);
    chmodSync(loose, 0o640);
    const otherPort = await findFreePort();
    const keyring = JSON.parse(readFileSync(flags["keyring-file"] ?? "", "utf8"));
    const { caFile, privateKeyFile, passwordFile } = stack.queue.record.redis;
    const table: [string, Record<string, string | undefined>, string][] = [
      ["plain Redis on another machine", { redis: "redis://redis.example:6379" }, "SERVING_CONFIG"],
      ["a password in the address", { redis: "rediss://relay:secret@localhost:1" }, "SERVING_CONFIG"],
      ["a database in the address", { redis: `${flags.redis}/3` }, "SERVING_CONFIG"],
      ["an address that is none", { redis: "localhost:6379" }, "SERVING_CONFIG"],
      ["nobody at the address", { redis: `rediss://localhost:${otherPort}` }, "QUEUE_UNREACHABLE"],
      ["no password", { "password-file": undefined }, "USAGE"],
      ["no keyring", { "keyring-file": undefined }, "USAGE"],
      ["flags without --redis", { redis: undefined }, "USAGE"],
      ["an absent password file", { "password-file": "/nowhere" }, "SERVING_CONFIG"],
      ["an empty password", { "password-file": write("empty", "\n") }, "SERVING_CONFIG"],
      ["a password that others can read", { "password-file": write("open", "x", 0o644) }, "KEYRING_UNSAFE"],
      ["a keyring that others can read", { "keyring-file": loose }, "KEYRING_UNSAFE"],
      ["a keyring that is none", { "keyring-file": write("none", "{}") }, "KEYRING_INVALID"],
      ["a keyring without the key", { "record-key": "models" }, "KEY_MISSING"],
      [
        "a keyring without keys",
        { "keyring-file": write("keyless", JSON.stringify({ ...keyring, keys: [] })) },
        "KEY_MISSING",
      ],
      ["a wrong password", { "password-file": write("wrong", "wrong") }, "QUEUE_REFUSED"],
      ["an unknown user", { user: "nobody" }, "QUEUE_REFUSED"],
      ["a user who may only look", { user: "operator", "password-file": passwordFile }, "QUEUE_REFUSED"],
      ["a stream of others", { job: "another" }, "QUEUE_REFUSED"],
      ["a stream that cannot be", { job: "a:b" }, "QUEUE_NAME_INVALID"],
      ["a model that cannot be", { model: "a:b" }, "USAGE"],
      ["no authority", { "ca-file": undefined }, "QUEUE_REFUSED"],
      ["an authority that is none", { "ca-file": write("ca", "no certificate") }, "SERVING_CONFIG"],
      ["another name in the certificate", { "server-name": "redis.example" }, "QUEUE_REFUSED"],
      ["a certificate without its key", { "private-key-file": undefined }, "SERVING_CONFIG"],
      ["the key of another certificate", { "certificate-file": caFile }, "SERVING_CONFIG"],
      ["a key that is none", { "private-key-file": write("key", "no key") }, "SERVING_CONFIG"],
      ["a certificate that is none", { "certificate-file": privateKeyFile }, "SERVING_CONFIG"],
      [
        "no certificate for one who asks for it",
        { "certificate-file": undefined, "private-key-file": undefined },
        "QUEUE_REFUSED",
      ],
    ];
    for (const [what, wrong, code] of table) {
      const line = ["serving", "relay", "--port", "0", ...toArguments({ ...flags, ...wrong })].join(" ");
      const error = await failureOf(line, { signal: AbortSignal.timeout(20_000) });
      assert.equal(error.code, code, `${what}: ${error.message}`);
      assert.ok(error.mend.length > 0, what);
    }
  });
});
