/** A store of windows or sessions as a program reads it from outside: committed values only, wherever its tasks run. */

import { equalBytes } from '../../../base/index.ts';
import type { WindowedForm } from '../../dsl/queryable-store.ts';
import type { Windowed } from '../../dsl/windowed.ts';
import { timestampBytes, timestampOf } from '../../operators/timestamped.ts';
import type { StoreEntry } from '../protocol.ts';
import type { StoreReader } from './store-reader.ts';
import { bytesOf, type RangeOptions, reading, View, type ViewOptions } from './view.ts';
import { byTimeThenKey, type KeySearch, layoutOf, type WindowedLayout } from './windowed-layout.ts';

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
  readonly #layout: WindowedLayout<K>;

  constructor(reader: StoreReader, form: WindowedForm<K, V>, options: ViewOptions = {}) {
    super(reader, form.name, options);
    this.#form = form;
    this.#layout = layoutOf(form);
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
    const bytes = bytesOf(this.#form.key, key);
    const entries = (await this.#found(this.#layout.search(bytes, from, to)))
      .filter((entry) => equalBytes(...this.#layout.keyBytesOf(entry), bytes, 0, bytes.length))
      .map((entry) => this.#entryOf(entry))
      .filter(({ key: { start } }) => start >= from && start <= to)
      .sort((a, b) => a.key.start - b.key.start);
    if (order === 'descending') entries.reverse();
    yield* entries.slice(0, limit);
  }

  async #found(search: KeySearch): Promise<readonly StoreEntry[]> {
    if (search.kind === 'read') return this.entriesOf(search.key, search.range);
    const entries: StoreEntry[] = [];
    for await (const entry of this.scan(search.range, { order: 'none' }, byTimeThenKey(this.#layout)))
      entries.push(entry);
    return entries;
  }

  /** The windows of all keys that start within the range, in order of time, then of the keys' bytes. */
  async *all({
    from = Number.NEGATIVE_INFINITY,
    to = Number.POSITIVE_INFINITY,
    ...options
  }: TimeRange & RangeOptions = {}): AsyncGenerator<WindowedEntry<K, V>, void, undefined> {
    const { scansTimes } = this.#layout;
    const range = scansTimes ? { fromWindow: from, toWindow: to + 1 } : {};
    const { limit, ...unlimited } = options;
    let left = limit ?? Number.POSITIVE_INFINITY;
    // What the scan does not choose is chosen here, so that a limit cannot be left to it.
    for await (const entry of this.scan(range, scansTimes ? options : unlimited, byTimeThenKey(this.#layout))) {
      const read = this.#entryOf(entry);
      if (read.key.start < from || read.key.start > to) continue;
      if (left-- <= 0) return;
      yield read;
    }
  }

  #entryOf(entry: StoreEntry): WindowedEntry<K, V> {
    const { name, value: serde, sizeMs, windowedKey, entries } = this.#form;
    return reading(name, () => {
      const key = this.#layout.keyOf(entry);
      const { value } = entry;
      const timestamped =
        windowedKey !== undefined || (sizeMs !== undefined && (entries ?? 'timestamped') === 'timestamped');
      const timestamp = timestamped ? timestampOf(value, 0) : undefined;
      return {
        key,
        value: serde.read(value, timestamped ? timestampBytes : 0, value.length),
        // A session has the time of its end.
        timestamp: timestamped || sizeMs !== undefined ? timestamp : key.end,
      };
    });
  }
}
