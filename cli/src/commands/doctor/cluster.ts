// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from "node:crypto";
import { BulwarkError, type Finding } from "@bulwark/contracts";
import {
  type Claim,
  type KubeObject,
  listRights,
  type Namespace,
  type Node,
  type Pod,
  RESOURCES,
  showRight,
} from "@bulwark/kubernetes";
import { findObject, listAll } from "@bulwark/kubernetes/api";
import { textFlag } from "../../cluster/flags.ts";
import { findHelm } from "../../cluster/helm.ts";
import { type ClusterJob, readClusterJob } from "../../cluster/job-input.ts";
import { type Cluster, openCluster } from "../../cluster/open.ts";
import { askRights, findWrongObjects, listClaims, runtimeClassOf } from "../../cluster/preflight.ts";
import type { Context } from "../../command.ts";
import { fail, type Outcome, ok, type Report, warn } from "./check.ts";
import { FORBIDDEN, judgeCapacity, judgeImage, judgeKata, judgeSgx } from "./nodes.ts";

/** What checks work with; what could not be read because it is not permitted is undefined. */
type Ground = {
  context: Context;
  cluster: Cluster;
  work: ClusterJob | undefined;
  nodes: readonly Node[] | undefined;
  pods: readonly Pod[] | undefined;
};

type Check = { name: string; look: (ground: Ground) => Promise<Outcome> };

const OLDEST_MINOR = 29;
const SKEW_WARN_MS = 5_000;
const SKEW_FAIL_MS = 60_000;
const EXPIRY_WARN_MS = 7 * 86_400_000;

const CHECKS: readonly Check[] = [
  {
    name: "helm",
    look: async ({ context }) => {
      const { program, major } = await findHelm(context);
      return ok(`${program}, version ${major}`);
    },
  },
  { name: "credentials", look: checkCredentials },
  { name: "API server", look: checkServer },
  { name: "clock", look: checkClock },
  { name: "namespace", look: checkNamespaceLevel },
  { name: "volume claims", look: checkClaims },
  { name: "named objects", look: checkNamed },
  { name: "image", look: async ({ work, nodes }) => placed(work, "image", judgeImage(work?.job, nodes)) },
  {
    name: "capacity",
    look: async ({ work, nodes, pods }) => placed(work, "executor.instances", judgeCapacity(work?.job, nodes, pods)),
  },
  { name: "SGX", look: async ({ work, nodes }) => placed(work, "trust.tee", judgeSgx(work?.job, nodes)) },
  {
    name: "confidential VMs",
    look: async ({ cluster, work }) => {
      const classes = await orForbidden(
        listAll<KubeObject>(cluster.connection, { resource: RESOURCES.runtimeclasses }),
      );
      const judged = judgeKata(
        classes?.map(({ metadata }) => metadata.name),
        work && runtimeClassOf(work.job),
      );
      return placed(work, "trust.tee", judged);
    },
  },
  {
    name: "network policies",
    look: async () =>
      warn(
        "whether the cluster enforces NetworkPolicies cannot be asked from outside",
        "ask whoever runs it; without it other pods reach the ports of driver and executors, which still demand the secret",
      ),
  },
];

/** Looks at the cluster as jobs will need it; with a job file, as this job will. All at once, each with a mend. */
export async function examineCluster(context: Context, flags: Readonly<Record<string, unknown>>): Promise<Report[]> {
  const file = textFlag(flags, "file");
  const work = file === undefined ? undefined : await readClusterJob(context, file);
  const cluster = await openCluster(context, flags);
  const { connection } = cluster;
  try {
    // Asked first: when nobody answers, that is the one thing to tell, and the exit code says so.
    await connection.ask({ path: "/version", what: "ask for the version" });
    const [nodes, pods] = await Promise.all([
      orForbidden(listAll<Node>(connection, { resource: RESOURCES.nodes })),
      orForbidden(listAll<Pod>(connection, { resource: RESOURCES.pods })),
    ]);
    const ground: Ground = { context, cluster, work, nodes, pods };
    const reports = await Promise.all(CHECKS.map((check) => make(check, ground)));
    return [...reports, ...(await checkRights(cluster))];
  } finally {
    connection.close();
  }
}

/** What is wrong with a value of the job file, with the place where that stands. */
function placed(work: ClusterJob | undefined, path: string, outcome: Outcome): Outcome {
  if (work === undefined || outcome.state === "ok" || outcome === FORBIDDEN) return outcome;
  return { ...outcome, detail: `${showPlace(work.place({ path }))}  ${outcome.detail}` };
}

const showPlace = ({ file, line, column }: Pick<Finding, "file" | "line" | "column">): string =>
  [file, line, column].filter((part) => part !== undefined).join(":");

async function make({ name, look }: Check, ground: Ground): Promise<Report> {
  try {
    return { name, ...(await look(ground)) };
  } catch (error) {
    if (error instanceof BulwarkError && error.code !== "BUG") return { name, ...fail(error.message, error.mend) };
    throw error;
  }
}

async function orForbidden<Value>(reading: Promise<Value>): Promise<Value | undefined> {
  return reading.catch((error) => {
    if (error instanceof BulwarkError && error.code === "CLUSTER_FORBIDDEN") return undefined;
    throw error;
  });
}

async function checkServer({ cluster: { connection } }: Ground): Promise<Outcome> {
  const { gitVersion = "", minor = "" } = await connection.ask<{ gitVersion?: string; minor?: string }>({
    path: "/version",
    what: "ask for the version",
  });
  const detail = `${gitVersion} at ${connection.access.server.host} (context ${connection.access.context})`;
  if (Number.parseInt(minor, 10) >= OLDEST_MINOR) return ok(detail);
  return fail(detail, `the chart needs Kubernetes 1.${OLDEST_MINOR} or newer`);
}

async function checkCredentials({ context, cluster: { connection } }: Ground): Promise<Outcome> {
  const { credentials } = connection.access;
  if (credentials.type !== "certificate") return ok(`by ${credentials.type}`);
  const { validToDate } = new X509Certificate(credentials.certificate);
  const left = validToDate.getTime() - context.now().getTime();
  const detail = `certificate until ${validToDate.toISOString()}`;
  return left > EXPIRY_WARN_MS ? ok(detail) : warn(detail, "get a new kubeconfig before it expires");
}

/** Certificates and tokens are judged by clocks; this one is compared with the API server's. */
async function checkClock({ context, cluster: { connection } }: Ground): Promise<Outcome> {
  const before = context.now().getTime();
  const answer = await connection.stream({ path: "/version", what: "ask for the time" });
  answer.resume();
  const there = Date.parse(answer.headers.date ?? "");
  if (Number.isNaN(there)) return warn("the API server does not tell its time", "compare the clocks by hand: date -u");
  // The header has whole seconds.
  const skewMs = Math.max(0, Math.abs(there + 500 - before) - 500);
  const detail = `${(skewMs / 1000).toFixed(1)} s from the API server's`;
  if (skewMs < SKEW_WARN_MS) return ok(detail);
  const mend = "let a time service set the clocks: timedatectl set-ntp true";
  return skewMs < SKEW_FAIL_MS ? warn(detail, mend) : fail(detail, mend);
}

async function checkNamespaceLevel({ cluster: { connection, namespace } }: Ground): Promise<Outcome> {
  const found = await orForbidden(
    findObject<Namespace>(connection, RESOURCES.namespaces, { name: namespace }).then((object) => ({ object })),
  );
  if (found === undefined)
    return warn(`${namespace}; you may not look at it`, "ask whoever runs the cluster for its Pod Security level");
  if (found.object === undefined)
    return fail(`there is no namespace ${namespace}`, `kubectl create namespace ${namespace}`);
  const level = found.object.metadata.labels?.["pod-security.kubernetes.io/enforce"];
  if (level === "restricted") return ok(`${namespace}, Pod Security ${level}`);
  return warn(
    `${namespace}, Pod Security ${level ?? "not set"}: jobs run, but others may run with more rights beside them`,
    `kubectl label namespace ${namespace} pod-security.kubernetes.io/enforce=restricted`,
  );
}

async function checkClaims({ cluster: { connection, namespace }, work }: Ground): Promise<Outcome> {
  const named = work === undefined ? [] : listClaims(work.job);
  if (named.length === 0) {
    const claims = await orForbidden(
      listAll<Claim>(connection, { resource: RESOURCES.persistentvolumeclaims, namespace }),
    );
    return ok(claims === undefined ? "not asked for" : `${claims.length} in the namespace; none asked for`);
  }
  const judged = await Promise.all(
    named.map(async ({ path, name }) => {
      const claim = await findObject<Claim>(connection, RESOURCES.persistentvolumeclaims, { namespace, name });
      return placed(work, path, judgeClaim(name, namespace, claim));
    }),
  );
  return joinOutcomes(judged);
}

function judgeClaim(name: string, namespace: string, claim: Claim | undefined): Outcome {
  if (claim === undefined)
    return fail(`there is no claim ${name}`, "correct the job file; see claims: kubectl get pvc");
  const phase = claim.status?.phase ?? "not bound";
  const why = `see why: kubectl describe pvc ${name} -n ${namespace}`;
  if (phase === "Lost") return fail(`the volume of ${name} is lost`, why);
  if (phase !== "Bound") return warn(`${name} is ${phase}`, `${why}; some are bound by their first pod`);
  if (claim.spec?.accessModes?.every((mode) => mode === "ReadWriteOnce" || mode === "ReadWriteOncePod")) {
    const mend = "use a claim with ReadWriteMany, or let all pods run on one node";
    return warn(`${name} can be mounted on one node alone`, mend);
  }
  return ok(`${name} bound`);
}

/** What the job names in the namespace beside claims: Secrets, ConfigMaps, accounts. */
async function checkNamed({ cluster, work }: Ground): Promise<Outcome> {
  if (work === undefined) return ok("no job file, so nothing is named");
  const findings = await findWrongObjects(cluster, work);
  if (findings.length === 0) return ok("Secrets, ConfigMaps and accounts that the job names are as it needs them");
  return joinOutcomes(findings.map(({ message, mend, ...place }) => fail(`${showPlace(place)}  ${message}`, mend)));
}

/** Several findings in one line, as bad as the worst; each mend once. */
function joinOutcomes(outcomes: readonly Outcome[]): Outcome {
  const wrong = outcomes.filter(({ state }) => state !== "ok");
  const shown = wrong.length === 0 ? outcomes : wrong;
  const detail = shown.map((outcome) => outcome.detail).join("; ");
  const mend = [...new Set(shown.map((outcome) => outcome.mend))].join("; ");
  if (wrong.length === 0) return ok(detail);
  return wrong.some(({ state }) => state === "fail") ? fail(detail, mend) : warn(detail, mend);
}

/** One line when all is permitted, otherwise one for each right that is missing. */
async function checkRights(cluster: Cluster): Promise<Report[]> {
  const asked = await askRights(cluster, listRights());
  const missing = asked.filter(({ allowed }) => !allowed);
  if (missing.length === 0)
    return [{ name: "rights", ...ok(`all ${asked.length} that are needed in ${cluster.namespace}`) }];
  return missing.map(({ right }) => {
    const resource = `${right.resource}${right.sub === undefined ? "" : `/${right.sub}`}${right.group === "" ? "" : `.${right.group}`}`;
    const detail = `you may not ${showRight(right)} in ${cluster.namespace}, needed ${right.why}`;
    const mend = `ask for it: kubectl create role bulwark --verb=${right.verb} --resource=${resource} -n ${cluster.namespace}`;
    return { name: "rights", ...(right.optional === true ? warn(detail, mend) : fail(detail, mend)) };
  });
}
