// SPDX-License-Identifier: Apache-2.0
import type { Names } from "../names.ts";
import type { Link } from "./link.ts";
import { asList } from "./read-entry.ts";
import { SCRIPTS } from "./script.ts";

/** How many are asked for at once, so that no answer of Redis is larger than what these may say together. */
const AT_ONCE = 16;

/**
 * What engines say that they serve, by their names; those that say nothing are left out. The queue does not read it. Of an
 * engine that says more than `mostBytes` one byte more is given, and no byte for what is no text, so that whoever reads it
 * refuses it, and hears the others. Throws QUEUE_UNREACHABLE, QUEUE_REFUSED.
 */
export async function readAnnouncements(
  link: Link,
  names: Names,
  { engines, mostBytes }: { engines: readonly string[]; mostBytes: number },
): Promise<Map<string, Buffer>> {
  const said = new Map<string, Buffer>();
  for (let at = 0; at < engines.length; at += AT_ONCE) {
    const asked = engines.slice(at, at + AT_ONCE);
    const texts = asList(await link.run(SCRIPTS.hear, [], [mostBytes, ...asked.map(names.serves)]));
    for (const [index, engine] of asked.entries()) {
      const text = texts[index];
      if (Buffer.isBuffer(text)) said.set(engine, text);
    }
  }
  return said;
}
