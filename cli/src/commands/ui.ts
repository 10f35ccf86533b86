// SPDX-License-Identifier: Apache-2.0
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { BulwarkError } from "@bulwark/contracts";
import { parseProperties } from "@bulwark/spark";
import { addClusterFlags, meansCluster } from "../cluster/flags.ts";
import { demandName } from "../cluster/name.ts";
import type { CommandSpec, Context, OutputFormat } from "../command.ts";
import { announceUi } from "../output/ui-page.ts";
import { serveHistory } from "../runs/history.ts";
import { findRecord, isEnded, type RunRecord } from "../runs/record.ts";

/** `bulwark ui`: Spark's UI of a living run, or the history server for an ended one. Both by TLS, behind a token. */
export const spec: CommandSpec = {
  examples: ["bulwark ui", "bulwark ui diagnosis", "bulwark ui sales -n analytics"],
  configure(command) {
    command
      .argument("[name]", "id of a run, or name of a job; the newest run by default")
      .option("--port <number>", "port of this machine to use (cluster); any free one by default");
    addClusterFlags(command);
  },
  async execute(context, { args, flags }) {
    if (meansCluster(context, flags)) {
      const { openUi } = await import("../cluster/ui.ts");
      return openUi(context, demandName(args[0]), flags);
    }
    const record = await findRecord(context.paths.runs, args[0]);
    const page = join(context.paths.runs, record.id, "ui.html");
    const announce = (url: string, token: string): Promise<void> =>
      announceUi(context, { of: { run: record.id }, page, url, token }, flags.output as OutputFormat);
    if (isEnded(record)) {
      await serveHistory(context, record, announce);
      return {};
    }
    if (record.ui === undefined) {
      throw new BulwarkError("UI_UNAVAILABLE", `${record.id} is still starting.`, `try again: bulwark ui ${record.id}`);
    }
    await announce(record.ui, await readToken(context, record));
    return {};
  },
};

async function readToken(context: Context, record: RunRecord): Promise<string> {
  const path = join(context.paths.runs, record.id, "secrets", "driver.properties");
  const content = await readFile(path, "utf8").catch((cause) => {
    throw new BulwarkError("UI_UNAVAILABLE", `${record.id} has just ended.`, `bulwark ui ${record.id}`, { cause });
  });
  return parseProperties(content)["bulwark.ui.token"] ?? "";
}
