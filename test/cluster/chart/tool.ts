// SPDX-License-Identifier: Apache-2.0
// The tool as somebody types it who has a home, keys and a kubeconfig.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTestFolder } from "../../../cli/src/testing/context.ts";
import { findCache, REPOSITORY } from "../../e2e/harness.ts";
import type { Cluster } from "../fixture/index.ts";

export type Ended = { code: number | null; stdout: string; stderr: string; seconds: number };
export type Started = { child: ChildProcess; said: { stdout: string; stderr: string }; ended: Promise<Ended> };

export type Tool = {
  home: string;
  start(...args: string[]): Started;
  run(...args: string[]): Promise<Ended>;
  /** Writes a small job of the test image; the path of its file. */
  writeJob(name: string, job: object): string;
  /** Ends what still runs. */
  stop(): void;
};

/** A home of its own, with keys; it goes when the tests of the file are done. */
export async function makeTool(cluster: Cluster, ...keyNames: string[]): Promise<Tool> {
  const home = createTestFolder();
  const children = new Set<ChildProcess>();
  const tool: Tool = {
    home,
    start(...args) {
      const user = { PATH: cluster.env.PATH, HOME: home };
      const env = { ...user, KUBECONFIG: cluster.kubeconfig, BULWARK_CACHE_DIR: findCache() };
      const child = spawn(join(REPOSITORY, "bulwark"), args, { cwd: home, env, stdio: ["ignore", "pipe", "pipe"] });
      children.add(child);
      const startedAt = performance.now();
      const said = { stdout: "", stderr: "" };
      child.stdout.on("data", (chunk) => (said.stdout += chunk));
      child.stderr.on("data", (chunk) => (said.stderr += chunk));
      const ended = once(child, "close").then(([code]): Ended => {
        children.delete(child);
        return { code, ...said, seconds: (performance.now() - startedAt) / 1000 };
      });
      return { child, said, ended };
    },
    run: (...args) => tool.start(...args).ended,
    writeJob(name, job) {
      const path = join(home, `${name}.yaml`);
      const small = { driver: { memory: "512m" }, executor: { memory: "512m", instances: 2 } };
      const common = { image: cluster.sparkImage, ui: { enabled: false }, startTimeout: "10m" };
      writeFileSync(path, JSON.stringify({ name, ...common, ...small, ...job }));
      return path;
    },
    stop() {
      for (const child of children) child.kill("SIGKILL");
    },
  };
  const made = await tool.run("keys", "init", ...(keyNames.length === 0 ? [] : ["--data", ...keyNames]));
  assert.equal(made.code, 0, made.stderr);
  return tool;
}
