// SPDX-License-Identifier: Apache-2.0
// Writes every generated file. With --check it writes nothing, names the stale files and exits with 1.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { COMMANDS } from "../cli/src/commands/index.ts";
import { renderCli } from "../cli/src/frame/reference.ts";
import {
  renderChartReadme,
  renderChartSchema,
  renderChartValues,
  renderEditorSchema,
  renderEntryDefaults,
  renderErrors,
  renderExitCodes,
  renderJobFile,
  renderKeys,
  renderOldNames,
  renderPolicy,
  renderRefusedSettings,
  renderValidator,
  SCHEMAS,
} from "../packages/contracts/src/reference/index.ts";
import { renderLua } from "../packages/queue/src/redis/render-lua.ts";
import { renderChartPlan } from "../packages/spark/src/index.ts";
import { renderGoldenServing } from "./golden-serving.ts";

/** One generated file: where it lies, and its whole content. */
type Generated = { file: string; render: () => string | Promise<string> };

const GENERATED: readonly Generated[] = [
  // These first: documents are read with them.
  { file: "packages/contracts/src/job/generated/keys.ts", render: () => renderKeys(SCHEMAS.job) },
  { file: "packages/contracts/src/job/generated/validate.js", render: () => renderValidator(SCHEMAS.job) },
  { file: "packages/contracts/src/policy/generated/keys.ts", render: () => renderKeys(SCHEMAS.policy) },
  { file: "packages/contracts/src/policy/generated/validate.js", render: () => renderValidator(SCHEMAS.policy) },
  {
    file: "packages/queue/src/redis/generated/lua.ts",
    render: () => renderLua(readFolder("packages/queue/src/redis/lua")),
  },
  { file: "docs/reference/cli.md", render: () => renderCli(COMMANDS) },
  { file: "docs/reference/errors.md", render: renderErrors },
  { file: "docs/reference/job-file.md", render: renderJobFile },
  { file: "docs/reference/job-file.schema.json", render: () => renderEditorSchema(SCHEMAS.job) },
  { file: "docs/reference/policy.md", render: renderPolicy },
  { file: "docs/reference/policy.schema.json", render: () => renderEditorSchema(SCHEMAS.policy) },
  { file: "docs/reference/refused-settings.md", render: renderRefusedSettings },
  { file: "jvm/src/main/resources/bulwark/exit-codes.properties", render: renderExitCodes },
  { file: "jvm/serving/src/test/resources/golden.txt", render: renderGoldenServing },
  { file: "charts/spark-job/README.md", render: renderChartReadme },
  { file: "charts/spark-job/values.yaml", render: renderChartValues },
  { file: "charts/spark-job/values.schema.json", render: renderChartSchema },
  { file: "charts/spark-job/files/entry-defaults.json", render: renderEntryDefaults },
  { file: "charts/spark-job/files/old-names.json", render: renderOldNames },
  { file: "charts/spark-job/files/plan.json", render: renderChartPlan },
];

const root = join(import.meta.dirname, "..");
const check = process.argv.includes("--check");

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function readFolder(path: string): Record<string, string> {
  const files = readdirSync(join(root, path)).sort();
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(root, path, name), "utf8")]));
}

const stale: string[] = [];
for (const { file, render } of GENERATED) {
  const path = join(root, file);
  const content = await render();
  if (readIfThere(path) === content) continue;
  stale.push(file);
  if (!check) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
}
for (const file of stale) {
  process.stderr.write(check ? `stale: ${file} (mend: npm run generate)\n` : `wrote ${file}\n`);
}
process.exitCode = check && stale.length > 0 ? 1 : 0;
