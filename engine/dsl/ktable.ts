/** A table: the last row of each key, as a changing thing. Its functions see rows only; a missing row needs none. */

import { UserError } from '../../base/index.ts';
import { requireFunctions, requireSerdes } from '../given.ts';
import { tableFilter } from '../operators/table-filter.ts';
import { type GroupOf, tableGroupBy } from '../operators/table-group-by.ts';
import { tableMapValues } from '../operators/table-map-values.ts';
import { toStream } from '../operators/to-stream.ts';
import type { AnyStoreBuilder } from '../processors/store-builder.ts';
import type { StreamRecord } from '../record.ts';
import type { Serde } from '../serde.ts';
import { derivedTable, transformedTable, type ValueTransformerSupplier } from './derived-table.ts';
import { foreignKeyJoin } from './foreign-key-join.ts';
import { requireOne } from './given.ts';
import type { KGroupedTable } from './kgrouped-table.ts';
import type { KStream } from './kstream.ts';
import type {
  ForeignKeyJoined,
  Materialized,
  Named,
  Processed,
  WithKeyAndValue,
  Without,
  WithValue,
} from './options.ts';
import { keyForm, presentKeyOf, type TableParts } from './parts.ts';
import { type QueryableStore, queryableStore, type VersionedForm } from './queryable-store.ts';
import { Suppressed } from './suppressed.ts';
import { suppressedTable } from './suppressed-table.ts';
import { tableTableJoin } from './table-table-join.ts';

/** For joins of streams: what a table is made of. */
export let partsOfTable: <K, V>(table: KTable<K, V>) => TableParts<K, V>;

export class KTable<K, V> {
  readonly #parts: TableParts<K, V>;

  static {
    partsOfTable = (table) => table.#parts;
  }

  constructor(parts: TableParts<K, V>) {
    this.#parts = parts;
  }

  /** The rows for which `keeps` holds; a type guard narrows their type. They are kept where `store` names one. */
  filter<W extends V>(keeps: (key: K, value: V) => value is W, options?: Materialized<W>): KTable<K, W>;
  filter(keeps: (key: K, value: V) => boolean, options?: Materialized<V>): KTable<K, V>;
  filter(keeps: (key: K, value: V) => boolean, options: Materialized<V> = {}): KTable<K, V> {
    requireFunctions('filter', { keeps });
    return this.#filter(keeps, false, options);
  }

  /** The rows for which `drops` does not hold. */
  filterNot<W extends V>(
    drops: (key: K, value: V) => value is W,
    options?: Materialized<Without<V, W>>,
  ): KTable<K, Without<V, W>>;
  filterNot(drops: (key: K, value: V) => boolean, options?: Materialized<V>): KTable<K, V>;
  filterNot(drops: (key: K, value: V) => boolean, options: Materialized<V> = {}): KTable<K, V> {
    requireFunctions('filterNot', { drops });
    return this.#filter(drops, true, options);
  }

  #filter(keeps: (key: K, value: V) => boolean, not: boolean, options: Materialized<V>): KTable<K, V> {
    const { graph, key, wanted, versioned = false } = this.#parts;
    const node = graph.name('KTABLE-FILTER', options.name);
    // It needs the row before, which only a store knows.
    wanted.store = true;
    const passes = (row: V, record: StreamRecord<unknown>): boolean => keeps(presentKeyOf(key, record), row);
    return derivedTable(this.#parts, {
      node,
      operator: tableFilter<V>(passes, { not, versioned }),
      before: 'needed',
      row: (row, record) => (passes(row, record) !== not ? row : null),
      value: options.value ?? this.#parts.value,
      options,
    });
  }

  /** A new value for each row; null: there is no row. They are kept where `store` names one. */
  mapValues<V2>(to: (value: V, key: K) => V2 | null, options: Materialized<V2> = {}): KTable<K, V2> {
    requireFunctions('mapValues', { to });
    const { graph, key } = this.#parts;
    const node = graph.name('KTABLE-MAPVALUES', options.name);
    const row = (value: V, record: StreamRecord<unknown>): V2 | null => to(value, presentKeyOf(key, record));
    const { value } = options;
    return derivedTable(this.#parts, { node, operator: tableMapValues(row), before: 'passed on', row, value, options });
  }

  /** A new value for each row by a function with state, made for each task: it sees the stores that `stores` names, and
   *  is called once for each change, for a deletion with null. Its results are kept where `store` names one, or where
   *  a join or a filter needs them. */
  transformValues<V2, const S extends readonly AnyStoreBuilder[] = readonly []>(
    supplier: ValueTransformerSupplier<K, V, V2, S[number]>,
    options: Processed<S> & Materialized<V2> = {},
  ): KTable<K, V2> {
    requireFunctions('transformValues', { supplier });
    return transformedTable<K, V, V2, S>(this.#parts, supplier, options);
  }

  /** Rows of both tables with the same key; only where both have one. The result is kept where `store` names one. */
  join<R, V2>(
    other: KTable<K, R>,
    joiner: (value: V, other: R, key: K) => V2 | null,
    options?: Materialized<V2>,
  ): KTable<K, V2>;
  /** Each row of this table with the other's row under its foreign key; only where both are there. Many rows of this
   *  table may have the same one. */
  join<FK, R, V2>(
    other: KTable<FK, R>,
    foreignKey: (value: V, key: K) => FK | null,
    joiner: (value: V, other: R, key: K) => V2 | null,
    options?: ForeignKeyJoined<FK, V2>,
  ): KTable<K, V2>;
  join<FK, R, V2>(
    other: KTable<K, R> | KTable<FK, R>,
    second: ((value: V, other: R, key: K) => V2 | null) | ((value: V, key: K) => FK | null),
    third?: ((value: V, other: R, key: K) => V2 | null) | Materialized<V2>,
    fourth?: ForeignKeyJoined<FK, V2>,
  ): KTable<K, V2> {
    checkJoin('join', other, second, third, fourth);
    // The overloads have what belongs together; an inner join shows no null row.
    if (typeof third === 'function') {
      const joiner = third as (value: V, row: R | null, key: K) => V2 | null;
      return foreignKeyJoin(this.#parts, (other as KTable<FK, R>).#parts, {
        foreignKey: second as (value: V, key: K) => FK | null,
        joiner,
        leftJoin: false,
        options: fourth ?? {},
      });
    }
    const joiner = second as (value: V | null, row: R | null, key: K) => V2 | null;
    return tableTableJoin(this.#parts, (other as KTable<K, R>).#parts, { kind: 'inner', joiner, options: third ?? {} });
  }

  /** Each row of this table with the other's row of the same key, or with null. */
  leftJoin<R, V2>(
    other: KTable<K, R>,
    joiner: (value: V, other: R | null, key: K) => V2 | null,
    options?: Materialized<V2>,
  ): KTable<K, V2>;
  /** Each row of this table with the other's row under its foreign key, or with null. */
  leftJoin<FK, R, V2>(
    other: KTable<FK, R>,
    foreignKey: (value: V, key: K) => FK | null,
    joiner: (value: V, other: R | null, key: K) => V2 | null,
    options?: ForeignKeyJoined<FK, V2>,
  ): KTable<K, V2>;
  leftJoin<FK, R, V2>(
    other: KTable<K, R> | KTable<FK, R>,
    second: ((value: V, other: R | null, key: K) => V2 | null) | ((value: V, key: K) => FK | null),
    third?: ((value: V, other: R | null, key: K) => V2 | null) | Materialized<V2>,
    fourth?: ForeignKeyJoined<FK, V2>,
  ): KTable<K, V2> {
    checkJoin('leftJoin', other, second, third, fourth);
    if (typeof third === 'function') {
      return foreignKeyJoin(this.#parts, (other as KTable<FK, R>).#parts, {
        foreignKey: second as (value: V, key: K) => FK | null,
        joiner: third,
        leftJoin: true,
        options: fourth ?? {},
      });
    }
    const joiner = second as (value: V | null, row: R | null, key: K) => V2 | null;
    return tableTableJoin(this.#parts, (other as KTable<K, R>).#parts, { kind: 'left', joiner, options: third ?? {} });
  }

  /** Every row of both tables, with the other's row of the same key, or with null; one of them is there. */
  outerJoin<R, V2>(
    other: KTable<K, R>,
    joiner: (value: V | null, other: R | null, key: K) => V2 | null,
    options: Materialized<V2> = {},
  ): KTable<K, V2> {
    checkJoin('outerJoin', other, joiner, options);
    return tableTableJoin(this.#parts, other.#parts, { kind: 'outer', joiner, options });
  }

  /** Groups rows by a new key, each with what the group takes of it; where either is null, or both, a row belongs to
   *  no group.
   *  `name` names the repartition topic. */
  groupBy<K2, V2>(
    to: (key: K, value: V) => readonly [K2 | null, V2 | null] | null,
    options: WithKeyAndValue<K2, V2> & { readonly value: Serde<V2> },
  ): KGroupedTable<K2, V2> {
    requireFunctions('groupBy', { to });
    requireSerdes('groupBy', options, 'key', 'value');
    const { graph, node: parent, key, wanted } = this.#parts;
    const node = graph.name('KTABLE-SELECT');
    // It needs the row before, which only a store knows.
    wanted.store = true;
    const groupOf: GroupOf<V, V2> = (row, record, out) => {
      const pair = to(presentKeyOf(key, record), row);
      if (pair === null || pair[0] === null || pair[1] === null) return null;
      options.key.write(pair[0], out);
      return pair[1];
    };
    graph.add((topology) => topology.addProcessor(node, tableGroupBy(groupOf), [parent], { before: 'needed' }));
    const { value, name } = options;
    return graph.make.groupedTable({ graph, node, key: keyForm(options.key), value, name });
  }

  /** Holds changes back, so that only some of them are sent on: the last one within a time limit, or the final result
   *  of each window (`Suppressed`). */
  suppress(suppressed: Suppressed<K>, options: WithValue<V> = {}): KTable<K, V> {
    requireOne('suppress', 'what Suppressed makes', suppressed, Suppressed);
    return suppressedTable(this.#parts, suppressed, options);
  }

  /** The store that holds the table's rows, for `Streams.store`. Throws DSL_TABLE_NOT_STORED where there is none: a
   *  table that is filtered, mapped or joined without a store of its own. */
  queryable(): QueryableStore<K, V> {
    const { store, key, value, wanted, node, keepsWindows = false } = this.#parts;
    if (store === undefined || value === undefined) {
      throw new UserError('DSL_TABLE_NOT_STORED', `the table "${node}" is not kept in a store`, {
        hint: 'Read the table that it is made of, or name a store for it where the method takes one.',
      });
    }
    wanted.store = true;
    return queryableStore(store, key.serde, value, !keepsWindows);
  }

  /** The stores of a versioned table, for `Streams.versions`. Throws DSL_TABLE_NOT_VERSIONED for any other. */
  versions(): VersionedForm<K, V> {
    const { history, key, node, store, value } = this.#parts;
    if (history !== undefined && store !== undefined && value !== undefined)
      return { name: store, key: key.serde, value, history };
    throw new UserError('DSL_TABLE_NOT_VERSIONED', `the table "${node}" keeps no former rows`, {
      hint: 'Make it with versioned: { historyMs }; what is made of a versioned table is not versioned itself.',
    });
  }

  /** The changes as a stream; a deletion is a record without a value. */
  toStream(options?: Named): KStream<K, V>;
  /** The same under a new key. */
  toStream<K2>(
    to: (key: K, value: V | null) => K2 | null,
    options: Named & { readonly key: Serde<K2> },
  ): KStream<K2, V>;
  toStream<K2>(
    first: Named | ((key: K, value: V | null) => K2 | null) = {},
    options?: Named & { readonly key: Serde<K2> },
  ): KStream<K, V> | KStream<K2, V> {
    if (first === null) requireFunctions('toStream', { to: first });
    if (typeof first !== 'function') return this.#toStream(first);
    // The overloads have what belongs together; a table's rows have keys.
    const given = options as Named & { readonly key: Serde<K2> };
    requireSerdes('toStream', given, 'key');
    const { name, key } = given;
    return this.#toStream(name === undefined ? {} : { name }).selectKey((k, value) => first(k as K, value), { key });
  }

  #toStream({ name }: Named): KStream<K, V> {
    const { graph, node: parent, key, value } = this.#parts;
    const node = graph.name('KTABLE-TOSTREAM', name);
    graph.add((topology) => topology.addProcessor(node, toStream<V>(), [parent]));
    return graph.make.stream({ graph, node, key, value, flagged: false });
  }
}

/** What the joins are given goes together: with a foreign key the joiner comes third, and options fourth. */
const checkJoin = (method: string, other: unknown, second: unknown, third: unknown, fourth?: unknown): void => {
  requireOne(method, 'a table', other, KTable);
  const byForeignKey = typeof third === 'function' || third === null || fourth !== undefined;
  requireFunctions(method, byForeignKey ? { foreignKey: second, joiner: third } : { joiner: second });
};
