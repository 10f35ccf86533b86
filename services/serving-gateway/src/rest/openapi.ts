// SPDX-License-Identifier: Apache-2.0
import type { FastifyInstance } from "fastify";
import { SERVER } from "../identity.ts";
import { ARROW_TYPE, BINARY_TYPE } from "./body.ts";

type Operation = { method: "get" | "post" | "delete"; path: string; summary: string; body?: string; query?: string };

const OPERATIONS: readonly Operation[] = [
  { method: "get", path: "/v2", summary: "Name, version and extensions of the server" },
  { method: "get", path: "/v2/health/live", summary: "Whether the server runs" },
  { method: "get", path: "/v2/health/ready", summary: "Whether every model is ready" },
  { method: "get", path: "/v2/models/{model}", summary: "Inputs and outputs of a model" },
  { method: "get", path: "/v2/models/{model}/ready", summary: "Whether a model is ready" },
  {
    method: "post",
    path: "/v2/models/{model}/infer",
    summary: "Infer; parameters timeout, priority",
    body: "InferRequest",
  },
  { method: "get", path: "/v2/models/{model}/versions/{version}", summary: "Inputs and outputs of a version" },
  { method: "get", path: "/v2/models/{model}/versions/{version}/ready", summary: "Whether a version is ready" },
  { method: "post", path: "/v2/models/{model}/versions/{version}/infer", summary: "Infer", body: "InferRequest" },
  ...["/v2/models/{model}", "/v2/models/{model}/versions/{version}"].flatMap((path): Operation[] => [
    {
      method: "post",
      path: `${path}/generate`,
      summary: "Infer with inputs as fields; a model that streams gives all of its tokens",
      body: "GenerateRequest",
    },
    {
      method: "post",
      path: `${path}/generate_stream`,
      summary: "The same, with a server-sent event for each token",
      body: "GenerateRequest",
    },
  ]),
  {
    method: "post",
    path: "/v2/models/{model}/requests",
    summary: "Submit a request: 202 with its id and Location; parameters timeout, priority, webhook",
    body: "InferRequest",
  },
  {
    method: "post",
    path: "/v2/models/{model}/versions/{version}/requests",
    summary: "Submit a request to a version",
    body: "InferRequest",
  },
  {
    method: "get",
    path: "/v2/requests/{id}",
    summary: "Result of a submitted request: 200, or 202 while there is none; ?wait=SECONDS waits up to 60",
    query: "wait",
  },
  { method: "delete", path: "/v2/requests/{id}", summary: "Take a submitted request back, or remove its result" },
  { method: "get", path: "/v2/models/stats", summary: "Statistics of all models" },
  { method: "get", path: "/v2/models/{model}/stats", summary: "Statistics of a model" },
  { method: "post", path: "/v2/repository/index", summary: "Every version of every model, with its state" },
  {
    method: "post",
    path: "/v2/repository/models/{model}/load",
    summary: "Load a model, or what changed of it; for administrators where callers are known",
  },
  {
    method: "post",
    path: "/v2/repository/models/{model}/unload",
    summary: "Unload a model; for administrators where callers are known",
  },
  {
    method: "get",
    path: "/metrics",
    summary: "Metrics for Prometheus; with ?format=bigdl as the older server had them",
  },
  { method: "get", path: "/models", summary: "Older surface: all models" },
  { method: "get", path: "/models/{model}", summary: "Older surface: a model" },
  { method: "post", path: "/predict", summary: "Older surface: predict", body: "Instances" },
  {
    method: "post",
    path: "/models/{model}/versions/{version}/predict",
    summary: "Older surface: predict with a version",
    body: "Instances",
  },
  {
    method: "post",
    path: "/model-secure",
    summary: "Older surface: secrets of models that BigDL encrypted, where the server waits for them",
  },
];

const DATATYPES = "BOOL UINT8 UINT16 UINT32 UINT64 INT8 INT16 INT32 INT64 FP16 FP32 FP64 BYTES".split(" ");
const text = { type: "string" };
const list = (items: object): object => ({ type: "array", items });
const record = (properties: object, required: string[]): object => ({ type: "object", properties, required });

const SCHEMAS = {
  InferRequest: record(
    {
      id: text,
      parameters: { type: "object", additionalProperties: true },
      inputs: list(
        record(
          {
            name: text,
            datatype: { type: "string", enum: DATATYPES },
            shape: list({ type: "integer", minimum: 0 }),
            data: { type: "array", items: {}, description: "flat or nested, row-major" },
          },
          ["name", "datatype", "shape"],
        ),
      ),
      outputs: list(record({ name: text }, ["name"])),
    },
    ["inputs"],
  ),
  GenerateRequest: {
    type: "object",
    properties: { id: text, parameters: { type: "object", additionalProperties: true } },
    additionalProperties: { description: "an input of the model by its name; anything else is a parameter" },
  },
  Instances: record({ instances: list({ type: "object", additionalProperties: true }) }, ["instances"]),
  Error: record({ error: text, code: text, mend: text }, ["error"]),
};

const ref = (name: string): object => ({ "application/json": { schema: { $ref: `#/components/schemas/${name}` } } });
/** What a body may be beside JSON. */
const OTHER_FORMS: Readonly<Record<string, object>> = { InferRequest: { [BINARY_TYPE]: {}, [ARROW_TYPE]: {} } };

function toOperation({ path, summary, body, query }: Operation): object {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  return {
    summary,
    parameters: [
      ...names.map((name) => ({ name, in: "path", required: true, schema: text })),
      ...(query === undefined ? [] : [{ name: query, in: "query", required: false, schema: { type: "number" } }]),
    ],
    ...(body === undefined ? {} : { requestBody: { required: true, content: { ...ref(body), ...OTHER_FORMS[body] } } }),
    responses: { 200: { description: "Done" }, default: { description: "Refused or failed", content: ref("Error") } },
  };
}

/** The description of the HTTP surface (OpenAPI 3.1). */
export function describeApi(): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of OPERATIONS) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: toOperation(operation) };
  }
  return {
    openapi: "3.1.0",
    info: { title: "Bulwark serving", version: SERVER.version },
    paths,
    components: { schemas: SCHEMAS },
  };
}

/** `/openapi.json`, and `/docs`: the same to read, in one page that loads nothing from anywhere. */
export function addOpenApiRoutes(server: FastifyInstance): void {
  const api = describeApi();
  server.get("/openapi.json", () => api);
  server.get("/docs", (_request, reply) => {
    void reply
      .type("text/html; charset=utf-8")
      .header("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'")
      .send(PAGE);
  });
}

const row = ({ method, path, summary }: Operation): string =>
  `<tr><td><b>${method.toUpperCase()}</b></td><td><code>${path}</code></td><td>${summary}</td></tr>`;

const PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Bulwark serving</title>
<style>body{font:16px/1.5 system-ui;margin:2em auto;max-width:60em;padding:0 1em}td{padding:.2em 1em .2em 0}</style>
<h1>Bulwark serving</h1>
<p>Open Inference Protocol v2 and the older serving surface. The same for programs: <a href="/openapi.json">openapi.json</a>.</p>
<table>${OPERATIONS.map(row).join("\n")}</table>
<h2>Infer</h2>
<pre>curl -s localhost:10020/v2/models/NAME/infer \\
  -d '{"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 2], "data": [1.0, 2.0]}]}'</pre></html>
`;
