// SPDX-License-Identifier: Apache-2.0

/** Values by a name that each has for a short while. */
export type Pending<Value> = {
  get(name: string): Value | undefined;
  set(name: string, value: Value): void;
  delete(name: string): void;
  /** Those that are there, as a list of its own. */
  list(): Value[];
  size(): number;
};

/**
 * A dictionary instead of a `Map`: each table that a `Map` outgrew points to the next, so once one of them is old, all
 * that went through it afterwards stays until V8 marks the whole heap. With a thousand requests a second, such marking took a
 * quarter of a gateway's time.
 */
export function createPending<Value>(): Pending<Value> {
  const values: Record<string, Value> = Object.create(null);
  let size = 0;
  return {
    get: (name) => values[name],
    set(name, value) {
      if (!(name in values)) size++;
      values[name] = value;
    },
    delete(name) {
      if (!(name in values)) return;
      size--;
      delete values[name];
    },
    list: () => Object.values(values),
    size: () => size,
  };
}
