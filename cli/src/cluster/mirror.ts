// SPDX-License-Identifier: Apache-2.0
import type { Change } from "@bulwark/kubernetes/api";

/** What is known of the objects of one selection, by name, kept up to date by the changes of a watch. */
export class Mirror<Kept> {
  readonly #items = new Map<string, Kept>();
  readonly #nameOf: (item: Kept) => string;
  /** Whether all there is was listed once. */
  isListed = false;

  constructor(nameOf: (item: Kept) => string) {
    this.#nameOf = nameOf;
  }

  /** Takes a change over; an item that was reduced to nothing is not kept. */
  apply(change: Change<Kept | undefined>): void {
    if (change.type === "listed") {
      this.#items.clear();
      for (const item of change.items) this.#put(item);
      this.isListed = true;
    } else if (change.type === "put") this.#put(change.item);
    else if (change.item !== undefined) this.#items.delete(this.#nameOf(change.item));
  }

  get isEmpty(): boolean {
    return this.#items.size === 0;
  }

  list(): Kept[] {
    return [...this.#items.values()];
  }

  /** The item whose key sorts last. */
  newest(keyOf: (item: Kept) => string): Kept | undefined {
    return this.list().toSorted((one, two) => keyOf(two).localeCompare(keyOf(one)))[0];
  }

  /** Lets the items go that were put first, down to a number. */
  trim(most: number): void {
    for (const name of this.#items.keys()) {
      if (this.#items.size <= most) return;
      this.#items.delete(name);
    }
  }

  #put(item: Kept | undefined): void {
    if (item !== undefined) this.#items.set(this.#nameOf(item), item);
  }
}
