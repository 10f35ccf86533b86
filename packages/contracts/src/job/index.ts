// SPDX-License-Identifier: Apache-2.0
export { type Dataset, DURATION_PATTERN, JobFile, NAME_PATTERN, SIZE_PATTERN } from "./schema.ts";
