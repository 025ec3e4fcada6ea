/** A table: the last row of each key, as a changing thing. Its functions see rows only; a missing row needs none. */

import { UserError } from '../../base/index.ts';
import { tableFilter } from '../operators/table-filter.ts';
import { tableMapValues } from '../operators/table-map-values.ts';
import { toStream } from '../operators/to-stream.ts';
import type { StreamRecord } from '../record.ts';
import type { KStream } from './kstream.ts';
import type { Named, WithValue } from './options.ts';
import { type Lookup, presentKeyOf, type TableParts } from './parts.ts';

export class KTable<K, V> {
  readonly #parts: TableParts<K, V>;

  constructor(parts: TableParts<K, V>) {
    this.#parts = parts;
  }

  filter(keeps: (key: K, value: V) => boolean, options: Named = {}): KTable<K, V> {
    return this.#filter(keeps, false, options);
  }

  filterNot(drops: (key: K, value: V) => boolean, options: Named = {}): KTable<K, V> {
    return this.#filter(drops, true, options);
  }

  #filter(keeps: (key: K, value: V) => boolean, not: boolean, { name }: Named): KTable<K, V> {
    const { graph, node: parent, key, wanted, lookup } = this.#parts;
    const node = graph.name('KTABLE-FILTER', name);
    // It needs the row before, which only a store knows.
    wanted.store = true;
    const passes = (row: V, record: StreamRecord<unknown>): boolean => keeps(presentKeyOf(key, record), row);
    graph.add((topology) =>
      topology.addProcessor(node, tableFilter<V>(passes, { not }), [parent], { before: 'needed' }),
    );
    const shown = (row: V, record: StreamRecord<unknown>): V | null => (passes(row, record) !== not ? row : null);
    return graph.make.table({ ...this.#parts, node, lookup: lookup && narrowed(lookup, shown) });
  }

  mapValues<V2>(to: (value: V, key: K) => V2 | null, options: WithValue<V2> = {}): KTable<K, V2> {
    const { graph, node: parent, key, wanted, lookup } = this.#parts;
    const node = graph.name('KTABLE-MAPVALUES', options.name);
    const mapped = (row: V, record: StreamRecord<unknown>): V2 | null => to(row, presentKeyOf(key, record));
    graph.add((topology) =>
      topology.addProcessor(node, tableMapValues<V, V2>(mapped), [parent], { before: 'passed on' }),
    );
    return graph.make.table({
      graph,
      node,
      key,
      value: options.value,
      wanted,
      lookup: lookup && narrowed(lookup, mapped),
    });
  }

  /** The changes as a stream; a deletion is a record without a value. */
  toStream({ name }: Named = {}): KStream<K, V> {
    const { graph, node: parent, key, value } = this.#parts;
    const node = graph.name('KTABLE-TOSTREAM', name);
    graph.add((topology) => topology.addProcessor(node, toStream<V>(), [parent]));
    return graph.make.stream({ graph, node, key, value, flagged: false });
  }

  /** For joins: asks for a store, and answers where rows are found once the topology is built. */
  lookup(): () => Lookup<V> {
    const { wanted, lookup } = this.#parts;
    if (lookup === undefined) {
      throw new UserError('DSL_JOIN_INVALID', 'a stream cannot be joined with a windowed table');
    }
    wanted.store = true;
    return lookup;
  }
}

/** A look-up that shows less, or something else, of each row. */
const narrowed =
  <V, V2>(lookup: () => Lookup<V>, view: (row: V, record: StreamRecord<unknown>) => V2 | null): (() => Lookup<V2>) =>
  () => {
    const inner = lookup();
    return {
      ...inner,
      view(stored, record) {
        const row = inner.view(stored, record);
        return row === null ? null : view(row, record);
      },
    };
  };
