// SPDX-License-Identifier: Apache-2.0
import type { Node, Pod } from "./api/objects.ts";
import { parseQuantity } from "./quantity.ts";

/** What a pod asks for, or a node has free, by resource: cores, bytes, counts. */
export type Amounts = Readonly<Record<string, number>>;

/** What a node has free. */
export type FreeNode = { name: string; free: Amounts };

/** Nodes that take pods, each with what its pods leave free. Without pods: what nodes have at all. */
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
  return nodes.filter(isOpen).map(({ metadata: { name }, status }) => {
    const has = toAmounts(status?.allocatable);
    const taken = used.get(name) ?? {};
    return {
      name,
      free: Object.fromEntries(Object.entries(has).map(([key, value]) => [key, value - (taken[key] ?? 0)])),
    };
  });
}

const isOpen = ({ spec, status }: Node): boolean =>
  spec?.unschedulable !== true &&
  status?.conditions?.find(({ type }) => type === "Ready")?.status === "True" &&
  !(spec?.taints ?? []).some(({ effect }) => effect === "NoSchedule" || effect === "NoExecute");

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
export function countPlaced(nodes: readonly FreeNode[], wanted: readonly Amounts[]): number {
  const left = nodes.map(({ free }) => ({ ...free }));
  let placed = 0;
  for (const request of wanted) {
    const node = left.find((free) => Object.entries(request).every(([key, value]) => (free[key] ?? 0) >= value));
    if (node === undefined) continue;
    for (const [key, value] of Object.entries(request)) node[key] = (node[key] ?? 0) - value;
    placed++;
  }
  return placed;
}
