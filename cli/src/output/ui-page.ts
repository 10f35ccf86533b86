// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Context, OutputFormat } from "../command.ts";
import { writeFileWhole } from "../runs/files.ts";
import { isDocument, renderDocument } from "./print.ts";

/** A UI that can be opened: what it is of, the file that leads there, its address, and the token that it asks for. */
export type UiPlace = { of: Readonly<Record<string, string>>; page: string; url: string; token: string };

/**
 * Tells where to look. The token is in a 0600 file that sends a browser on, so that it stands neither in a terminal's
 * history nor in a command line.
 */
export async function announceUi(context: Context, place: UiPlace, format: OutputFormat): Promise<void> {
  const { of, page, url, token } = place;
  const target = `${url}/?token=${encodeURIComponent(token)}`;
  await writeFileWhole(
    page,
    `<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><meta http-equiv="refresh" content="0;url=${target}"><title>Bulwark</title>\n`,
  );
  const certificateAuthority = join(context.paths.keys, "current", "ca.crt");
  // Written here, since a UI goes on until the user has seen enough.
  if (isDocument(format)) {
    context.stdout.write(await renderDocument({ ...of, page, url, certificateAuthority }, format));
    return;
  }
  context.stdout.write(`${pathToFileURL(page).href}\n`);
  context.progress.note(`Open that file in a browser; it leads to ${url} with the token.`);
  context.progress.note(`The certificate is from your own CA: ${certificateAuthority}`);
}
