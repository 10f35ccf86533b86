// SPDX-License-Identifier: Apache-2.0
// A collector of OpenTelemetry, and what it was told (OTLP over HTTP, JSON).
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { until } from "./stack.ts";

type Attribute = { key: string; value: { stringValue?: string; intValue?: number | string } };
type Told = {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  attributes: Attribute[];
  status: { code?: number; message?: string };
};
type Body = {
  resourceSpans: { resource: { attributes: Attribute[] }; scopeSpans: { spans: Told[] }[] }[];
};

/** A step, and whose it is. */
export type Step = Told & { service: unknown };

export type Collector = {
  endpoint: string;
  steps(): Step[];
  /** The steps of a trace by their names, once all of them were told. */
  awaitSteps(trace: string, names: readonly string[]): Promise<Step[]>;
  /** Whether anything that it was told has this in it. */
  heard(text: string): boolean;
  close(): void;
};

/** Kinds of steps, and the status of one that failed, by their numbers. */
export const [SERVER, CONSUMER, FAILED] = [2, 5, 2];

export const readAttribute = (attributes: readonly Attribute[], name: string) => {
  const value = attributes.find(({ key }) => key === name)?.value;
  return value?.stringValue ?? (value?.intValue === undefined ? undefined : Number(value.intValue));
};

export async function startCollector(): Promise<Collector> {
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    bodies.push(await text(request));
    response.setHeader("content-type", "application/json").end("{}");
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const steps = (): Step[] =>
    bodies.flatMap((body) =>
      (JSON.parse(body) as Body).resourceSpans.flatMap(({ resource, scopeSpans }) =>
        scopeSpans.flatMap(({ spans }) =>
          spans.map((span) => ({ ...span, service: readAttribute(resource.attributes, "service.name") })),
        ),
      ),
    );
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    steps,
    async awaitSteps(trace, names) {
      const ofTrace = () => steps().filter(({ traceId }) => traceId === trace);
      await until(() => names.every((name) => ofTrace().some((step) => step.name === name)));
      return names.map((name) => ofTrace().find((step) => step.name === name) ?? assert.fail(name));
    },
    heard: (wanted) => bodies.some((body) => body.includes(wanted)),
    close: () => void server.close(),
  };
}
