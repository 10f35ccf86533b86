// SPDX-License-Identifier: Apache-2.0

import { BulwarkError } from "@bulwark/contracts/errors";
import { traced } from "@bulwark/tracing";
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
} from "@grpc/grpc-js";
import { type Gateway, infer, toSchedule } from "../gateway.ts";
import { PLATFORM, SERVER } from "../identity.ts";
import { toProblem } from "../problem.ts";
import { toTriton } from "../rest/repository.ts";
import type { ServerTls } from "../rest/server.ts";
import { readRequest, writeResponse } from "./convert.ts";
import { createDoor, type Door, type Who } from "./door.ts";
import { codecOf, type WireRequest } from "./schema.ts";
import { nameUnknownMethods, toRefusal } from "./status.ts";

export type GrpcServer = { readonly address: string; close(): Promise<void> };

type Call = ServerUnaryCall<unknown, object>;
/** One method: names of its messages in the schema, who may call it, `callers` where nothing is said, and what it does. */
type Method = {
  who?: Who;
  request: string;
  response: string;
  run(gateway: Gateway, message: never, call: Call): object | Promise<object>;
};
type ModelName = { name: string; version: string };

const versionOf = (version: string): string | undefined => (version === "" ? undefined : version);

const METHODS: Readonly<Record<string, Method>> = {
  ServerLive: { who: "anyone", request: "Nothing", response: "ServerLiveResponse", run: () => ({ live: true }) },
  ServerReady: {
    who: "anyone",
    request: "Nothing",
    response: "ReadyResponse",
    run: ({ models }) => ({ ready: models.isReady() }),
  },
  ModelReady: {
    who: "anyone",
    request: "ModelRequest",
    response: "ReadyResponse",
    run: ({ models }, { name, version }: ModelName) => ({ ready: models.isReady(name, versionOf(version)) }),
  },
  ServerMetadata: { request: "Nothing", response: "ServerMetadataResponse", run: () => SERVER },
  ModelMetadata: {
    request: "ModelRequest",
    response: "ModelMetadataResponse",
    run({ models }, { name, version }: ModelName) {
      const { inputs, outputs } = models.describe(name, versionOf(version));
      const versions = models.list().flatMap((one) => (one.model === name ? [one.version] : []));
      return { name, versions, platform: PLATFORM, inputs, outputs };
    },
  },
  ModelInfer: { request: "ModelInferRequest", response: "ModelInferResponse", run: inferOne },
  ModelStatistics: {
    request: "ModelRequest",
    response: "ModelStatisticsResponse",
    run: ({ models }, { name, version }: ModelName) => ({
      model_stats: models.statistics(name === "" ? undefined : name, versionOf(version)).map(toTriton),
    }),
  },
  RepositoryIndex: {
    request: "RepositoryIndexRequest",
    response: "RepositoryIndexResponse",
    run: ({ models }, { ready }: { ready: boolean }) => ({
      models: models
        .list()
        .filter(({ state }) => !ready || state === "READY")
        .map(({ model, version, state, reason = "" }) => ({ name: model, version, state, reason })),
    }),
  },
  RepositoryModelLoad: {
    who: "admin",
    request: "RepositoryModelRequest",
    response: "Nothing",
    run: async ({ models }, { model_name }: { model_name: string }) => {
      await models.load(model_name);
      return {};
    },
  },
  RepositoryModelUnload: {
    who: "admin",
    request: "RepositoryModelRequest",
    response: "Nothing",
    run: async ({ models }, { model_name }: { model_name: string }) => {
      await models.unload(model_name);
      return {};
    },
  },
};

const SERVICE = "/inference.GRPCInferenceService/";

const METHOD_OF: ReadonlyMap<string, Method> = new Map(
  Object.entries(METHODS).map(([name, method]) => [`${SERVICE}${name}`, method]),
);

/** Who may call what is at a path; nothing where there is no method. */
function findWho(path: string): Who | undefined {
  const method = METHOD_OF.get(path);
  return method === undefined ? undefined : (method.who ?? "callers");
}

async function inferOne(gateway: Gateway, wire: WireRequest, call: Call): Promise<object> {
  const { config, metrics, timers, now } = gateway;
  const startedAt = now();
  const model = wire.model_name;
  try {
    const asked = timers.time("activity.make", () => readRequest(wire, config.tensorLimits));
    const { deadline, priority } = toSchedule(gateway, asked.parameters);
    const inference = await infer(gateway, {
      model,
      version: versionOf(wire.model_version),
      inputs: asked.inputs,
      outputs: asked.outputs?.map(({ name }) => name),
      priority,
      deadline: Math.min(deadline, Number(call.getDeadline())),
      isGone: () => call.cancelled,
    });
    const answer = timers.time("response.handling", () =>
      writeResponse({ ...inference, id: asked.id }, asked.prefersBinary),
    );
    metrics.done({ model, version: inference.version, protocol: "oip-grpc", startedAt });
    return answer;
  } catch (error) {
    metrics.failed(model, toProblem(error).code);
    throw error;
  }
}

/** Stands for a message that is none: the library would call that an error of ours. */
const UNREADABLE = Symbol("unreadable");

function decodeOr<Other>(other: Other, decode: () => unknown): unknown {
  try {
    return decode();
  } catch {
    return other;
  }
}

/** Starts the service. Throws what the operating system says of the address. */
export async function startGrpcServer(
  gateway: Gateway,
  { address, tls }: { address: string; tls: ServerTls | undefined },
): Promise<GrpcServer> {
  const limit = gateway.config.bodyBytes;
  const door = createDoor(gateway, findWho);
  const server = new Server({
    ...{ "grpc.max_receive_message_length": limit, "grpc.max_send_message_length": -1 },
    "grpc.max_concurrent_streams": gateway.config.maxInFlight,
    interceptors: [door.intercept],
  });
  const definition: Record<string, ServiceDefinition[string]> = {};
  const handlers: Record<string, handleUnaryCall<unknown, object>> = {};
  for (const [name, method] of Object.entries(METHODS)) {
    const [request, response] = [codecOf(method.request), codecOf(method.response)];
    definition[name] = {
      path: `${SERVICE}${name}`,
      requestStream: false,
      responseStream: false,
      requestSerialize: request.encode,
      requestDeserialize: (bytes) => decodeOr(UNREADABLE, () => request.decode(bytes)),
      responseSerialize: response.encode,
      responseDeserialize: response.decode,
    };
    handlers[name] = toHandler(gateway, door, { name, ...method });
  }
  server.addService(definition, handlers);
  nameUnknownMethods(server);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, toCredentials(tls), (error, bound) => (error === null ? resolve(bound) : reject(error)));
  });
  return {
    address: address.replace(/:\d+$/, `:${port}`),
    async close() {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => server.forceShutdown(), 1_000);
        server.tryShutdown(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    },
  };
}

function toHandler(
  gateway: Gateway,
  door: Door,
  { name, who, run }: Method & { name: string },
): handleUnaryCall<unknown, object> {
  return (call, callback) => {
    const visit = door.take(call.metadata);
    const work = async (): Promise<object> => {
      try {
        if (call.request === UNREADABLE) {
          throw new BulwarkError("SERVING_REQUEST", "The message cannot be read", "send the message of this method");
        }
        return await run(gateway, call.request as never, call);
      } finally {
        if (visit !== undefined) gateway.clients.leave(visit);
      }
    };
    const { tracing } = gateway;
    const [parent] = call.metadata.get("traceparent");
    const answer =
      tracing === undefined || who === "anyone"
        ? work()
        : traced(
            tracing.begin(`${SERVICE.slice(1)}${name}`, "server", parent?.toString()),
            { "rpc.system": "grpc" },
            work,
          );
    answer.then(
      (message) => callback(null, message),
      (error) => callback(toRefusal(toProblem(error, gateway.retryAfter))),
    );
  };
}

function toCredentials(tls: ServerTls | undefined): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const pair = { private_key: tls.key, cert_chain: tls.cert };
  return ServerCredentials.createSsl(tls.ca, [pair], tls.mustShowCertificate);
}
