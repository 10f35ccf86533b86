// SPDX-License-Identifier: Apache-2.0
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Meta } from "./api/objects.ts";

/** Labels and annotations of the chart `spark-job`, and what the driver writes onto its pod. */
export const LABEL = {
  name: "app.kubernetes.io/name",
  instance: "app.kubernetes.io/instance",
  partOf: "app.kubernetes.io/part-of",
  managedBy: "app.kubernetes.io/managed-by",
  role: "bulwark/role",
  /** Of the Job controller, since Kubernetes 1.27. */
  job: "batch.kubernetes.io/job-name",
  /** Spark's own: number of an executor. */
  executorNumber: "spark-exec-id",
} as const;

export const ANNOTATION = {
  planned: "bulwark/planned",
  progress: "bulwark/progress",
  security: "bulwark/security",
  tee: "bulwark/tee",
} as const;

const APPLICATION = "spark-job";
const PRODUCT = "bulwark";

/** Part of every job in a namespace, or of one release. Only what carries these labels is ever deleted. */
export function selectorOf(release?: string): string {
  const ours = `${LABEL.partOf}=${PRODUCT},${LABEL.name}=${APPLICATION}`;
  return release === undefined ? ours : `${ours},${LABEL.instance}=${release}`;
}

/** Whether an object is part of a job of ours; what a server returns is not believed blindly before a deletion. */
export function isOurs({ labels }: Meta): boolean {
  return labels?.[LABEL.partOf] === PRODUCT && labels[LABEL.name] === APPLICATION;
}

/** The release an object belongs to. */
export const releaseOf = ({ labels }: Meta): string | undefined => labels?.[LABEL.instance];

/** Labels of objects that `submit` makes beside the release. */
export function labelsOf(release: string): Record<string, string> {
  return {
    [LABEL.name]: APPLICATION,
    [LABEL.instance]: release,
    [LABEL.partOf]: PRODUCT,
    [LABEL.managedBy]: "bulwark",
  };
}

/** Names of the objects of a release that the tool must know. */
export const namesOf = (release: string) => ({
  job: release,
  configuration: `${release}-conf`,
  applicationSecret: `${release}-secret`,
  keyring: `${release}-keyring`,
  tls: `${release}-tls`,
});

/**
 * Longest name of a release: Helm allows 53, and Spark puts up to 23 characters behind it (`-driver`,
 * `-exec-10000`, the suffix of a pod of a CronJob's Job).
 */
const LONGEST = 40;
const FORM = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/**
 * Checks the name of a release.
 *
 * @throws BulwarkError RELEASE_NAME_INVALID, with a name that would do where one is near
 */
export function parseReleaseName(name: string): string {
  if (name.length <= LONGEST && FORM.test(name)) return name;
  const near = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+/, "")
    .slice(0, LONGEST)
    .replace(/-+$/, "");
  const shown = name.length > 60 ? `${name.slice(0, 60)}... (${name.length} characters)` : name;
  throw new BulwarkError(
    "RELEASE_NAME_INVALID",
    `"${shown}" cannot be the name of a release: small letters, digits and dashes, at most ${LONGEST}.`,
    near === "" ? "name it for instance: sales-report" : `name it for instance: ${near}`,
  );
}
