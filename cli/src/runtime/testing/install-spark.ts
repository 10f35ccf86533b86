// SPDX-License-Identifier: Apache-2.0
// A process that installs, for tests which need several or which end one: node install-spark.ts OPTIONS-AS-JSON
import { versions } from "../../versions.ts";
import { ensureSparkHome } from "../spark.ts";
import { silentProgress } from "./silent-progress.ts";

const { spark, ...options } = JSON.parse(process.argv[2] ?? "");
const { signal } = new AbortController();
const runtime = await ensureSparkHome({
  ...options,
  versions: { ...versions, spark },
  progress: silentProgress,
  signal,
});
process.stdout.write(runtime.home);
