// SPDX-License-Identifier: Apache-2.0
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { BulwarkError } from "@bulwark/contracts/errors";
import type { Keys } from "@bulwark/pki";
import { parse } from "yaml";

export type Flags = Readonly<Record<string, unknown>>;
export type ServeSettings = Readonly<Record<string, unknown>> & { models: string };

/** Keys of the older `config.yaml`, in small letters, that mean something here; the others are left alone, as there. */
const OLDER_KEYS = ["modelpath", "postprocessing", "imageresize", "modelparallelism", "jobname"] as const;

/**
 * The gateway's settings from a file and flags, flags first. The file has the gateway's own keys, or is the older
 * `config.yaml`. Throws SERVING_CONFIG, USAGE.
 */
export async function readServeSettings(
  cwd: string,
  { models, flags }: { models: string | undefined; flags: Flags },
): Promise<ServeSettings> {
  const path = typeof flags.settings === "string" ? resolve(cwd, flags.settings) : undefined;
  const fromFile = path === undefined ? {} : await readSettingsFile(path);
  const named = models === undefined ? fromFile.models : resolve(cwd, models);
  if (typeof named !== "string") {
    throw new BulwarkError(
      "USAGE",
      "No model was named.",
      "bulwark serve MODEL.onnx, or a folder NAME/VERSION/model.onnx",
    );
  }
  const older = {
    ...(fromFile.older as object | undefined),
    ...(flags.dialect === undefined ? {} : { dialect: flags.dialect }),
  };
  return {
    ...fromFile,
    ...(Object.keys(older).length === 0 ? {} : { older }),
    ...(flags.name === undefined ? {} : { modelName: flags.name }),
    ...(flags.tokens === undefined ? {} : { tokensFile: resolve(cwd, String(flags.tokens)) }),
    ...(flags.clientCertificates === true ? { clientCertificates: true } : {}),
    models: named,
  };
}

async function readSettingsFile(path: string): Promise<Record<string, unknown>> {
  const text = await readFile(path, "utf8").catch((cause) => {
    throw new BulwarkError("SERVING_CONFIG", `${path} cannot be read.`, "name a settings file", { cause });
  });
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    throw new BulwarkError("SERVING_CONFIG", `${path} is no YAML.`, "mend it", { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new BulwarkError("SERVING_CONFIG", `${path} holds no settings.`, "write NAME: VALUE lines");
  }
  const given = value as Record<string, unknown>;
  const isOlder = Object.keys(given).some((key) => OLDER_KEYS.includes(key.toLowerCase() as "modelpath"));
  const settings = isOlder ? fromOlderConfig(given) : given;
  const { models } = settings;
  return typeof models === "string" ? { ...settings, models: resolve(dirname(path), models) } : settings;
}

/** The older `config.yaml`: flat, keys in any case. */
function fromOlderConfig(given: Record<string, unknown>): Record<string, unknown> {
  const old = Object.fromEntries(Object.entries(given).map(([key, value]) => [key.toLowerCase(), value]));
  const instances = Number(old.modelparallelism ?? 1);
  return {
    ...(typeof old.modelpath === "string" ? { models: old.modelpath } : {}),
    modelSettings: { "*": { instances: Number.isInteger(instances) && instances > 0 ? instances : 1 } },
    older: {
      postProcessing: String(old.postprocessing ?? ""),
      ...(old.imageresize === undefined ? {} : { resize: readResize(String(old.imageresize)) }),
    },
  };
}

/** Its comment says height first, but it was handed on as width first. */
function readResize(text: string): { width: number; height: number } {
  const [width = 0, height = 0] = text.split(",").map(Number);
  if (Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0) return { width, height };
  throw new BulwarkError("SERVING_CONFIG", `imageResize "${text.slice(0, 40)}" is no size.`, 'write "224,224"');
}

/** Addresses, certificate and keys of the gateway, from flags and our own keys. */
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
