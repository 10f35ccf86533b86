// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Versions } from "../../versions.ts";
import { versions } from "../../versions.ts";

/** What the server does with one request for the file. */
export type Behaviour =
  | { kind: "whole" }
  | { kind: "cut"; after: number }
  | { kind: "hang"; after: number }
  | { kind: "wrong" }
  | { kind: "endless" }
  | { kind: "no-range" }
  | { kind: "status"; status: number };

export type FakeIndex = {
  url: string;
  /** One entry per request for the file: first byte asked for, bytes sent. */
  requests: { from: number; sent: number }[];
  pages: number;
  /** Behaviour of the next requests for the file, in order; after them everything works. */
  script: Behaviour[];
  /** Form of the project's page. */
  form: "json" | "html";
  authorization: string | undefined;
  /** Resolves when the file was asked for this often. */
  waitForRequest(count: number): Promise<void>;
  close(): Promise<void>;
};

/** Makes a source archive laid out like the real one, with jars of random bytes, and the pins that fit it. */
export function makeArchive(folder: string, jarBytes: number): { content: Buffer; pins: Versions } {
  const name = "pyspark-4.3.0";
  const source = join(folder, name);
  const files: Record<string, Buffer | string> = {
    "pyspark/__init__.py": "origin = 'fake'\n",
    "pyspark/python/pyspark/shell.py": "",
    "deps/jars/spark-core_2.13-4.3.0.jar": randomBytes(jarBytes),
    "deps/jars/a-library.jar": "library",
    "deps/bin/spark-class": "#!/bin/sh\n",
    "deps/sbin/start-history-server.sh": "",
    "deps/data/data.txt": "",
    "deps/licenses/LICENSE": "",
    "deps/examples/pi.py": "",
    "lib/pyspark.zip": "",
  };
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(source, path, ".."), { recursive: true });
    writeFileSync(join(source, path), content);
  }
  execFileSync("tar", ["-czf", `${source}.tar.gz`, "-C", folder, name]);
  const content = readFileSync(`${source}.tar.gz`);
  const sha256 = createHash("sha256").update(content).digest("hex");
  const spark = { ...versions.spark, bytes: content.length, sha256, installedBytes: 1_000_000 };
  return { content, pins: { ...versions, spark } };
}

/** Serves the archive as a package index on a port of the system's choice, with the faults of its script. */
export async function startFakeIndex(content: Buffer, file: string): Promise<FakeIndex> {
  const waiting: { count: number; resolve: () => void }[] = [];
  const server = createServer((request, response) => {
    index.authorization = request.headers.authorization;
    if (request.url === "/simple/pyspark/") return sendPage(response);
    if (request.url === "/moved") return response.writeHead(302, { location: `/files/${file}` }).end();
    if (request.url === `/files/${file}`) return sendFile(request, response);
    return response.writeHead(404).end();
  });
  const sendPage = (response: ServerResponse) => {
    index.pages += 1;
    if (index.form === "html") {
      response.writeHead(200, { "content-type": "text/html" });
      return response.end(`<html><a href="../../other">other</a> <a href="../../moved#sha256=0">${file}</a></html>`);
    }
    response.writeHead(200, { "content-type": "application/vnd.pypi.simple.v1+json" });
    return response.end(JSON.stringify({ files: [{ filename: file, url: `../../files/${file}` }] }));
  };
  const sendFile = (request: IncomingMessage, response: ServerResponse) => {
    const behaviour = index.script.shift() ?? { kind: "whole" };
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const entry = { from, sent: 0 };
    index.requests.push(entry);
    for (const one of waiting.filter(({ count }) => index.requests.length >= count)) one.resolve();
    respond(behaviour, content, from, response, entry);
  };
  const index: FakeIndex = {
    url: "",
    requests: [],
    pages: 0,
    script: [],
    form: "json",
    authorization: undefined,
    waitForRequest: (count) =>
      new Promise((resolve) => {
        if (index.requests.length >= count) resolve();
        else waiting.push({ count, resolve });
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  index.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/simple`;
  return index;
}

function respond(
  behaviour: Behaviour,
  content: Buffer,
  from: number,
  response: ServerResponse,
  entry: { sent: number },
): void {
  if (behaviour.kind === "status") {
    response.writeHead(behaviour.status).end();
    return;
  }
  const whole = behaviour.kind === "no-range" || from === 0;
  const start = whole ? 0 : from;
  const body = behaviour.kind === "wrong" ? Buffer.alloc(content.length - start) : content.subarray(start);
  const range = { "content-range": `bytes ${start}-${content.length - 1}/${content.length}` };
  const length = behaviour.kind === "endless" ? {} : { "content-length": body.length };
  response.writeHead(whole ? 200 : 206, { ...length, ...(whole ? {} : range) });
  const limit = "after" in behaviour ? behaviour.after : body.length;
  entry.sent = Math.min(limit, body.length);
  response.write(body.subarray(0, limit), () => {
    if (behaviour.kind === "cut") response.destroy();
  });
  if (behaviour.kind === "endless") response.end(Buffer.alloc(content.length));
  else if (behaviour.kind !== "cut" && behaviour.kind !== "hang") response.end();
}
