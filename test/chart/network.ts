// SPDX-License-Identifier: Apache-2.0
import { BlockList } from "node:net";
import type { Rendered } from "./helm.ts";

type Labels = Readonly<Record<string, string>>;
/** One end of a connection: a pod of the same namespace, a pod of another, or an address outside. */
export type End = { pod: Labels } | { stranger: true } | { address: string };

function matches(selector: Rendered, labels: Labels): boolean {
  const pairs = Object.entries<string>(selector.matchLabels ?? {});
  return (
    pairs.every(([key, value]) => labels[key] === value) &&
    (selector.matchExpressions ?? []).every(
      ({ key, operator, values }: Rendered) => operator === "In" && values.includes(labels[key]),
    )
  );
}

function isInRange(address: string, cidr: string): boolean {
  const [base = "", length] = cidr.split("/");
  const range = new BlockList();
  range.addSubnet(base, Number(length), base.includes(":") ? "ipv6" : "ipv4");
  return range.check(address, address.includes(":") ? "ipv6" : "ipv4");
}

function meansPeer(peer: Rendered, end: End): boolean {
  if ("address" in end) return peer.ipBlock !== undefined && isInRange(end.address, peer.ipBlock.cidr);
  // A selector of pods alone means those of the policy's own namespace.
  if ("stranger" in end) return peer.podSelector === undefined && peer.namespaceSelector !== undefined;
  return peer.podSelector !== undefined && matches(peer.podSelector, end.pod);
}

function allows(rule: Rendered, side: "to" | "from", end: End, port: number, protocol: string): boolean {
  const peers = rule[side];
  const rightPeer = peers === undefined || peers.some((peer: Rendered) => meansPeer(peer, end));
  const rightPort =
    rule.ports === undefined ||
    rule.ports.some((one: Rendered) => one.port === port && (one.protocol ?? "TCP") === protocol);
  return rightPeer && rightPort;
}

function permits(
  policies: readonly Rendered[],
  pod: Labels,
  direction: "Ingress" | "Egress",
  ...call: [End, number, string]
) {
  const applying = policies.filter(
    ({ spec }) => spec.policyTypes.includes(direction) && matches(spec.podSelector, pod),
  );
  const rules = applying.flatMap(({ spec }) => spec[direction.toLowerCase()] ?? []);
  // A pod that no policy is about may do everything.
  return applying.length === 0 || rules.some((rule) => allows(rule, direction === "Egress" ? "to" : "from", ...call));
}

/** Whether a connection is let through (NetworkPolicy, networking.k8s.io/v1): the one end must let it out, the other in. */
export function canReach(policies: readonly Rendered[], from: End, to: End, port: number, protocol = "TCP"): boolean {
  return (
    (!("pod" in from) || permits(policies, from.pod, "Egress", to, port, protocol)) &&
    (!("pod" in to) || permits(policies, to.pod, "Ingress", from, port, protocol))
  );
}
