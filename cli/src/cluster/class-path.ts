// SPDX-License-Identifier: Apache-2.0
import { resolve } from "node:path";
import { BulwarkError, type Finding } from "@bulwark/contracts/errors";
import { readFileAtMost } from "../runs/read-at-most.ts";

const LARGEST_BYTES = 1024 ** 2;
const JAR = /^\/\P{Cc}*\.jar$/u;
const SHOWN = 60;
const MEND = "copy it from the image: podman run --rm --entrypoint cat IMAGE /opt/bulwark/classpath > classpath";

/**
 * Reads a copy of the image's `/opt/bulwark/classpath`: jars in one line, with colons between them.
 *
 * @throws BulwarkError CLASS_PATH_INVALID, with a finding for each entry that is no jar
 */
export async function readClassPath(cwd: string, file: string): Promise<string[]> {
  const content = await readFileAtMost(resolve(cwd, file), LARGEST_BYTES).catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === "ENOENT" ? "it does not exist" : `it cannot be read (${cause.code})`;
    throw refuse(file, [toFinding({ file }, reason)], cause);
  });
  const text = content.toString("utf8").trimEnd();
  if (text === "") throw refuse(file, [toFinding({ file, line: 1 }, "it names no jar")]);
  if (content.length > LARGEST_BYTES || text.includes("\0")) {
    throw refuse(file, [toFinding({ file, line: 1 }, "it is larger than a class path, or no text")]);
  }
  const entries = listEntries(text);
  const findings = entries
    .filter(({ path }) => !JAR.test(path))
    .map(({ path, ...place }) => toFinding({ file, ...place }, `"${path.slice(0, SHOWN)}" is no jar of the image`));
  if (findings.length > 0) throw refuse(file, findings);
  return entries.map(({ path }) => path);
}

/** Every entry with its line and column, counted from 1. */
function listEntries(text: string): { path: string; line: number; column: number }[] {
  return text.split("\n").flatMap((row, index) => {
    let column = 1;
    return row.split(":").map((path) => {
      const entry = { path, line: index + 1, column };
      column += path.length + 1;
      return entry;
    });
  });
}

const toFinding = (place: Pick<Finding, "file" | "line" | "column">, message: string): Finding => ({
  code: "CLASS_PATH_INVALID",
  message,
  mend: MEND,
  ...place,
});

function refuse(file: string, findings: readonly Finding[], cause?: unknown): BulwarkError {
  return new BulwarkError("CLASS_PATH_INVALID", `${file} is no class path of an image.`, MEND, { cause, findings });
}
