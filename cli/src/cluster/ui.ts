// SPDX-License-Identifier: Apache-2.0
import { createHmac } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { BulwarkError } from "@bulwark/contracts/errors";
import { isEnded, type JobStatus, namesOf, RESOURCES, type Secret } from "@bulwark/kubernetes";
import { findObject, forwardPort } from "@bulwark/kubernetes/api";
import type { Context, OutputFormat, Result } from "../command.ts";
import { announceUi } from "../output/ui-page.ts";
import { copyOut, receive } from "./copy.ts";
import { type Cluster, openCluster } from "./open.ts";
import { readRelease } from "./read-release.ts";
import { EVENT_LOG_FOLDER } from "./reader-pod.ts";
import { STORE_COPY, storeOf, withStoreCopy } from "./store-reader.ts";

/** Port of the UI in the driver's pod: TLS. */
const UI_PORT = 4440;

/**
 * `bulwark ui NAME` in a cluster: the living UI through a port of this machine until Ctrl-C, or the history of an ended
 * job from its event log.
 */
export async function openUi(
  context: Context,
  name: string,
  flags: Readonly<Record<string, unknown>>,
): Promise<Result> {
  const cluster = await openCluster(context, flags);
  try {
    const { status } = await readRelease(cluster, name);
    const { driver, planned } = status;
    if (driver?.state === "running" && planned.ui === false) throw noUi(status);
    if (driver?.state === "running") await serveLive(context, cluster, status, flags);
    else if (isEnded(status) || planned.eventLog !== undefined) await serveHistoryOf(context, cluster, status, flags);
    else
      throw new BulwarkError(
        "UI_UNAVAILABLE",
        `${name} is ${status.state}; its driver does not run yet.`,
        `bulwark status ${name} -n ${cluster.namespace} --watch`,
      );
    return {};
  } finally {
    cluster.connection.close();
  }
}

const noUi = ({ name, namespace }: JobStatus): BulwarkError =>
  new BulwarkError(
    "UI_UNAVAILABLE",
    `${name} runs without a UI (ui.enabled: false in its job file).`,
    `see how it goes: bulwark status ${name} -n ${namespace} --watch`,
  );

async function serveLive(
  context: Context,
  cluster: Cluster,
  { name, namespace, driver }: JobStatus,
  flags: Readonly<Record<string, unknown>>,
): Promise<void> {
  const token = await readToken(cluster, name);
  const { connection } = cluster;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    const place = { namespace, pod: driver?.pod ?? "", port: UI_PORT, signal: context.signal };
    forwardPort(connection, place, socket).catch((error: Error) => {
      context.progress.warn(error.message);
      socket.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    // Loopback alone: whoever else is on the network shall not come in through this machine.
    server.listen(Number(flags.port ?? 0), "127.0.0.1", resolve);
  }).catch((cause) => {
    throw new BulwarkError(
      "UI_UNAVAILABLE",
      `Port ${String(flags.port)} of this machine cannot be used.`,
      "choose another: --port 0",
      { cause },
    );
  });
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const page = join(dirname(context.paths.runs), "ui", `${namespace}-${name}.html`);
  try {
    await mkdir(dirname(page), { recursive: true, mode: 0o700 });
    await announceUi(context, { of: { namespace, name }, page, url, token }, flags.output as OutputFormat);
    context.progress.note("Ctrl-C ends the connection.");
    await new Promise<void>((resolve) => context.signal.addEventListener("abort", () => resolve(), { once: true }));
  } finally {
    server.close();
    for (const socket of sockets) socket.destroy();
    await rm(page, { force: true });
  }
}

/** The UI's token is made from the application secret, so whoever may read that may open the UI. */
async function readToken({ connection, namespace }: Cluster, release: string): Promise<string> {
  const name = namesOf(release).applicationSecret;
  const secret = await findObject<Secret>(connection, RESOURCES.secrets, { namespace, name });
  const value = secret?.data?.secret;
  if (value === undefined) {
    const message = `Secret ${name} with the application secret is not there, so the UI's token cannot be made.`;
    throw new BulwarkError(
      "UI_UNAVAILABLE",
      message,
      `kubectl port-forward pod/DRIVER ${UI_PORT} -n ${namespace}, with the token of your own Secret`,
    );
  }
  return createHmac("sha256", Buffer.from(value, "base64")).update("bulwark ui").digest("hex");
}

/** Fetches the event log of the claim or store and shows it with the history server of this machine. */
async function serveHistoryOf(
  context: Context,
  cluster: Cluster,
  status: JobStatus,
  flags: Readonly<Record<string, unknown>>,
): Promise<void> {
  const fetch = fetcherOf(status);
  const id = `${status.namespace}-${status.name}-history`;
  const run = join(context.paths.runs, id);
  await rm(run, { recursive: true, force: true });
  await mkdir(join(run, "logs"), { recursive: true, mode: 0o700 });
  try {
    await fetch(context, cluster, join(run, "eventlog"));
    const { serveHistory } = await import("../runs/history.ts");
    const of = { namespace: status.namespace, name: status.name };
    await serveHistory(context, { id }, (url, token) =>
      announceUi(context, { of, page: join(run, "ui.html"), url, token }, flags.output as OutputFormat),
    );
  } finally {
    await rm(run, { recursive: true, force: true });
  }
}

type Fetch = (context: Context, cluster: Cluster, to: string) => Promise<unknown>;

/** How the event log of a job gets to this machine. */
function fetcherOf(status: JobStatus): Fetch {
  const { eventLog: where, eventLogClaim: claim } = status.planned;
  if (storeOf(status) !== undefined) {
    const from = { path: STORE_COPY, folder: STORE_COPY };
    return (context, cluster, to) =>
      withStoreCopy(context, cluster, { status, what: "events" }, (place) =>
        receive(context, cluster, place, { ...from, to }),
      );
  }
  const [, folder] = /^file:\/\/\/var\/bulwark\/eventlog\/?(.*)$/.exec(where ?? "") ?? [];
  if (folder === undefined || claim === undefined) {
    const message =
      where === undefined
        ? `${status.name} kept no event log, so there is no history.`
        : `The event log of ${status.name} is in ${where}, which this machine cannot read.`;
    throw new BulwarkError(
      "UI_UNAVAILABLE",
      message,
      "keep event logs on a claim or in a store: eventLog in the job file",
    );
  }
  const source = { claim, folder: EVENT_LOG_FOLDER };
  return (context, cluster, to) =>
    copyOut(context, cluster, status, { path: folder === "" ? "." : folder, to, source });
}
