// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { COMMANDS } from "../commands/index.ts";
import { loadCommand, parseCall } from "../program.ts";

const ABOUT_JOBS = "submit list status logs ui describe events copy delete doctor".split(" ");
const WORDS: Readonly<Record<string, string[]>> = {
  submit: ["-f", "job.yaml"],
  describe: ["pi"],
  events: ["pi"],
  copy: ["pi", "results"],
};

test("every command about jobs in a cluster takes the same flags for which one is meant", async () => {
  for (const name of ABOUT_JOBS) {
    const typed = [...(WORDS[name] ?? []), "--cluster", "-n", "runs", "--context", "c", "--kubeconfig", "file"];
    const call = parseCall(await loadCommand(COMMANDS, name), typed);
    assert.ok(!("help" in call));
    const { cluster, namespace, context, kubeconfig } = call.flags;
    assert.deepEqual(
      { cluster, namespace, context, kubeconfig },
      {
        cluster: true,
        ...{ namespace: "runs", context: "c", kubeconfig: "file" },
      },
      name,
    );
  }
});
