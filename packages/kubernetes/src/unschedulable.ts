// SPDX-License-Identifier: Apache-2.0
import { type Reason, shorten } from "./reason.ts";

type Obstacle = {
  pattern: RegExp;
  words: (match: RegExpExecArray) => string;
  mend: string;
  /** Which value of the job file it is about: one of the role's own, or one for all pods. */
  ofRole?: string;
  ofAll?: string;
};

const SMALLER = "lower executor.instances, memory or cores in the job file, or add nodes";

/** What the scheduler says of nodes, one row for each of its sentences (kube-scheduler 1.34, its plugins' messages). */
const OBSTACLES: readonly Obstacle[] = [
  {
    pattern: /(\d+) Insufficient cpu/,
    words: ([, n]) => `${n} with too few cores free`,
    mend: SMALLER,
    ofRole: "cores",
  },
  {
    pattern: /(\d+) Insufficient memory/,
    words: ([, n]) => `${n} with too little memory free`,
    mend: SMALLER,
    ofRole: "memory",
  },
  {
    pattern: /(\d+) Insufficient ephemeral-storage/,
    words: ([, n]) => `${n} with too little disk space`,
    mend: "free disk space on the nodes, or ask for less scratch space",
  },
  {
    pattern: /(\d+) Insufficient sgx\.intel\.com\/epc/,
    words: ([, n]) => `${n} with too little enclave memory (EPC) free`,
    mend: "lower driver.enclave or executor.enclave; see what nodes have: bulwark doctor --cluster",
    ofRole: "enclave",
  },
  {
    pattern: /(\d+) Insufficient sgx\.intel\.com\/(enclave|provision)/,
    words: ([, n, what]) => `${n} without a free SGX ${what === "enclave" ? "enclave" : "provisioning"} slot`,
    mend: "install or configure the SGX device plugin: bulwark doctor --cluster",
  },
  {
    pattern: /(\d+) Insufficient (tdx\.intel\.com\/keys|sev-snp\.amd\.com\/esids)/,
    words: ([, n, what]) => `${n} with no ${what} left for another confidential VM`,
    mend: "wait until other confidential pods end, or lower executor.instances",
  },
  { pattern: /(\d+) Insufficient ([\w./-]+)/, words: ([, n, what]) => `${n} with too little ${what}`, mend: SMALLER },
  { pattern: /(\d+) Too many pods/, words: ([, n]) => `${n} full of pods`, mend: "add nodes, or wait for pods to end" },
  {
    pattern: /(\d+) node\(s\) didn't match Pod's node affinity\/selector/,
    words: ([, n]) => `${n} not matching nodeSelector or affinity`,
    mend: "correct nodeSelector or affinity in the job file; see labels: kubectl get nodes --show-labels",
    ofAll: "nodeSelector",
  },
  {
    pattern: /(\d+) node\(s\) had untolerated taint(?:s|\(s\)|\s*\{([^}]*)\})?/,
    words: ([, n, taint]) => `${n} with a taint the job does not tolerate${taint ? ` (${taint.trim()})` : ""}`,
    mend: "add tolerations to the job file, or choose other nodes",
    ofAll: "tolerations",
  },
  { pattern: /(\d+) node\(s\) were unschedulable/, words: ([, n]) => `${n} cordoned`, mend: "kubectl uncordon NODE" },
  {
    pattern: /(\d+) node\(s\) had volume node affinity conflict/,
    words: ([, n]) => `${n} that cannot reach the volume of the claim`,
    mend: "use a claim whose volume every node reaches (ReadWriteMany)",
  },
  {
    pattern: /persistentvolumeclaim "([^"]*)" not found/,
    words: ([, name]) => `there is no volume claim ${name}`,
    mend: "correct pvc in the job file; see claims: kubectl get pvc",
  },
  {
    pattern: /unbound immediate PersistentVolumeClaims/,
    words: () => "the volume claim is not bound to a volume",
    mend: "see why: kubectl describe pvc",
  },
];

/**
 * Turns the message of the condition PodScheduled=False into words: how many nodes there are and what each lacks.
 *
 * @param role of the pod, `driver` or `executor`, where it is known
 */
export function explainUnschedulable(message: string, role?: string): Reason {
  // What is said of preemption repeats it.
  const [first = ""] = message.split(/\.?\s*preemption:/);
  const [, fit, all] = /^(\d+)\/(\d+) nodes are available/.exec(first) ?? [];
  const found = OBSTACLES.flatMap((obstacle) => {
    const match = obstacle.pattern.exec(first);
    return match === null ? [] : [{ obstacle, match }];
  });
  // The row for any resource is not asked where one for the very resource spoke.
  const told = found.filter(
    ({ match }, index) => found.findIndex((other) => other.match.index === match.index) === index,
  );
  const [main] = told;
  const { ofRole, ofAll } = main?.obstacle ?? {};
  const path = ofRole === undefined || role === undefined ? ofAll : `${role}.${ofRole}`;
  const details = told.map(({ obstacle, match }) => obstacle.words(match)).join(", ");
  const nodes = all === undefined ? "" : `${fit} of ${all} ${all === "1" ? "node" : "nodes"} can take it: `;
  return {
    kind: "unschedulable",
    words: `no node takes the pod: ${nodes}${details === "" ? shorten(first) || "the scheduler gives no reason" : details}`,
    mend: main?.obstacle.mend ?? "see what nodes have free: kubectl describe nodes",
    isFinal: false,
    ...(path === undefined ? {} : { path }),
  };
}
