// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { json, silence, startFakeServer } from "../testing/fake-server.ts";
import { findObject, listAll } from "./collection.ts";
import { createConnection } from "./connection.ts";
import { RESOURCES } from "./resources.ts";

const question = { path: "/api", what: "ask" };

test("what the server says decides the code", async () => {
  const rows: [number, string][] = [
    [400, "CLUSTER_REFUSED"],
    [401, "CLUSTER_UNAUTHENTICATED"],
    [403, "CLUSTER_FORBIDDEN"],
    [404, "OBJECT_MISSING"],
    [409, "CLUSTER_CONFLICT"],
    [410, "WATCH_EXPIRED"],
    [422, "CLUSTER_REFUSED"],
    [429, "CLUSTER_UNREACHABLE"],
    [500, "CLUSTER_UNREACHABLE"],
    [503, "CLUSTER_UNREACHABLE"],
  ];
  await using server = await startFakeServer(rows.map(([status]) => json(status, { message: "no" })));
  for (const [status, code] of rows) {
    await assert.rejects(server.connect().ask(question), { name: "BulwarkError", code }, String(status));
  }
});

test("an answer that is no JSON, or ends too early, is no answer", async () => {
  await using server = await startFakeServer([
    (_request, response) => response.end("<html>"),
    (_request, response) => {
      response.writeHead(200, { "content-length": 100 });
      response.write("{");
      setImmediate(() => response.destroy());
    },
    (request) => request.destroy(),
  ]);
  for (let turn = 0; turn < 3; turn++) {
    await assert.rejects(server.connect().ask(question), { code: "CLUSTER_UNREACHABLE" });
  }
});

test("a server that does not answer is given up, and one that is not there told as such", async () => {
  await using server = await startFakeServer([silence]);
  const connection = server.connect();
  await assert.rejects(connection.ask({ ...question, limitMs: 50 }), { code: "CLUSTER_UNREACHABLE" });
  const nobody = createConnection(
    { ...connection.access, server: new URL("http://127.0.0.1:1") },
    { runProgram: async () => "", now: () => new Date() },
  );
  await assert.rejects(nobody.ask(question), { code: "CLUSTER_UNREACHABLE" });
});

test("a refused credential of a plugin is asked for once more, and then it is final", async () => {
  const printed = ["old", "new", "newer"].map((token) => JSON.stringify({ status: { token } }));
  const exec = {
    type: "exec",
    apiVersion: "client.authentication.k8s.io/v1",
    command: "login",
    args: [],
    env: {},
    hint: "",
  } as const;
  await using server = await startFakeServer([json(401, {}), json(200, { fine: true }), json(401, {}), json(401, {})], {
    runProgram: async () => printed.shift() ?? "",
  });
  const connection = server.connect(exec);
  assert.deepEqual(await connection.ask(question), { fine: true });
  await assert.rejects(connection.ask(question), { code: "CLUSTER_UNAUTHENTICATED" });
  assert.deepEqual(server.tokens, ["Bearer old", "Bearer new", "Bearer new", "Bearer newer"]);
});

test("a plugin that fails, or prints something else, is told without what it printed", async () => {
  const exec = {
    type: "exec",
    apiVersion: "client.authentication.k8s.io/v1",
    command: "login",
    args: [],
    env: {},
    hint: "",
  } as const;
  for (const runProgram of [
    async () => {
      throw new Error("ended with 1");
    },
    async () => "SECRET not json",
    async () => '{"status":{"secret":"SECRET"}}',
  ]) {
    await using server = await startFakeServer([], { runProgram });
    await assert.rejects(server.connect(exec).ask(question), (error: Error & { code: string; mend: string }) => {
      assert.equal(error.code, "CLUSTER_UNAUTHENTICATED");
      assert.ok(!`${error.message}${error.mend}`.includes("SECRET"));
      return true;
    });
  }
});

test("every question, a WebSocket's too, is asked as whom the kubeconfig says", async () => {
  let heard: NodeJS.Dict<string[]> = {};
  await using server = await startFakeServer([
    (request, response) => {
      heard = request.headersDistinct;
      json(200, {})(request, response);
    },
  ]);
  const impersonation = { "Impersonate-User": ["limited"], "Impersonate-Group": ["one", "two"] };
  const { access } = server.connect({ type: "token", token: "t" });
  const connection = createConnection(
    { ...access, impersonation },
    { runProgram: async () => "", now: () => new Date() },
  );
  await connection.ask(question);
  const { "impersonate-user": user, "impersonate-group": groups, authorization } = heard;
  assert.deepEqual([user, groups, authorization], [["limited"], ["one", "two"], ["Bearer t"]]);
  assert.deepEqual((await connection.secure()).headers, { ...impersonation, authorization: "Bearer t" });
});

test("warnings of the server are handed on", async () => {
  const heard: string[] = [];
  const warning = '299 - "would violate PodSecurity \\"restricted\\"", 299 - "second"';
  await using server = await startFakeServer([json(200, {}, { warning })], { onWarning: (text) => heard.push(text) });
  await server.connect().ask(question);
  assert.deepEqual(heard, ['would violate PodSecurity "restricted"', "second"]);
});

test("an interrupt ends a question with its own reason", async () => {
  await using server = await startFakeServer([silence]);
  const stop = new AbortController();
  const asked = server.connect().ask({ ...question, signal: stop.signal });
  stop.abort(new Error("enough"));
  await assert.rejects(asked, { message: "enough" });
});

test("lists are read page by page; one that expired in between is begun anew", async () => {
  const page = (name: string, next?: string) =>
    json(200, {
      metadata: { resourceVersion: "7", ...(next === undefined ? {} : { continue: next }) },
      items: [{ metadata: { name } }],
    });
  await using server = await startFakeServer([page("a", "more"), json(410, {}), page("a", "more"), page("b")]);
  const pods = await listAll(server.connect(), { resource: RESOURCES.pods, namespace: "runs" });
  assert.deepEqual(
    pods.map(({ metadata }) => metadata.name),
    ["a", "b"],
  );
  assert.deepEqual(
    server.asked.map((url) => url.searchParams.get("continue")),
    [null, "more", null, "more"],
  );
});

test("an object that is not there is undefined; one that may not be seen is an error", async () => {
  await using server = await startFakeServer([json(404, {}), json(403, {})]);
  const place = { namespace: "runs", name: "a b/c" };
  assert.equal(await findObject(server.connect(), RESOURCES.secrets, place), undefined);
  assert.equal(server.asked[0]?.pathname, "/api/v1/namespaces/runs/secrets/a%20b%2Fc");
  await assert.rejects(findObject(server.connect(), RESOURCES.secrets, place), { code: "CLUSTER_FORBIDDEN" });
});
