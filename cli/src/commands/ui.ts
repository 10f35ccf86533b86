// SPDX-License-Identifier: Apache-2.0
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { BulwarkError } from "@bulwark/contracts";
import { parseProperties } from "@bulwark/spark";
import { addClusterFlags, meansCluster } from "../cluster/flags.ts";
import { demandName } from "../cluster/name.ts";
import type { CommandSpec, Context, OutputFormat } from "../command.ts";
import { renderDocument } from "../output/print.ts";
import { writeFileWhole } from "../runs/files.ts";
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
    const format = flags.output as OutputFormat;
    const record = await findRecord(context.paths.runs, args[0]);
    if (isEnded(record)) {
      await serveHistory(context, record, (url, token) => announce(context, record, { url, token, format }));
      return {};
    }
    if (record.ui === undefined) {
      throw new BulwarkError("UI_UNAVAILABLE", `${record.id} is still starting.`, `try again: bulwark ui ${record.id}`);
    }
    await announce(context, record, { url: record.ui, token: await readToken(context, record), format });
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

/**
 * Tells where to look. The token is in a 0600 file that sends a browser on, so that it stands neither in a terminal's
 * history nor in a command line.
 */
async function announce(
  context: Context,
  record: RunRecord,
  { url, token, format }: { url: string; token: string; format: OutputFormat },
): Promise<void> {
  const page = join(context.paths.runs, record.id, "ui.html");
  const target = `${url}/?token=${encodeURIComponent(token)}`;
  await writeFileWhole(
    page,
    `<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><meta http-equiv="refresh" content="0;url=${target}"><title>Bulwark</title>\n`,
  );
  const authority = join(context.paths.keys, "current", "ca.crt");
  // Written here, since a history server goes on until the user has seen enough.
  if (format === "json" || format === "yaml") {
    context.stdout.write(await renderDocument({ run: record.id, page, url, certificateAuthority: authority }, format));
    return;
  }
  context.stdout.write(`${pathToFileURL(page).href}\n`);
  context.progress.note(`Open that file in a browser; it leads to ${url} with the token.`);
  context.progress.note(`The certificate is from your own CA: ${authority}`);
}
