// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createTestContext } from "../testing/context.ts";
import { callHelm } from "./helm.ts";

test("no variable shows Helm another cluster, user or namespace than the tool's own; the rest stays", async () => {
  const elsewhere = [
    ...["HELM_KUBEAPISERVER", "HELM_KUBETOKEN", "HELM_KUBECONTEXT", "HELM_KUBECAFILE", "HELM_KUBETLS_SERVER_NAME"],
    ...["HELM_KUBEASUSER", "HELM_KUBEASGROUPS", "HELM_KUBEINSECURE_SKIP_TLS_VERIFY", "HELM_NAMESPACE"],
  ];
  const kept = { HELM_CACHE_HOME: "cache", HELM_DRIVER: "secret", KUBECONFIG: "here", PATH: "/usr/bin:/bin" };
  const context = createTestContext({ env: { ...kept, ...Object.fromEntries(elsewhere.map((name) => [name, "x"])) } });
  const program = join(context.home, "helm");
  writeFileSync(program, "#!/bin/sh\nenv\n");
  chmodSync(program, 0o755);
  const printed = await callHelm(context, { helmArgs: [] }, { program, major: 3 }, ["list"]);
  const given = printed.split("\n").map((line) => line.split("=")[0] ?? "");
  assert.deepEqual(
    given.filter((name) => elsewhere.includes(name)),
    [],
  );
  assert.deepEqual(
    Object.keys(kept).filter((name) => !given.includes(name)),
    [],
  );
});
