// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { it } from "node:test";
import { toRedisOptions } from "./options.ts";

const REFUSED = [
  ...["", "redis", "http://a", "rediss://u:p@host:1", "redis://example.org:6379", "redis://10.0.0.1"],
  ...["rediss://host:1/3", "rediss://host:1?db=3", "rediss://host:1#3", "rediss://host:99999"],
];
for (const url of REFUSED) {
  it(`refuses ${JSON.stringify(url)}`, () => {
    assert.throws(() => toRedisOptions({ url }), { code: "SERVING_CONFIG" });
  });
}

it("speaks TLS to rediss and never less than 1.2", () => {
  const { tls, host, port } = toRedisOptions({ url: "rediss://[::1]:7000" });
  assert.deepEqual([tls?.minVersion, host, port], ["TLSv1.2", "::1", 7000]);
});

it("looks for another name in the certificate where it is told to", () => {
  const { tls, host } = toRedisOptions({ url: "rediss://localhost:7000", serverName: "clouds-redis.team.svc" });
  assert.deepEqual([tls?.servername, host], ["clouds-redis.team.svc", "localhost"]);
});
