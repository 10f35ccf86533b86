// SPDX-License-Identifier: Apache-2.0
export { BulwarkError, countFindings, type Finding, toExitCode, toHttpStatus } from "./bulwark-error.ts";
export { EXIT, EXIT_MEANING, type ExitName } from "./exit-codes.ts";
export { ERRORS, type ErrorCode } from "./registry.ts";
