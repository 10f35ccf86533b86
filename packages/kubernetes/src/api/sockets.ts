// SPDX-License-Identifier: Apache-2.0
import type { Duplex } from "node:stream";
import { BulwarkError } from "@bulwark/contracts/errors";
import { createWebSocketStream, WebSocket } from "ws";
import type { Connection } from "./connection.ts";
import { type ApiStatus, toApiError, toConnectionError } from "./errors.ts";
import { pathOf, RESOURCES } from "./resources.ts";

// Both protocols put a channel number before each message (remotecommand v4, port forwarding over WebSocket).
const PROTOCOL = "v4.channel.k8s.io";
const OUTPUT = 1;
const ERRORS = 2;
const STATUS = 3;
const HIGH_WATER = 1024 * 1024;

type Place = { namespace: string; pod: string };

/**
 * Opens a WebSocket to a subresource of a pod, paused: what the server sends together with its answer would otherwise be
 * told before anybody listens. Throws what the server says when it does not want to.
 */
async function open(
  connection: Connection,
  { namespace, pod }: Place,
  sub: "exec" | "portforward",
  query: readonly (readonly [string, string])[],
): Promise<WebSocket> {
  const { headers, agent } = await connection.secure();
  const { server } = connection.access;
  const url = new URL(`${server.pathname.replace(/\/$/, "")}${pathOf(RESOURCES.pods, namespace, pod, sub)}`, server);
  url.protocol = server.protocol === "http:" ? "ws:" : "wss:";
  for (const [name, value] of query) url.searchParams.append(name, value);
  const socket = new WebSocket(url, PROTOCOL, {
    headers,
    ...(agent === undefined ? {} : { agent }),
    perMessageDeflate: false,
  });
  const what = sub === "exec" ? `run a command in ${pod}` : `forward a port of ${pod}`;
  await new Promise<void>((resolve, reject) => {
    socket.once("open", () => {
      socket.pause();
      resolve();
    });
    socket.once("error", (cause) => reject(toConnectionError(cause, server)));
    socket.once("unexpected-response", (_request, answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.once("end", () =>
        reject(toApiError(answer.statusCode ?? 500, parseStatus(Buffer.concat(chunks)), `Cannot ${what}`)),
      );
    });
  });
  return socket;
}

/**
 * Runs a command in a container and hands on what it prints on its standard output.
 *
 * @param write takes bytes; its promise holds the sender back
 * @returns exit code of the command, and what it said on its standard error
 */
export async function runInPod(
  connection: Connection,
  place: Place & { container: string; command: readonly string[]; signal: AbortSignal },
  write: (bytes: Buffer) => Promise<void>,
): Promise<{ exitCode: number; errors: string }> {
  const query = [
    ...place.command.map((word): [string, string] => ["command", word]),
    ["container", place.container] as const,
    ["stdout", "true"] as const,
    ["stderr", "true"] as const,
  ];
  const socket = await open(connection, place, "exec", query);
  const stop = (): void => socket.terminate();
  place.signal.addEventListener("abort", stop, { once: true });
  const errors: Buffer[] = [];
  let status: ExecStatus | undefined;
  try {
    for await (const message of createWebSocketStream(socket, {
      readableHighWaterMark: HIGH_WATER,
      readableObjectMode: true,
    })) {
      const bytes = message as Buffer;
      const content = bytes.subarray(1);
      if (bytes[0] === OUTPUT && content.length > 0) await write(content);
      if (bytes[0] === ERRORS) errors.push(content);
      if (bytes[0] === STATUS) status = JSON.parse(content.toString("utf8")) as ExecStatus;
    }
  } finally {
    place.signal.removeEventListener("abort", stop);
    socket.terminate();
  }
  place.signal.throwIfAborted();
  if (status === undefined) {
    throw new BulwarkError("CLUSTER_UNREACHABLE", `The connection into ${place.pod} was cut.`, "try again");
  }
  return { exitCode: toExit(status), errors: Buffer.concat(errors).toString("utf8") };
}

type ExecStatus = ApiStatus & { status?: string };

function toExit({ status, details }: ExecStatus): number {
  if (status === "Success") return 0;
  const cause = details?.causes?.find(({ reason }) => reason === "ExitCode");
  return Number(cause?.message ?? 1);
}

/** Joins a local connection to a port of a pod; returns when either side ends. */
export async function forwardPort(
  connection: Connection,
  place: Place & { port: number; signal: AbortSignal },
  local: Duplex,
): Promise<void> {
  const socket = await open(connection, place, "portforward", [["ports", String(place.port)]]);
  // The server begins each of the two channels with the number of the port.
  const greeted = new Set<number>();
  const end = new Promise<void>((resolve, reject) => {
    socket.on("message", (data: Buffer) => {
      const channel = data[0] ?? 0;
      const content = data.subarray(greeted.has(channel) ? 1 : 3);
      greeted.add(channel);
      if (content.length === 0) return;
      if (channel === 0) {
        if (!local.write(content)) {
          socket.pause();
          local.once("drain", () => socket.resume());
        }
      } else
        reject(new BulwarkError("UI_UNAVAILABLE", content.toString("utf8").trim().slice(0, 300), "bulwark status"));
    });
    local.on("data", (bytes: Buffer) => {
      local.pause();
      socket.send(Buffer.concat([Buffer.from([0]), bytes]), () => local.resume());
    });
    for (const event of ["close", "error"] as const) {
      socket.once(event, () => resolve());
      local.once(event, () => resolve());
    }
    place.signal.addEventListener("abort", () => resolve(), { once: true });
    socket.resume();
  });
  try {
    await end;
  } finally {
    socket.terminate();
    local.destroy();
  }
}

function parseStatus(content: Buffer): ApiStatus {
  try {
    return JSON.parse(content.toString("utf8")) as ApiStatus;
  } catch {
    return { message: content.toString("utf8").slice(0, 300) };
  }
}
