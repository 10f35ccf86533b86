// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Collateral, inspectPlatform, parseQuote, toInstant, verifyQuote } from "@bulwark/attestation";
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";
import { createRoot, createServerIdentity, makeWish, simulateIntel, toFingerprint } from "@bulwark/simulation";
import type { Network } from "./network.ts";
import { createServiceSource, INTEL_PCS } from "./service.ts";
import { toRequest } from "./source.ts";
import { createLoopbackNetwork } from "./testing/loopback-network.ts";
import { type CrlForm, type Misanswer, servePcs } from "./testing/pcs-server.ts";

const NOW = new Date();
const root = createRoot("intel", { now: new Date(NOW.getTime() - 2 * 86_400_000) });
const identity = createServerIdentity(root, { now: NOW });
const made = simulateIntel(root, makeWish("tdx"), { now: NOW });
const request = toRequest("tdx", inspectPlatform(parseQuote(made.evidence)));
const signal = new AbortController().signal;
const pauses: number[] = [];
const network = createLoopbackNetwork({ ca: identity.ca, onPause: (milliseconds) => pauses.push(milliseconds) });
const patience = { timeoutMs: 2_000, attempts: 3, pauseMs: 100 };
const sourceAt = (url: string) => createServiceSource({ url, network, patience });

const server = await servePcs(made.collateral, identity);
after(() => server.close());

async function failureOf(action: () => Promise<unknown>): Promise<BulwarkError> {
  try {
    await action();
  } catch (error) {
    assert.ok(error instanceof BulwarkError, error instanceof Error ? error.stack : String(error));
    assert.ok(error.mend.length > 0);
    return error;
  }
  throw new assert.AssertionError({ message: "it was accepted" });
}

for (const form of ["der", "hex", "pem"] as const satisfies readonly CrlForm[]) {
  test(`what a service with lists in ${form} gives is what was served, and verifies`, async () => {
    const own = await servePcs(made.collateral, identity, { form });
    try {
      const collateral = await sourceAt(own.url).fetch(request, { signal });
      assert.deepEqual(collateral, made.collateral);
      const options = {
        trustedRoots: [{ kind: "simulation", fingerprint: toFingerprint(root) } as const],
        now: toInstant(NOW),
      };
      assert.equal(verifyQuote(made.evidence, collateral, options).tcbStatus, "UpToDate");
      assert.deepEqual(own.requests.map(({ path }) => path).toSorted(), [
        "/sgx/certification/v4/pckcrl?ca=platform&encoding=der",
        "/sgx/certification/v4/rootcacrl",
        "/tdx/certification/v4/qe/identity?update=standard",
        "/tdx/certification/v4/tcb?fmspc=50806f000000&update=standard",
      ]);
    } finally {
      await own.close();
    }
  });
}

/** What goes wrong with one item, and by which code it is told. */
const FAULTS: readonly { name: string; item: string; answer: Misanswer; code: ErrorCode; attempts: number }[] = [
  {
    name: "unknown platform",
    item: "tcb",
    answer: (response) => response.writeHead(404).end(),
    code: "COLLATERAL_NOT_FOUND",
    attempts: 1,
  },
  {
    name: "no subscription",
    item: "tcb",
    answer: (response) => response.writeHead(401).end(),
    code: "COLLATERAL_NOT_PERMITTED",
    attempts: 1,
  },
  {
    name: "wrong parameters",
    item: "identity",
    answer: (response) => response.writeHead(400).end(),
    code: "COLLATERAL_ANSWER_WRONG",
    attempts: 1,
  },
  {
    name: "a redirection",
    item: "tcb",
    answer: (response) => response.writeHead(302, { location: "/x" }).end(),
    code: "COLLATERAL_ANSWER_WRONG",
    attempts: 1,
  },
  {
    name: "broken service",
    item: "pckcrl",
    answer: (response) => response.writeHead(500).end(),
    code: "COLLATERAL_UNREACHABLE",
    attempts: 3,
  },
  {
    name: "busy service",
    item: "pckcrl",
    answer: (response) => response.writeHead(429).end(),
    code: "COLLATERAL_UNREACHABLE",
    attempts: 3,
  },
  {
    name: "cut connection",
    item: "rootcacrl",
    answer: (response) => response.destroy(),
    code: "COLLATERAL_UNREACHABLE",
    attempts: 3,
  },
  {
    name: "half an answer",
    item: "tcb",
    answer: (response) => {
      response.writeHead(200, { "content-length": "99" }).write("{");
      setImmediate(() => response.destroy());
    },
    code: "COLLATERAL_UNREACHABLE",
    attempts: 3,
  },
  {
    name: "a web page",
    item: "tcb",
    answer: (response) =>
      response.setHeader("TCB-Info-Issuer-Chain", encodeURIComponent("-----BEGIN CERTIFICATE-----")).end("<html>"),
    code: "COLLATERAL_ANSWER_WRONG",
    attempts: 1,
  },
  {
    name: "no chain",
    item: "tcb",
    answer: (response) => response.end('{"tcbInfo":{},"signature":"00"}'),
    code: "COLLATERAL_ANSWER_WRONG",
    attempts: 1,
  },
  {
    name: "a chain that is not encoded",
    item: "identity",
    answer: (response) => response.setHeader("SGX-Enclave-Identity-Issuer-Chain", "%zz").end("{}"),
    code: "COLLATERAL_ANSWER_WRONG",
    attempts: 1,
  },
  {
    name: "a member twice",
    item: "tcb",
    answer: (response) =>
      response
        .setHeader("TCB-Info-Issuer-Chain", encodeURIComponent("-----BEGIN CERTIFICATE-----"))
        .end(`{"tcbInfo":{},"tcbInfo":{},"signature":"${"00".repeat(64)}"}`),
    code: "COLLATERAL_ANSWER_WRONG",
    attempts: 1,
  },
  {
    name: "no signature",
    item: "tcb",
    answer: (response) =>
      response
        .setHeader("TCB-Info-Issuer-Chain", encodeURIComponent("-----BEGIN CERTIFICATE-----"))
        .end('{"tcbInfo":{}}'),
    code: "COLLATERAL_ANSWER_WRONG",
    attempts: 1,
  },
  {
    name: "no list",
    item: "rootcacrl",
    answer: (response) => response.end("certainly"),
    code: "COLLATERAL_ANSWER_WRONG",
    attempts: 1,
  },
  {
    name: "an empty answer",
    item: "pckcrl",
    answer: (response) => response.end(),
    code: "COLLATERAL_ANSWER_WRONG",
    attempts: 1,
  },
  {
    name: "five megabytes",
    item: "tcb",
    answer: (response) => response.end(Buffer.alloc(5 * 1024 ** 2)),
    code: "COLLATERAL_UNREACHABLE",
    attempts: 3,
  },
];

for (const { name, item, answer, code, attempts } of FAULTS) {
  test(`${name}: ${code}, with item and address, after ${attempts} attempt(s)`, async () => {
    server.requests.length = 0;
    server.faults.set(item, answer);
    try {
      const error = await failureOf(() => sourceAt(server.url).fetch(request, { signal }));
      assert.equal(error.code, code);
      assert.ok(error.message.includes(server.url), error.message);
      assert.equal(server.requests.filter(({ path }) => path.includes(`/${item}`)).length, attempts);
    } finally {
      server.faults.clear();
    }
  });
}

test("an item that works again is fetched, with pauses that grow and a wish of the service heeded", async () => {
  pauses.length = 0;
  let count = 0;
  server.faults.set("tcb", (response, send) => {
    count += 1;
    if (count === 1) response.writeHead(503).end();
    else if (count === 2) response.writeHead(429, { "retry-after": "2" }).end();
    else send();
  });
  try {
    assert.deepEqual(await sourceAt(server.url).fetch(request, { signal }), made.collateral);
    assert.deepEqual(pauses, [75, 2000]);
  } finally {
    server.faults.clear();
  }
});

test("a service that does not answer is given up after its time, each time", async () => {
  server.faults.set("tcb", () => {});
  try {
    const impatient = createServiceSource({
      url: server.url,
      network,
      patience: { ...patience, timeoutMs: 50, attempts: 2 },
    });
    const error = await failureOf(() => impatient.fetch(request, { signal }));
    assert.equal(error.code, "COLLATERAL_UNREACHABLE");
  } finally {
    server.faults.clear();
  }
});

test("whoever asked can give up at any time", async () => {
  server.faults.set("tcb", () => {});
  try {
    const stop = new AbortController();
    const fetching = sourceAt(server.url).fetch(request, { signal: stop.signal });
    await sleep(10);
    stop.abort(new Error("enough"));
    await assert.rejects(fetching, { message: "enough" });
  } finally {
    server.faults.clear();
  }
});

test("all items that failed are listed at once", async () => {
  server.faults.set("tcb", (response) => response.writeHead(404).end());
  server.faults.set("rootcacrl", (response) => response.end("no"));
  try {
    const error = await failureOf(() => sourceAt(server.url).fetch(request, { signal }));
    assert.deepEqual(
      error.findings.map(({ code }) => code),
      ["COLLATERAL_NOT_FOUND", "COLLATERAL_ANSWER_WRONG"],
    );
  } finally {
    server.faults.clear();
  }
});

test("a subscription key goes into its header and nowhere else", async () => {
  server.requests.length = 0;
  server.faults.set("tcb", (response) => response.writeHead(403).end());
  try {
    const source = createServiceSource({ url: server.url, network, patience, apiKey: "s3cret" });
    const error = await failureOf(() => source.fetch(request, { signal }));
    assert.ok(server.requests.every(({ headers }) => headers["ocp-apim-subscription-key"] === "s3cret"));
    assert.ok(!JSON.stringify({ ...error, message: error.message }).includes("s3cret"));
  } finally {
    server.faults.clear();
  }
});

test("Intel's own service has the list of its root elsewhere, and that place does not see the key", async () => {
  const asked: [string, string | undefined][] = [];
  const noted: Network = {
    ...network,
    get: async (url, { headers }) => {
      asked.push([url, headers["Ocp-Apim-Subscription-Key"]]);
      return { status: 404, headers: {}, body: new Uint8Array() };
    },
  };
  const source = createServiceSource({ url: INTEL_PCS, network: noted, patience, apiKey: "k" });
  await failureOf(() => source.fetch(request, { signal }));
  assert.deepEqual(asked.at(-1), ["https://certificates.trustedservices.intel.com/IntelSGXRootCA.der", undefined]);
  assert.ok(asked.slice(0, -1).every(([url, key]) => url.startsWith(INTEL_PCS) && key === "k"));
});

test("only https is a source", async () => {
  for (const url of ["http://127.0.0.1:1", "ftp://x", "nonsense", "https://user:s3cret@host"]) {
    const error = await failureOf(async () => createServiceSource({ url, network }));
    assert.equal(error.code, "COLLATERAL_SOURCE_INVALID");
    assert.ok(!error.message.includes("s3cret"));
  }
});

test("a server whose certificate nobody vouches for is not believed", async () => {
  const stranger = createServerIdentity(createRoot("intel", { now: NOW }), { now: NOW });
  const other = await servePcs(made.collateral as Collateral, stranger);
  try {
    const error = await failureOf(() => sourceAt(other.url).fetch(request, { signal }));
    assert.equal(error.code, "COLLATERAL_UNREACHABLE");
    assert.match(error.mend, /--ca-file/);
    assert.equal(error.findings.length, 4);
  } finally {
    await other.close();
  }
});
