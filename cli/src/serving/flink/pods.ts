// SPDX-License-Identifier: Apache-2.0
import { FLINK_PROCESSES, renderFlinkConfiguration } from "./configuration.ts";

const PORTS = {
  ...{ rpc: 6123, blob: 6124, rest: 8081 },
  ...{ taskManagerRpc: 6122, taskManagerData: 6121, taskManagerQuery: 6125 },
} as const;
/** Where the Secret and the job's settings are mounted, in one folder. */
const FOLDER = "/etc/bulwark/conf";

/** The stores of the channel between Flink's processes, as entries of the Secret. */
export const CHANNEL_ENTRIES = { keyStore: "channel.p12", trustStore: "channel-trust.p12" } as const;

/**
 * Flink's `config.yaml` for the pods of a release of `charts/serving`. The REST interface listens on the job manager's
 * loopback alone, and takes who holds the channel's stores.
 */
export function renderPodConfiguration(release: string, namespace: string, password: string): string {
  const stores = {
    keyStore: `${FOLDER}/${CHANNEL_ENTRIES.keyStore}`,
    trustStore: `${FOLDER}/${CHANNEL_ENTRIES.trustStore}`,
    password,
  };
  return renderFlinkConfiguration({
    ...{ jobManagerHost: `${release}-jobmanager.${namespace}.svc`, bindHost: "0.0.0.0", temporaryFolder: "/tmp" },
    ...{ rpcPort: PORTS.rpc, restPort: PORTS.rest, ports: PORTS },
    ...{ internal: stores, rest: stores },
  });
}

/** What the chart must know of Flink's processes: `charts/serving/files/flink.json`. */
export function renderChartFlink(): string {
  const { jobmanager, taskmanager } = FLINK_PROCESSES;
  const facts = {
    jobmanager: { memoryMiB: jobmanager.memoryMiB, ports: { rpc: PORTS.rpc, blob: PORTS.blob } },
    // Nothing passes between task managers: the job is one chain in each.
    taskmanager: {
      memoryMiB: taskmanager.memoryMiB,
      ports: { rpc: PORTS.taskManagerRpc, query: PORTS.taskManagerQuery },
    },
  };
  return `${JSON.stringify(facts, null, 2)}\n`;
}
