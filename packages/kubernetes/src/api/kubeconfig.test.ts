// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { stringify } from "yaml";
import { readKubeconfig } from "./kubeconfig.ts";

const folder = mkdtempSync(join(tmpdir(), "bulwark-kubeconfig-"));
after(() => rmSync(folder, { recursive: true }));

let count = 0;
const write = (content: unknown): string => {
  const path = join(folder, `config-${count++}`);
  writeFileSync(path, typeof content === "string" ? content : stringify(content));
  return path;
};

const cluster = {
  server: "https://cluster.example:6443",
  "certificate-authority-data": Buffer.from("CA").toString("base64"),
};
const config = (changes: { cluster?: object; user?: object; context?: object; current?: string } = {}) => ({
  "current-context": changes.current ?? "one",
  clusters: [{ name: "c", cluster: { ...cluster, ...changes.cluster } }],
  contexts: [
    { name: "one", context: { cluster: "c", user: "u", namespace: "runs", ...changes.context } },
    { name: "production", context: { cluster: "c", user: "u" } },
  ],
  users: [{ name: "u", user: changes.user ?? { token: "t" } }],
});
const now = new Date("2026-03-01T12:00:00Z");
const read = (content: unknown, context?: string) =>
  readKubeconfig([write(content)], { now, ...(context === undefined ? {} : { context }) });

test("a context says which cluster, who, and which namespace", async () => {
  const access = await read(config());
  assert.deepEqual(access, {
    context: "one",
    server: new URL("https://cluster.example:6443"),
    ca: "CA",
    namespace: "runs",
    credentials: { type: "token", token: "t" },
  });
  assert.equal((await read(config(), "production")).namespace, "default");
});

test("of several files the first that says something wins, and one may be absent", async () => {
  const first = write({ "current-context": "two", contexts: [{ name: "two", context: { cluster: "c", user: "u" } }] });
  const second = write(config({ current: "one" }));
  const access = await readKubeconfig([join(folder, "absent"), first, second], { now });
  assert.equal(access.context, "two");
  assert.deepEqual(access.credentials, { type: "token", token: "t" });
});

test("files count from the kubeconfig they stand in", async () => {
  writeFileSync(join(folder, "ca.pem"), "FILE CA");
  const changed = { "certificate-authority-data": undefined, "certificate-authority": "ca.pem" };
  assert.equal((await read(config({ cluster: changed, user: { tokenFile: "token" } }))).ca, "FILE CA");
  const { credentials } = await read(config({ user: { tokenFile: "token" } }));
  assert.deepEqual(credentials, { type: "token-file", file: join(folder, "token") });
});

test("what cannot be used safely is refused", async () => {
  const rows: [string, unknown, string?][] = [
    ["KUBECONFIG_INVALID", "a: [b"],
    ["KUBECONFIG_INVALID", "text"],
    ["KUBECONFIG_INVALID", { clusters: {} }],
    ["KUBECONFIG_INVALID", config({ cluster: { server: "http://cluster.example" } })],
    ["KUBECONFIG_INVALID", config({ cluster: { server: "cluster" } })],
    ["KUBECONFIG_INVALID", config({ cluster: { "insecure-skip-tls-verify": true } })],
    ["KUBECONFIG_INVALID", config({ context: { cluster: "other" } })],
    ["KUBECONFIG_INVALID", config({ user: { "auth-provider": { name: "gcp" } } })],
    [
      "KUBECONFIG_INVALID",
      config({ user: { exec: { apiVersion: "client.authentication.k8s.io/v1alpha1", command: "x" } } }),
    ],
    [
      "KUBECONFIG_INVALID",
      config({ cluster: { "certificate-authority-data": "", "certificate-authority": "/absent" } }),
    ],
    ["KUBECONFIG_INVALID", config({ user: { token: "t", "as-groups": ["readers"] } })],
    ["KUBECONFIG_INVALID", config({ user: { token: "t", as: "a\nb" } })],
    ["KUBECONFIG_INVALID", config({ user: { token: "t", as: 5 } })],
    ["CONTEXT_UNKNOWN", config({ current: "" })],
    ["CONTEXT_UNKNOWN", config(), "produktion"],
  ];
  for (const [code, content, context] of rows)
    await assert.rejects(read(content, context), { code }, JSON.stringify(content));
  await assert.rejects(readKubeconfig([join(folder, "absent")], { now }), { code: "KUBECONFIG_MISSING" });
});

test("as whom a user asks is kept, in the headers of client-go", async () => {
  const as = {
    as: "limited-user",
    "as-uid": "7",
    "as-groups": ["readers", "lecteurs à l'école"],
    "as-user-extra": { "example.org/a%b": ["one", "two"], scopes: ["view"] },
  };
  const { impersonation } = await read(config({ user: { token: "t", ...as } }));
  assert.deepEqual(impersonation, {
    "Impersonate-User": ["limited-user"],
    "Impersonate-Uid": ["7"],
    "Impersonate-Group": ["readers", Buffer.from("lecteurs à l'école").toString("latin1")],
    "Impersonate-Extra-example.org%2Fa%25b": ["one", "two"],
    "Impersonate-Extra-scopes": ["view"],
  });
});

test("loopback needs no TLS, as kubectl proxy has none", async () => {
  assert.equal((await read(config({ cluster: { server: "http://127.0.0.1:8001" } }))).server.port, "8001");
});

test("the mend of a mistyped context is the one that was meant", async () => {
  await assert.rejects(read(config(), "productoin"), { mend: "did you mean --context production?" });
});
