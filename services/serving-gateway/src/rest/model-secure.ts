// SPDX-License-Identifier: Apache-2.0
import type { TLSSocket } from "node:tls";
import type { OlderSecrets } from "@bulwark/inference";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Gateway } from "../gateway.ts";
import { guard } from "./door.ts";

const TEXT = "text/plain; charset=UTF-8";
/** What the older server said, as it spelled it; of its queue, where ours keeps nothing. */
const SUCCEEDED = "model secured secrect and salt succeed to put in redis";
const FAILED = "model secured secrect and salt failed to put in redis";
const LOOPBACK = /^(127\.|::1$|::ffff:127\.)/;

/**
 * `POST /model-secure`, with which users of BigDL hand over the secrets of encrypted models: `secret=...&salt=...`, by
 * position, nothing decoded. Off unless `older.models` waits for them. They are taken by TLS, or from this machine, and kept as a
 * derived key in this process alone.
 */
export function addModelSecureRoute(server: FastifyInstance, gateway: Gateway): void {
  server.post(
    "/model-secure",
    guard(gateway, (request, reply) => takeSecrets(gateway, request, reply)),
  );
}

async function takeSecrets(
  { secureModels }: Gateway,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  if (secureModels === undefined) {
    const mend = "encrypt the model anew: bulwark model encrypt --from-bigdl CIPHER; or set older.models";
    return refuse(reply, `this server waits for no secrets; ${mend}`);
  }
  if (!isPrivate(request))
    return refuse(reply, "secrets come over HTTPS, or from this machine alone; use the HTTPS port");
  const secrets = readSecrets(request.body as Buffer | undefined);
  if (secrets === undefined) {
    const error = "SERVING_REQUEST: the body has no two values\n please post a content like secret=xxx&salt=xxxx";
    return reply
      .code(500)
      .type(TEXT)
      .send(JSON.stringify({ error }, undefined, 2));
  }
  return reply.type(TEXT).send((await secureModels(secrets)) ? SUCCEEDED : FAILED);
}

const refuse = (reply: FastifyReply, text: string): FastifyReply =>
  reply.code(405).type(TEXT).send(`SERVING_UNSUPPORTED: ${text}`);

const isPrivate = ({ raw }: FastifyRequest): boolean =>
  (raw.socket as Partial<TLSSocket>).encrypted === true || LOOPBACK.test(raw.socket.remoteAddress ?? "");

/** The value of each `name=value`, up to another `=`, as the older server cut it. */
function readSecrets(body: Buffer | undefined): OlderSecrets | undefined {
  const [secret, salt] = String(body ?? "")
    .split("&")
    .map((pair) => pair.split("=")[1]);
  return secret && salt ? { secret, salt } : undefined;
}
