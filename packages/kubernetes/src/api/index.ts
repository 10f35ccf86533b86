// SPDX-License-Identifier: Apache-2.0
export {
  createObject,
  deleteObject,
  deleteSelected,
  findObject,
  listAll,
  listEach,
  patchObject,
  type Selection,
} from "./collection.ts";
export { type Connection, createConnection, type Outside, type Question } from "./connection.ts";
export type { Credentials, RunProgram } from "./credentials.ts";
export { isPassing } from "./errors.ts";
export { judgeObject, type Objection } from "./judge.ts";
export { type ClusterAccess, readKubeconfig, readPodAccess } from "./kubeconfig.ts";
export { type LogLine, type LogQuery, parseLogLine, readLog } from "./logs.ts";
export { forwardPort, runInPod } from "./sockets.ts";
export { type Change, splitLines, type WatchOptions, watchObjects } from "./watch.ts";
