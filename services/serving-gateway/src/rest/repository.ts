// SPDX-License-Identifier: Apache-2.0
import type { VersionStatistics } from "@bulwark/inference";
import type { FastifyInstance } from "fastify";
import type { Gateway } from "../gateway.ts";
import { guard } from "./door.ts";
import { param } from "./request.ts";

/** Model repository and statistics (triton-inference-server/server, extension_model_repository.md, extension_statistics.md). */
export function addRepositoryRoutes(server: FastifyInstance, gateway: Gateway): void {
  const { models } = gateway;
  server.post(
    "/v2/repository/index",
    guard(gateway, (request) => {
      const isReadyOnly = /"ready"\s*:\s*true/.test(String(request.body ?? ""));
      return models
        .list()
        .filter(({ state }) => !isReadyOnly || state === "READY")
        .map(({ model, version, state, reason = "" }) => ({ name: model, version, state, reason }));
    }),
  );
  const change = (verb: "load" | "unload"): void => {
    server.post(
      `/v2/repository/models/:model/${verb}`,
      guard(
        gateway,
        async (request) => {
          await models[verb](param(request, "model") ?? "");
          return {};
        },
        "admin",
      ),
    );
  };
  change("load");
  change("unload");
  for (const path of ["/v2/models/stats", "/v2/models/:model/stats", "/v2/models/:model/versions/:version/stats"]) {
    server.get(
      path,
      guard(gateway, (request) => ({
        model_stats: models.statistics(param(request, "model"), param(request, "version")).map(toTriton),
      })),
    );
  }
}

/** Triton counts in nanoseconds. */
const duration = (count: number, us: number): object => ({ count, ns: us * 1000 });

/** Statistics of one version as Triton names them, over HTTP and gRPC. */
export function toTriton(one: VersionStatistics): object {
  const { model, version, requests, failures, rows, executions, totalUs, queueUs, computeUs, lastInference } = one;
  return {
    name: model,
    version,
    last_inference: Math.round(lastInference),
    inference_count: rows,
    execution_count: Math.round(executions),
    inference_stats: {
      success: duration(requests, totalUs),
      fail: duration(failures, 0),
      queue: duration(requests, queueUs),
      compute_input: duration(requests, 0),
      compute_infer: duration(requests, computeUs),
      compute_output: duration(requests, 0),
    },
  };
}
