// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { BulwarkError } from "@bulwark/contracts/errors";
import { parse } from "yaml";
import { DEFAULT_QUEUE, readQueueSettings } from "./queue-settings.ts";

const read = (text: string) => readQueueSettings(parse(text));

test("a Redis that is there already is named with its files", () => {
  const text = `
job: clinic
maxRecords: 5
redis:
  url: rediss://redis.example:6380
  user: serving
  passwordFile: /etc/serving/password
  caFile: /etc/ssl/redis.pem
`;
  assert.deepEqual(read(text), {
    ...DEFAULT_QUEUE,
    job: "clinic",
    limits: { mostRecords: 5 },
    redis: {
      url: "rediss://redis.example:6380",
      user: "serving",
      passwordFile: "/etc/serving/password",
      caFile: "/etc/ssl/redis.pem",
    },
  });
});

test("a Redis of ours is told when to write, what it may hold and what may wait", () => {
  assert.deepEqual(read("{ fsync: always, memory: 3g, maxSize: 2G, maxRecords: 10 }"), {
    job: "serving_stream",
    fsync: "always",
    memoryBytes: 3 * 2 ** 30,
    limits: { mostRecords: 10, mostBytes: 2 ** 31 },
  });
  assert.deepEqual(read("{}"), DEFAULT_QUEUE);
});

test("what cannot be meant is refused, with every finding and a mend", () => {
  const redis = "redis: { url: 'rediss://a:1' }";
  const table: [text: string, paths: string[]][] = [
    ["5", ["queue"]],
    ["null", ["queue"]],
    ["[]", ["queue"]],
    ["{ fsnyc: always }", ["queue.fsnyc"]],
    ["{ constructor: 1 }", ["queue.constructor"]],
    ["{ fsync: no, maxRecords: 0, job: 'a:b' }", ["queue.fsync", "queue.maxRecords", "queue.job"]],
    ["{ maxRecords: 1.5, maxSize: 100, memory: much }", ["queue.maxRecords", "queue.maxSize", "queue.memory"]],
    ["{ maxSize: 1g }", ["queue.maxSize"]],
    ["{ memory: 128m }", ["queue.maxSize"]],
    ["{ redis: rediss://a:1 }", ["queue.redis"]],
    ["{ redis: {} }", ["queue.redis.url"]],
    ["{ redis: { url: 'redis://redis.example:1' } }", ["queue.redis.url"]],
    ["{ redis: { url: 'rediss://u:p@a:1' } }", ["queue.redis.url"]],
    ["{ redis: { url: 'rediss://a:1', password: x } }", ["queue.redis.password"]],
    ["{ redis: { url: 'rediss://a:1', user: u } }", ["queue.redis.passwordFile"]],
    ["{ redis: { url: 'rediss://a:1', privateKeyFile: k } }", ["queue.redis.certificateFile"]],
    [`{ ${redis}, fsync: always, memory: 1g }`, ["queue.fsync", "queue.memory"]],
  ];
  for (const [text, paths] of table) {
    assert.throws(
      () => read(text),
      ({ code, findings }: BulwarkError) => {
        assert.equal(code, "SERVING_CONFIG");
        assert.deepEqual(
          findings.map(({ path }) => path),
          paths,
          text,
        );
        assert.ok(findings.every(({ mend }) => mend.length > 0));
        return true;
      },
    );
  }
});
