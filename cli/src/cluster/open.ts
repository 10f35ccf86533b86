// SPDX-License-Identifier: Apache-2.0
import { delimiter, join, resolve } from "node:path";
import { BulwarkError } from "@bulwark/contracts/errors";
import {
  type ClusterAccess,
  type Connection,
  createConnection,
  readKubeconfig,
  readPodAccess,
} from "@bulwark/kubernetes/api";
import type { Context } from "../command.ts";
import { findHome } from "../paths.ts";
import { textFlag } from "./flags.ts";
import { runProgram } from "./run-program.ts";

/** A namespace, and what Helm must be told to mean it: all that is needed where no server is asked. */
export type Place = { namespace: string; helmArgs: readonly string[] };

/** A cluster and a namespace in it, ready to be asked. */
export type Cluster = Place & { connection: Connection };

type Flags = Readonly<Record<string, unknown>>;

const POD_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount";
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const PROXIES = ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"];

/** What flags and settings name outright. What is named and not there is an error, whatever else there may be. */
function readNamed({ cwd, settings }: Context, flags: Flags): { kubeconfig?: string; context?: string } {
  const flagged = textFlag(flags, "kubeconfig");
  const kubeconfig = flagged === undefined ? settings.kubeconfig : resolve(cwd, flagged);
  const context = textFlag(flags, "context") ?? settings.context;
  return { ...(kubeconfig === undefined ? {} : { kubeconfig }), ...(context === undefined ? {} : { context }) };
}

/**
 * Finds the cluster that is meant: flags, then settings, then KUBECONFIG, `~/.kube/config`, and inside a pod its own
 * cluster. Nothing is asked yet.
 */
export async function openCluster(context: Context, flags: Flags): Promise<Cluster> {
  const { env, progress, now } = context;
  const access = await readAccess(context, flags);
  const connection = createConnection(access, {
    now,
    runProgram: (command, args, variables) => runPlugin(context, command, args, variables),
    proxyEnv: Object.fromEntries(PROXIES.map((name) => [name, env[name]])),
    onWarning: (text) => progress.warn(text),
  });
  return { connection, ...toPlace(context, flags, access) };
}

/** The place that is meant, where no server will be asked: it needs no kubeconfig, unless one is named. */
export async function findPlace(context: Context, flags: Flags): Promise<Place> {
  const access = await readAccess(context, flags).catch((error) => {
    if (isMissing(error) && Object.keys(readNamed(context, flags)).length === 0) return undefined;
    throw error;
  });
  return toPlace(context, flags, access);
}

const isMissing = (error: unknown): boolean => error instanceof BulwarkError && error.code === "KUBECONFIG_MISSING";

async function readAccess(context: Context, flags: Flags): Promise<ClusterAccess> {
  const { env, cwd, now } = context;
  const { kubeconfig, ...named } = readNamed(context, flags);
  const fromVariable = (env.KUBECONFIG ?? "").split(delimiter).filter((file) => file !== "");
  const files = listFiles(
    kubeconfig,
    fromVariable.map((file) => resolve(cwd, file)),
    join(findHome(env), ".kube", "config"),
  );
  return readKubeconfig(files, { now: now(), ...named }).catch((error) => {
    // A pod without a kubeconfig means the cluster it runs in.
    const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
    if (!isMissing(error) || kubeconfig !== undefined || host === undefined || port === undefined) throw error;
    return readPodAccess(POD_FOLDER, { host, port });
  });
}

function toPlace(context: Context, flags: Flags, access: ClusterAccess | undefined): Place {
  const said = textFlag(flags, "namespace") ?? context.settings.namespace;
  const namespace = parseNamespace(said ?? access?.namespace ?? "default");
  const { kubeconfig } = readNamed(context, flags);
  return {
    namespace,
    helmArgs: [
      "--namespace",
      namespace,
      ...(access === undefined || access.context === "in-cluster" ? [] : ["--kube-context", access.context]),
      ...(kubeconfig === undefined ? [] : ["--kubeconfig", kubeconfig]),
    ],
  };
}

/** A file named outright stands alone; of the variable's files those that exist count. */
function listFiles(explicit: string | undefined, fromVariable: readonly string[], fallback: string): readonly string[] {
  if (explicit !== undefined) return [explicit];
  return fromVariable.length > 0 ? fromVariable : [fallback];
}

/** A name that a namespace can have. Throws NAMESPACE_UNKNOWN. */
export function parseNamespace(name: string): string {
  if (NAMESPACE.test(name)) return name;
  const shown = name.length > 60 ? `${name.slice(0, 60)}... (${name.length} characters)` : name;
  const message = `"${shown}" cannot be the name of a namespace: small letters, digits and dashes, at most 63.`;
  throw new BulwarkError("NAMESPACE_UNKNOWN", message, "see the namespaces: kubectl get namespaces");
}

async function runPlugin(
  { env }: Context,
  command: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>>,
): Promise<string> {
  const { code, output, errors } = await runProgram(command, args, { ...env, ...variables });
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${errors.slice(-500)}`);
  return output;
}
