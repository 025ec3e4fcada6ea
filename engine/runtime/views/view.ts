/** What all views have in common: they read committed entries, from a position on, and put them in order. */

import { ByteWriter, compareBytes, UserError } from '../../../base/index.ts';
import { type Serde, SerdeError } from '../../serde.ts';
import type { EntryRange, ScanRange } from '../../stores/state-store.ts';
import type { StoreEntry } from '../protocol.ts';
import { type Order, sortedEntries } from './sorted-entries.ts';
import type { Position, StoreReader } from './store-reader.ts';

export interface ViewOptions {
  /** Reads wait until the store shows at least this: what was written before, read back. */
  readonly from?: Position;
  /** The most that entries to be put in order may take in memory. Default 64 MiB. */
  readonly sortBytes?: number;
}

export interface RangeOptions {
  /** `ascending` and `descending` go by the bytes of the keys (numbers: negative ones come last), as in Kafka Streams;
   *  `none` needs no memory, however large the store. Default: ascending. */
  readonly order?: 'ascending' | 'descending' | 'none';
  /** At most so many entries. */
  readonly limit?: number;
}

const defaultSortBytes = 64 << 20;

export class View {
  readonly #reader: StoreReader;
  readonly #store: string;
  readonly #options: ViewOptions;

  constructor(reader: StoreReader, store: string, options: ViewOptions) {
    this.#reader = reader;
    this.#store = store;
    this.#options = options;
  }

  /** What a read that begins now shows at least. */
  position(): Position {
    return this.#reader.position();
  }

  protected async entriesOf(key: Uint8Array, range: EntryRange = {}): Promise<readonly StoreEntry[]> {
    await this.#reached();
    return this.#reader.read(this.#store, key, range);
  }

  protected async *scan(range: ScanRange, options: RangeOptions, ascending: Order): AsyncGenerator<StoreEntry> {
    const { order = 'ascending', limit = Number.POSITIVE_INFINITY } = options;
    if (!(limit > 0)) return;
    await this.#reached();
    const pages = this.#reader.scan(this.#store, range);
    if (order === 'none') {
      let left = limit;
      for await (const page of pages) {
        for (const entry of page) {
          yield entry;
          if (--left <= 0) return;
        }
      }
      return;
    }
    yield* await sortedEntries(pages, {
      store: this.#store,
      order: order === 'ascending' ? ascending : (a, b) => ascending(b, a),
      limit,
      limitBytes: this.#options.sortBytes ?? defaultSortBytes,
    });
  }

  async #reached(): Promise<void> {
    const { from } = this.#options;
    if (from !== undefined) await this.#reader.reached(from);
  }
}

/** For an entry that is not what the store was asked for as. */
export const otherForm = (store: string, why: string, cause?: unknown): UserError =>
  new UserError('STORE_FORM_DIFFERS', `the store "${store}" cannot be read so: ${why}`, {
    hint: 'Give the table itself, or the serdes, the size of windows and the form of entries that the store has.',
    ...(cause !== undefined && { cause }),
  });

/** What `read` makes of bytes of the store. */
export const reading = <T>(store: string, read: () => T): T => {
  try {
    return read();
  } catch (error) {
    if (error instanceof SerdeError) throw otherForm(store, error.message, error);
    throw error;
  }
};

export const byKey: Order = (a, b) => compareBytes(a.key, 0, a.key.length, b.key, 0, b.key.length);

export const bytesOf = <T>(serde: Serde<T>, value: T): Uint8Array => {
  const out = new ByteWriter(64);
  serde.write(value, out);
  return out.slice();
};

/** The first bytes behind all that begin with these; undefined: there are none. */
export const behindPrefix = (prefix: Uint8Array): Uint8Array | undefined => {
  const last = prefix.findLastIndex((byte) => byte < 255);
  if (last < 0) return undefined;
  const next = prefix.slice(0, last + 1);
  next[last] = (next[last] as number) + 1;
  return next;
};
