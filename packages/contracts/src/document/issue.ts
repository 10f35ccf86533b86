// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode } from "../errors/index.ts";

/** The way to a value from the top of the document: keys, and positions in lists. */
export type Path = readonly string[];

/** Something wrong at a path, before it is known where in the file that is. */
export type Issue = {
  code: ErrorCode;
  at: Path;
  message: string;
  mend: string;
  /** Points at the key instead of its value. */
  onKey?: boolean;
};

/** `executor.memory`, as findings and messages show a path. */
export const showPath = (path: Path): string => path.join(".");
