// SPDX-License-Identifier: Apache-2.0
import type { Node, Pod } from "./api/objects.ts";
import { parseQuantity } from "./quantity.ts";

/** What a pod asks for, or a node has free, by resource: cores, bytes, counts. */
export type Amounts = Readonly<Record<string, number>>;

/** What a pod asks of a node: amounts, labels that it must have, taints that may be there (Kubernetes: Toleration). */
export type Request = {
  amounts: Amounts;
  selector: Readonly<Record<string, string>>;
  tolerations: readonly Toleration[];
};
export type Toleration = { key?: string; operator?: string; value?: string; effect?: string };
type Taint = { key: string; value?: string; effect: string };

/** What a node has free, and whom it takes. */
export type FreeNode = {
  name: string;
  free: Amounts;
  labels: Readonly<Record<string, string>>;
  taints: readonly Taint[];
};

/** Nodes that are up, each with what its pods leave free. Without pods: what nodes have at all. */
export function listFreeNodes(nodes: readonly Node[], pods: readonly Pod[]): FreeNode[] {
  const used = new Map<string, Record<string, number>>();
  for (const { spec, status } of pods) {
    const node = spec?.nodeName;
    if (node === undefined || status?.phase === "Succeeded" || status?.phase === "Failed") continue;
    const sums = used.get(node) ?? {};
    used.set(node, sums);
    for (const container of spec?.containers ?? []) add(sums, toAmounts(container.resources?.requests));
    add(sums, { pods: 1 });
  }
  return nodes.filter(isUp).map(({ metadata: { name, labels = {} }, spec, status }) => {
    const has = toAmounts(status?.allocatable);
    const taken = used.get(name) ?? {};
    const free = Object.fromEntries(Object.entries(has).map(([key, value]) => [key, value - (taken[key] ?? 0)]));
    return { name, free, labels, taints: spec?.taints ?? [] };
  });
}

const isUp = ({ spec, status }: Node): boolean =>
  spec?.unschedulable !== true && status?.conditions?.find(({ type }) => type === "Ready")?.status === "True";

/** Whether a node takes such a pod, room aside: its labels and taints. Affinity is not looked at. */
export function takes({ labels, taints }: FreeNode, { selector, tolerations }: Omit<Request, "amounts">): boolean {
  const barring = taints.filter(({ effect }) => effect === "NoSchedule" || effect === "NoExecute");
  return (
    Object.entries(selector).every(([key, value]) => labels[key] === value) &&
    barring.every((taint) => tolerations.some((toleration) => tolerates(toleration, taint)))
  );
}

/** As Kubernetes says of tolerations: without a key all taints, without an effect all effects. */
const tolerates = ({ key = "", operator = "Equal", value = "", effect = "" }: Toleration, taint: Taint): boolean =>
  (effect === "" || effect === taint.effect) &&
  (key === "" ? operator === "Exists" : key === taint.key) &&
  (operator === "Exists" || value === (taint.value ?? ""));

const toAmounts = (resources: Record<string, string> | undefined): Record<string, number> =>
  Object.fromEntries(Object.entries(resources ?? {}).map(([key, text]) => [key, parseQuantity(text) || 0]));

function add(sums: Record<string, number>, amounts: Amounts): void {
  for (const [key, value] of Object.entries(amounts)) sums[key] = (sums[key] ?? 0) + value;
}

/**
 * How many pods of each request find a node, the first that fits (as the scheduler roughly does).
 *
 * @param wanted requests in the order in which they are placed
 */
export function countPlaced(nodes: readonly FreeNode[], wanted: readonly Request[]): number {
  const left = nodes.map((node) => ({ node, free: { ...node.free } as Record<string, number> }));
  let placed = 0;
  for (const request of wanted) {
    const amounts = Object.entries(request.amounts);
    const place = left.find(
      ({ node, free }) => takes(node, request) && amounts.every(([key, value]) => (free[key] ?? 0) >= value),
    );
    if (place === undefined) continue;
    for (const [key, value] of amounts) place.free[key] = (place.free[key] ?? 0) - value;
    placed++;
  }
  return placed;
}
