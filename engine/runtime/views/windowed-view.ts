/** A store of windows or sessions as a program reads it from outside: committed values only, wherever its tasks run. */

import { assert, readOrderedI64 } from '../../../base/index.ts';
import type { WindowedForm } from '../../dsl/queryable-store.ts';
import type { Windowed } from '../../dsl/windowed.ts';
import { timestampBytes, timestampOf } from '../../operators/timestamped.ts';
import { readSessionOrder } from '../../stores/session-store.ts';
import type { StoreEntry } from '../protocol.ts';
import type { Order } from './sorted-entries.ts';
import type { StoreReader } from './store-reader.ts';
import { byKey, bytesOf, otherForm, type RangeOptions, reading, View, type ViewOptions } from './view.ts';

export interface WindowedEntry<K, V> {
  readonly key: Windowed<K>;
  readonly value: V;
  /** Event time of the value, epoch milliseconds; undefined where the store keeps none. */
  readonly timestamp: number | undefined;
}

/** Times, both included; either may be left out. */
export interface TimeRange {
  readonly from?: number;
  readonly to?: number;
}

export class WindowedView<K, V> extends View {
  readonly #form: WindowedForm<K, V>;

  constructor(reader: StoreReader, form: WindowedForm<K, V>, options: ViewOptions = {}) {
    super(reader, form.name, options);
    this.#form = form;
  }

  /** The value of a key in the window, or the session, that starts at `start`; undefined: there is none. */
  async get(key: K, start: number): Promise<V | undefined> {
    for await (const entry of this.fetch(key, { from: start, to: start })) return entry.value;
    return undefined;
  }

  /** The windows of a key that start within the range, in order of time. */
  async *fetch(
    key: K,
    { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY, order, limit }: TimeRange & RangeOptions = {},
  ): AsyncGenerator<WindowedEntry<K, V>, void, undefined> {
    const entries = (await this.entriesOf(bytesOf(this.#form.key, key), { windows: { from, to } }))
      .map((entry) => this.#entryOf(entry))
      .filter(({ key: { start } }) => start >= from && start <= to)
      .sort((a, b) => a.key.start - b.key.start);
    if (order === 'descending') entries.reverse();
    yield* entries.slice(0, limit);
  }

  /** The windows of all keys that start within the range, in order of time, then of the keys' bytes. */
  async *all({
    from = Number.NEGATIVE_INFINITY,
    to = Number.POSITIVE_INFINITY,
    ...options
  }: TimeRange & RangeOptions = {}): AsyncGenerator<WindowedEntry<K, V>, void, undefined> {
    const isWindow = this.#form.sizeMs !== undefined;
    const range = isWindow ? { fromWindow: from, toWindow: to + 1 } : {};
    const { limit, ...unlimited } = options;
    let left = limit ?? Number.POSITIVE_INFINITY;
    // Sessions are chosen here, so that a limit cannot be left to the scan.
    for await (const entry of this.scan(range, isWindow ? options : unlimited, byTimeThenKey)) {
      const read = this.#entryOf(entry);
      if (read.key.start < from || read.key.start > to) continue;
      if (left-- <= 0) return;
      yield read;
    }
  }

  #entryOf(entry: StoreEntry): WindowedEntry<K, V> {
    const { name, sizeMs } = this.#form;
    const holdsWindows = entry.windowStart !== undefined || entry.order !== undefined;
    if (!holdsWindows || (sizeMs === undefined && entry.order === undefined))
      throw otherForm(name, sizeMs === undefined ? 'it holds no sessions' : 'it holds no windows');
    return reading(name, () => this.#read(entry));
  }

  #read(entry: StoreEntry): WindowedEntry<K, V> {
    const { key: keySerde, value: valueSerde, sizeMs } = this.#form;
    const { key: keyBytes, value, order } = entry;
    const key = keySerde.read(keyBytes, 0, keyBytes.length);
    if (sizeMs !== undefined) {
      const start = startOf(entry);
      const timestamped = this.#form.entries !== 'plain';
      return {
        key: { key, start, end: start + sizeMs },
        value: valueSerde.read(value, timestamped ? timestampBytes : 0, value.length),
        timestamp: timestamped ? timestampOf(value, 0) : undefined,
      };
    }
    assert(order !== undefined, `the store "${this.#form.name}" does not hold sessions`);
    const { start, end } = readSessionOrder(order, 0);
    return { key: { key, start, end }, value: valueSerde.read(value, 0, value.length), timestamp: end };
  }
}

/** Where a window or a session starts: sliding windows and sessions are entries of ordered stores. */
const startOf = ({ windowStart = 0, order }: StoreEntry): number => {
  if (order === undefined) return windowStart;
  return order.length === timeBytes ? readOrderedI64(order, 0) : readSessionOrder(order, 0).start;
};

const timeBytes = 8;

const byTimeThenKey: Order = (a, b) => startOf(a) - startOf(b) || byKey(a, b);
