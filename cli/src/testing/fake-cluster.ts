// SPDX-License-Identifier: Apache-2.0
// An API server with the objects of a few jobs, which tests put there and take away. Real nodes do so in their own time.
import { writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { KubeObject, RESOURCES } from "@bulwark/kubernetes";
import { createTestContext, type TestContext } from "./context.ts";

type Plural = keyof typeof RESOURCES;
/** Of one namespace, or of all. */
type Watcher = { plural: string; within: string | undefined; response: ServerResponse };

/** What every object of a release carries. */
const labelsOf = (release: string): Record<string, string> => ({
  "app.kubernetes.io/part-of": "bulwark",
  "app.kubernetes.io/name": "spark-job",
  "app.kubernetes.io/instance": release,
});

/** What a path of Kubernetes means: objects of one namespace or of all, and one of them where it is named. */
function readPath(path: string): { within: string | undefined; plural: string; name: string | undefined } {
  const parts = path.split("/").slice(path.startsWith("/apis/") ? 4 : 3);
  const isWithin = parts[0] === "namespaces" && parts.length > 2;
  const [plural = "", name] = isWithin ? parts.slice(2) : parts;
  return { within: isWithin ? parts[1] : undefined, plural, name };
}

const isIn = ({ metadata }: KubeObject, within: string | undefined): boolean =>
  within === undefined || metadata.namespace === within;

const TURNS = 100;
const TURN_MS = 10;

/**
 * Waits until what was put or removed has come to everybody who follows: a few turns of the event loop, which they share
 * with the server. Many are waited for and not a time, in which a busy machine may have had none.
 */
export async function hear(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await delay(TURN_MS);
}

/** A server on loopback. It knows lists and watches of whole collections, and single objects; selectors it takes as met. */
export async function startFakeCluster(namespace = "runs") {
  const objects = new Map<string, Map<string, KubeObject>>();
  const watchers = new Set<Watcher>();
  let version = 1;
  const kept = (plural: string): Map<string, KubeObject> => {
    const found = objects.get(plural) ?? new Map<string, KubeObject>();
    objects.set(plural, found);
    return found;
  };
  const answer = (response: ServerResponse, status: number, body: unknown): void => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  };
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://fake");
    const { within, plural, name } = readPath(pathname);
    if (name !== undefined) {
      const found = kept(plural).get(name);
      answer(response, found === undefined ? 404 : 200, found ?? {});
    } else if (searchParams.has("watch")) {
      response.writeHead(200, { "content-type": "application/json" });
      response.flushHeaders();
      const watcher = { plural, within, response };
      watchers.add(watcher);
      response.once("close", () => watchers.delete(watcher));
    } else {
      const items = [...kept(plural).values()].filter((object) => isIn(object, within));
      answer(response, 200, { metadata: { resourceVersion: `${version}` }, items });
    }
  });
  const listen = (port: number): Promise<void> => new Promise((done) => server.listen(port, "127.0.0.1", () => done()));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const tell = (type: "ADDED" | "MODIFIED" | "DELETED", plural: string, object: KubeObject): void => {
    version += 1;
    const line = JSON.stringify({
      type,
      object: { ...object, metadata: { ...object.metadata, resourceVersion: `${version}` } },
    });
    for (const watcher of watchers) {
      if (watcher.plural === plural && isIn(object, watcher.within)) watcher.response.write(`${line}\n`);
    }
  };
  const stop = async (): Promise<void> => {
    const closed = new Promise((done) => server.close(done));
    server.closeAllConnections();
    await closed;
  };
  kept("namespaces").set(namespace, { metadata: { name: namespace } });
  return {
    namespace,
    /** Makes or changes an object of a release. */
    put(plural: Plural, release: string, { metadata, ...rest }: KubeObject): void {
      const labels = { ...labelsOf(release), ...metadata.labels };
      const object = { ...rest, metadata: { namespace, creationTimestamp: CREATED, ...metadata, labels } };
      const isThere = kept(plural).has(metadata.name);
      kept(plural).set(metadata.name, object);
      tell(isThere ? "MODIFIED" : "ADDED", plural, object);
    },
    remove(plural: Plural, name: string): void {
      const object = kept(plural).get(name);
      kept(plural).delete(name);
      if (object !== undefined) tell("DELETED", plural, object);
    },
    /** How many watches there are now. */
    watches: (): number => watchers.size,
    /** A context whose kubeconfig leads here. */
    makeContext(overrides: Partial<TestContext> = {}): TestContext {
      const { home } = createTestContext();
      const file = join(home, "kubeconfig");
      writeFileSync(
        file,
        JSON.stringify({
          "current-context": "fake",
          contexts: [{ name: "fake", context: { cluster: "fake", user: "fake", namespace } }],
          clusters: [{ name: "fake", cluster: { server: `http://127.0.0.1:${port}` } }],
          users: [{ name: "fake", user: {} }],
        }),
      );
      return createTestContext({ home, env: { HOME: home, KUBECONFIG: file }, ...overrides });
    },
    stop,
    start: (): Promise<void> => listen(port),
    async [Symbol.asyncDispose]() {
      if (server.listening) await stop();
    },
  };
}

const CREATED = "2026-03-01T12:00:00Z";

/** Such a server. */
export type FakeCluster = Awaited<ReturnType<typeof startFakeCluster>>;
