// SPDX-License-Identifier: Apache-2.0
import { BulwarkError, type Finding } from "@bulwark/contracts/errors";
import { type Paint, showControls } from "./terminal.ts";

/** A file system that takes no more: no space, or no more of it for this user. */
const FULL = new Set(["ENOSPC", "EDQUOT"]);

/**
 * Any error as ours: one that only says that the user had enough is why he had, a full disk is a full disk wherever it
 * was met, and what else is foreign is a bug.
 */
export function toBulwarkError(error: unknown, signal: AbortSignal): BulwarkError {
  if (error instanceof BulwarkError) return error;
  const isAbort = error instanceof Error && error.name === "AbortError";
  if (isAbort && signal.reason instanceof BulwarkError) return signal.reason;
  const message = error instanceof Error ? error.message : String(error);
  const { code = "", path = "." } = (error ?? {}) as NodeJS.ErrnoException;
  if (FULL.has(code)) return new BulwarkError("DISK_FULL", message, `make space: df -h ${path}`, { cause: error });
  return new BulwarkError("BUG", message, "run it again with --debug, and report what it prints", { cause: error });
}

/** An error as people read it: findings first, what happened, and what to do as the last line. */
export function renderError(error: BulwarkError, paint: Paint, debug: boolean): string {
  const toMend = (mend: string): string => `${paint("cyan", "->")} ${showControls(mend)}`;
  const findings = error.findings.map((finding) => `  ${renderFinding(finding)}  ${toMend(finding.mend)}\n`);
  const head = `${paint("red", "error")} ${paint("dim", error.code)} ${showControls(error.message)}\n`;
  return `${debug ? `${stackOf(error)}\n` : ""}${findings.join("")}${head}  ${toMend(error.mend)}\n`;
}

/** An error as one document; the same shape for every command. */
export function toErrorDocument({ code, message, mend, findings }: BulwarkError) {
  return {
    error: {
      code,
      message,
      mend,
      findings,
      docs: `docs/reference/errors.md#${code.toLowerCase().replaceAll("_", "-")}`,
    },
  };
}

function renderFinding({ file, line, column, path, message }: Finding): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(":");
  return showControls([place, path, message].filter((part) => part !== undefined && part !== "").join("  "));
}

function stackOf(error: BulwarkError): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${error.cause.stack}` : "";
  return `${error.stack}${cause}`;
}
