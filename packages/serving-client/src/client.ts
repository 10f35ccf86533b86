// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from "node:timers/promises";
import { BulwarkError } from "@bulwark/contracts/errors";
import {
  DEFAULT_LIMITS,
  type InferResponse,
  readInferResponse,
  type Tensor,
  type TensorInfo,
  writeInferRequest,
} from "@bulwark/tensors";
import { type Clock, sendUntil } from "./retry.ts";
import { type SealedRequest, type Sealing, sealRequest } from "./sealed.ts";
import { createTransport, type Exchange, type Reply, type Target } from "./transport.ts";

export type ClientOptions = Target & {
  /** For calls that name no time of their own; 30 s when absent. */
  timeoutMs?: number;
  /** How often a call is sent at most; 4 when absent. */
  attempts?: number;
  /** How tensors travel; binary when absent. */
  form?: "json" | "binary";
  /** Requests and results are sealed between this process and the engine; they then go through the queue. */
  sealing?: Sealing;
  clock?: Clock;
};

export type CallOptions = { timeoutMs?: number; signal?: AbortSignal };
export type InferCall = CallOptions & {
  version?: string;
  outputs?: readonly string[];
  /** 1 is the most urgent, 2 the usual one. */
  priority?: number;
};

/** A server of the Open Inference Protocol. Every call throws the `BulwarkError` that the server answered with, or SERVING_*. */
export type Client = {
  infer(model: string, inputs: readonly Tensor[], call?: InferCall): Promise<InferResponse>;
  /** Hands a request in and gives its id; its result is kept by the server. */
  submit(model: string, inputs: readonly Tensor[], call?: InferCall & { webhook?: string }): Promise<string>;
  /** The result of a submitted request, waiting for it as long as the call may take; `undefined` when the time was too short. */
  result(id: string, call?: CallOptions): Promise<InferResponse | undefined>;
  remove(id: string, call?: CallOptions): Promise<void>;
  describe(
    model: string,
    call?: CallOptions & { version?: string },
  ): Promise<{ inputs: TensorInfo[]; outputs: TensorInfo[] }>;
  isReady(model?: string, call?: CallOptions): Promise<boolean>;
  /** Any other JSON call. It is sent again when the connection breaks: its effect must be the same twice. */
  ask(path: string, call?: CallOptions & { method?: Exchange["method"]; body?: unknown }): Promise<unknown>;
  close(): void;
};

const TIMEOUT_MS = 30_000;
const ATTEMPTS = 4;
const LONGEST_WAIT_SECONDS = 60;
const HEADER_LENGTH = "inference-header-content-length";
const SEALED_TYPE = "application/vnd.bulwark.sealed";
const BINARY_TYPE = "application/octet-stream";
const JSON_TYPE = "application/json";

const CLOCK: Clock = {
  now: () => performance.now(),
  pause: (ms, signal) => delay(ms, undefined, signal === undefined ? {} : { signal }),
  random: Math.random,
};

/** Opens a client. Nothing is sent yet. Throws SERVING_REQUEST for an address that cannot be one. */
export function createClient({
  timeoutMs = TIMEOUT_MS,
  attempts = ATTEMPTS,
  form = "binary",
  ...options
}: ClientOptions): Client {
  const { sealing, clock = CLOCK, ...target } = options;
  const transport = createTransport(target);
  /** What opens the results of sealed requests that were submitted here. */
  const sealed = new Map<string, SealedRequest>();

  const send = (
    make: (leftMs: number) => Omit<Exchange, "timeoutMs">,
    call: CallOptions,
    isRepeatable = true,
  ): Promise<Reply> =>
    sendUntil({ transport, clock }, (leftMs) => ({ ...make(leftMs), timeoutMs: leftMs }), {
      deadline: clock.now() + (call.timeoutMs ?? timeoutMs),
      ...{ attempts, isRepeatable },
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    });

  const writeBody = (
    inputs: readonly Tensor[],
    leftMs: number,
    { outputs, priority, webhook }: InferCall & { webhook?: string },
  ) => {
    const parameters = {
      timeout: Math.floor(leftMs * 1000),
      ...(priority === undefined ? {} : { priority }),
      ...(webhook === undefined ? {} : { webhook }),
    };
    const { headerLength, body } = writeInferRequest(
      { inputs, parameters, ...(outputs === undefined ? {} : { outputs }) },
      form,
    );
    const headers: Record<string, string> =
      headerLength === undefined
        ? { "content-type": JSON_TYPE }
        : { "content-type": BINARY_TYPE, [HEADER_LENGTH]: String(headerLength) };
    return { headers, body };
  };

  const inferPlain = async (model: string, inputs: readonly Tensor[], call: InferCall): Promise<InferResponse> => {
    const path = `${pathOf(model, call.version)}/infer`;
    return readReply(await send((leftMs) => ({ method: "POST", path, ...writeBody(inputs, leftMs, call) }), call));
  };

  const submitSealed = async (request: SealedRequest, path: string, call: InferCall): Promise<string> => {
    const make = (leftMs: number) => ({
      ...({ method: "POST", path, body: request.body } as const),
      headers: {
        "content-type": SEALED_TYPE,
        "bulwark-uri": request.uri,
        "bulwark-timeout": String(Math.floor(leftMs * 1000)),
        ...(call.priority === undefined ? {} : { "bulwark-priority": String(call.priority) }),
      },
    });
    const id = readId(await send(make, call, false));
    sealed.set(id, request);
    return id;
  };

  const client: Client = {
    async infer(model, inputs, call = {}) {
      if (sealing === undefined) return inferPlain(model, inputs, call);
      const limit = clock.now() + (call.timeoutMs ?? timeoutMs);
      const id = await client.submit(model, inputs, call);
      try {
        const result = await client.result(id, { ...call, timeoutMs: limit - clock.now() });
        if (result !== undefined) return result;
        throw new BulwarkError("SERVING_DEADLINE", "The result was not there in time.", "allow more time");
      } finally {
        sealed.delete(id);
        await client.remove(id, { timeoutMs: 1_000 }).catch(() => {});
      }
    },

    // Not sent again when the connection breaks: it might be computed twice.
    async submit(model, inputs, call = {}) {
      const path = `${pathOf(model, call.version)}/requests`;
      if (sealing !== undefined) return submitSealed(sealRequest(sealing, { model, inputs, ...call }), path, call);
      return readId(
        await send((leftMs) => ({ method: "POST", path, ...writeBody(inputs, leftMs, call) }), call, false),
      );
    },

    async result(id, call = {}) {
      const limit = clock.now() + (call.timeoutMs ?? timeoutMs);
      const own = sealed.get(id);
      const accept = own === undefined ? (form === "binary" ? BINARY_TYPE : JSON_TYPE) : SEALED_TYPE;
      for (let leftMs = limit - clock.now(); leftMs > 0; leftMs = limit - clock.now()) {
        const wait = Math.min(LONGEST_WAIT_SECONDS, leftMs / 1000).toFixed(3);
        const path = `/v2/requests/${encodeURIComponent(id)}?wait=${wait}`;
        // The answer comes at the end of the wait, so it has a little longer.
        const reply = await send(() => ({ method: "GET", path, headers: { accept } }), {
          ...call,
          timeoutMs: leftMs + 2_000,
        });
        if (reply.status === 200) return own === undefined ? readReply(reply) : own.open(reply.body);
      }
      return undefined;
    },

    async remove(id, call = {}) {
      sealed.delete(id);
      await send(() => ({ method: "DELETE", path: `/v2/requests/${encodeURIComponent(id)}` }), call);
    },

    async describe(model, call = {}) {
      return (await client.ask(pathOf(model, call.version), call)) as { inputs: TensorInfo[]; outputs: TensorInfo[] };
    },

    async isReady(model, call = {}) {
      const path = model === undefined ? "/v2/health/ready" : `${pathOf(model)}/ready`;
      const { status } = await transport.send({
        method: "GET",
        path,
        timeoutMs: call.timeoutMs ?? timeoutMs,
        ...toSignal(call),
      });
      return status === 200;
    },

    async ask(path, call = {}) {
      const { method = "GET", body } = call;
      const content = body === undefined ? {} : { headers: { "content-type": JSON_TYPE }, body: JSON.stringify(body) };
      const reply = await send(() => ({ method, path, ...content }), call);
      return reply.body.length === 0 ? undefined : JSON.parse(String(reply.body));
    },

    close: transport.close,
  };
  return client;
}

const toSignal = ({ signal }: CallOptions) => (signal === undefined ? {} : { signal });

const pathOf = (model: string, version?: string): string =>
  `/v2/models/${encodeURIComponent(model)}${version === undefined ? "" : `/versions/${encodeURIComponent(version)}`}`;

function readReply({ headers, body }: Reply): InferResponse {
  const length = headers[HEADER_LENGTH];
  return readInferResponse(body, typeof length === "string" ? Number(length) : undefined, DEFAULT_LIMITS);
}

function readId({ body }: Reply): string {
  const { id } = JSON.parse(String(body)) as { id?: unknown };
  if (typeof id === "string") return id;
  throw new BulwarkError("SERVING_REQUEST", "The server answered with no id.", "look whether it is a Bulwark gateway");
}
