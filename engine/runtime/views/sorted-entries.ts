/**
 * The entries of a scan in an order. A scan comes in no order and from several threads, so that entries are sorted
 * here, in memory: as many as were asked for (`limit`), or all, up to a limit in bytes.
 */

import { UserError } from '../../../base/index.ts';
import type { StoreEntry } from '../protocol.ts';

export type Order = (a: StoreEntry, b: StoreEntry) => number;

export interface SortOptions {
  readonly store: string;
  readonly order: Order;
  readonly limit: number;
  readonly limitBytes: number;
}

/** Throws STORE_RANGE_TOO_LARGE when more would have to be held. */
export const sortedEntries = async (
  pages: AsyncIterable<readonly StoreEntry[]>,
  { store, order, limit, limitBytes }: SortOptions,
): Promise<readonly StoreEntry[]> => {
  const held: StoreEntry[] = [];
  let heldBytes = 0;
  const cut = (): void => {
    held.sort(order);
    for (const dropped of held.splice(limit)) heldBytes -= bytesOf(dropped);
  };
  for await (const page of pages) {
    for (const entry of page) {
      held.push(entry);
      heldBytes += bytesOf(entry);
    }
    if (held.length > 2 * limit + 1000) cut();
    if (heldBytes <= limitBytes) continue;
    throw new UserError(
      'STORE_RANGE_TOO_LARGE',
      `the entries of "${store}" within the range take more than ${limitBytes} bytes`,
      {
        hint: "Ask for a smaller range, for fewer entries (limit), or for them in no order (order: 'none').",
      },
    );
  }
  cut();
  return held;
};

/** What an entry takes in memory, about. */
const bytesOf = ({ key, value }: StoreEntry): number => key.length + value.length + 200;
