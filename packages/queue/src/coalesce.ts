// SPDX-License-Identifier: Apache-2.0

type Waiting<Item, Result> = { item: Item; resolve: (result: Result) => void; reject: (reason: unknown) => void };

/**
 * Puts calls together: what is asked for within one turn of the event loop, or while an earlier batch is on its way,
 * goes out as one. A quiet caller waits for nothing; a busy one pays one round trip for many.
 *
 * @param send sends a batch, gives one result per item in their order
 * @param most items in a batch at most
 */
export function coalesce<Item, Result>(
  send: (items: readonly Item[]) => Promise<readonly Result[]>,
  most: number,
): (item: Item) => Promise<Result> {
  let waiting: Waiting<Item, Result>[] = [];
  let isBusy = false;

  const flush = async (): Promise<void> => {
    const batch = waiting.slice(0, most);
    waiting = waiting.slice(most);
    try {
      const results = await send(batch.map(({ item }) => item));
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] as Result);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    if (waiting.length === 0) isBusy = false;
    else setImmediate(flush);
  };

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (isBusy) return;
      isBusy = true;
      setImmediate(flush);
    });
}
