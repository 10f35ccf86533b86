// SPDX-License-Identifier: Apache-2.0
import { DATA } from "../datasets.ts";
import { COLLECTOR_CHOICE, EXECUTOR_COLLECTOR } from "../java-options.ts";
import { CONSOLE_LOGGING } from "../logging.ts";
import { CHANNEL, CREDENTIALS, REDACTION, SCRATCH, UI } from "../profiles.ts";
import { KUBERNETES } from "./settings.ts";

/**
 * What the chart of a job takes from this package, so that no setting of a profile is written down twice:
 * `charts/spark-job/files/plan.json`.
 */
export function renderChartPlan(): string {
  const plan = {
    channel: CHANNEL,
    scratch: { ...SCRATCH, ...CREDENTIALS },
    ui: UI,
    noUi: { "spark.ui.enabled": "false" },
    data: DATA,
    redaction: REDACTION,
    kubernetes: KUBERNETES,
    logging: CONSOLE_LOGGING,
    executorCollector: EXECUTOR_COLLECTOR,
    collectorChoice: COLLECTOR_CHOICE,
  };
  return `${JSON.stringify(plan, null, 2)}\n`;
}
