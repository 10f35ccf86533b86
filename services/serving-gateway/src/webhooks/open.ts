// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from "node:timers/promises";
import { BulwarkError } from "@bulwark/contracts/errors";
import { readSecretFile } from "@bulwark/contracts/secret-file";
import { createSend } from "./send.ts";
import { createWebhooks, type Webhooks } from "./webhooks.ts";

/** What the gateway is told of webhooks. Without it, none are called. */
export type WebhookSettings = {
  /** The secret that signs, of mode 0600; 24 bytes at least. `whsec_` and base64, or any text. */
  secretFile: string;
  /** Addresses inside our own network, and plain HTTP, may be called. */
  allowPrivate?: boolean;
  /** Hosts that may be called; any when absent. */
  hosts?: readonly string[];
};

const LEAST_BYTES = 24;

/** Throws SERVING_CONFIG, KEYRING_UNSAFE. */
export async function openWebhooks(settings: WebhookSettings): Promise<Webhooks> {
  const { allowPrivate = false, hosts = [] } = settings;
  const secret = await readSecret(settings.secretFile);
  return createWebhooks({
    send: createSend({ secret, allowPrivate, now: Date.now }),
    allowPrivate,
    hosts,
    random: Math.random,
    pause: (ms, signal) => delay(ms, undefined, { signal }),
  });
}

async function readSecret(path: string): Promise<Buffer> {
  const line = (await readSecretFile(path, `(umask 077; openssl rand -hex 32 > ${path})`)).trim();
  const secret = line.startsWith("whsec_") ? Buffer.from(line.slice("whsec_".length), "base64") : Buffer.from(line);
  if (secret.length >= LEAST_BYTES) return secret;
  throw new BulwarkError("SERVING_CONFIG", `The secret in ${path} is too short`, "openssl rand -hex 32");
}
