// SPDX-License-Identifier: Apache-2.0
import { createHmac } from "node:crypto";
import { lookup } from "node:dns";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { LookupFunction } from "node:net";
import { isPrivate } from "./addresses.ts";

/** One message to a webhook: what is sent, and the name by which its receiver knows a repetition. */
export type Message = { id: string; url: URL; body: string };

/** `undefined` when it was taken, otherwise why not. */
export type Send = (message: Message, signal: AbortSignal) => Promise<string | undefined>;

const TIMEOUT_MS = 10_000;

/**
 * Sends messages, signed as Standard Webhooks say: HMAC-SHA256 over `ID.TIMESTAMP.BODY`. No redirection is followed. The
 * address is looked at when the connection is made, so that a name cannot change what it stands for in between.
 *
 * @see https://www.standardwebhooks.com
 */
export function createSend({
  secret,
  allowPrivate,
  now,
}: {
  secret: Buffer;
  allowPrivate: boolean;
  now(): number;
}): Send {
  return ({ id, url, body }, signal) => {
    const seconds = String(Math.floor(now() / 1000));
    const headers = {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      "webhook-id": id,
      "webhook-timestamp": seconds,
      "webhook-signature": `v1,${sign(secret, `${id}.${seconds}.${body}`)}`,
    };
    const start = url.protocol === "https:" ? requestHttps : requestHttp;
    const limits = { signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]), agent: false } as const;
    return new Promise((resolve) => {
      const sending = start(url, {
        method: "POST",
        headers,
        ...limits,
        ...(allowPrivate ? {} : { lookup: lookupPublic }),
      });
      sending.once("response", (response) => {
        // What it answers is of no interest, and could be endless.
        response.destroy();
        const { statusCode = 0 } = response;
        resolve(statusCode >= 200 && statusCode < 300 ? undefined : `status ${statusCode}`);
      });
      sending.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.name));
      sending.end(body);
    });
  };
}

export function sign(secret: Buffer, text: string): string {
  return createHmac("sha256", secret).update(text).digest("base64");
}

/** Gives the addresses of a name unless one of them is inside. */
const lookupPublic: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, "", 0);
    if (addresses.length === 0 || addresses.some(({ address }) => isPrivate(address))) {
      return callback(Object.assign(new Error("private address"), { code: "WEBHOOK_REFUSED" }), "", 0);
    }
    const [first] = addresses;
    return options.all === true ? callback(null, addresses) : callback(null, first?.address ?? "", first?.family ?? 0);
  });
};
