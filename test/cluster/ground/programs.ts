// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import { join } from "node:path";
import { versions } from "../../../cli/src/versions.ts";

/** A Go module that programs are built from, as its own main module: with the versions its authors pinned. */
export type Source = {
  /** Names the folder of what is built. */
  name: string;
  module: string;
  version: string;
  /** Name of each program and the package it is made of, relative to the module. */
  programs: Readonly<Record<string, string>>;
  /** What else is taken from the module, into the same folder. */
  files?: readonly string[];
  /** Variables that the linker sets. */
  define?: Readonly<Record<string, string>>;
  /** The version of modules that the authors keep beside this one; by default its own. */
  neighbours?: string;
};

const { kubernetes, etcd, coredns, helm, helm4, kwok } = versions.cluster;

/** The flags of every build. */
export const BUILD_FLAGS = ["-trimpath", "-buildvcs=false", "-mod=mod"];

/** In the order in which they are built: what most tests need first. */
export const SOURCES: readonly Source[] = [
  {
    name: "kubernetes",
    module: "k8s.io/kubernetes",
    version: kubernetes,
    programs: {
      kubelet: "./cmd/kubelet",
      "kube-apiserver": "./cmd/kube-apiserver",
      "kube-controller-manager": "./cmd/kube-controller-manager",
      "kube-scheduler": "./cmd/kube-scheduler",
      "kube-proxy": "./cmd/kube-proxy",
      kubectl: "./cmd/kubectl",
    },
    // Without it every program says v0.0.0-master, and clients refuse to talk to such a server.
    define: {
      "k8s.io/component-base/version.gitVersion": `v${kubernetes}`,
      "k8s.io/component-base/version.gitMajor": kubernetes.split(".")[0] ?? "",
      "k8s.io/component-base/version.gitMinor": kubernetes.split(".")[1] ?? "",
    },
    neighbours: kubernetes.replace(/^1\./, "0."),
  },
  { name: "etcd", module: "go.etcd.io/etcd/server/v3", version: etcd, programs: { etcd: "." } },
  {
    name: "helm",
    module: "helm.sh/helm/v3",
    version: helm,
    programs: { helm: "./cmd/helm" },
    define: { "helm.sh/helm/v3/internal/version.version": `v${helm}` },
  },
  { name: "coredns", module: "github.com/coredns/coredns", version: coredns, programs: { coredns: "." } },
  {
    name: "helm4",
    module: "helm.sh/helm/v4",
    version: helm4,
    programs: { helm: "./cmd/helm" },
    define: { "helm.sh/helm/v4/internal/version.version": `v${helm4}` },
  },
  {
    name: "kwok",
    module: "sigs.k8s.io/kwok",
    version: kwok,
    programs: { kwok: "./cmd/kwok" },
    // How nodes become Ready and stay so, how pods become Running, and go.
    files: [
      "kustomize/stage/node/fast/node-initialize.yaml",
      "kustomize/stage/node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
      "kustomize/stage/pod/fast/pod-ready.yaml",
      "kustomize/stage/pod/fast/pod-delete.yaml",
    ],
  },
];

/** Where the programs of a source lie; another recipe has another folder. */
export function programFolder(source: Source, cache: string): string {
  const recipe = createHash("sha256").update(JSON.stringify([source, BUILD_FLAGS]));
  return join(cache, `${source.name}-${source.version}-${recipe.digest("hex").slice(0, 8)}`);
}

/** Every program of the cluster by its place; `helm4` is Helm 4, the others have their own names. */
export function programPaths(cache: string): Readonly<Record<string, string>> {
  const paths = SOURCES.flatMap((source) =>
    Object.keys(source.programs).map((program): [string, string] => [
      source.name === "helm4" ? "helm4" : program,
      join(programFolder(source, cache), program),
    ]),
  );
  return Object.fromEntries(paths);
}
