// SPDX-License-Identifier: Apache-2.0
// However a node ends, nothing of it is left on the machine.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { openCluster, until } from "./fixture/index.ts";
import type { NodeRecord } from "./fixture/node.ts";
import { PAUSE_IMAGE } from "./ground/pause.ts";

/** Where the programs of a node write by habit, on a machine where they have no namespaces of their own. */
const HABITS = [
  "/var/lib/kubelet",
  "/var/lib/cni",
  "/var/log/pods",
  "/run/containerd",
  "/run/netns",
  "/run/xtables.lock",
];
const SETTINGS = ["vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops", "net/ipv4/ip_forward"];

function observeMachine() {
  return {
    paths: HABITS.filter((path) => existsSync(path)),
    settings: SETTINGS.map((name) => readFileSync(`/proc/sys/${name}`, "utf8")),
    interfaces: readdirSync("/sys/class/net"),
  };
}

/** What is still there of a node, by what identifies it. */
function findRemains({ id, folder }: NodeRecord, namespace: string) {
  const processes = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && pidNamespace(name) === namespace);
  const mounts = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.includes(folder));
  const groups = readdirSync("/sys/fs/cgroup")
    .flatMap((name) => [join("/sys/fs/cgroup", name), join("/sys/fs/cgroup", name, `bulwark-node-${id}`)])
    .filter((path) => path.endsWith(`bulwark-node-${id}`) && existsSync(path));
  return { processes, mounts, groups, folder: existsSync(folder) };
}

function pidNamespace(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

/** Starts a node in a process of its own, with a pod running on it. */
async function startBusyNode(): Promise<{ owner: ChildProcess; record: NodeRecord; namespace: string }> {
  const owner = spawn(process.execPath, [join(import.meta.dirname, "node-crash-child.ts")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(createInterface({ input: owner.stdout }), "line");
  const record = JSON.parse(line as string) as NodeRecord;
  const cluster = openCluster(record);
  const { name } = await cluster.makeNamespace("busy");
  await cluster.kubectl(["-n", name, "run", "pod", `--image=${PAUSE_IMAGE}`, "--overrides", JSON.stringify(OVERRIDES)]);
  await until("the pod to run", async () => {
    type Pod = { status: { phase: string } };
    return (await cluster.get<Pod>(["-n", name, "pod", "pod"])).status.phase === "Running";
  });
  return { owner, record, namespace: pidNamespace(String(record.init.pid)) ?? "" };
}

const OVERRIDES = {
  spec: {
    securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
    containers: [
      {
        name: "pod",
        image: PAUSE_IMAGE,
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
      },
    ],
  },
};

const ENDS: readonly { how: string; signal: NodeJS.Signals }[] = [
  { how: "stopped in order", signal: "SIGTERM" },
  { how: "its owner killed", signal: "SIGKILL" },
];

for (const { how, signal } of ENDS) {
  test(`a node leaves nothing when ${how}`, { timeout: 240_000 }, async () => {
    const machine = observeMachine();
    const { owner, record, namespace } = await startBusyNode();
    const busy = findRemains(record, namespace);
    assert.ok(busy.processes.length > 8 && busy.groups.length > 0 && busy.folder, JSON.stringify(busy));
    const ended = once(owner, "exit");
    owner.kill(signal);
    await ended;
    await until("nothing to be left", () => {
      const { processes, groups, folder } = findRemains(record, namespace);
      return processes.length === 0 && groups.length === 0 && !folder;
    });
    assert.deepEqual(findRemains(record, namespace), { processes: [], mounts: [], groups: [], folder: false });
    assert.deepEqual(observeMachine(), machine);
  });
}
