// SPDX-License-Identifier: Apache-2.0
import { describeKeys, type KeyDescription } from "../job/describe.ts";
import { FORMS } from "../job/forms.ts";
import { RENAMED } from "../job/old-names.ts";
import { code, GENERATED_NOTE, renderTable } from "./markdown.ts";
import { toJsonSchema } from "./schema.ts";

const TYPES: Readonly<Record<string, string>> = {
  filled: "text",
  text: "text",
  integer: "whole number",
  boolean: "true or false",
};

function showType({ type, choices, range }: KeyDescription): string {
  if (choices !== undefined) return choices.map(code).join(", ");
  const words = TYPES[type] ?? type;
  return range === undefined ? words : `${words}, ${range.minimum} to ${range.maximum}`;
}

const showDefault = (value: unknown): string => (value === undefined ? "" : code(JSON.stringify(value)));

/** docs/reference/job-file.md: every key of the job file. */
export function renderJobFile(): string {
  const keys = describeKeys(toJsonSchema()).map((key) => [
    code(key.key),
    showType(key),
    showDefault(key.default),
    key.description,
  ]);
  const forms = Object.entries(FORMS)
    .filter(([name]) => name !== "filled")
    .map(([name, { words, example }]) => [name, words, code(example)]);
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
`;
}
