// SPDX-License-Identifier: Apache-2.0
import type { Instant } from "./instant.ts";
import type { TrustedRoots } from "./roots.ts";
import type { Verified } from "./verified.ts";

/** What is remembered, each kind within its own bound, so that one cannot crowd out another. */
export type CacheKind = "chain" | "crl" | "tcbInfo" | "qeIdentity" | "qeReport";

type Entry = { rest: readonly string[]; value: unknown; expiresAt: number; bytes: number };
type Shelf = { entries: Map<string, Entry>; bytes: number };

const MOST_SCOPES = 8;
const DEFAULT_MOST_ENTRIES = 512;
const DEFAULT_MOST_BYTES = 16 * 1024 * 1024;

/**
 * Remembers what was verified. A value is kept under the exact texts it was made from, and holds only what time does not
 * change (that a signature is right, what a document says): validity is checked at every use, so an entry can never make
 * expired collateral pass. Each set of trusted roots has shelves of its own. The least recently used go first.
 */
export class VerifiedCache {
  readonly #mostEntries: number;
  readonly #mostBytes: number;
  readonly #scopes = new Map<string, Map<CacheKind, Shelf>>();

  /**
   * @param mostEntries per kind and set of roots; default 512
   * @param mostBytes of keys per kind and set of roots; default 16 MiB
   */
  constructor({ mostEntries = DEFAULT_MOST_ENTRIES, mostBytes = DEFAULT_MOST_BYTES } = {}) {
    this.#mostEntries = mostEntries;
    this.#mostBytes = mostBytes;
  }

  /** The part of the cache that belongs to these roots and this instant. */
  open(roots: TrustedRoots, now: Instant): Recall {
    const scope = this.#findScope(roots);
    return (kind, texts, make, expiresAt) => this.#recall(findShelf(scope, kind), texts, { make, expiresAt, now });
  }

  /** Entries held, over all kinds and roots. */
  get size(): number {
    let size = 0;
    for (const scope of this.#scopes.values()) for (const { entries } of scope.values()) size += entries.size;
    return size;
  }

  #findScope(roots: TrustedRoots): Map<CacheKind, Shelf> {
    let key = "";
    for (const { kind, fingerprint } of roots) key += `${kind}:${fingerprint} `;
    const scope = this.#scopes.get(key) ?? new Map<CacheKind, Shelf>();
    this.#scopes.delete(key);
    this.#scopes.set(key, scope);
    for (const oldest of this.#scopes.keys()) {
      if (this.#scopes.size <= MOST_SCOPES) break;
      this.#scopes.delete(oldest);
    }
    return scope;
  }

  #recall<T>(shelf: Shelf, texts: readonly string[], { make, expiresAt, now }: Making<T>): T {
    const [first = "", ...rest] = texts;
    const found = shelf.entries.get(first);
    if (found !== undefined && found.expiresAt >= now && isSame(rest, found.rest)) {
      shelf.entries.delete(first);
      shelf.entries.set(first, found);
      return found.value as T;
    }
    const value = make();
    if (found !== undefined) remove(shelf, first, found);
    const bytes = texts.reduce((sum, text) => sum + text.length, 0);
    shelf.entries.set(first, { rest, value, expiresAt: expiresAt(value), bytes });
    shelf.bytes += bytes;
    for (const [key, entry] of shelf.entries) {
      if (shelf.entries.size <= this.#mostEntries && shelf.bytes <= this.#mostBytes) break;
      remove(shelf, key, entry);
    }
    return value;
  }
}

/**
 * Gives back what was made from these very texts before, or makes it. What `make` throws is never kept.
 *
 * @param expiresAt when the value is no longer worth keeping
 */
export type Recall = <T>(
  kind: CacheKind,
  texts: readonly string[],
  make: () => Verified<T>,
  expiresAt: (value: Verified<T>) => number,
) => Verified<T>;

type Making<T> = { make: () => T; expiresAt: (value: T) => number; now: Instant };

function findShelf(scope: Map<CacheKind, Shelf>, kind: CacheKind): Shelf {
  let shelf = scope.get(kind);
  if (shelf === undefined) {
    shelf = { entries: new Map(), bytes: 0 };
    scope.set(kind, shelf);
  }
  return shelf;
}

function remove(shelf: Shelf, key: string, { bytes }: Entry): void {
  shelf.entries.delete(key);
  shelf.bytes -= bytes;
}

function isSame(texts: readonly string[], others: readonly string[]): boolean {
  return texts.length === others.length && texts.every((text, index) => text === others[index]);
}
