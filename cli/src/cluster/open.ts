// SPDX-License-Identifier: Apache-2.0
import { delimiter, join, resolve } from "node:path";
import { BulwarkError } from "@bulwark/contracts/errors";
import { type Connection, createConnection, readKubeconfig, readPodAccess } from "@bulwark/kubernetes/api";
import type { Context } from "../command.ts";
import { findHome } from "../paths.ts";
import { textFlag } from "./flags.ts";
import { runProgram } from "./run-program.ts";

/** A cluster and a namespace in it, ready to be asked. */
export type Cluster = {
  connection: Connection;
  namespace: string;
  /** What Helm must be told to mean the same. */
  helmArgs: readonly string[];
};

type Flags = Readonly<Record<string, unknown>>;

const POD_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount";
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const PROXIES = ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"];

/**
 * Finds the cluster that is meant: flags, then settings, then KUBECONFIG, `~/.kube/config`, and inside a pod its own
 * cluster. Nothing is asked yet.
 */
export async function openCluster(context: Context, flags: Flags): Promise<Cluster> {
  const { env, cwd, settings, progress, now } = context;
  const flagged = textFlag(flags, "kubeconfig");
  const explicit = flagged === undefined ? settings.kubeconfig : resolve(cwd, flagged);
  const contextName = textFlag(flags, "context") ?? settings.context;
  const fromVariable = (env.KUBECONFIG ?? "").split(delimiter).filter((file) => file !== "");
  const files = listFiles(
    explicit,
    fromVariable.map((file) => resolve(cwd, file)),
    join(findHome(env), ".kube", "config"),
  );
  const access = await readKubeconfig(files, {
    now: now(),
    ...(contextName === undefined ? {} : { context: contextName }),
  }).catch((error) => {
    // A pod without a kubeconfig means the cluster it runs in.
    const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
    const isMissing = error instanceof BulwarkError && error.code === "KUBECONFIG_MISSING";
    if (!isMissing || explicit !== undefined || host === undefined || port === undefined) throw error;
    return readPodAccess(POD_FOLDER, { host, port });
  });
  const namespace = parseNamespace(textFlag(flags, "namespace") ?? settings.namespace ?? access.namespace);
  const connection = createConnection(access, {
    now,
    runProgram: (command, args, variables) => runPlugin(context, command, args, variables),
    proxyEnv: Object.fromEntries(PROXIES.map((name) => [name, env[name]])),
    onWarning: (text) => progress.warn(text),
  });
  return {
    connection,
    namespace,
    helmArgs: [
      "--namespace",
      namespace,
      ...(access.context === "in-cluster" ? [] : ["--kube-context", access.context]),
      ...(explicit === undefined ? [] : ["--kubeconfig", explicit]),
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
