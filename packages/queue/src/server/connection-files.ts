// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { BulwarkError } from "@bulwark/contracts/errors";
import { readSecretFile } from "@bulwark/contracts/secret-file";
import type { RedisAddress } from "../redis/options.ts";

/** How a process is told where Redis is: secrets and certificates by file. */
export type RedisConnectionSettings = {
  url: string;
  user?: string;
  /** One line; readable by those alone whom it is for (`readSecretFile`). */
  passwordFile?: string;
  caFile?: string;
  certificateFile?: string;
  privateKeyFile?: string;
  /** The name that Redis's certificate is to have, where that is not the one in `url`. */
  serverName?: string;
  timeoutMs?: number;
};

/**
 * Reads the files. Throws SERVING_CONFIG for one that cannot be read or holds something else, and for a certificate and a
 * key that do not go together; KEYRING_UNSAFE for a secret open to others.
 */
export async function readRedisAddress(settings: RedisConnectionSettings): Promise<RedisAddress> {
  const { url, user, serverName, timeoutMs, passwordFile, caFile, certificateFile, privateKeyFile } = settings;
  if ((certificateFile === undefined) !== (privateKeyFile === undefined)) {
    throw refuse("A certificate and its private key go together, and one is missing.", "name both files");
  }
  if (user !== undefined && passwordFile === undefined) {
    throw refuse(`The user ${user} of Redis has no password file.`, "name the file with its password");
  }
  const password = await readWith(passwordFile, readSecretFile, parsePassword);
  const ca = await readWith(caFile, read, parseCertificate);
  const certificate = await readWith(certificateFile, read, parseCertificate);
  const privateKey = await readWith(privateKeyFile, readSecretFile, parsePrivateKey);
  if (certificate !== undefined && privateKey !== undefined && !belongTogether(certificate, privateKey)) {
    throw refuse(`${privateKeyFile} is not the key of ${certificateFile}.`, "name the two files of one pair");
  }
  return {
    url,
    ...(user === undefined ? {} : { user }),
    ...(serverName === undefined ? {} : { serverName }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(password === undefined ? {} : { password }),
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { certificate }),
    ...(privateKey === undefined ? {} : { privateKey }),
  };
}

function read(path: string): Promise<string> {
  return readFile(path, "utf8").catch((cause) => {
    throw refuse(`${path} cannot be read.`, "check the path in the settings", cause);
  });
}

async function readWith(
  path: string | undefined,
  readText: (path: string) => Promise<string>,
  parse: (text: string, path: string) => string,
): Promise<string | undefined> {
  return path === undefined ? undefined : parse(await readText(path), path);
}

function parsePassword(text: string, path: string): string {
  const password = text.trim();
  if (password !== "" && !password.includes("\n")) return password;
  throw refuse(`${path} is to hold a password, in one line.`, "write it there again");
}

function parseCertificate(text: string, path: string): string {
  try {
    new X509Certificate(text);
  } catch (cause) {
    throw refuse(`${path} holds no certificate.`, "name a file that begins with -----BEGIN CERTIFICATE-----", cause);
  }
  return text;
}

function parsePrivateKey(text: string, path: string): string {
  try {
    createPrivateKey(text);
  } catch (cause) {
    throw refuse(`${path} holds no private key.`, "name a file that begins with -----BEGIN PRIVATE KEY-----", cause);
  }
  return text;
}

const belongTogether = (certificate: string, privateKey: string): boolean =>
  new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey));

const refuse = (message: string, mend: string, cause?: unknown): BulwarkError =>
  new BulwarkError("SERVING_CONFIG", message, mend, cause === undefined ? {} : { cause });
