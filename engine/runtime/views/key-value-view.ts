/** A key-value store as a program reads it from outside: committed values only, wherever its tasks run. */

import type { StoreForm } from '../../dsl/queryable-store.ts';
import { timestampBytes, timestampOf } from '../../operators/timestamped.ts';
import type { Serde } from '../../serde.ts';
import type { ScanRange } from '../../stores/state-store.ts';
import type { StoreEntry } from '../protocol.ts';
import type { StoreReader } from './store-reader.ts';
import { byKey, bytesOf, type RangeOptions, View, type ViewOptions } from './view.ts';

export interface KeyValueEntry<K, V> {
  readonly key: K;
  readonly value: V;
  /** Event time of the value, epoch milliseconds. */
  readonly timestamp: number;
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
    const [found] = await this.entriesOf(bytesOf(this.#form.key, key));
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

  async *#scan(range: ScanRange, options: RangeOptions): AsyncGenerator<KeyValueEntry<K, V>, void, undefined> {
    for await (const entry of this.scan(range, options, byKey)) yield this.#entryOf(entry);
  }

  #entryOf({ key, value }: StoreEntry): KeyValueEntry<K, V> {
    return {
      key: this.#form.key.read(key, 0, key.length),
      value: this.#form.value.read(value, timestampBytes, value.length),
      timestamp: timestampOf(value, 0),
    };
  }
}

/** The first bytes behind these. */
const behind = (bytes: Uint8Array): Uint8Array => {
  const next = new Uint8Array(bytes.length + 1);
  next.set(bytes);
  return next;
};

/** The first bytes behind all that begin with these; undefined: there are none. */
const behindPrefix = (prefix: Uint8Array): Uint8Array | undefined => {
  const last = prefix.findLastIndex((byte) => byte < 255);
  if (last < 0) return undefined;
  const next = prefix.slice(0, last + 1);
  next[last] = (next[last] as number) + 1;
  return next;
};
