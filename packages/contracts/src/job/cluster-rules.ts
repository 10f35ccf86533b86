// SPDX-License-Identifier: Apache-2.0

import { CRON_WORDS } from "../document/forms.ts";
import type { Issue, Path } from "../document/issue.ts";
import type { JobRule } from "./rules.ts";
import type { JobFile } from "./schema.ts";
import { parseSizeBytes } from "./units.ts";

const HARDWARE = ["sgx", "tdx", "snp"];
const PROGRAM_MAXIMUM_BYTES = 700_000;
/** What a JVM takes beside its heap at least (Spark's minimum overhead). */
const OVERHEAD_MINIMUM_BYTES = 384 * 1024 ** 2;
const OVERHEAD_TENTHS = { jar: 1, python: 4 };
const MEBIBYTE = 1024 ** 2;
const ENCLAVE_MINIMUM_BYTES = 256 * MEBIBYTE;
/** Places of a container that are the image's, the system's or ours. */
const TAKEN =
  /^\/(etc\/bulwark|opt\/bulwark|opt\/spark|var\/bulwark|tmp|data|etc|usr|bin|lib|lib64|proc|sys|dev|run|var\/run)(\/|$)/;

const conflict = (at: Path, message: string, mend: string): Issue => ({ code: "JOB_CONFLICT", at, message, mend });
const invalid = (at: Path, message: string, mend: string): Issue => ({ code: "JOB_VALUE_INVALID", at, message, mend });
const when = (wrong: boolean, issue: () => Issue): Issue[] => (wrong ? [issue()] : []);

type Role = "driver" | "executor";

/** Bytes one role's process needs beside its heap: as given, or as Spark reckons it (docs/running-on-kubernetes.md). */
export function overheadBytes(job: JobFile, role: Role): number {
  const { memory, memoryOverhead } = job[role];
  if (memoryOverhead !== undefined) return parseSizeBytes(memoryOverhead);
  const tenths = OVERHEAD_TENTHS[job.python === undefined ? "jar" : "python"];
  const share = Math.ceil((parseSizeBytes(memory) * tenths) / 10 / MEBIBYTE) * MEBIBYTE;
  return Math.max(OVERHEAD_MINIMUM_BYTES, share);
}

/** Bytes of heap and overhead. */
const neededBytes = (job: JobFile, role: Role): number => parseSizeBytes(job[role].memory) + overheadBytes(job, role);

const IMAGE_MEMORY = "3g";

/**
 * Bytes of memory that the pod of a role asks for: heap and overhead. A confidential VM fetches the image into half of its
 * memory (`spark-job.tee.vm` of the chart).
 */
export function podBytes(job: JobFile, role: Role): number {
  const { tee, imageMemory = IMAGE_MEMORY } = job.trust;
  const needed = neededBytes(job, role);
  if (tee !== "tdx" && tee !== "snp") return needed;
  const image = parseSizeBytes(imageMemory);
  return Math.max(needed + image, 2 * image);
}

/** Enclaves have a power of two of bytes (Gramine's manifest syntax, sgx.enclave_size). */
const roundUp = (bytes: number): number => Math.max(ENCLAVE_MINIMUM_BYTES, 2 ** Math.ceil(Math.log2(bytes)));

/** Bytes of a role's enclave: as given, or what holds heap and overhead. */
export function enclaveBytes(job: JobFile, role: Role): number {
  const { enclave } = job[role];
  return enclave === undefined ? roundUp(neededBytes(job, role)) : parseSizeBytes(enclave);
}

function checkEnclave(role: Role, job: JobFile): Issue[] {
  if (job.trust.tee !== "sgx") return [];
  const needed = neededBytes(job, role);
  const given = enclaveBytes(job, role);
  const at = [role, "enclave"];
  const mend = `Leave it out, or write \`enclave: ${roundUp(Math.max(needed, given)) / MEBIBYTE}m\``;
  return [
    ...when(given < needed, () =>
      invalid(
        at,
        `${role}.enclave is ${job[role].enclave}, less than heap and overhead, ${Math.ceil(needed / MEBIBYTE)}m`,
        mend,
      ),
    ),
    ...when(given >= needed && given !== roundUp(given), () =>
      invalid(at, `${role}.enclave is ${job[role].enclave}, and the size of an enclave is a power of two`, mend),
    ),
  ];
}

function checkVolumes(job: JobFile): Issue[] {
  return Object.entries(job.volumes).flatMap(([name, volume]) => {
    const sources = [volume.claim, volume.configMap, volume.secret, volume.scratch].filter(
      (source) => source !== undefined,
    );
    const at = ["volumes", name];
    return [
      ...when(sources.length !== 1, () =>
        conflict(
          at,
          `volumes.${name} has ${sources.length} sources`,
          "Give it one of claim, configMap, secret, scratch",
        ),
      ),
      ...when(TAKEN.test(volume.mountPath), () =>
        invalid(
          [...at, "mountPath"],
          `volumes.${name}.mountPath is ${volume.mountPath}, which belongs to the image or to Bulwark`,
          `Take another place, for instance \`mountPath: /mnt/${name}\``,
        ),
      ),
    ];
  });
}

/** Volumes that would hide an earlier one of the same role. */
function findDoubledPlaces({ volumes }: JobFile): Issue[] {
  const entries = Object.entries(volumes);
  return entries.flatMap(([name, { mountPath, roles }], index) => {
    const other = entries
      .slice(0, index)
      .find(([, earlier]) => earlier.mountPath === mountPath && earlier.roles.some((role) => roles.includes(role)));
    return other === undefined
      ? []
      : [
          conflict(
            ["volumes", name, "mountPath"],
            `volumes.${name} would be mounted over volumes.${other[0]}`,
            `Take another place, for instance \`mountPath: /mnt/${name}\``,
          ),
        ];
  });
}

const orderInCron = (value: string): number =>
  /^\d/.test(value) ? Number(value) : CRON_WORDS.indexOf(value.toLowerCase());

/** Kubernetes refuses a range of a schedule whose end lies before its beginning. */
function findReversedRanges({ schedule = "" }: JobFile): Issue[] {
  const reversed = [...schedule.matchAll(/(\w+)-(\w+)/g)].find(
    ([, first = "", last = ""]) => orderInCron(first) > orderInCron(last),
  );
  return when(reversed !== undefined, () =>
    invalid(
      ["schedule"],
      `${reversed?.[0]} in schedule ends before it begins`,
      `Write ${reversed?.[2]}-${reversed?.[1]}, or two ranges with a comma between`,
    ),
  );
}

/** Whether the tz database has a zone; its names are files to Kubernetes, so capitals count. */
function isZone(name: string): boolean {
  try {
    const { timeZone } = new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions();
    return timeZone === name || timeZone.toLowerCase() !== name.toLowerCase();
  } catch {
    return false;
  }
}

function checkProgram({ program }: JobFile): Issue[] {
  const bytes = Object.values(program).reduce((sum, content) => sum + Buffer.byteLength(content), 0);
  const crooked = Object.entries(program).filter(
    ([, content]) => content.startsWith("base64:") && !/^base64:[A-Za-z0-9+/]*={0,2}$/.test(content),
  );
  return [
    ...when(bytes > PROGRAM_MAXIMUM_BYTES, () =>
      invalid(
        ["program"],
        `the program has ${bytes} bytes, more than ${PROGRAM_MAXIMUM_BYTES}, which a ConfigMap can hold`,
        "Put it into the image and name it local:///PATH, or onto the claim",
      ),
    ),
    ...crooked.map(([name]) =>
      invalid(["program", name], `program.${name} is not base64`, "Encode it: base64 -w0 FILE"),
    ),
  ];
}

function checkRuntimeClass({ trust, driver, executor }: JobFile): Issue[] {
  const own = (["driver", "executor"] as const).filter(
    (role) => ({ driver, executor })[role].podTemplate.runtimeClassName !== undefined,
  );
  return [
    ...when(/-(debug|devkit)(-|$)/.test(trust.runtimeClass ?? ""), () =>
      invalid(
        ["trust", "runtimeClass"],
        `${trust.runtimeClass} lets the host look inside, and is measured as another machine`,
        "Use the class without -debug or -devkit",
      ),
    ),
    ...own.flatMap((role) =>
      when(trust.tee === "tdx" || trust.tee === "snp", () =>
        conflict(
          [role, "podTemplate", "runtimeClassName"],
          `${role}.podTemplate.runtimeClassName is given, and trust.tee ${trust.tee} chooses the runtime`,
          "Use `trust.runtimeClass`",
        ),
      ),
    ),
  ];
}

/** Rules about keys that only Kubernetes needs. They hold wherever the job runs. */
export const CLUSTER_RULES: Readonly<Record<string, JobRule>> = {
  imageGiven: {
    about: ["image"],
    target: "cluster",
    check: (job) =>
      when(job.image === undefined, () =>
        conflict([], "The job names no image", "Add `image: NAME`; images/README.md tells how to build one"),
      ),
  },
  imageByDigest: {
    about: ["image", "trust.tee"],
    check: ({ image, trust }) =>
      when(image !== undefined && HARDWARE.includes(trust.tee) && !/@sha256:[0-9a-f]{64}$/.test(image), () =>
        invalid(
          ["image"],
          `the image can change under its name, and trust.tee is ${trust.tee}`,
          "Name it by digest: NAME@sha256:...",
        ),
      ),
  },
  enclaveOfLauncher: {
    about: ["deployMode", "trust.tee"],
    check: ({ deployMode, trust }) =>
      when(deployMode === "cluster" && trust.tee === "sgx", () =>
        conflict(
          ["deployMode"],
          "deployMode is cluster, and the launcher has no enclave in an image whose programs run in one",
          "Leave `deployMode` out: the release's own pod is the driver then",
        ),
      ),
  },
  releaseExists: {
    about: ["trust.release"],
    check: ({ trust }) =>
      when(trust.release === "attested", () =>
        invalid(
          ["trust", "release"],
          "keys are not released after attestation yet",
          "Write `release: secrets`, and know that the hosts can read Kubernetes Secrets",
        ),
      ),
  },
  driverEnclave: {
    about: ["driver.enclave", "driver.memory", "driver.memoryOverhead", "trust.tee"],
    check: (job) => checkEnclave("driver", job),
  },
  executorEnclave: {
    about: ["executor.enclave", "executor.memory", "executor.memoryOverhead", "trust.tee"],
    check: (job) => checkEnclave("executor", job),
  },
  runtimeClass: { about: ["trust", "driver.podTemplate", "executor.podTemplate"], check: checkRuntimeClass },
  oneSourcePerVolume: { about: ["volumes"], check: checkVolumes },
  ownPlacePerVolume: { about: ["volumes"], check: findDoubledPlaces },
  schedule: { about: ["schedule"], check: findReversedRanges },
  timeZone: {
    about: ["timeZone"],
    check: ({ timeZone }) =>
      when(timeZone !== "Etc/UTC" && !isZone(timeZone), () =>
        invalid(
          ["timeZone"],
          `timeZone is ${timeZone}, which the tz database does not have`,
          "Write for instance `timeZone: Europe/Berlin`",
        ),
      ),
  },
  programFits: { about: ["program"], check: checkProgram },
  allocationRange: {
    about: ["dynamicAllocation"],
    check: ({ dynamicAllocation: { enabled, minimum, maximum } }) =>
      when(enabled && minimum > maximum, () =>
        conflict(
          ["dynamicAllocation", "minimum"],
          `dynamicAllocation.minimum is ${minimum}, more than the maximum, ${maximum}`,
          `Write \`maximum: ${minimum}\``,
        ),
      ),
  },
  kueue: {
    about: ["queue", "dynamicAllocation"],
    check: ({ queue, dynamicAllocation }) => [
      ...when(queue.scheduler === "kueue" && dynamicAllocation.enabled, () =>
        conflict(
          ["dynamicAllocation", "enabled"],
          "Kueue admits a job whole, and dynamic allocation asks for executors one by one",
          "Remove `dynamicAllocation` or choose another scheduler",
        ),
      ),
      ...when(queue.scheduler === "kueue" && queue.name === "", () =>
        conflict(["queue", "scheduler"], "Kueue needs the name of a queue", "Add `name:` below `queue:`"),
      ),
    ],
  },
  eventLogPlace: {
    about: ["eventLog"],
    check: ({ eventLog: { dir, pvc } }) =>
      when(dir !== undefined && pvc === undefined && !/^[a-z][a-z0-9+.-]*:\/\//i.test(dir), () =>
        conflict(
          ["eventLog", "dir"],
          "eventLog.dir is a folder, and no claim is named in which it lies",
          "Add `pvc: CLAIM` below `eventLog:`, or write an address such as s3a://bucket/folder",
        ),
      ),
  },
};
