// SPDX-License-Identifier: Apache-2.0
import { describeKeys } from "../document/describe.ts";
import { RENAMED } from "../job/old-names.ts";
import { listForms, listKeys } from "./keys.ts";
import { code, GENERATED_NOTE, renderTable } from "./markdown.ts";
import { SCHEMAS, toJsonSchema } from "./schema.ts";

/** docs/reference/job-file.md: every key of the job file. */
export function renderJobFile(): string {
  const described = describeKeys(toJsonSchema(SCHEMAS.job));
  const keys = listKeys(described);
  const forms = listForms(described, ["variable", "dataset"]);
  const renamed = Object.entries(RENAMED).map(([old, path]) => [code(old), code(path.join("."))]);
  return `${GENERATED_NOTE}

# The job file

One job, for \`bulwark run\`, \`bulwark submit\` and \`helm install -f\`. YAML or JSON, at most 1 MiB.
\`bulwark validate FILE\` says everything that is wrong with a file at once. For editors: [job-file.schema.json](job-file.schema.json).

\`\`\`yaml
# yaml-language-server: $schema=job-file.schema.json
name: sales-report
python: report.py
args: ["{data.sales}", "{data.report}"]
executor:
  instances: 4
  memory: 4g
data:
  sales: { path: sales.parquet, key: sales }
  report: { path: out/report, mode: write, key: report }
\`\`\`

## Keys

\`NAME\` stands for a name that you choose. A key without a default may be left out, except \`path\` of a dataset, and one of \`jar\` and \`python\`.

${renderTable(["Key", "Type", "Default", "What it is"], keys)}

## Forms

${renderTable(["Type", "Form", "Example"], forms)}

Arguments, variables and Spark settings are text: \`1.10\` and \`8\` may stand there without quotes and stay as written.

## Older names

These are accepted with a warning.

${renderTable(["Older name", "Key"], renamed)}

## What is not accepted

Doubled keys, several documents in one file, merge keys (\`<<\`), tags, and more than 10000 values. Settings and variables that would weaken
the security profile: [refused-settings.md](refused-settings.md).

Line breaks, tabs and other control characters in a text or in a name, wherever it stands, since they could begin another setting. Files of
the \`program\` and \`args\` alone may have several lines.

Credentials in an address, such as \`https://USER:PASSWORD@HOST/\`: every reader of the file, the release or the pods would see them. Let the job
read a Secret (\`secret:\` below \`volumes\`) or have a workload identity; those of an image's registry go under \`imagePullSecrets\`.
`;
}
