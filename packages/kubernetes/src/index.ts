// SPDX-License-Identifier: Apache-2.0
export type {
  Claim,
  ConfigMap,
  CronJob,
  Job,
  KubeEvent,
  KubeObject,
  Namespace,
  Node,
  Pod,
  Secret,
} from "./api/objects.ts";
export { findResource, pathOf, RESOURCES, type Resource } from "./api/resources.ts";
export {
  type Amounts,
  countPlaced,
  type FreeNode,
  listFreeNodes,
  type Request,
  type Toleration,
  takes,
} from "./capacity.ts";
export { type PodFacts, type Role, reduceJob, reducePod } from "./facts.ts";
export {
  findLeftovers,
  HELM_RECORDS,
  type Leftover,
  RELEASE_KINDS,
  readHelmReleases,
  showLeftover,
} from "./leftovers.ts";
export { ANNOTATION, isOurs, LABEL, labelsOf, namesOf, parseReleaseName, releaseOf, selectorOf } from "./names.ts";
export type { Observation, Planned, Progress } from "./observed.ts";
export { explainEvents, explainPod, timeOf } from "./pod-reason.ts";
export { parseQuantity } from "./quantity.ts";
export { REASON_ERRORS, type Reason, type ReasonKind, shorten } from "./reason.ts";
export { listRights, type Right, showRight, toReview } from "./rights.ts";
export {
  checkNamedSecrets,
  type Entries,
  makeSecret,
  maskSecret,
  type NamedSecrets,
  ownerPatch,
  secretNames,
  toOwner,
} from "./secrets.ts";
export {
  derivePrevious,
  deriveStatus,
  groupByRelease,
  isEnded,
  type JobState,
  type JobStatus,
  type PartStatus,
  type ReleaseObjects,
} from "./status.ts";
