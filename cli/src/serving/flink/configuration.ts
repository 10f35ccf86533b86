// SPDX-License-Identifier: Apache-2.0

/** What Flink's processes are told. All paths are absolute; the file holds passwords, so its mode is 0600. */
export type FlinkSettings = {
  /** Where the job manager is found, and what everything listens on. */
  jobManagerHost: string;
  bindHost: string;
  rpcPort: number;
  restPort: number;
  /** Where each process has an address of its own. Elsewhere they take what is free. */
  ports?: { blob: number; taskManagerRpc: number; taskManagerData: number; taskManagerQuery: number };
  /** For what Flink writes down: nothing of records. */
  temporaryFolder: string;
  /** Between Flink's processes: stores of a channel of their own. */
  internal: Stores;
  /** For its REST interface, which asks for a certificate. */
  rest: Stores;
};

type Stores = { keyStore: string; trustStore: string; password: string };

const LOOPBACK = "127.0.0.1";
/** Heap of a task manager beside Flink's own 128 MiB; ONNX Runtime keeps models outside of it. */
const TASK_HEAP_MIB = 384;
const FRAMEWORK_HEAP_MIB = 128;
const TASK_OFF_HEAP_MIB = 256;
const FRAMEWORK_OFF_HEAP_MIB = 128;
const NETWORK_MIB = 32;
const TASK_MANAGER_HEAP_MIB = FRAMEWORK_HEAP_MIB + TASK_HEAP_MIB;
const TASK_MANAGER_DIRECT_MIB = FRAMEWORK_OFF_HEAP_MIB + TASK_OFF_HEAP_MIB + NETWORK_MIB;
const JOB_MANAGER_HEAP_MIB = 512;
/** What a JVM needs beside its heap and what it maps itself. */
const METASPACE_MIB = 128;
const OVERHEAD_MIB = 192;

/**
 * The text of Flink's `config.yaml`, for the job manager and every task manager. One slot for each task manager: a native
 * library that takes its process down takes one subtask with it. A task that fails restarts by itself, for ever, ever more
 * slowly; no checkpoints are made, since Redis is the only state.
 *
 * @see https://nightlies.apache.org/flink/flink-docs-stable/docs/deployment/config/
 */
export function renderFlinkConfiguration(settings: FlinkSettings): string {
  const lines: Readonly<Record<string, string | number | boolean>> = {
    "jobmanager.rpc.address": settings.jobManagerHost,
    "jobmanager.rpc.port": settings.rpcPort,
    "jobmanager.bind-host": settings.bindHost,
    "jobmanager.execution.failover-strategy": "region",
    "taskmanager.bind-host": settings.bindHost,
    ...(settings.bindHost === LOOPBACK ? { "taskmanager.host": settings.bindHost } : {}),
    ...(settings.ports === undefined ? {} : renderPorts(settings.ports)),
    "taskmanager.numberOfTaskSlots": 1,
    "taskmanager.cpu.cores": 1,
    "taskmanager.memory.framework.heap.size": `${FRAMEWORK_HEAP_MIB}m`,
    "taskmanager.memory.task.heap.size": `${TASK_HEAP_MIB}m`,
    "taskmanager.memory.framework.off-heap.size": `${FRAMEWORK_OFF_HEAP_MIB}m`,
    "taskmanager.memory.task.off-heap.size": `${TASK_OFF_HEAP_MIB}m`,
    "taskmanager.memory.network.min": `${NETWORK_MIB}m`,
    "taskmanager.memory.network.max": `${NETWORK_MIB}m`,
    "taskmanager.memory.managed.size": "0m",
    // Both say nothing to a JVM that we start, but have to be said.
    "taskmanager.memory.jvm-metaspace.size": `${METASPACE_MIB}m`,
    "taskmanager.memory.jvm-overhead.min": `${OVERHEAD_MIB}m`,
    "taskmanager.memory.jvm-overhead.max": `${OVERHEAD_MIB}m`,
    // Flink's processes do without it; who asks is on this machine, or in this pod.
    "rest.address": LOOPBACK,
    "rest.bind-address": LOOPBACK,
    "rest.port": settings.restPort,
    "rest.profiling.enabled": false,
    // A job manager that ends waits so long for somebody to ask how its last operation went.
    "rest.async.store-duration": "10 s",
    "web.submit.enable": false,
    "heartbeat.interval": "1 s",
    "heartbeat.timeout": "8 s",
    "restart-strategy.type": "exponential-delay",
    "restart-strategy.exponential-delay.initial-backoff": "200 ms",
    "restart-strategy.exponential-delay.max-backoff": "10 s",
    "restart-strategy.exponential-delay.reset-backoff-threshold": "1 min",
    "slot.request.timeout": "10 min",
    "cluster.evenly-spread-out-slots": true,
    "io.tmp.dirs": settings.temporaryFolder,
    "security.ssl.protocol": "TLSv1.3",
    "security.ssl.algorithms": "TLS_AES_128_GCM_SHA256,TLS_AES_256_GCM_SHA384",
    "security.ssl.internal.enabled": true,
    ...renderStores("internal", settings.internal),
    "security.ssl.rest.enabled": true,
    "security.ssl.rest.authentication-enabled": true,
    ...renderStores("rest", settings.rest),
  };
  return Object.entries(lines)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`)
    .join("");
}

function renderPorts({ blob, taskManagerRpc, taskManagerData, taskManagerQuery }: NonNullable<FlinkSettings["ports"]>) {
  return {
    "blob.server.port": blob,
    "taskmanager.rpc.port": taskManagerRpc,
    "taskmanager.data.port": taskManagerData,
    // Where the job manager asks for metrics.
    "metrics.internal.query-service.port": String(taskManagerQuery),
  };
}

function renderStores(side: "internal" | "rest", { keyStore, trustStore, password }: Stores): Record<string, string> {
  const prefix = `security.ssl.${side}`;
  return {
    [`${prefix}.keystore`]: keyStore,
    [`${prefix}.keystore-type`]: "PKCS12",
    [`${prefix}.keystore-password`]: password,
    [`${prefix}.key-password`]: password,
    [`${prefix}.truststore`]: trustStore,
    [`${prefix}.truststore-type`]: "PKCS12",
    [`${prefix}.truststore-password`]: password,
  };
}

const MODULES = ["java.lang", "java.lang.reflect", "java.net", "java.nio", "java.text", "java.time", "java.util"];
const OPENED = [...MODULES, "java.util.concurrent", "java.util.concurrent.atomic", "sun.nio.ch"];
const COMMON = ["-XX:+ExitOnOutOfMemoryError", ...OPENED.map((name) => `--add-opens=java.base/${name}=ALL-UNNAMED`)];

/**
 * The two kinds of Flink process: main class, options of the JVM, and what the process needs with them, models left out.
 * Each takes the folder of its files as argument.
 */
export const FLINK_PROCESSES = {
  jobmanager: {
    main: "bulwark.serving.JobManager",
    options: [`-Xmx${JOB_MANAGER_HEAP_MIB}m`, "-XX:+UseSerialGC", ...COMMON],
    memoryMiB: JOB_MANAGER_HEAP_MIB + FRAMEWORK_OFF_HEAP_MIB + METASPACE_MIB + OVERHEAD_MIB,
  },
  taskmanager: {
    main: "bulwark.serving.TaskManager",
    options: [
      `-Xmx${TASK_MANAGER_HEAP_MIB}m`,
      `-XX:MaxDirectMemorySize=${TASK_MANAGER_DIRECT_MIB}m`,
      "-XX:+UseSerialGC",
      ...COMMON,
    ],
    memoryMiB: TASK_MANAGER_HEAP_MIB + TASK_MANAGER_DIRECT_MIB + METASPACE_MIB + OVERHEAD_MIB,
  },
} as const;

export type FlinkProcess = keyof typeof FLINK_PROCESSES;
