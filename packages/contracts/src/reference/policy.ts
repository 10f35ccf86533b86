// SPDX-License-Identifier: Apache-2.0
import { describeKeys } from "../document/describe.ts";
import { listForms, listKeys } from "./keys.ts";
import { GENERATED_NOTE, renderTable } from "./markdown.ts";
import { SCHEMAS, toJsonSchema } from "./schema.ts";

/** docs/reference/policy.md: every key of the appraisal policy. */
export function renderPolicy(): string {
  const described = describeKeys(toJsonSchema(SCHEMAS.policy));
  // Both kinds of rules have the same conditions, so the page says them once.
  const once = described.filter(({ key }) => !key.startsWith("deny.NAME."));
  return `${GENERATED_NOTE}

# The appraisal policy

Which evidence is good enough. YAML or JSON, at most 1 MiB. \`bulwark policy check FILE\` says everything that is wrong with a policy at
once, \`bulwark policy explain FILE --evidence QUOTE\` which rule would decide. What the measurements mean and where to get them:
[the guide](../guide/attestation.md). For editors: [policy.schema.json](policy.schema.json).

\`\`\`yaml
# yaml-language-server: $schema=policy.schema.json
name: patients
allow:
  training-2026-03:
    mrenclave: 33d8736db756ed4997e04ba358d27833188f1932ff7b1d156904d3f560452fbb
tcb:
  accept:
    OutOfDate: 2026-12-31
\`\`\`

## Keys

\`NAME\` stands for a name that you choose. Rules below \`deny.NAME\` have the same keys as those below \`allow.NAME\`. A key of a rule that
is left out is not looked at; all that is given must fit.

${renderTable(["Key", "Type", "Default", "What it is"], listKeys(once))}

## Forms

${renderTable(["Type", "Form", "Example"], listForms(described, ["label"]))}

Digests may be in capitals, and need no quotes.

## How it decides

1. Debug evidence is refused, outside simulation.
2. Simulated evidence is refused, unless \`simulation.root\` names its root; then all else is.
3. A deny rule that fits refuses, whatever allows.
4. At least one allow rule must fit.
5. TCB status, advisories, platforms and attributes must all be accepted.

Every reason is listed, not only the first.

## What is not accepted

A key given twice, several documents in one file, merge keys (\`<<\`), tags, and a rule that nothing or everything would fit.
`;
}
