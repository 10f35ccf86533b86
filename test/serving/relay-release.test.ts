// SPDX-License-Identifier: Apache-2.0
// The relay with the files of a release's Secrets: Redis as the chart configures it, an engine as the chart tells it, and
// the flags that the chart's README has.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { exportRelay, exportServing } from "../../cli/src/commands/keys/export-serving.ts";
import { findFreePort } from "../../cli/src/serving/free-port.ts";
import { keepRunning, type RunningPart } from "../../cli/src/serving/keep-running.ts";
import { findRedisProgram } from "../../cli/src/serving/redis-server.ts";
import { writeIdentity } from "../../packages/inference/src/testing/models.ts";
import { initKeys, type SecretManifest } from "../../packages/pki/src/index.ts";
import { type EngineProcess, startEngineProcess } from "../../services/inference-engine/src/engine-process.ts";
import { readSettings } from "../../services/inference-engine/src/settings.ts";
import { computeRow, launchRelay, type RelayProcess } from "./ask-relay.ts";
import { skip, until } from "./stack.ts";
import { makeHome } from "./tool.ts";

const RELEASE = { release: "clouds", namespace: "team", dataKeys: [], hosts: [], now: new Date() };

describe("a relay of a release", { skip }, () => {
  const { home, env } = makeHome("bulwark release");
  let redis: RunningPart;
  let engine: EngineProcess;
  let relay: RelayProcess;
  before(async () => {
    const keys = await initKeys(join(home, "keys"), { now: RELEASE.now, keyNames: ["serving-records"] });
    // Exported at two times, as they would be.
    for (const secret of [...(await exportServing(keys, RELEASE)), ...(await exportRelay(keys, RELEASE))])
      mount(secret);
    const port = await findFreePort();
    const url = `rediss://localhost:${port}`;
    redis = startChartRedis(port);
    engine = await startEngine(url);
    await until(() => engine.runner.isReady());
    const flags = {
      ...{ redis: url, "password-file": "redis-password", "ca-file": "ca.crt", "certificate-file": "tls.crt" },
      ...{ "private-key-file": "tls.key", "keyring-file": "keyring.json", model: "echo" },
    };
    relay = await launchRelay(flags, { env, cwd: join(home, "clouds-relay") });
  });
  after(async () => {
    await relay?.stop();
    await engine?.close();
    await redis?.stop(5_000);
    rmSync(home, { recursive: true, force: true, maxRetries: 20 });
  });

  it("brings an older client what the release's engine computed", async () => {
    assert.deepEqual(await computeRow(relay.port, "far", [1, 2, 3]), [
      [1, 2, 3],
      [1, 2, 3],
    ]);
  });

  /** A Secret's entries as files, as `kubectl get secret` and a umask leave them. */
  function mount({ metadata, data }: SecretManifest): void {
    const folder = join(home, metadata.name);
    mkdirSync(folder, { mode: 0o700 });
    for (const [name, value] of Object.entries(data)) {
      writeFileSync(join(folder, name), Buffer.from(value, "base64"), { mode: 0o600 });
    }
  }

  function startChartRedis(port: number): RunningPart {
    const configuration = readFileSync(new URL("../../charts/serving/files/redis.conf", import.meta.url), "utf8")
      .replaceAll("/etc/bulwark/secrets/redis", join(home, "clouds-redis"))
      .replace('"/data"', `"${home}"`)
      .replace("bind * -::*", "bind 127.0.0.1")
      .replace("tls-port 6379", `tls-port ${port}`);
    const file = join(home, "redis.conf");
    writeFileSync(file, configuration);
    const command = findRedisProgram(process.env) ?? assert.fail();
    return keepRunning({ name: "redis", command, args: [file], log: join(home, "redis.log"), env }, () => {});
  }

  async function startEngine(url: string): Promise<EngineProcess> {
    const version = join(home, "models", "echo", "1");
    mkdirSync(version, { recursive: true });
    writeFileSync(join(version, "model.onnx"), writeIdentity("FP32", "n", "m"));
    const own = (name: string): string => join(home, "clouds-engine", name);
    const files = { passwordFile: own("redis-password"), caFile: own("ca.crt"), certificateFile: own("tls.crt") };
    const settings = {
      redis: { url, user: "engine", ...files, privateKeyFile: own("tls.key") },
      keyringFile: join(home, "clouds-keyring", "keyring.json"),
      models: join(home, "models"),
    };
    const file = join(home, "engine.json");
    writeFileSync(file, JSON.stringify(settings));
    return startEngineProcess(await readSettings(file), () => {});
  }
});
