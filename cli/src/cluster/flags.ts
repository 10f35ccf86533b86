// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import type { Context } from "../command.ts";

type Flags = Readonly<Record<string, unknown>>;

/**
 * Flags that say which cluster and namespace, as kubectl and helm spell them. Commands that know the cluster alone take
 * `--cluster` too, so that nobody has to remember which do.
 */
export function addClusterFlags(command: Command): Command {
  return command
    .option("--cluster", "in the cluster, not on this machine")
    .option("-n, --namespace <name>", "namespace in the cluster")
    .option("--context <name>", "context of the kubeconfig")
    .option("--kubeconfig <file>", "kubeconfig to use");
}

/** Whether a command that knows both places is about the cluster. */
export function meansCluster({ settings }: Context, flags: Flags): boolean {
  const said = [flags.cluster, flags.namespace, flags.context, flags.kubeconfig, flags.allNamespaces];
  return settings.target === "cluster" || said.some((value) => value !== undefined && value !== false);
}

/** A flag's text, or undefined when it was not given. */
export const textFlag = (flags: Flags, name: string): string | undefined =>
  typeof flags[name] === "string" && flags[name] !== "" ? flags[name] : undefined;
