// SPDX-License-Identifier: Apache-2.0
import pins from "../../versions.json" with { type: "json" };

/** Every version Bulwark is pinned to, from `versions.json` at the root of the project: the one place they are written. */
export type Versions = {
  node: string;
  /** Major versions: the oldest Spark runs on, the newest it was tried on. */
  java: { minimum: number; maximum: number };
  /** `major.minor`, both inclusive. */
  python: { minimum: string; maximum: string };
  spark: {
    version: string;
    /** Name of the source archive in the Python package index. */
    file: string;
    sha256: string;
    /** Size of the archive. */
    bytes: number;
    /** Space the unpacked archive and its Python packages take. */
    installedBytes: number;
  };
  /** What `jvm/serving` is built with, from Maven Central. */
  flink: string;
  /** `version` is what the wrapper brings; `minimum` is what an installed `mvn` must have. */
  maven: { version: string; minimum: string };
  /** What the test cluster is built of, from the Go module proxy. */
  cluster: { kubernetes: string; etcd: string; coredns: string; helm: string; helm4: string; kwok: string };
};

export const versions: Versions = pins;
