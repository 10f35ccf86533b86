// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createCipheriv, createHash, pbkdf2Sync } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { writeIdentity, writeSum } from "@bulwark/inference/testing";
import { type GatewayConfig, parseConfig } from "../config.ts";
import { type Started, startGateway } from "../start.ts";

const root = await mkdtemp(join(tmpdir(), "bulwark-older-blobs-"));
const models = join(root, "models");
const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

/** By BigDL's rule: PBKDF2 with 65536 iterations; IV, ciphertext, tag. */
function encrypt(plain: Buffer, { bits, secret, salt }: { bits: 128 | 256; secret: string; salt: string }): Buffer {
  const iv = Buffer.alloc(12, 5);
  const cipher = createCipheriv(`aes-${bits}-gcm`, pbkdf2Sync(secret, salt, 65_536, bits / 8, "sha256"), iv);
  return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

const running: Started[] = [];
before(async () => {
  for (const [name, file, bytes] of [
    ["locked", "model.onnx.bigdl", encrypt(writeSum(), { bits: 128, secret: "s1", salt: "s2" })],
    ["picture", "model.onnx", writeIdentity("FP32", "n", 3, "h", "w")],
  ] as const) {
    await mkdir(join(models, name, "1"), { recursive: true });
    await writeFile(join(models, name, "1", file), bytes);
  }
  await writeFile(join(root, "secret"), "secret", { mode: 0o600 });
  await writeFile(join(root, "salt"), "salt", { mode: 0o600 });
});
after(async () => {
  for (const started of running) await started.close();
  await rm(root, { recursive: true, force: true });
});

async function open(older: Partial<GatewayConfig["older"]>, more: object = {}): Promise<Started & { base: string }> {
  const started = await startGateway(parseConfig(JSON.stringify({ models, httpPort: 0, older, ...more }), "test"));
  running.push(started);
  return { ...started, base: started.addresses.http ?? "" };
}

const tell = async (base: string, body: string): Promise<[number, string]> => {
  const answer = await fetch(`${base}/model-secure`, { method: "POST", body });
  return [answer.status, await answer.text()];
};
const ask = (base: string, model: string, instance: object): Promise<Response> =>
  fetch(`${base}/models/${model}/versions/1/predict`, {
    method: "POST",
    body: JSON.stringify({ instances: [instance] }),
  });
const isReady = async (base: string): Promise<boolean> => (await fetch(`${base}/v2/models/locked/ready`)).ok;

test("a model that BigDL encrypted is opened when the secrets are told, with the older server's words", async () => {
  const { base, failures } = await open({ models: { cipher: "aes-128-gcm" } });
  assert.deepEqual(
    failures.map(({ model, error }) => [model, error.code]),
    [["locked", "KEY_MISSING"]],
  );
  for (const body of ["", "secret=a", "secret&salt", "=&="]) {
    const [status, text] = await tell(base, body);
    assert.equal(status, 500, body);
    assert.match(JSON.parse(text).error, /please post a content like secret=xxx&salt=xxxx/);
  }
  assert.deepEqual(await tell(base, "secret=wrong&salt=s2"), [
    200,
    "model secured secrect and salt failed to put in redis",
  ]);
  assert.equal(await isReady(base), false);
  assert.deepEqual(await tell(base, "secret=s1&salt=s2"), [
    200,
    "model secured secrect and salt succeed to put in redis",
  ]);
  assert.equal(await isReady(base), true);
  const answer = (await (await ask(base, "locked", { x: [1, 2] })).json()) as { predictions: string[] };
  assert.deepEqual(JSON.parse(JSON.parse(answer.predictions[0] ?? "").value).data, [3]);
});

test("with the secrets in files it is open from the start, and takes none", async () => {
  const files = { secretFile: join(root, "secret"), saltFile: join(root, "salt") };
  await writeFile(files.secretFile, "s1");
  await writeFile(files.saltFile, "s2");
  const { base, failures } = await open({ models: { cipher: "aes-128-gcm", ...files } });
  assert.deepEqual(failures, []);
  const [status, text] = await tell(base, "secret=s1&salt=s2");
  assert.equal(status, 405);
  assert.match(text, /^SERVING_UNSUPPORTED/);
});

test("without the switch nothing of BigDL's is opened, and the refusal names what to do", async () => {
  const { base, failures } = await open({});
  assert.equal(failures[0]?.error.code, "KEY_MISSING");
  assert.match(failures[0]?.error.mend ?? "", /--from-bigdl/);
  const [status, text] = await tell(base, "secret=s1&salt=s2");
  assert.equal(status, 405);
  assert.match(text, /bulwark model encrypt --from-bigdl/);
});

test("secrets that came in the clear from elsewhere are refused, and behind a queue none are taken", async (context) => {
  const digest = createHash("sha256").update("token").digest("hex");
  await writeFile(join(root, "tokens"), `me ${digest}\n`, { mode: 0o600 });
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const elsewhere = own.find(({ internal, family }) => !internal && family === "IPv4")?.address;
  const settings = { models: { cipher: "aes-128-gcm" } } as const;
  const durable = { redis: { url: "redis://127.0.0.1:1" } };
  assert.throws(
    () => parseConfig(JSON.stringify({ models, older: settings, durable }), "test"),
    /where there is a queue/,
  );
  if (elsewhere === undefined) return context.skip("this machine has no address but loopback");
  const plain = { host: "0.0.0.0", allowPlain: true, tokensFile: join(root, "tokens") };
  const { base } = await open(settings, plain);
  const ask = (host: string, headers = {}): Promise<Response> =>
    fetch(`http://${host}:${new URL(base).port}/model-secure`, { method: "POST", body: "secret=s1&salt=s2", headers });
  assert.equal((await ask("127.0.0.1")).status, 401);
  const headers = { authorization: "Bearer token" };
  const refused = await ask(elsewhere, headers);
  assert.equal(refused.status, 405);
  assert.match(await refused.text(), /HTTPS/);
  assert.equal((await ask("127.0.0.1", headers)).status, 200);
});

test("pictures that clients encrypt are opened with either length of key; a plain one is NaN", async () => {
  const files = { secretFile: join(root, "secret"), saltFile: join(root, "salt") };
  await writeFile(files.secretFile, "secret");
  await writeFile(files.saltFile, "salt");
  for (const bits of [128, 256] as const) {
    const { base } = await open({ records: { cipher: `aes-${bits}-gcm`, ...files } });
    const see = async (picture: Buffer): Promise<unknown> => {
      const answer = await ask(base, "picture", { x: picture.toString("base64") });
      return JSON.parse(((await answer.json()) as { predictions: string[] }).predictions[0] ?? "").value;
    };
    const secrets = { bits, secret: "secret", salt: "salt" };
    const shown = await see(encrypt(PIXEL, secrets));
    assert.match(String(shown), /"shape":\[1,3,1,1\]/);
    // Some encrypt the base64 of a picture.
    assert.equal(await see(encrypt(Buffer.from(PIXEL.toString("base64")), secrets)), shown);
    assert.equal(await see(PIXEL), "NaN");
    assert.equal(await see(encrypt(PIXEL, { ...secrets, bits: bits === 128 ? 256 : 128 })), "NaN");
  }
});

test("settings that cannot be are told by their place", () => {
  for (const [older, wanted] of [
    [{ models: { cipher: "des" } }, /older\.models\.cipher/],
    [{ models: { cipher: "aes-128-gcm", secretFile: "a" } }, /older\.models needs secretFile and saltFile/],
    [{ records: { cipher: "aes-128-gcm" } }, /older\.records needs/],
    [{ records: true }, /older\.records /],
    [{ records: { cipher: "aes-128-gcm", secretFile: 1, saltFile: "a" } }, /older\.records\.secretFile/],
    [{ models: { cipher: "aes-128-gcm", bits: 128 } }, /older\.models\.bits /],
  ] as const) {
    assert.throws(() => parseConfig(JSON.stringify({ models, older }), "test"), wanted);
  }
});
