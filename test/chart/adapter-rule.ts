// SPDX-License-Identifier: Apache-2.0
// The rule that the chart's page gives for prometheus-adapter, read as the adapter reads it
// (https://github.com/kubernetes-sigs/prometheus-adapter/blob/master/docs/config.md).
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { SERVING_CHART } from "./helm.ts";

/** A value of a series, with the labels of where it was found. */
export type Sample = { name: string; labels: Readonly<Record<string, string>>; value: number };

export type AdapterRule = {
  /** The metric, which is called as its series is. */
  metric: string;
  /** The value for an object of the kind `service`: none where Prometheus has no series of it. */
  ask(samples: readonly Sample[], object: { namespace: string; service: string }): number | undefined;
};

type Written = {
  seriesQuery: string;
  resources: { overrides: Record<string, { resource: string }> };
  name?: unknown;
  metricsQuery: string;
};

const SERIES = /^([a-z_]+)\{(.*)\}$/;
const FILLED = /^([a-z_]+)!=""$/;
const QUERY = /^(max|sum)\(<<\.Series>>\{<<\.LabelMatchers>>\}\) by \(<<\.GroupBy>>\)$/;
const AGGREGATIONS: Readonly<Record<string, (values: number[]) => number>> = {
  max: (values) => Math.max(...values),
  sum: (values) => values.reduce((sum, value) => sum + value, 0),
};

/** Reads the rule. Throws what `assert` throws where the page has none, or one that does something else. */
export function readAdapterRule(): AdapterRule {
  const page = readFileSync(join(SERVING_CHART, "README.md"), "utf8");
  const blocks = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text]) => text ?? "");
  const rules: Written[] = parse(blocks.find((text) => text.includes("seriesQuery")) ?? "").rules.custom;
  const [rule] = rules;
  if (rule === undefined || rules.length !== 1 || rule.name !== undefined) throw new Error("there is to be one rule");
  const [, metric = "", conditions = ""] = SERIES.exec(rule.seriesQuery) ?? [];
  const filled = conditions.split(",").map((condition) => FILLED.exec(condition)?.[1] ?? condition);
  const aggregate = AGGREGATIONS[QUERY.exec(rule.metricsQuery)?.[1] ?? ""];
  if (metric === "" || aggregate === undefined) throw new Error(`it is not understood here: ${JSON.stringify(rule)}`);
  const labelOf = (resource: string): string => {
    const found = Object.entries(rule.resources.overrides).find(([, override]) => override.resource === resource);
    if (found === undefined) throw new Error(`no label says the ${resource}`);
    return found[0];
  };
  const labels = { namespace: labelOf("namespace"), service: labelOf("service") };
  return {
    metric,
    ask(samples, object) {
      const known = samples.filter(
        (sample) => sample.name === metric && filled.every((label) => (sample.labels[label] ?? "") !== ""),
      );
      const matching = known.filter(
        (sample) =>
          sample.labels[labels.namespace] === object.namespace && sample.labels[labels.service] === object.service,
      );
      return matching.length === 0 ? undefined : aggregate(matching.map(({ value }) => value));
    },
  };
}
