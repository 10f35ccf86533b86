// SPDX-License-Identifier: Apache-2.0
// `npm run cluster -- VERB`: what a developer does with a node, and how the layer of tests gets one.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, open, readFile } from "node:fs/promises";
import { constants } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sendSignal } from "../../cli/src/runs/processes.ts";
import type { Image } from "../../scripts/images/build.ts";
import { buildFlinkImage } from "../../scripts/images/flink-image.ts";
import { buildServingImage } from "../../scripts/images/serving-image.ts";
import { buildSparkImage } from "../../scripts/images/spark-image.ts";
import { REPOSITORY } from "../e2e/harness.ts";
import { IMAGE_VARIABLE, NODE_VARIABLE, openCluster } from "./fixture/cluster.ts";
import { endNode, listNodes, type NodeRecord, startNode } from "./fixture/node.ts";
import { CLUSTER_CACHE } from "./ground/folders.ts";
import { findMissing } from "./ground/missing.ts";
import { prepareGround } from "./ground/prepare.ts";
import { prepareS3 } from "./ground/s3.ts";

const SELF = fileURLToPath(import.meta.url);
const EXIT_USAGE = 2;
const EXIT_UNREACHABLE = 4;
const ALL_TESTS = "test/cluster/*.test.ts";
const USAGE = `npm run cluster -- VERB
  prepare        install packages and build programs that are missing
  prepare-s3     fetch what test/cluster/kept-log-s3.test.ts needs, 700 MB
  up             start a node and keep it
  status         which nodes run
  shell          a shell in the kept node's network, with kubectl and helm
  test [FILE...] run tests on the kept node, else on one of their own (flags of node --test are passed on)
  bench NAME     measure on the kept node, else on one of its own
  down           end the kept node
  record-classes run jobs to see which classes the Spark image should hold ready`;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

const VERBS: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  async prepare() {
    await prepareGround(say);
    return 0;
  },

  async "prepare-s3"() {
    await prepareS3(say);
    return 0;
  },

  /** What the layers of tests ask before they run this one. */
  async missing() {
    process.stdout.write(JSON.stringify(await findMissing()));
    return 0;
  },

  async up() {
    const found = await findKept();
    if (found !== undefined) {
      say(`A node is up already: ${found.folder}`);
      return 0;
    }
    await prepareGround(say);
    const path = join(CLUSTER_CACHE, "up.log");
    await mkdir(CLUSTER_CACHE, { recursive: true });
    const log = await open(path, "w", 0o600);
    // It leads a session of its own: an interrupt in this terminal is not meant for it.
    const keeper = spawn(process.execPath, [SELF, "keep"], {
      detached: true,
      stdio: ["ignore", log.fd, log.fd, "ipc"],
    });
    await log.close();
    const [kept] = await Promise.race([once(keeper, "message"), once(keeper, "exit")]);
    if (typeof kept !== "string") {
      process.stderr.write(await readFile(path, "utf8"));
      return EXIT_UNREACHABLE;
    }
    keeper.disconnect();
    keeper.unref();
    say(`A node is up. KUBECONFIG=${join(kept, "admin.kubeconfig")}, in its network: npm run cluster -- shell`);
    return 0;
  },

  /** What `up` starts in the background: it owns the node. */
  async keep() {
    const { record, stop } = await startNode(say, true);
    process.send?.(record.folder);
    await new Promise<void>((resolve) => {
      for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.once(name, () => resolve());
      // A timer keeps this process, which has nothing else to wait for.
      setInterval(() => undefined, 1 << 30);
    });
    await stop();
    return 0;
  },

  async status() {
    const nodes = await listNodes();
    for (const { id, folder, isKept, owner } of nodes) {
      process.stdout.write(`${id}  ${isKept ? "kept" : "of a test"}  owner ${owner.pid}  ${folder}\n`);
    }
    if (nodes.length === 0) say("No node runs: npm run cluster -- up");
    return 0;
  },

  async shell() {
    const node = await findKept();
    if (node === undefined) {
      say("No node is kept.\n  -> npm run cluster -- up");
      return EXIT_UNREACHABLE;
    }
    return runInside(node, [process.env.SHELL ?? "/bin/sh"]);
  },

  test: async (args) => runOnNode(testCommand(args), await findKept()),

  /** The whole layer, on a node of its own even where one is kept: that one may be of other sources. */
  layer: (args) => runOnNode(testCommand(args), undefined),

  /** What `npm run bench` calls for measurements that need a node. */
  bench: async (args) => runOnNode(["bench/bench.ts", ...args], await findKept()),

  /** Writes images/spark/classes.list anew: needed when Spark changes. */
  "record-classes": async () => runOnNode(["test/cluster/record-classes.ts"], await findKept()),

  async down() {
    const node = await findKept();
    if (node === undefined) say("No node is kept.");
    else await endNode(node);
    return 0;
  },
};

function testCommand(args: readonly string[]): string[] {
  const files = args.some((argument) => !argument.startsWith("-")) ? args : [...args, ALL_TESTS];
  return ["--test", "--test-concurrency=1", ...files];
}

/** Runs Node in the network of a node that has the Spark image: the kept one, else one of its own. */
async function runOnNode(args: readonly string[], kept: NodeRecord | undefined): Promise<number> {
  await prepareGround(say);
  const image = await buildSparkImage({}, say);
  // Tests ask for these by themselves, in a network without a way out: what has to be fetched is here then.
  for (const build of [buildServingImage, buildFlinkImage]) await build({}, say);
  const command = [process.execPath, ...args];
  if (kept !== undefined) return runInside(kept, command, image);
  const { record, stop } = await startNode(say);
  try {
    return await runInside(record, command, image);
  } finally {
    await stop();
  }
}

async function findKept(): Promise<NodeRecord | undefined> {
  return (await listNodes()).find(({ isKept }) => isKept);
}

/** Runs a command in a node's network, with this terminal; its exit code. */
async function runInside(node: NodeRecord, inner: readonly string[], image?: Image): Promise<number> {
  const cluster = openCluster(node);
  if (image !== undefined) await cluster.loadImage(image.archive, image.name);
  const [command = "", ...args] = cluster.inNamespace(inner);
  const env = { ...cluster.env, [NODE_VARIABLE]: node.folder, [IMAGE_VARIABLE]: image?.name };
  const child = spawn(command, args, { cwd: REPOSITORY, env, stdio: "inherit" });
  // The terminal sends an interrupt to both; a signal to this process alone is passed on.
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => void (child.pid !== undefined && sendSignal(child.pid, name)));
  }
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}

const [verb = "", ...args] = process.argv.slice(2);
const run = VERBS[verb];
if (run === undefined) {
  say(USAGE);
  process.exitCode = EXIT_USAGE;
} else {
  const code = await run(args).catch((error: Error) => {
    say(error.message);
    return 1;
  });
  process.exit(code);
}
