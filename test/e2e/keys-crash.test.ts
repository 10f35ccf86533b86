// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { initKeys, openKeys, rotateKeys } from "../../packages/pki/src/index.ts";

const KILLS = 200;
const KILLS_AT_A_TIME = 20;
const CHILD = new URL("./keys-crash-child.ts", import.meta.url).pathname;
const NOW = new Date("2026-03-01T12:00:00.000Z");

let root: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), "bulwark-crash-"));
});
after(() => rm(root, { recursive: true, force: true }));

test(`${KILLS} kills during rotation leave the old or the new keys, never a mixture`, async (context) => {
  const folder = join(root, "keys");
  const first = await initKeys(folder, { now: NOW, keyNames: ["patients"] });
  let spreadMs = 0;
  let generation = 0;
  let rotations = 0;
  let withLeftovers = 0;
  for (let count = 0; count < KILLS; count++) {
    if (count % KILLS_AT_A_TIME === 0) {
      // Kills fall on every part of a rotation and some beyond it, however fast this machine is now.
      spreadMs = 1.3 * (await timeRotation(folder));
      generation = (await openKeys(folder, { now: NOW })).generation;
    }
    const committed = await rotateUntilKilled(folder, Math.random() * spreadMs);
    const keys = await openKeys(folder, { now: NOW });
    await checkDigests(keys.folder);
    // What the child reported as done is done; at most one more had been committed when the kill came.
    const last = Math.max(committed ?? generation, generation);
    assert.ok(keys.generation === last || keys.generation === last + 1, `${last} became ${keys.generation}`);
    // Every rotation adds one version to the master key: the keyring is that of its generation, with none lost.
    assert.deepEqual(
      keys.keyring.keys[0]?.versions.map(({ version }) => version),
      Array.from({ length: keys.generation }, (_, index) => index + 1),
    );
    assert.deepEqual(keys.keyring.keys[0]?.versions[0], first.keyring.keys[0]?.versions[0]);
    if ((await listForeign(folder)).length > 0) withLeftovers++;
    rotations += keys.generation - generation;
    generation = keys.generation;
  }
  context.diagnostic(`${rotations} rotations done, ${withLeftovers} of ${KILLS} kills left something behind`);
  // Kills that never hit a rotation, or none of which came after one, would prove nothing.
  assert.ok(withLeftovers > KILLS / 10);
  assert.ok(rotations > KILLS / 20);
  await rotateKeys(folder, { now: NOW, what: "secret" });
  assert.deepEqual(await listForeign(folder), []);
  assert.deepEqual((await readdir(folder)).sort(), ["current", "generations"]);
});

test("a kill while the first keys are made is mended by the next start", async () => {
  for (let count = 0; count < 5; count++) {
    const folder = join(root, `first-${count}`);
    await rotateUntilKilled(folder, Math.random() * 1500);
    const keys = await initKeys(folder, { now: NOW, keyNames: ["patients"], ifMissing: true });
    await checkDigests(keys.folder);
    assert.deepEqual(await listForeign(folder), []);
  }
});

/** Milliseconds that the first rotation of a process takes. */
async function timeRotation(folder: string): Promise<number> {
  const child = startChild(folder, "1");
  const lines = createInterface({ input: child.stdout });
  await once(lines, "line");
  const start = performance.now();
  await once(lines, "line");
  const duration = performance.now() - start;
  await once(child, "exit");
  return duration;
}

function startChild(folder: string, ...rest: string[]) {
  return spawn(process.execPath, [CHILD, folder, ...rest], {
    stdio: ["ignore", "pipe", "inherit"],
    // Most of a child's life would go into compiling otherwise.
    env: { ...process.env, NODE_COMPILE_CACHE: join(root, "compiled") },
  });
}

/** Lets a child rotate again and again and kills it; the number of the last generation it reported. */
async function rotateUntilKilled(folder: string, afterMs: number): Promise<number | undefined> {
  const child = startChild(folder);
  const exited = once(child, "exit");
  let reported: number | undefined;
  const lines = createInterface({ input: child.stdout });
  const closed = once(lines, "close");
  const ready = once(lines, "line");
  lines.on("line", (line) => {
    if (line !== "ready") reported = Number(line);
  });
  await ready;
  await delay(afterMs);
  child.kill("SIGKILL");
  const [, signal] = await exited;
  await closed;
  assert.equal(signal, "SIGKILL");
  return reported;
}

async function checkDigests(generation: string): Promise<void> {
  const manifest = JSON.parse(await readFile(join(generation, "manifest.json"), "utf8"));
  const names = (await readdir(generation)).filter((name) => name !== "manifest.json");
  assert.deepEqual(names.sort(), Object.keys(manifest.files).sort());
  for (const name of names) {
    const content = await readFile(join(generation, name));
    assert.equal(createHash("sha256").update(content).digest("hex"), manifest.files[name], name);
  }
}

/** Names that are neither `current` nor a generation up to the current one. */
async function listForeign(folder: string): Promise<string[]> {
  const { generation } = await openKeys(folder, { now: NOW });
  const inside = await readdir(join(folder, "generations"));
  return [
    ...(await readdir(folder)).filter((name) => name !== "current" && name !== "generations"),
    ...inside.filter((name) => !/^\d{6}$/.test(name) || Number(name) > generation),
  ];
}
