/** A versioned table, or store, as a program reads it from outside: which value a key had when. Committed values
 *  only. */

import { equalBytes, readOrderedI64 } from '../../../base/index.ts';
import type { VersionedForm } from '../../dsl/queryable-store.ts';
import { timestampBytes, timestampOf } from '../../operators/timestamped.ts';
import { noEnd } from '../../operators/versions.ts';
import type { StoreEntry } from '../protocol.ts';
import type { StoreReader } from './store-reader.ts';
import { bytesOf, otherForm, reading, View, type ViewOptions } from './view.ts';

/** The key had the value from `from`, inclusive, to `to`, exclusive; undefined: it has it now. Epoch milliseconds. */
export interface Version<V> {
  readonly value: V;
  readonly from: number;
  readonly to: number | undefined;
}

export class VersionedView<K, V> extends View {
  readonly #form: VersionedForm<K, V>;
  /** Of the former values, where they are in a store of their own. */
  readonly #former: VersionedView<K, V> | undefined;

  constructor(reader: StoreReader, form: VersionedForm<K, V>, options: ViewOptions = {}) {
    super(reader, form.name, options);
    this.#form = form;
    const { history, ...rest } = form;
    this.#former = history === undefined ? undefined : new VersionedView(reader, { ...rest, name: history }, options);
  }

  /** The value of a key, now or as of a time; undefined: there was none, or it is forgotten. */
  async get(key: K, { asOf = noEnd - 1 }: { readonly asOf?: number } = {}): Promise<V | undefined> {
    const versions = await this.history(key);
    return versions.find(({ from, to = noEnd }) => from <= asOf && asOf < to)?.value;
  }

  /** All values of a key that are known, in order of time, as of one commit. */
  async history(key: K): Promise<readonly Version<V>[]> {
    const bytes = bytesOf(this.#form.key, key);
    const former = this.#former;
    for (;;) {
      const latest = await this.entriesOf(bytes);
      if (former === undefined) return latest.flatMap((entry) => this.#versionOf(entry) ?? []);
      const history = await former.entriesOf(bytes);
      // A commit between the two reads would show a value in both stores, or in none.
      const again = await this.entriesOf(bytes);
      if (!sameEntries(latest, again)) continue;
      return [...history, ...latest].flatMap((entry) => this.#versionOf(entry) ?? []);
    }
  }

  /** Undefined: it says that the key was deleted. */
  #versionOf({ value, order, windowStart }: StoreEntry): Version<V> | undefined {
    const { name } = this.#form;
    if (windowStart !== undefined) throw otherForm(name, 'it holds windows');
    const to = order === undefined ? noEnd : readOrderedI64(order, 0);
    // The latest value lies behind its time; a former one has its times in the order.
    const isLatest = to === noEnd;
    const from = isLatest ? timestampOf(value, 0) : readOrderedI64(order as Uint8Array, timestampBytes);
    if (from === to) return undefined;
    return reading(name, () => ({
      value: this.#form.value.read(value, isLatest ? timestampBytes : 0, value.length),
      from,
      to: isLatest ? undefined : to,
    }));
  }
}

const sameEntries = (a: readonly StoreEntry[], b: readonly StoreEntry[]): boolean =>
  a.length === b.length &&
  a.every(({ value }, i) => {
    const other = b[i]?.value;
    return other !== undefined && equalBytes(value, 0, value.length, other, 0, other.length);
  });
