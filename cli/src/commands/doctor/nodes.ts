// SPDX-License-Identifier: Apache-2.0
import { enclaveBytes, type JobFile, podBytes } from "@bulwark/contracts";
import {
  countPlaced,
  listFreeNodes,
  type Node,
  type Pod,
  parseQuantity,
  type Request,
  type Toleration,
  takes,
} from "@bulwark/kubernetes";
import { fail, type Outcome, ok, warn } from "./check.ts";

const GIB = 2 ** 30;
const EPC = "sgx.intel.com/epc";
const SLOTS = ["sgx.intel.com/enclave", "sgx.intel.com/provision"];
const SGX_LABEL = "intel.feature.node.kubernetes.io/sgx";
const ANYBODY: Request = { amounts: {}, selector: {}, tolerations: [] };

/** The outcome where nobody may look. */
export const FORBIDDEN = warn(
  "you may not list nodes or runtime classes, so this cannot be known",
  "ask whoever runs the cluster",
);

/** Whether nodes have room for driver and executors now. */
export function judgeCapacity(
  job: JobFile | undefined,
  nodes: readonly Node[] | undefined,
  pods: readonly Pod[] | undefined,
): Outcome {
  if (nodes === undefined) return FORBIDDEN;
  const driver = job === undefined ? ANYBODY : toRequest(job, "driver");
  const executor = job === undefined ? ANYBODY : toRequest(job, "executor");
  const free = listFreeNodes(nodes, pods ?? []).filter((node) => takes(node, driver) || takes(node, executor));
  const sum = (key: string): number => free.reduce((total, node) => total + (node.free[key] ?? 0), 0);
  const has = `${free.length} of ${nodes.length} nodes take pods; ${sum("cpu").toFixed(1)} cores and ${(sum("memory") / GIB).toFixed(1)} GiB ${pods === undefined ? "in all" : "free"}`;
  if (free.length === 0)
    return fail(has, "see why: kubectl describe nodes; the job's nodeSelector and tolerations count, too");
  if (job === undefined) return ok(has);
  const wanted = [driver, ...Array.from({ length: job.executor.instances }, () => executor)];
  const placed = countPlaced(free, wanted);
  if (placed === wanted.length) return ok(`${has}: room for driver and ${job.executor.instances} executors`);
  return fail(
    `${has}: room for ${placed} of ${wanted.length} pods (driver and ${job.executor.instances} executors)`,
    "lower executor.instances, memory or cores, or add nodes; an autoscaler may add them by itself",
  );
}

/** What the chart asks for a pod of the role. What a runtime class adds is not known here, nor is affinity looked at. */
function toRequest(job: JobFile, role: "driver" | "executor"): Request {
  const isSgx = job.trust.tee === "sgx";
  const devices = Object.fromEntries(SLOTS.map((slot) => [slot, 1]));
  const sgx = isSgx ? { [EPC]: enclaveBytes(job, role), ...devices } : {};
  const selector = { ...job.nodeSelector, ...job[role].nodeSelector, ...(isSgx ? { [SGX_LABEL]: "true" } : {}) };
  return {
    amounts: { cpu: job[role].cores, memory: podBytes(job, role), pods: 1, ...sgx },
    selector: Object.fromEntries(Object.entries(selector).map(([key, value]) => [key, String(value)])),
    tolerations: [...job.tolerations, ...job[role].tolerations] as Toleration[],
  };
}

/** Whether a job in an enclave finds the device plugin's resources. */
export function judgeSgx(job: JobFile | undefined, nodes: readonly Node[] | undefined): Outcome {
  if (nodes === undefined) return FORBIDDEN;
  const able = nodes.filter(({ status }) => parseQuantity(status?.allocatable?.[EPC]) > 0);
  const isWanted = job?.trust.tee === "sgx";
  if (able.length === 0) {
    const labelled = nodes.filter(({ metadata }) => metadata.labels?.[SGX_LABEL] === "true");
    const detail =
      labelled.length > 0
        ? `${labelled.length} nodes are labelled for SGX, and none offers ${EPC}`
        : `no node offers ${EPC}`;
    return isWanted
      ? fail(detail, "install the SGX device plugin with its EPC registration, or set trust.tee: none")
      : ok(`${detail}; none asked for`);
  }
  const poor = able.find(({ status }) => SLOTS.some((slot) => !(parseQuantity(status?.allocatable?.[slot]) > 0)));
  if (poor !== undefined) {
    return warn(
      `${poor.metadata.name} offers ${EPC} and not ${SLOTS.join(" and ")}`,
      "check the SGX device plugin's DaemonSet there",
    );
  }
  const most = Math.max(...able.map(({ status }) => parseQuantity(status?.allocatable?.[EPC])));
  return ok(`${able.length} of ${nodes.length} nodes offer SGX, at most ${(most / GIB).toFixed(2)} GiB of EPC each`);
}

/** Whether there are runtime classes of confidential VMs. */
export function judgeKata(classes: readonly string[] | undefined, wanted: string | undefined): Outcome {
  if (classes === undefined) return FORBIDDEN;
  const kata = classes.filter((name) => name.startsWith("kata"));
  const detail = kata.length === 0 ? "no runtime class of Kata Containers" : kata.join(", ");
  if (wanted === undefined) return ok(kata.length === 0 ? `${detail}; none asked for` : detail);
  if (classes.includes(wanted)) return ok(`${wanted} is there`);
  return fail(
    `there is no runtime class ${wanted}: ${detail}`,
    "install Kata Containers (kata-deploy), or name the class: trust.runtimeClass",
  );
}

/** What can be known of an image without asking its registry: is it named by digest, do nodes have it. */
export function judgeImage(job: JobFile | undefined, nodes: readonly Node[] | undefined): Outcome {
  if (job?.image === undefined) return ok("no job file, so no image to look for");
  const { image, imagePullPolicy } = job;
  const present = (nodes ?? []).filter((node) => hasImage(node, image));
  const where = `${present.length} of ${nodes?.length ?? "?"} nodes have it`;
  if (imagePullPolicy === "Never" && present.length === 0)
    return fail(`${image}: ${where}, and imagePullPolicy is Never`, "load it onto the nodes");
  if (present.length > 0 && present.length === nodes?.length) return judgeTag(image, where);
  const mend = "whether nodes may fetch it shows with the first pod; for a private registry name imagePullSecrets";
  return warn(`${image}: ${where}; whether the others can fetch it is not known before`, mend);
}

function judgeTag(image: string, where: string): Outcome {
  if (image.includes("@sha256:")) return ok(`${image}: ${where}`);
  return warn(`${image}: ${where}; a tag can mean another image tomorrow`, "name it by digest: NAME@sha256:...");
}

type WithImages = Node & { status?: { images?: { names?: string[] }[] } };

function hasImage(node: Node, image: string): boolean {
  const names = ((node as WithImages).status?.images ?? []).flatMap((one) => one.names ?? []);
  const short = image.replace(/^docker\.io\/(library\/)?/, "");
  return names.some((name) => name === image || name.replace(/^docker\.io\/(library\/)?/, "") === short);
}
