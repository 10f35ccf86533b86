// SPDX-License-Identifier: Apache-2.0
// What somebody who owns the network between two executors' pods sees of a shuffle.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { countHits, MARKER_BYTES, makeMarker, parseSegments, startCapture, toHex } from "../e2e/capture.ts";
import { applyUnprotected, install, type Release } from "./chart/release.ts";
import { makeTool } from "./chart/tool.ts";
import { type Cluster, joinCluster, type TestNamespace, until } from "./fixture/index.ts";

const ROWS = 40_000;
const LEAST_HITS = 1000;
const START_MS = 240_000;

let cluster: Cluster;
let namespace: TestNamespace;
let program: Record<string, string>;

before(async () => {
  cluster = await joinCluster();
  namespace = await cluster.makeNamespace("wire");
  program = { "shuffle.py": await readFile(join(import.meta.dirname, "../e2e/shuffle.py"), "utf8") };
  const tool = await makeTool(cluster);
  const { stdout, code, stderr } = await tool.run("keys", "export", "--kubernetes", "--namespace", namespace.name);
  assert.equal(code, 0, stderr);
  await cluster.kubectl(["apply", "-f", "-"], { input: stdout });
});
after(() => namespace?.remove());

type Making = (marker: string) => Promise<Release>;

const valuesOf = (marker: string) => ({
  python: "shuffle.py",
  program,
  args: [toHex(marker), String(ROWS)],
  ui: { enabled: false },
  sparkConf: {
    "spark.shuffle.compress": false,
    "spark.sql.shuffle.partitions": 4,
    "spark.sql.adaptive.enabled": false,
  },
});

/** Runs a job, and records what passes between its two executors, and between them and the driver. */
async function record(context: TestContext, marker: string, make: Making) {
  // This process is in the node's network namespace, where the hosts' ends of all pods' interfaces are.
  const capture = await startCapture(context, "any");
  assert.ok(capture, "a node's owner may record its network");
  const release = await make(marker);
  const findAddresses = async (): Promise<string[] | undefined> => {
    const addresses = (await release.pods("executor")).flatMap(({ status }) => status.podIP ?? []);
    return addresses.length === 2 ? addresses : undefined;
  };
  const executors = await until("the executors' addresses", findAddresses, START_MS);
  const { exitCode, log } = await release.end();
  const segments = parseSegments(await capture.stop());
  assert.equal(exitCode, 0, log);
  assert.match(log, /^results 2000$/m);
  await release.uninstall().catch(() => undefined);
  const isExecutor = (address: string): boolean => executors.includes(address);
  const join = (found: typeof segments): Buffer => Buffer.concat(found.map(({ payload }) => payload));
  const between = join(segments.filter(({ from, to }) => isExecutor(from) && isExecutor(to)));
  const all = join(segments.filter(({ from, to }) => isExecutor(from) || isExecutor(to)));
  context.diagnostic(
    `${countHits(between, marker)} hits in ${between.length} bytes between executors, ${countHits(all, marker)} in ${all.length} bytes to and from them`,
  );
  return { between, all };
}

test("without a profile, the rows of a shuffle can be read on the wire between executors", async (context) => {
  const marker = makeMarker();
  const make: Making = (text) => applyUnprotected(cluster, namespace, "bare", valuesOf(text));
  const { between } = await record(context, marker, make);
  assert.ok(countHits(between, marker) > LEAST_HITS);
});

for (const profile of ["aes-gcm", "tls"]) {
  test(`${profile}: no row can be read there`, async (context) => {
    const marker = makeMarker();
    const make: Making = (text) =>
      install(cluster, namespace, `wire-${profile}`, { ...valuesOf(text), security: { profile } });
    const { between, all } = await record(context, marker, make);
    assert.equal(countHits(all, marker), 0);
    // An empty capture would prove nothing: about half of the rows went from one executor to the other.
    assert.ok(between.length > ROWS * MARKER_BYTES * 0.4, `${between.length} bytes`);
  });
}
