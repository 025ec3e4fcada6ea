/**
 * How entries of windows and sessions lie in their store, and how those of one key are found:
 *
 *   windows        under their key: the window of a window store, or an order that is the start of a window or the
 *                  bounds of a session
 *   windowed keys  of a key-value store: the key with its window, as it is written to topics
 *   ordered        all under no key: the time and the key are the order
 */

import { compareBytes, readI64, readOrderedI64, writeOrderedI64 } from '../../../base/index.ts';
import type { WindowedForm } from '../../dsl/queryable-store.ts';
import { sessionBytes, timeWindowBytes, type Windowed, type WindowedSerde } from '../../dsl/windowed.ts';
import { readSessionOrder } from '../../stores/session-store.ts';
import type { EntryRange, OrderRange, ScanRange } from '../../stores/state-store.ts';
import type { StoreEntry } from '../protocol.ts';
import { behindPrefix, otherForm } from './view.ts';

/** What is read, or scanned, for the windows of one key; some of it may be of others. */
export type KeySearch =
  | { readonly kind: 'read'; readonly key: Uint8Array; readonly range: EntryRange }
  | { readonly kind: 'scan'; readonly range: ScanRange };

export interface WindowedLayout<K> {
  /** Starts of windows limit a scan. */
  readonly scansTimes: boolean;
  search(key: Uint8Array, from: number, to: number): KeySearch;
  /** The bytes of the key alone: `bytes[start, end)`. */
  keyBytesOf(entry: StoreEntry): readonly [bytes: Uint8Array, start: number, end: number];
  /** Where the window, or the session, starts. */
  startOf(entry: StoreEntry): number;
  keyOf(entry: StoreEntry): Windowed<K>;
}

export const layoutOf = <K, V>(form: WindowedForm<K, V>): WindowedLayout<K> => {
  if (form.windowedKey !== undefined) return windowedKeys(form, form.windowedKey);
  return form.entries === 'ordered' ? ordered(form) : windows(form);
};

/** By the starts of the windows, then by the bytes of the keys. */
export const byTimeThenKey =
  <K>(layout: WindowedLayout<K>) =>
  (a: StoreEntry, b: StoreEntry): number =>
    layout.startOf(a) - layout.startOf(b) || compareBytes(...layout.keyBytesOf(a), ...layout.keyBytesOf(b));

const windows = <K, V>({ name, key: serde, sizeMs }: WindowedForm<K, V>): WindowedLayout<K> => {
  const check = ({ windowStart, order }: StoreEntry): void => {
    if ((windowStart === undefined && order === undefined) || (sizeMs === undefined && order === undefined))
      throw otherForm(name, sizeMs === undefined ? 'it holds no sessions' : 'it holds no windows');
  };
  // Sliding windows and sessions are entries of ordered stores.
  const startOf = ({ windowStart = 0, order }: StoreEntry): number => {
    if (order === undefined) return windowStart;
    return order.length === timeWindowBytes ? readOrderedI64(order, 0) : readSessionOrder(order, 0).start;
  };
  return {
    scansTimes: sizeMs !== undefined,
    search: (key, from, to) => ({ kind: 'read', key, range: { windows: { from, to } } }),
    keyBytesOf: ({ key }) => [key, 0, key.length],
    startOf,
    keyOf(entry) {
      check(entry);
      const key = serde.read(entry.key, 0, entry.key.length);
      const start = startOf(entry);
      if (sizeMs !== undefined) return { key, start, end: start + sizeMs };
      return { key, ...readSessionOrder(entry.order as Uint8Array, 0) };
    },
  };
};

const windowedKeys = <K, V>({ name, sizeMs }: WindowedForm<K, V>, serde: WindowedSerde<K>): WindowedLayout<K> => {
  const windowBytes = sizeMs === undefined ? sessionBytes : timeWindowBytes;
  const check = ({ key, windowStart, order }: StoreEntry): void => {
    if (windowStart !== undefined || order !== undefined || key.length < windowBytes)
      throw otherForm(name, 'its keys do not carry windows');
  };
  return {
    scansTimes: false,
    search(from) {
      const to = behindPrefix(from);
      return { kind: 'scan', range: { from, ...(to !== undefined && { to }) } };
    },
    keyBytesOf(entry) {
      check(entry);
      return [entry.key, 0, entry.key.length - windowBytes];
    },
    startOf(entry) {
      check(entry);
      // That of a session stands behind its end.
      return readI64(entry.key, entry.key.length - timeWindowBytes);
    },
    keyOf: ({ key }) => serde.read(key, 0, key.length),
  };
};

const noKey = new Uint8Array(0);

const ordered = <K, V>({ name, key: serde, sizeMs = 0 }: WindowedForm<K, V>): WindowedLayout<K> => {
  const orderOf = ({ order }: StoreEntry): Uint8Array => {
    if (order === undefined || order.length < timeWindowBytes) throw otherForm(name, 'it has no order of times');
    return order;
  };
  return {
    scansTimes: true,
    search: (_key, from, to) => ({ kind: 'read', key: noKey, range: { orders: betweenTimes(from, to) } }),
    keyBytesOf(entry) {
      const order = orderOf(entry);
      return [order, timeWindowBytes, order.length];
    },
    startOf: (entry) => readOrderedI64(orderOf(entry), 0),
    keyOf(entry) {
      const order = orderOf(entry);
      const start = readOrderedI64(order, 0);
      return { key: serde.read(order, timeWindowBytes, order.length), start, end: start + sizeMs };
    },
  };
};

/** Orders that begin with a time within these, both included. */
const betweenTimes = (from: number, to: number): OrderRange => {
  const bound = (time: number): Uint8Array => {
    const order = new Uint8Array(timeWindowBytes);
    writeOrderedI64(order, 0, time);
    return order;
  };
  return {
    ...(Number.isFinite(from) && { from: bound(Math.ceil(from)) }),
    ...(Number.isFinite(to) && { to: bound(Math.floor(to) + 1) }),
  };
};
