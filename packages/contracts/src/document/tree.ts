// SPDX-License-Identifier: Apache-2.0
import { type Alias, isAlias, isMap, isPair, isScalar, isSeq, type Scalar, type YAMLMap } from "yaml";
import type { Finding } from "../errors/index.ts";
import { type Path, showPath } from "./issue.ts";
import { type Source, syntaxError } from "./source.ts";

/** Where a key and its value stand, as offsets in the text, and the name the file has for it. */
export type Place = { key: number; value: number; name: string };
/** Plain values, with the place of each path. */
export type Tree = { value: unknown; places: Map<string, Place> };

type Problem = Omit<Finding, "code" | "file">;
type Walk = {
  source: Source;
  places: Map<string, Place>;
  anchors: Map<string, unknown>;
  problems: Problem[];
  visited: number;
  /** The outermost alias that is being followed: the place to blame for what it leads to. */
  alias?: unknown;
};

const DEPTH_MAXIMUM = 16;
const NODES_MAXIMUM = 10_000;
const PLAIN_TAG = /^tag:yaml\.org,2002:(str|int|float|bool|null|map|seq)$/;
const TOO_MANY = "Write the values out, or fewer of them";

/** Key of a path in `places`. NUL is in no document. */
export const placeKey = (path: Path): string => path.join("\0");

/**
 * Turns YAML nodes into plain values, refusing what makes a file say something else than it shows: doubled keys, merge
 * keys, tags, prototype keys, endless or exploding aliases. Throws JOB_FILE_SYNTAX with all of them.
 */
export function toTree(source: Source): Tree {
  const walk: Walk = { source, places: new Map(), anchors: new Map(), problems: [], visited: 0 };
  const value = toValue(source.document.contents, [], walk);
  if (walk.problems.length > 0) {
    throw syntaxError(source, walk.problems);
  }
  return { value, places: walk.places };
}

function report(walk: Walk, node: unknown, message: string, mend: string): undefined {
  walk.problems.push({ message, mend, ...walk.source.locate(offsetOf(walk.alias ?? node)) });
}

const offsetOf = (node: unknown): number => (node as { range?: [number, number, number] } | null)?.range?.[0] ?? 0;

function toValue(node: unknown, path: Path, walk: Walk): unknown {
  walk.visited += 1;
  if (walk.visited > NODES_MAXIMUM) {
    const message = `it has more than ${NODES_MAXIMUM} values, aliases counted out`;
    return walk.visited === NODES_MAXIMUM + 1 ? report(walk, node, message, TOO_MANY) : undefined;
  }
  if (path.length > DEPTH_MAXIMUM) {
    return report(walk, node, `it is nested more than ${DEPTH_MAXIMUM} deep`, "Write a map of keys and values");
  }
  if (isAlias(node)) return followAlias(node, path, walk);
  const { tag, anchor } = (node ?? {}) as { tag?: string; anchor?: string };
  if (tag !== undefined && !PLAIN_TAG.test(tag)) {
    return report(walk, node, `the tag ${tag} has no meaning here`, "Remove the tag");
  }
  const value = isMap(node)
    ? toObject(node, path, walk)
    : isSeq(node)
      ? toList(node.items, path, walk)
      : toLeaf(node, path, walk);
  // Only now: an alias to something that is still open would never end.
  if (anchor !== undefined) walk.anchors.set(anchor, node);
  return value;
}

function followAlias(node: Alias, path: Path, walk: Walk): unknown {
  if (!walk.anchors.has(node.source)) {
    return report(walk, node, `*${node.source} names no finished anchor before it`, "Write the value itself");
  }
  const outer = walk.alias;
  walk.alias ??= node;
  const value = toValue(walk.anchors.get(node.source), path, walk);
  walk.alias = outer;
  return value;
}

function toLeaf(node: unknown, path: Path, { source: { format } }: Walk): unknown {
  const { value, source } = (isScalar(node) ? node : { value: null }) as Scalar;
  if (!format.isTextPlace(path) || value === null) return value;
  return typeof value === "number" ? (source ?? String(value)) : String(value);
}

function toList(items: readonly unknown[], path: Path, walk: Walk): unknown[] {
  return items.map((item, index) => {
    const at = [...path, String(index)];
    walk.places.set(placeKey(at), { key: offsetOf(item), value: offsetOf(item), name: showPath(at) });
    return toValue(item, at, walk);
  });
}

function toObject(map: YAMLMap, path: Path, walk: Walk): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const pair of map.items) {
    const key = isPair(pair) && isScalar(pair.key) ? keyText(pair.key) : undefined;
    const wrong = key === undefined ? "a key is not plain text" : findKeyProblem(key, object, walk, path);
    if (key === undefined || wrong !== undefined) {
      report(walk, pair.key, wrong ?? "", MENDS[wrong ?? ""] ?? "Keep one of them");
      continue;
    }
    const at = [...path, key];
    const start = offsetOf(pair.key);
    walk.places.set(placeKey(at), { key: start, value: offsetOf(pair.value) || start, name: showPath(at) });
    object[key] = toValue(pair.value, at, walk);
  }
  return object;
}

const keyText = (key: Scalar): string | undefined =>
  key.value === null || key.tag !== undefined ? undefined : typeof key.value === "string" ? key.value : key.source;

const MERGE = "merge keys (`<<`) are not used here";
const PROTOTYPE = "__proto__ is no key";
const MENDS: Readonly<Record<string, string>> = {
  [MERGE]: "Write the keys out",
  [PROTOTYPE]: "Remove it",
  "a key is not plain text": "Write a name before the colon",
};

function findKeyProblem(key: string, object: object, walk: Walk, path: Path): string | undefined {
  if (key === "<<") return MERGE;
  if (key === "__proto__") return PROTOTYPE;
  if (!Object.hasOwn(object, key)) return undefined;
  const first = walk.places.get(placeKey([...path, key]));
  return `${key} is given twice, first in line ${walk.source.locate(first?.key ?? 0).line}`;
}
