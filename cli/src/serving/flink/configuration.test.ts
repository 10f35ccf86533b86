// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { FLINK_PROCESSES, renderFlinkConfiguration } from "./configuration.ts";

const stores = (name: string) => ({
  keyStore: `/a b/${name}.p12`,
  trustStore: `/a b/${name}-trust.p12`,
  password: `"p: #${name}`,
});
const settings = {
  ...{ jobManagerHost: "127.0.0.1", bindHost: "127.0.0.1", rpcPort: 1, restPort: 2, temporaryFolder: "/a b/tmp" },
  ...{ internal: stores("internal"), rest: stores("rest") },
};

test("Flink's processes speak TLS with a certificate on both sides, and take no jobs", () => {
  const read = parse(renderFlinkConfiguration(settings));
  for (const name of ["internal.enabled", "rest.enabled", "rest.authentication-enabled"]) {
    assert.equal(read[`security.ssl.${name}`], true);
  }
  assert.equal(read["security.ssl.protocol"], "TLSv1.3");
  assert.equal(read["security.ssl.internal.keystore-password"], '"p: #internal');
  assert.equal(read["security.ssl.rest.truststore"], "/a b/rest-trust.p12");
  assert.equal(read["web.submit.enable"], false);
  // Without one Flink gives up at the first failure of a job without checkpoints.
  assert.equal(read["restart-strategy.type"], "exponential-delay");
});

test("on one machine everything listens on loopback; elsewhere task managers have names of their own", () => {
  const read = parse(renderFlinkConfiguration(settings));
  for (const name of ["jobmanager.bind-host", "taskmanager.bind-host", "taskmanager.host", "rest.bind-address"]) {
    assert.equal(read[name], "127.0.0.1");
  }
  const open = parse(renderFlinkConfiguration({ ...settings, jobManagerHost: "flink", bindHost: "0.0.0.0" }));
  assert.deepEqual([open["taskmanager.host"], open["jobmanager.rpc.address"]], [undefined, "flink"]);
});

test("no secret is among what a process is started with", () => {
  for (const { main, options } of Object.values(FLINK_PROCESSES)) {
    assert.match(main, /^bulwark\.serving\./);
    for (const option of options) assert.match(option, /^(-X|--add-opens=)/);
  }
});
