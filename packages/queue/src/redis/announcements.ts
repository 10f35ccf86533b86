// SPDX-License-Identifier: Apache-2.0
import type { Names } from "../names.ts";
import type { Link } from "./link.ts";

/**
 * What engines say that they serve, by their names; those that say nothing are left out. The queue does not read it.
 * Throws QUEUE_UNREACHABLE, QUEUE_REFUSED.
 */
export async function readAnnouncements(
  link: Link,
  names: Names,
  engines: readonly string[],
): Promise<Map<string, Buffer>> {
  const said = await Promise.all(
    engines.map(async (engine) => [engine, await link.send("GET", names.serves(engine))] as const),
  );
  return new Map(said.flatMap(([engine, text]) => (text === null ? [] : [[engine, text as Buffer]])));
}
