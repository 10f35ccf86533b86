// SPDX-License-Identifier: Apache-2.0
import { type Cluster, type TestNamespace, until } from "../fixture/index.ts";
import type { Pod } from "./release.ts";

/** What was seen of the drivers of a release while it was watched. */
export type DriverWatch = {
  /** Most drivers that lived at one instant. */
  most(): number;
  /** Every driver there was. */
  names(): string[];
  /** Drivers that live now. */
  alive(): number;
  stop(): void;
};

/** Follows every change of a release's drivers, so that not even a short time with two of them is missed. */
export async function watchDrivers(cluster: Cluster, namespace: TestNamespace, release: string): Promise<DriverWatch> {
  const selector = encodeURIComponent(`app.kubernetes.io/instance=${release},bulwark/role=driver`);
  // From the beginning: what there was when the watch began comes first, as if it had just been added.
  const path = `/api/v1/namespaces/${namespace.name}/pods?watch=true&labelSelector=${selector}`;
  const names = new Set<string>();
  const alive = new Set<string>();
  let most = 0;
  const stop = cluster.api.watch<Pod>(path, ({ type, object: { metadata, status } }) => {
    const { name } = metadata;
    names.add(name);
    if (type === "DELETED" || ["Succeeded", "Failed"].includes(status.phase)) alive.delete(name);
    else alive.add(name);
    most = Math.max(most, alive.size);
  });
  await until("the first driver to be seen", () => names.size > 0);
  return {
    most: () => most,
    names: () => [...names],
    alive: () => alive.size,
    stop,
  };
}
