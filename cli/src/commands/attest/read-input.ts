// SPDX-License-Identifier: Apache-2.0
import { resolve } from "node:path";
import { BulwarkError, type ErrorCode } from "@bulwark/contracts/errors";
import type { Context } from "../../command.ts";
import { readFileAtMost, readStdinAtMost } from "../../runs/read-at-most.ts";

/** Codes for what is no file of its kind, and what should have been named. */
type InputKind = { missing: ErrorCode; unreadable: ErrorCode; mend: string; mostBytes: number };

const MIB = 1024 ** 2;

/** Larger than any evidence in any encoding. */
export const EVIDENCE: InputKind = {
  missing: "EVIDENCE_FILE_MISSING",
  unreadable: "EVIDENCE_FILE_UNREADABLE",
  mend: "name a file with a quote or report, or - for standard input",
  mostBytes: 4 * MIB,
};
export const POLICY: InputKind = {
  missing: "POLICY_FILE_MISSING",
  unreadable: "POLICY_FILE_UNREADABLE",
  mend: "name a policy in YAML or JSON; docs/guide/attestation.md has examples",
  mostBytes: MIB,
};

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "does not exist",
  ENOTDIR: "does not exist",
  EACCES: "may not be read by you",
};

/**
 * Reads a file or, for `-`, standard input.
 *
 * @returns the bytes, and the name to show for them
 * @throws BulwarkError with the codes of the kind: missing, a folder, empty, too large
 */
export async function readInput(
  context: Context,
  file: string,
  kind: InputKind,
): Promise<{ bytes: Buffer; shown: string }> {
  const shown = file === "-" ? "standard input" : file;
  const bytes = await readBytes(context, file, kind);
  if (bytes.length === 0) throw new BulwarkError(kind.unreadable, `${shown} is empty.`, kind.mend);
  if (bytes.length > kind.mostBytes) {
    throw new BulwarkError(kind.unreadable, `${shown} is larger than ${kind.mostBytes / MIB} MiB.`, kind.mend);
  }
  return { bytes, shown };
}

async function readBytes(context: Context, file: string, kind: InputKind): Promise<Buffer> {
  if (file === "-") return readStdinAtMost(context, kind.mostBytes);
  try {
    return await readFileAtMost(resolve(context.cwd, file), kind.mostBytes);
  } catch (cause) {
    const { code = "" } = cause as NodeJS.ErrnoException;
    if (code === "EISDIR") throw new BulwarkError(kind.unreadable, `${file} is a folder.`, kind.mend, { cause });
    throw new BulwarkError(kind.missing, `${file} ${REASONS[code] ?? `cannot be read (${code})`}.`, kind.mend, {
      cause,
    });
  }
}
