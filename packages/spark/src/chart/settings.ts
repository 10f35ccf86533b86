// SPDX-License-Identifier: Apache-2.0
import type { Properties } from "../properties-file.ts";

/** Ports of driver and executors in a cluster: fixed, so that a network policy can name them. */
export const PORTS = { driver: 7078, blocks: 7079, ui: 4440 } as const;

/** Settings of every job on Kubernetes, whatever its job file says (Spark's docs/running-on-kubernetes.md). */
export const KUBERNETES: Properties = {
  "spark.driver.port": String(PORTS.driver),
  "spark.blockManager.port": String(PORTS.blocks),
  "spark.driver.blockManager.port": String(PORTS.blocks),
  "spark.ui.port": "4040",
  "spark.ssl.ui.port": String(PORTS.ui),
  "spark.local.dir": "/var/bulwark/scratch",
  "spark.sql.warehouse.dir": "file:/var/bulwark/scratch/warehouse",
  "spark.dynamicAllocation.enabled": "false",
  "spark.shuffle.service.enabled": "false",
  // No task before every executor is there and was looked at.
  "spark.scheduler.minRegisteredResourcesRatio": "1.0",
  "spark.kubernetes.executor.podTemplateFile": "/etc/bulwark/conf/executor.yaml",
  "spark.kubernetes.executor.podTemplateContainerName": "spark-executor",
  // Executors are told all they need by their template and by the driver.
  "spark.kubernetes.executor.disableConfigMap": "true",
  "spark.kubernetes.executor.deleteOnTermination": "true",
  "spark.kubernetes.executor.enablePollingWithResourceVersion": "true",
  // All executors are asked for at once.
  "spark.kubernetes.allocation.batch.size": "100",
  "spark.eventLog.rolling.enabled": "false",
};
