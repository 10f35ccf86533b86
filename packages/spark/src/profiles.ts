// SPDX-License-Identifier: Apache-2.0
import type { JobFile } from "@bulwark/contracts";
import type { Properties } from "./properties-file.ts";

export type ProfileName = JobFile["security"]["profile"];

/** Where one role's key material lies; passwords are given apart, since they go into the secrets file only. */
export type StorePaths = { keyStore: string; trustStore: string };

const AES_GCM: Properties = {
  "spark.authenticate": "true",
  "spark.network.crypto.enabled": "true",
  "spark.network.crypto.cipher": "AES/GCM/NoPadding",
  "spark.network.crypto.authEngineVersion": "2",
  "spark.network.crypto.saslFallback": "false",
};

const TLS: Properties = {
  "spark.authenticate": "true",
  "spark.network.crypto.enabled": "false",
  "spark.ssl.rpc.enabled": "true",
  "spark.ssl.rpc.protocol": "TLSv1.3",
  "spark.ssl.rpc.enabledAlgorithms": "TLS_AES_256_GCM_SHA384,TLS_AES_128_GCM_SHA256",
};

/** Settings of each profile that are the same wherever the job runs. */
export const CHANNEL: Readonly<Record<ProfileName, Properties>> = { "aes-gcm": AES_GCM, tls: TLS };

/**
 * How channels between driver and executors are protected (Spark's docs/security.md, Network Encryption). With both
 * engines on, Spark would drop AES and warn; a profile turns on exactly one. Authentication is on in each.
 *
 * The same settings go to driver and executors: executors need them before they can ask the driver for its settings.
 */
export function channelProperties(profile: ProfileName, stores: StorePaths): Properties {
  if (profile === "aes-gcm") return AES_GCM;
  return { ...TLS, "spark.ssl.rpc.keyStore": stores.keyStore, "spark.ssl.rpc.trustStore": stores.trustStore };
}

/**
 * Where Spark asks for passwords of key stores that its settings do not have (SSLOptions, through Hadoop's
 * `Configuration.getPassword`): in the credentials of the JVM's user, into which the launcher puts them.
 */
export const CREDENTIALS: Properties = {
  "spark.hadoop.hadoop.security.credential.provider.path": "user:///",
};

/** Passwords of the stores a profile opens; for the secrets file of a role. */
export function channelSecrets(profile: ProfileName, storePassword: string): Properties {
  if (profile === "aes-gcm") return {};
  return {
    "spark.ssl.rpc.keyStorePassword": storePassword,
    "spark.ssl.rpc.keyPassword": storePassword,
    "spark.ssl.rpc.trustStorePassword": storePassword,
  };
}

/** Scratch files: AES-256 by a key of this application alone. Spark offers no authenticated mode for them. */
export const SCRATCH: Properties = {
  "spark.io.encryption.enabled": "true",
  "spark.io.encryption.keySizeBits": "256",
  "spark.io.encryption.keygen.algorithm": "HmacSHA256",
};

/** The UI and its REST API: TLS, and nobody without the token. */
export const UI: Properties = {
  "spark.ui.enabled": "true",
  "spark.ui.filters": "bulwark.ui.UiGate",
  "spark.ui.killEnabled": "false",
  "spark.ui.showConsoleProgress": "false",
  "spark.ui.threadDumpsEnabled": "false",
  "spark.ui.heapHistogramEnabled": "false",
  "spark.ssl.ui.enabled": "true",
  "spark.ssl.ui.protocol": "TLSv1.3",
  "spark.ssl.ui.keyStoreType": "PKCS12",
};

/** The UI on any free port of this machine. */
export function uiProperties(stores: StorePaths): Properties {
  return { ...UI, "spark.ui.port": "0", "spark.ssl.ui.port": "0", "spark.ssl.ui.keyStore": stores.keyStore };
}

/** Passwords of the UI's key store. */
export function uiSecrets(storePassword: string): Properties {
  return { "spark.ssl.ui.keyStorePassword": storePassword, "spark.ssl.ui.keyPassword": storePassword };
}

/** What Spark hides in its UI, its event log and its logs. */
export const REDACTION: Properties = {
  "spark.redaction.regex": "(?i)secret|password|passphrase|token|credential|access[.]?key|private[.]?key|quote",
};
