// SPDX-License-Identifier: Apache-2.0
// What somebody who records the loopback interface sees of a shuffle: everything without a profile, nothing with one.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { countHits, MARKER_BYTES, makeMarker, parseSegments, startCapture, toHex } from "./capture.ts";
import { findCache, type Home, makeHome, until } from "./harness.ts";

const ROWS = 40_000;
const LEAST_HITS = 1000;

const SETTINGS = {
  "spark.shuffle.compress": "false",
  "spark.shuffle.readHostLocalDisk": "false",
  "spark.sql.shuffle.partitions": "4",
  "spark.sql.adaptive.enabled": "false",
};
const CONF = Object.entries(SETTINGS).flatMap(([name, value]) => ["--conf", `${name}=${value}`]);

let home: Home;
before(async () => {
  home = await makeHome();
  await home.write("shuffle.py", await readFile(join(import.meta.dirname, "shuffle.py"), "utf8"));
});
after(() => home.remove());

/** Bytes that plain Spark sent for the same rows; a capture of a profile must be of this order. */
let plainBytes = 0;

test("without a profile, the rows of a shuffle can be read from the wire", async (context) => {
  const marker = makeMarker();
  const capture = await startCapture(context, "lo");
  if (capture === undefined) return context.skip("recording packets needs CAP_NET_RAW");
  const end = await submitPlain(marker);
  const seen = await capture.stop();
  assert.equal(end.code, 0, end.output);
  const hits = countHits(seen, marker);
  context.diagnostic(`${hits} hits in ${seen.length} bytes`);
  assert.ok(hits > LEAST_HITS, `${hits} hits`);
  plainBytes = seen.length;
});

for (const profile of ["aes-gcm", "tls"]) {
  test(`${profile}: no row of a shuffle can be read from the wire`, async (context) => {
    const marker = makeMarker();
    const capture = await startCapture(context, "lo");
    if (capture === undefined) return context.skip("recording packets needs CAP_NET_RAW");
    const run = home.startRun("shuffle.py", "--profile", profile, ...CONF, "--", toHex(marker), String(ROWS));
    const { driverUrl, blockManagers } = await collectPorts(run);
    const end = await run.ended;
    const seen = await capture.stop();
    assert.equal(end.code, 0, end.stderr);
    assert.match(end.stdout, /^results 2000$/m);
    const segments = parseSegments(seen);
    const ports = new Set([driverUrl, ...blockManagers].map((address) => Number(address.split(":").at(-1))));
    const between = segments.filter(({ source, target }) => ports.has(source) || ports.has(target));
    const bytes = between.reduce((sum, { payload }) => sum + payload.length, 0);
    context.diagnostic(`0 hits wanted in ${bytes} bytes between driver and executors, ${seen.length} in all`);
    assert.equal(countHits(seen, marker), 0);
    // An empty capture would prove nothing: the rows went over this wire.
    assert.ok(bytes > ROWS * MARKER_BYTES * 0.4 && seen.length > plainBytes / 10, `${bytes} of ${plainBytes} bytes`);
    if (profile === "tls") assertSuites(between.map(({ payload }) => payload));
  });
}

type Run = ReturnType<Home["startRun"]>;

async function collectPorts(run: Run): Promise<{ driverUrl: string; blockManagers: string[] }> {
  const { url } = await run.waitForEvent("ready");
  const blockManagers = await until("all block managers", async () => {
    const found = (await run.events()).filter((event) => event.type === "block-manager");
    return found.length === 3 ? found.map(({ address }) => address) : undefined;
  });
  return { driverUrl: url, blockManagers };
}

/** Plain `spark-submit` of the installed Spark, two executors on this machine, the same settings. */
async function submitPlain(marker: string): Promise<{ code: number | null; output: string }> {
  const sparkHome = await findInstalled("spark-", "pyspark");
  const python = await findInstalled("python-", "bin/python");
  const child = spawn(
    join(sparkHome, "bin/spark-submit"),
    ["--master", "local-cluster[2,1,1024]", ...CONF, join(home.jobs, "shuffle.py"), toHex(marker), String(ROWS)],
    {
      cwd: home.jobs,
      env: {
        ...home.env,
        SPARK_HOME: sparkHome,
        SPARK_LOCAL_IP: "127.0.0.1",
        SPARK_LOCAL_DIRS: home.env.TMPDIR,
        // Its worker keeps folders of executors here.
        SPARK_WORKER_DIR: join(home.root, "worker"),
        LC_ALL: "C.UTF-8",
        PYSPARK_PYTHON: python,
      },
    },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += String(chunk)));
  const [code] = await once(child, "close");
  await rm(join(home.root, "worker"), { recursive: true, force: true });
  return { code, output };
}

async function findInstalled(prefix: string, below: string): Promise<string> {
  const name = (await readdir(findCache())).find((candidate) => candidate.startsWith(prefix));
  assert.ok(name, `no ${prefix} in ${findCache()}: bulwark doctor --install`);
  return join(findCache(), name, below);
}

const AES_GCM_SUITES = new Set([0x1301, 0x1302]);
const HANDSHAKE = 22;
const SERVER_HELLO = 2;
/** Record header 5, handshake header 4, version 2, random 32: then the session id with its length (RFC 8446, 4.1.3). */
const SESSION_ID_AT = 43;

/** Every ServerHello names an AES-GCM suite of TLS 1.3, and there are some. */
function assertSuites(payloads: readonly Buffer[]): void {
  const hellos = payloads.filter(
    (bytes) =>
      bytes.length > SESSION_ID_AT + 3 && bytes[0] === HANDSHAKE && bytes[1] === 3 && bytes[5] === SERVER_HELLO,
  );
  const suites = hellos.map((bytes) => bytes.readUInt16BE(SESSION_ID_AT + 1 + (bytes[SESSION_ID_AT] ?? 0)));
  assert.ok(suites.length >= 3, `${suites.length} handshakes`);
  assert.deepEqual(
    suites.filter((suite) => !AES_GCM_SUITES.has(suite)),
    [],
  );
}
