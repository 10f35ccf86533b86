// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { BulwarkError } from "../errors/index.ts";
import { parseJobFile } from "./parse.ts";

function findingsOf(text: string): unknown[] {
  try {
    parseJobFile(text, { file: "job.yaml" });
    return [];
  } catch (error) {
    assert.ok(error instanceof BulwarkError && error.code === "JOB_INVALID", String(error));
    return error.findings.map(({ code, path }) => [code, path]);
  }
}

/** Values of keys with a form: those that have it, and those that have not. */
const FORMED: Readonly<Record<string, { right: readonly string[]; wrong: readonly string[] }>> = {
  schedule: {
    right: ["@daily", "0 0 1 1 0", "*/15 0-6,22 ? jan-JUN Sun", "59 23 31 12 6", "05  4 * * 1-5"],
    wrong: [
      "99 99 * * *",
      "0 24 * * *",
      "0 0 0 * *",
      "0 0 * 13 *",
      "0 0 * * 7",
      "* * * *",
      "0 0 * * * *",
      "*/0 * * * *",
    ],
  },
  timeZone: { right: ["Etc/UTC", "Etc/GMT+1", "America/Port-au-Prince"], wrong: ["+01:00", "../UTC", "europe/berlin"] },
  ttl: { right: ["99999h", "0s", "9999999m"], wrong: ["999999999h", "596524h", "2147483648s", "35791395m"] },
  "network.apiServer": {
    right: ["0.0.0.0/0", "255.255.255.255/32", "::/0", "fd00::1/128", "2001:db8:0:1:2:3:4:5/64", "1:2::7:8/64"],
    wrong: [
      "999.1.1.1/99",
      "10.0.0.0/33",
      "10.0.0/8",
      "10.0.0.0",
      "010.0.0.0/8",
      "fd00::/129",
      "1::2::3/64",
      "1:2:3/64",
    ],
  },
  k8sMaster: {
    right: ["https://10.0.0.1:6443", "k8s://https://api.example/cluster", "https://[fd00::1]:6443"],
    wrong: ["ftp://x", "http://x", "k8s://http://x", "k8s://x:6443", "https://", "local[2]", "https://x y"],
  },
  image: {
    right: [
      "a:1",
      "localhost:5000/team/a_b.c--d:V1.0-x",
      `REGISTRY.example/a/b@sha256:${"0".repeat(64)}`,
      `[::1]:5000/a:1@sha256:${"a".repeat(64)}`,
    ],
    wrong: [
      "REGISTRY/X",
      "X",
      "a/B",
      "x@sha256:abc",
      `x@sha256:${"A".repeat(64)}`,
      "x:",
      "a//b",
      "/a",
      "a/",
      "a b",
      "-a",
    ],
  },
  "volumes.a.mountPath": {
    right: ["/mnt", "/mnt/a.b/..c/.d/...", "/mnt/a/-"],
    wrong: [
      "mnt",
      "/",
      "/mnt/",
      "//etc/bulwark/conf",
      "/mnt/../etc/bulwark/conf",
      "/mnt/./a",
      "/mnt/..",
      "/a:b",
      "/a b",
    ],
  },
};

for (const [key, { right, wrong }] of Object.entries(FORMED)) {
  const beside = key === "volumes.a.mountPath" ? { claim: "c" } : {};
  const write = (value: string): string => {
    const [last = "", ...owners] = key.split(".").toReversed();
    const job = owners.reduce<object>((inner, name) => ({ [name]: inner }), { ...beside, [last]: value });
    return JSON.stringify({ python: "a.py", ...job });
  };

  test(`the form of ${key}`, () => {
    for (const value of right) assert.deepEqual(findingsOf(write(value)), [], value);
    for (const value of wrong) {
      assert.deepEqual(findingsOf(write(value)), [["JOB_TYPE_WRONG", key]], value);
    }
  });
}
