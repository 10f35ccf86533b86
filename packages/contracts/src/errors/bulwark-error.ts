// SPDX-License-Identifier: Apache-2.0
import { EXIT } from "./exit-codes.ts";
import { ERRORS, type ErrorCode } from "./registry.ts";

/** One thing wrong with an input, with the place where it stands. Lines and columns count from 1. */
export type Finding = {
  code: ErrorCode;
  message: string;
  mend: string;
  file?: string;
  line?: number;
  column?: number;
  /** Dotted path of the value, for instance `executor.memory`. */
  path?: string;
};

/** The one error class: what happened, what to do about it, and a code to decide by. */
export class BulwarkError extends Error {
  override readonly name = "BulwarkError";
  readonly code: ErrorCode;
  readonly mend: string;
  readonly findings: readonly Finding[];
  /** After how long the same would be taken, where that is known exactly. */
  readonly retryAfterMs: number | undefined;

  /**
   * @param code stable code from the registry
   * @param message what happened, one sentence, no secret in it
   * @param mend what to do, a command where one exists
   */
  constructor(
    code: ErrorCode,
    message: string,
    mend: string,
    options: { cause?: unknown; findings?: readonly Finding[]; retryAfterMs?: number } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.mend = mend;
    this.findings = options.findings ?? [];
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Exit code of a process that ends with this error. Anything foreign is our bug. */
export function toExitCode(error: unknown): number {
  return EXIT[error instanceof BulwarkError ? ERRORS[error.code].exit : "bug"];
}

/** HTTP status of an answer that carries this error. */
export function toHttpStatus(error: unknown): number {
  return error instanceof BulwarkError ? ERRORS[error.code].http : ERRORS.BUG.http;
}

/** How many findings there are, for a sentence. */
export const countFindings = ({ length }: readonly Finding[]): string =>
  length === 1 ? "one finding" : `${length} findings`;
