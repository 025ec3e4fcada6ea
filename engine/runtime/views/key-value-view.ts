/** A key-value store as a program reads it from outside: committed values only, wherever its tasks run. */

import { assert, compareBytes } from '../../../base/index.ts';
import type { StoreForm } from '../../dsl/queryable-store.ts';
import { timestampBytes, timestampOf } from '../../operators/timestamped.ts';
import type { Serde } from '../../serde.ts';
import type { StoreEntry } from '../protocol.ts';
import type { Order } from './sorted-entries.ts';
import type { StoreReader } from './store-reader.ts';
import { behindPrefix, byKey, bytesOf, otherForm, type RangeOptions, reading, View, type ViewOptions } from './view.ts';

export interface KeyValueEntry<K, V> {
  readonly key: K;
  readonly value: V;
  /** Event time of the value, epoch milliseconds; undefined where the store keeps none. */
  readonly timestamp: number | undefined;
}

export class KeyValueView<K, V> extends View {
  readonly #form: StoreForm<K, V>;

  constructor(reader: StoreReader, form: StoreForm<K, V>, options: ViewOptions = {}) {
    super(reader, form.name, options);
    this.#form = form;
  }

  /** The value of a key; undefined: there is none. */
  async get(key: K): Promise<V | undefined> {
    return (await this.entry(key))?.value;
  }

  /** The value of a key with its time. */
  async entry(key: K): Promise<KeyValueEntry<K, V> | undefined> {
    const bytes = bytesOf(this.#form.key, key);
    const [found] =
      this.#form.entries === 'ordered'
        ? await this.entriesOf(noKey, { orders: { from: bytes, to: behind(bytes) } })
        : await this.entriesOf(bytes);
    return found && this.#entryOf(found);
  }

  /** The entries of keys from `from` to `to`, both included; either may be left out. */
  async *range(
    range: RangeOptions & { readonly from?: K; readonly to?: K } = {},
  ): AsyncGenerator<KeyValueEntry<K, V>, void, undefined> {
    const { from, to } = range;
    const { key } = this.#form;
    yield* this.#scan(
      {
        ...(from !== undefined && { from: bytesOf(key, from) }),
        ...(to !== undefined && { to: behind(bytesOf(key, to)) }),
      },
      range,
    );
  }

  /** The entries of keys that begin with the bytes of `prefix`, which `serde` writes; left out, the key's own. */
  prefix(prefix: K, options?: RangeOptions): AsyncGenerator<KeyValueEntry<K, V>, void, undefined>;
  prefix<P>(
    prefix: P,
    options: RangeOptions & { readonly serde: Serde<P> },
  ): AsyncGenerator<KeyValueEntry<K, V>, void, undefined>;
  async *prefix(
    prefix: K,
    options: RangeOptions & { readonly serde?: Serde<K> } = {},
  ): AsyncGenerator<KeyValueEntry<K, V>, void, undefined> {
    const from = bytesOf(options.serde ?? this.#form.key, prefix);
    const to = behindPrefix(from);
    yield* this.#scan({ from, ...(to !== undefined && { to }) }, options);
  }

  /** All entries. */
  all(options: RangeOptions = {}): AsyncGenerator<KeyValueEntry<K, V>, void, undefined> {
    return this.#scan({}, options);
  }

  async *#scan(range: Bounds, options: RangeOptions): AsyncGenerator<KeyValueEntry<K, V>, void, undefined> {
    const entries = this.#form.entries === 'ordered' ? this.#inOrder(range, options) : this.scan(range, options, byKey);
    for await (const entry of entries) yield this.#entryOf(entry);
  }

  /** Entries of an ordered store, page by page. Each task answers with its first entries of the rest: the first ones of
   *  all tasks are among them. */
  async *#inOrder(
    { from, to }: Bounds,
    { order, limit = Number.POSITIVE_INFINITY }: RangeOptions,
  ): AsyncGenerator<StoreEntry> {
    const reversed = order === 'descending';
    let rest: Bounds = { ...(from && { from }), ...(to && { to }) };
    for (let left = limit; left > 0; ) {
      const entries = [...(await this.entriesOf(noKey, { orders: { ...rest, reversed, limit: pageEntries } }))];
      entries.sort((a, b) => (reversed ? byOrder(b, a) : byOrder(a, b)));
      const last = entries[pageEntries - 1];
      // Entries of one key in several tasks stay together.
      const page =
        last === undefined ? entries : entries.filter((entry, i) => i < pageEntries || byOrder(entry, last) === 0);
      yield* page.slice(0, left);
      left -= page.length;
      if (last === undefined) return;
      const at = orderOf(last);
      rest = reversed ? { ...rest, to: at } : { ...rest, from: behind(at) };
    }
  }

  #entryOf(entry: StoreEntry): KeyValueEntry<K, V> {
    const { entries = 'timestamped', key: keySerde, value: valueSerde } = this.#form;
    const { value } = entry;
    const key = entries === 'ordered' ? orderOf(entry) : entry.key;
    const timestamped = entries === 'timestamped';
    if (entry.windowStart !== undefined || (entry.order !== undefined && entries !== 'ordered'))
      throw otherForm(this.#form.name, 'it holds windows, or an order of its own');
    return reading(this.#form.name, () => ({
      key: keySerde.read(key, 0, key.length),
      value: valueSerde.read(value, timestamped ? timestampBytes : 0, value.length),
      timestamp: timestamped ? timestampOf(value, 0) : undefined,
    }));
  }
}

/** Keys from `from`, inclusive, to `to`, exclusive; either may be left out. */
interface Bounds {
  readonly from?: Uint8Array;
  readonly to?: Uint8Array;
}

/** What all entries of an ordered key-value store lie under. */
const noKey = new Uint8Array(0);

const pageEntries = 1000;

const orderOf = ({ order }: StoreEntry): Uint8Array => {
  assert(order !== undefined, 'the store is not an ordered one');
  return order;
};

const byOrder: Order = (a, b) => {
  const [one, other] = [orderOf(a), orderOf(b)];
  return compareBytes(one, 0, one.length, other, 0, other.length);
};

/** The first bytes behind these. */
const behind = (bytes: Uint8Array): Uint8Array => {
  const next = new Uint8Array(bytes.length + 1);
  next.set(bytes);
  return next;
};
