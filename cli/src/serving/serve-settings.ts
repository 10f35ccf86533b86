// SPDX-License-Identifier: Apache-2.0
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { BulwarkError } from "@bulwark/contracts/errors";
import { MODEL_NAME, MODEL_VERSION } from "@bulwark/inference/model-files";
import type { Keys } from "@bulwark/pki";
import { type Document, isMap, parseDocument } from "yaml";
import { checkSettings, checkTogether } from "./check-serve.ts";
import { readOlderSettings } from "./older-settings.ts";
import { findOnlyModel, type PlacedModel } from "./place-models.ts";
import { type QueueSettings, readQueueSettings } from "./queue-settings.ts";
import { resolvePaths } from "./resolve-paths.ts";

export type Flags = Readonly<Record<string, unknown>>;
/** The gateway's settings, and beside them those of the queue. */
export type ServeSettings = Readonly<Record<string, unknown>> & {
  /** A folder `NAME/VERSION/model.onnx` or a file; or models at several places. */
  readonly models: string | readonly PlacedModel[];
  readonly queue?: QueueSettings;
};

/**
 * The settings from a file and flags, flags first. The file has the gateway's own keys and `queue`, or is an older
 * one. Throws SERVING_CONFIG, USAGE.
 */
export async function readServeSettings(
  cwd: string,
  { models, flags }: { models: string | undefined; flags: Flags },
): Promise<ServeSettings> {
  const path = typeof flags.settings === "string" ? resolve(cwd, flags.settings) : undefined;
  const fromFile = path === undefined ? {} : await readSettingsFile(path);
  const named = models === undefined ? fromFile.models : resolve(cwd, models);
  if (named === "" || (typeof named !== "string" && !isPlaced(named))) {
    throw new BulwarkError(
      "USAGE",
      "No model was named.",
      "bulwark serve MODEL.onnx, or a folder NAME/VERSION/model.onnx",
    );
  }
  const settings = {
    ...fromFile,
    ...(flags.dialect === undefined ? {} : { older: { ...Object(fromFile.older), dialect: flags.dialect } }),
    ...(flags.name === undefined ? {} : { modelName: flags.name }),
    ...(flags.tokens === undefined ? {} : { tokensFile: resolve(cwd, String(flags.tokens)) }),
    ...(flags.clientCertificates === true ? { clientCertificates: true } : {}),
    models: typeof named === "string" ? await findOnlyModel(named) : named,
  };
  checkTogether({ ...flags, ...settings });
  return settings;
}

const isPlaced = (models: unknown): models is readonly PlacedModel[] => Array.isArray(models) && models.every(isPlace);

const isPlace = (given: unknown): given is PlacedModel => {
  const { model, version, path } = Object(given) as Partial<Record<keyof PlacedModel, unknown>>;
  return typeof path === "string" && MODEL_NAME.test(String(model)) && MODEL_VERSION.test(String(version));
};

async function readSettingsFile(path: string): Promise<Record<string, unknown> & { queue?: QueueSettings }> {
  const text = await readFile(path, "utf8").catch((cause) => {
    throw new BulwarkError("SERVING_CONFIG", `${path} cannot be read.`, "name a settings file", { cause });
  });
  const document = parseDocument(text);
  if (document.errors.length > 0) {
    throw new BulwarkError("SERVING_CONFIG", `${path} is no YAML.`, "mend it", { cause: document.errors[0] });
  }
  if (!isMap(document.contents)) {
    throw new BulwarkError("SERVING_CONFIG", `${path} holds no settings.`, "write NAME: VALUE lines");
  }
  const { queue, ...settings } = resolvePaths(unfold(document), dirname(path));
  checkSettings(settings, path);
  return { ...settings, ...(queue === undefined ? {} : { queue: readQueueSettings(queue) }) };
}

const USUAL_DRAIN_MS = 20_000;
const END_MS = 5_000;

/** How long a gateway with these settings may take to end: it goes on taking requests, ends those under way, and itself. */
export function toGraceMs({ leaveMs = 0, drainMs = USUAL_DRAIN_MS }: Flags): number {
  return Number(leaveMs) + Number(drainMs) + END_MS;
}

/** An older file's settings, to which `queue` may have been added, or the gateway's own. Throws SERVING_CONFIG, for aliases that unfold without end, too. */
function unfold(document: Document): Record<string, unknown> {
  try {
    const older = readOlderSettings(document);
    if (older === undefined) return document.toJS();
    if (!document.has("queue")) return older;
    const { queue } = document.toJS();
    return { ...older, queue: isMap(document.get("queue")) ? { ...Object(older.queue), ...queue } : queue };
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    throw new BulwarkError("SERVING_CONFIG", "Its aliases unfold to too much.", "write out what they mean", {
      cause: error,
    });
  }
}

/** Addresses, certificate and keys of the gateway, from flags, what the settings say in their place, and our own keys. */
export function listenSettings(flags: Flags, keys: Keys | undefined): Record<string, unknown> {
  const port = (name: string): number | undefined => {
    const value = flags[name];
    return value === false ? undefined : Number(value);
  };
  const [httpPort, httpsPort, grpcPort] = [port("httpPort"), port("httpsPort"), port("grpcPort")];
  const isLoopback = flags.host === "127.0.0.1";
  return {
    host: flags.host,
    ...(httpPort === undefined || !isLoopback ? {} : { httpPort }),
    ...(grpcPort === undefined ? {} : { grpcPort }),
    ...(keys === undefined
      ? {}
      : {
          ...(httpsPort === undefined ? {} : { httpsPort }),
          tls: {
            certificate: keys.files.server.certificate,
            privateKey: keys.files.server.privateKey,
            caBundle: keys.files.server.caBundle,
          },
          keyringFile: keys.files.keyring,
        }),
  };
}
