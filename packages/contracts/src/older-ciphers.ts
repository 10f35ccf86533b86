// SPDX-License-Identifier: Apache-2.0

/** The ciphers with which BigDL encrypted models and pictures. Nothing is written with them here. */
export const OLDER_CIPHERS = ["aes-256-gcm", "aes-128-gcm", "aes-256-cbc", "aes-128-cbc"] as const;
export type OlderCipher = (typeof OLDER_CIPHERS)[number];
