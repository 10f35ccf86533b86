// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { resolvePaths } from "../../cli/src/paths.ts";
import { writeIdentity } from "../../packages/inference/src/testing/models.ts";
import { ELEMENT_TYPES, type ElementType } from "../../packages/inference/src/testing/onnx.ts";
import { startGateway } from "./start-gateway.ts";

const PACKAGE = "tritonclient[http,grpc]==2.60.0";
const folder = join(resolvePaths(process.env, homedir()).cache, "tests", "tritonclient-2.60.0");
const python = join(folder, "bin", "python");
const receipt = join(folder, "bulwark-receipt");

/** Installs the client once. False where there is no package index. */
async function install(): Promise<boolean> {
  if (existsSync(receipt)) return true;
  await mkdir(dirname(folder), { recursive: true });
  const steps: [string, string[]][] = [
    ["python3", ["-m", "venv", "--clear", folder]],
    [python, ["-m", "pip", "install", "--quiet", PACKAGE]],
  ];
  if (!steps.every(([command, args]) => spawnSync(command, args, { timeout: 300_000 }).status === 0)) return false;
  await writeFile(receipt, PACKAGE);
  return true;
}

const isThere = await install();

test("an independent client gets what it sent, by HTTP and gRPC", {
  skip: isThere ? false : `no ${PACKAGE}`,
  timeout: 120_000,
}, async (t) => {
  const root = await mkdtemp(join(tmpdir(), "bulwark-oip-"));
  t.after(() => rm(root, { recursive: true, force: true }));
  for (const datatype of Object.keys(ELEMENT_TYPES) as ElementType[]) {
    const path = join(root, "models", `identity-${datatype.toLowerCase()}`, "1", "model.onnx");
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, writeIdentity(datatype, "rows", 2));
  }
  const { http, grpc } = await startGateway(t, { root, ports: { httpPort: 0, grpcPort: 0 } });
  const script = join(import.meta.dirname, "oip_client.py");
  const client = spawn(python, [script, http.replace("http://", ""), grpc]);
  const [said, complaints] = await Promise.all([text(client.stdout), text(client.stderr)]);
  assert.equal(said.trim(), "right", complaints);
});
