// SPDX-License-Identifier: Apache-2.0
// Ways to a cluster that lead nowhere: told by submit as by list, and Helm is asked for nothing but its version.
import assert from "node:assert/strict";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, test } from "node:test";
import { BulwarkError, EXIT, toExitCode } from "@bulwark/contracts";
import { createTestContext, type TestContext } from "../testing/context.ts";
import { spec as list } from "./list.ts";
import { spec as submit } from "./submit.ts";

const LONG = "a".repeat(200);

let context: TestContext;

beforeEach(() => {
  const { home } = createTestContext();
  const path = join(home, "helm");
  writeFileSync(path, `#!/bin/sh\necho "$@" >> ${join(home, "helm.log")}\n[ "$1" != version ] || echo v3.22.0\n`);
  chmodSync(path, 0o755);
  writeFileSync(
    join(home, "kubeconfig"),
    JSON.stringify({
      "current-context": "here",
      contexts: [{ name: "here", context: { cluster: "c", user: "u" } }],
      // Port 1 of this machine: nobody listens there.
      clusters: [{ name: "c", cluster: { server: "https://127.0.0.1:1" } }],
      users: [{ name: "u", user: { token: "none" } }],
    }),
  );
  writeFileSync(join(home, "job.yaml"), "name: pi\nimage: registry.example/spark:1\nui: { enabled: false }\n");
  writeFileSync(join(home, "long.yaml"), `image: registry.example/spark:1\nname: ${LONG}\n`);
  context = createTestContext({ home, env: { PATH: home, HOME: home, KUBECONFIG: join(home, "kubeconfig") } });
});

type Call = (context: TestContext) => Promise<unknown>;
type Flags = Readonly<Record<string, unknown>>;

async function failureOf(call: Call, from = context): Promise<BulwarkError> {
  const error = await call(from).catch((found: unknown) => found);
  assert.ok(error instanceof BulwarkError, String(error));
  assert.ok(error.mend !== "" && error.message.length < 400);
  return error;
}

const calls = (flags: Flags): Call[] => [
  (from) => submit.execute(from, { args: [], flags: { file: "job.yaml", ...flags }, path: [] }),
  (from) => list.execute(from, { args: [], flags: { cluster: true, ...flags }, path: [] }),
  (from) => list.execute(from, { args: [], flags: { cluster: true, watch: true, ...flags }, path: [] }),
];

const helmLog = (): string => {
  const file = join(context.home, "helm.log");
  return existsSync(file) ? readFileSync(file, "utf8") : "";
};

test("whatever is wrong with the way to the cluster, submit says what list says, and makes nothing", async () => {
  const without = { ...context, env: { ...context.env, KUBECONFIG: undefined } } as TestContext;
  const rows: [code: string, exit: number, flags: Flags, from?: TestContext][] = [
    ["KUBECONFIG_MISSING", EXIT.invalid, {}, without],
    ["KUBECONFIG_MISSING", EXIT.invalid, { kubeconfig: "absent" }],
    ["CONTEXT_UNKNOWN", EXIT.invalid, { context: "there" }],
    ["CONTEXT_UNKNOWN", EXIT.invalid, { context: LONG }],
    ["NAMESPACE_UNKNOWN", EXIT.invalid, { namespace: LONG }],
    ["CLUSTER_UNREACHABLE", EXIT.unreachable, { namespace: "runs" }],
  ];
  for (const [code, exit, flags, from] of rows) {
    for (const call of calls(flags)) {
      const error = await failureOf(call, from);
      assert.deepEqual([error.code, toExitCode(error)], [code, exit], JSON.stringify(flags));
    }
  }
  assert.match(helmLog(), /^(version --short\n)*$/);
});

test("a dry run of the client needs no kubeconfig, unless one is named, and takes the namespace of -n or default", async () => {
  const without = { ...context, env: { ...context.env, KUBECONFIG: undefined } } as TestContext;
  const dryRun = (flags: Flags, from: TestContext) =>
    submit.execute(from, { args: [], flags: { file: "job.yaml", dryRun: "client", ...flags }, path: [] });
  for (const [flags, namespace] of [
    [{}, "default"],
    [{ namespace: "runs" }, "runs"],
  ] as const) {
    const { value } = await dryRun(flags, without);
    const [secret] = (value as { items: { kind: string; metadata: { namespace: string } }[] }).items;
    assert.deepEqual([secret?.kind, secret?.metadata.namespace], ["Secret", namespace]);
    assert.match(helmLog(), new RegExp(`^template pi .* --namespace ${namespace}$`, "m"));
  }
  const rows: [code: string, flags: Flags, from: TestContext][] = [
    ["KUBECONFIG_MISSING", { kubeconfig: "absent" }, context],
    ["KUBECONFIG_MISSING", { context: "there" }, without],
    ["CONTEXT_UNKNOWN", { context: "there" }, context],
    ["KUBECONFIG_INVALID", { kubeconfig: "helm" }, without],
    ["NAMESPACE_UNKNOWN", { namespace: LONG }, without],
  ];
  for (const [code, flags, from] of rows) {
    assert.equal((await failureOf((given) => dryRun(flags, given), from)).code, code, JSON.stringify(flags));
  }
});

test("names of 200 characters are refused before anything is asked", async () => {
  const named = await failureOf((from) =>
    submit.execute(from, { args: [LONG], flags: { file: "job.yaml" }, path: [] }),
  );
  assert.deepEqual([named.code, toExitCode(named)], ["RELEASE_NAME_INVALID", EXIT.invalid]);
  const inFile = await failureOf((from) => submit.execute(from, { args: [], flags: { file: "long.yaml" }, path: [] }));
  assert.deepEqual([inFile.code, toExitCode(inFile)], ["JOB_INVALID", EXIT.invalid]);
  assert.deepEqual([inFile.findings[0]?.path, inFile.findings[0]?.line], ["name", 2]);
  assert.equal(helmLog(), "");
});
