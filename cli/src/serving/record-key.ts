// SPDX-License-Identifier: Apache-2.0

/** Master key that seals records, as `bulwark serve` and the chart call it. */
export const RECORD_KEY = "serving-records";
