// SPDX-License-Identifier: Apache-2.0
import type { CommandTable } from "../command.ts";

/** Every command, in the order of help. Only the one asked for is loaded. */
export const COMMANDS: CommandTable = {
  run: { group: "jobs", summary: "run a job on this machine", load: () => import("./run.ts") },
  validate: { group: "jobs", summary: "check job files, all findings at once", load: () => import("./validate.ts") },
  submit: { group: "jobs", summary: "run a job in a Kubernetes cluster", load: () => import("./submit.ts") },
  list: {
    group: "jobs",
    summary: "list runs, or jobs in a cluster",
    completes: "nothing",
    load: () => import("./list.ts"),
  },
  status: {
    group: "jobs",
    summary: "show one job: progress, failure, security",
    completes: "runs",
    load: () => import("./status.ts"),
  },
  logs: {
    group: "jobs",
    summary: "print the logs of driver and executors",
    completes: "runs",
    load: () => import("./logs.ts"),
  },
  stop: { group: "jobs", summary: "stop a run on this machine", completes: "runs", load: () => import("./stop.ts") },
  ui: {
    group: "jobs",
    summary: "open Spark's UI, or the history of an ended run",
    completes: "runs",
    load: () => import("./ui.ts"),
  },
  describe: {
    group: "jobs",
    summary: "show all there is of a job in a cluster",
    completes: "runs",
    load: () => import("./describe.ts"),
  },
  events: {
    group: "jobs",
    summary: "show what a cluster says of a job",
    completes: "runs",
    load: () => import("./events.ts"),
  },
  copy: {
    group: "jobs",
    summary: "copy results from a job's volume claim to this machine",
    completes: "runs",
    load: () => import("./copy.ts"),
  },
  delete: {
    group: "jobs",
    summary: "take a job out of a cluster, with all that belongs to it",
    completes: "runs",
    load: () => import("./delete.ts"),
  },
  serve: { group: "serving", summary: "serve models over HTTP and gRPC", load: () => import("./serve.ts") },
  infer: {
    group: "serving",
    summary: "ask a served model once",
    completes: "nothing",
    load: () => import("./infer.ts"),
  },
  model: {
    group: "serving",
    summary: "encrypt and inspect model files; list, load and unload served ones",
    load: () => import("./model.ts"),
  },
  serving: {
    group: "serving",
    summary: "look at what serves, let older clients in",
    completes: "nothing",
    load: () => import("./serving.ts"),
  },
  keys: {
    group: "keys and data",
    summary: "make, show, rotate, export and check keys",
    load: () => import("./keys.ts"),
  },
  data: {
    group: "keys and data",
    summary: "encrypt, decrypt, inspect and re-wrap data",
    load: () => import("./data.ts"),
  },
  attest: {
    group: "trust",
    summary: "verify what a machine claims to be",
    load: () => import("./attest.ts"),
  },
  policy: {
    group: "trust",
    summary: "check policies, and what they would say of evidence",
    load: () => import("./policy.ts"),
  },
  manifest: {
    group: "trust",
    summary: "write what the enclaves of a job for SGX measure",
    load: () => import("./manifest.ts"),
  },
  doctor: {
    group: "the tool",
    summary: "tell what is used, what is wrong, and the mend",
    completes: "nothing",
    load: () => import("./doctor.ts"),
  },
  config: { group: "the tool", summary: "show and change settings", lenient: true, load: () => import("./config.ts") },
  completion: {
    group: "the tool",
    summary: "print shell completion",
    lenient: true,
    load: () => import("./completion.ts"),
  },
  version: {
    group: "the tool",
    summary: "print versions",
    completes: "nothing",
    lenient: true,
    load: () => import("./version.ts"),
  },
  help: {
    group: "the tool",
    summary: "help on a command, or on exit-codes",
    completes: "commands",
    lenient: true,
    load: () => import("./help.ts"),
  },
};
