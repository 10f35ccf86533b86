// SPDX-License-Identifier: Apache-2.0
import { ALLOWED_OPTIONS, REFUSED_PROPERTIES } from "../job/java-options.ts";
import { REFUSED_VARIABLES } from "../job/refused-environment.ts";
import { ALLOWED_ON_PURPOSE, PROFILE_VALUES, REFUSED_SETTINGS } from "../job/refused-settings.ts";
import { code, GENERATED_NOTE, renderTable } from "./markdown.ts";

type Row = { names: readonly string[]; except?: readonly string[]; reason: string; mend: string };

function renderRow({ names, except = [], reason, mend }: Row): string[] {
  const allowed = except.length === 0 ? "" : `, but not ${except.map(code).join(", ")}`;
  return [`${names.map(code).join(", ")}${allowed}`, reason, mend];
}

/** docs/reference/refused-settings.md: what a job file may not carry, and why. */
export function renderRefusedSettings(): string {
  const weakening = REFUSED_SETTINGS.filter(({ insteadKey }) => insteadKey === undefined);
  const doubled = REFUSED_SETTINGS.filter(({ insteadKey }) => insteadKey !== undefined);
  const safe = Object.entries(PROFILE_VALUES).flatMap(([profile, values]) =>
    Object.entries(values).map(([name, value]) => [profile, code(name), code(value)]),
  );
  return `${GENERATED_NOTE}

# Refused settings

A job runs with the protection its profile promises, or not at all. So a job file that carries one of these is refused before anything
starts (\`JOB_SETTING_REFUSED\`). A star stands for any characters; capitals do not count. Names with characters that have a meaning in properties
files, values with line breaks, values taken from the environment at run time, and settings that hold a secret are refused, too.

This list does not fence in the job's own code, which runs with the job's data in its hands.

## Spark settings

${renderTable(["Setting", "Why", "What to do"], weakening.map(renderRow))}

## Settings with a key of their own

Nothing is weakened by these, but two places would say different things (\`JOB_CONFLICT\`).

${renderTable(
  ["Setting", "Key"],
  doubled.map(({ names, insteadKey = "" }) => [names.map(code).join(", "), code(insteadKey)]),
)}

## Values that pass

A file that carries exactly the value its profile sets anyway is accepted.

${renderTable(["Profile", "Setting", "Value"], safe)}

## Looked at and allowed

${renderTable(
  ["Setting", "Why"],
  ALLOWED_ON_PURPOSE.map(({ names, reason }) => [names.map(code).join(", "), reason]),
)}

## Environment variables

Refused in \`driver.env\` and \`executor.env\`, and dropped from the environment of whoever starts the tool. A variable whose name says that it
holds a secret (\`..._PASSWORD\`, \`..._TOKEN\`, \`..._SECRET\`, \`..._ACCESS_KEY\`) is refused in a job file.

${renderTable(["Variable", "Why", "What to do"], REFUSED_VARIABLES.map(renderRow))}

## JVM options

In \`spark.driver.extraJavaOptions\` and \`spark.executor.extraJavaOptions\`, \`-D\` names pass except these:

${renderTable(["Property", "Why", "What to do"], REFUSED_PROPERTIES.map(renderRow))}

Of all other options these pass (\`?\` stands for + or -), and nothing else: the JVM has hundreds that load code, dump memory or open ports.

${ALLOWED_OPTIONS.map(code).join(", ")}
`;
}
