/**
 * The typed DSL: streams, tables, and streams grouped by key. Thin: each method adds one operator (and, where records
 * with equal keys have to meet, a repartition before it).
 *
 * Keys are bytes inside; a key's serde is always known, so functions see it decoded. A value's serde is known as long
 * as the value came from a topic or one was given; it is needed only where the value is written. Null keys and values
 * are shown to the functions of a stream, typed so; a table's functions see rows only.
 *
 * Repartition. An operator that may change the key sets a flag; what follows by key (grouping, joining, `toTable`) then
 * goes through a repartition topic first, and clears it.
 *
 * All classes are in one file because each makes the others.
 */

import { UserError } from '../../base/index.ts';
import { type Accumulation, byValue } from '../operators/accumulation.ts';
import { aggregate } from '../operators/aggregate.ts';
import { counting } from '../operators/count.ts';
import { filter } from '../operators/filter.ts';
import { flatMapValues } from '../operators/flat-map-values.ts';
import { joinStreamTable } from '../operators/join-stream-table.ts';
import { map } from '../operators/map.ts';
import { mapValues } from '../operators/map-values.ts';
import { peek } from '../operators/peek.ts';
import { repartitionSink, repartitionSource } from '../operators/repartition.ts';
import { selectKey } from '../operators/select-key.ts';
import { sink } from '../operators/sink.ts';
import { tableFilter } from '../operators/table-filter.ts';
import { tableMapValues } from '../operators/table-map-values.ts';
import { tableSource } from '../operators/table-source.ts';
import { toStream } from '../operators/to-stream.ts';
import { windowAggregate } from '../operators/window-aggregate.ts';
import type { StreamRecord } from '../record.ts';
import type { Serde } from '../serde.ts';
import { int64 } from '../serdes.ts';
import { type Graph, serdeFor } from './graph.ts';
import { type TimeWindows, timeWindowBytes, timeWindowed, type Windowed } from './windows.ts';

/** A name for the node that a method adds. */
export interface Named {
  readonly name?: string;
}

export interface WithValue<V> extends Named {
  /** How the value is written from here on. */
  readonly value?: Serde<V>;
}

/** A store with a name of its own can be read from outside, and keeps its data when operators are inserted before
 *  it. */
export interface Materialized<V> extends WithValue<V> {
  readonly store?: string;
}

export interface WindowMaterialized<V> extends Materialized<V> {
  /** How long a window is kept after its start; at least size + grace, which is the default. */
  readonly retentionMs?: number;
}

/** A key's form: its serde, and how many bytes of a window lie behind the key's own. */
interface KeyForm<K> {
  readonly serde: Serde<K>;
  readonly windowBytes: number;
}

const keyOf = <K>({ serde }: KeyForm<K>, record: StreamRecord<unknown>): K | null =>
  record.keyStart < 0 ? null : serde.read(record.keyBytes, record.keyStart, record.keyEnd);

/** The key of a record that is known to have one. */
const presentKeyOf = <K>({ serde }: KeyForm<K>, record: StreamRecord<unknown>): K =>
  serde.read(record.keyBytes, record.keyStart, record.keyEnd);

interface StreamParts<K, V> {
  readonly graph: Graph;
  /** The node that this stream comes out of. */
  readonly node: string;
  readonly key: KeyForm<K>;
  readonly value: Serde<V> | undefined;
  /** The key may have changed since records were last brought together by it. */
  readonly flagged: boolean;
}

export class KStream<K, V> {
  readonly #parts: StreamParts<K, V>;

  constructor(parts: StreamParts<K, V>) {
    this.#parts = parts;
  }

  filter(keeps: (key: K | null, value: V | null) => boolean, options: Named = {}): KStream<K, V> {
    return this.#filter(keeps, false, options);
  }

  filterNot(drops: (key: K | null, value: V | null) => boolean, options: Named = {}): KStream<K, V> {
    return this.#filter(drops, true, options);
  }

  #filter(keeps: (key: K | null, value: V | null) => boolean, not: boolean, { name }: Named): KStream<K, V> {
    const { graph, node: parent, key } = this.#parts;
    const node = graph.name('KSTREAM-FILTER', name);
    graph.add((topology) =>
      topology.addProcessor(
        node,
        filter<V>((record) => keeps(keyOf(key, record), record.value), { not }),
        [parent],
      ),
    );
    return new KStream({ ...this.#parts, node });
  }

  /** New key and value; the new key's serde has to be given. */
  map<K2, V2>(
    to: (key: K | null, value: V | null) => readonly [K2 | null, V2 | null],
    options: Named & { readonly key: Serde<K2>; readonly value?: Serde<V2> },
  ): KStream<K2, V2> {
    const { graph, node: parent, key } = this.#parts;
    const node = graph.name('KSTREAM-MAP', options.name);
    graph.add((topology) => {
      let value: V2 | null = null;
      const mapped = map<V, V2>({
        key(record, out) {
          const pair = to(keyOf(key, record), record.value);
          value = pair[1];
          if (pair[0] === null) return false;
          options.key.write(pair[0], out);
          return true;
        },
        value: () => value,
      });
      topology.addProcessor(node, mapped, [parent]);
    });
    return new KStream({
      graph,
      node,
      key: { serde: options.key, windowBytes: 0 },
      value: options.value,
      flagged: true,
    });
  }

  mapValues<V2>(to: (value: V | null, key: K | null) => V2 | null, options: WithValue<V2> = {}): KStream<K, V2> {
    const { graph, node: parent, key } = this.#parts;
    const node = graph.name('KSTREAM-MAPVALUES', options.name);
    graph.add((topology) =>
      topology.addProcessor(
        node,
        mapValues<V, V2>((record) => to(record.value, keyOf(key, record))),
        [parent],
      ),
    );
    return new KStream({ ...this.#parts, node, value: options.value });
  }

  /** Each record becomes as many as the function gives values, under the same key. */
  flatMapValues<V2>(
    to: (value: V | null, key: K | null) => Iterable<V2 | null>,
    options: WithValue<V2> = {},
  ): KStream<K, V2> {
    const { graph, node: parent, key } = this.#parts;
    const node = graph.name('KSTREAM-FLATMAPVALUES', options.name);
    graph.add((topology) =>
      topology.addProcessor(
        node,
        flatMapValues<V, V2>((record) => to(record.value, keyOf(key, record))),
        [parent],
      ),
    );
    return new KStream({ ...this.#parts, node, value: options.value });
  }

  selectKey<K2>(
    to: (key: K | null, value: V | null) => K2 | null,
    options: Named & { readonly key: Serde<K2> },
  ): KStream<K2, V> {
    const { graph, node: parent, key, value } = this.#parts;
    const node = graph.name('KSTREAM-KEY-SELECT', options.name);
    graph.add((topology) =>
      topology.addProcessor(
        node,
        selectKey<V>((record, out) => {
          const selected = to(keyOf(key, record), record.value);
          if (selected === null) return false;
          options.key.write(selected, out);
          return true;
        }),
        [parent],
      ),
    );
    return new KStream({ graph, node, key: { serde: options.key, windowBytes: 0 }, value, flagged: true });
  }

  peek(see: (key: K | null, value: V | null) => void, { name }: Named = {}): KStream<K, V> {
    const { graph, node: parent, key } = this.#parts;
    const node = graph.name('KSTREAM-PEEK', name);
    graph.add((topology) =>
      topology.addProcessor(
        node,
        peek<V>((record) => see(keyOf(key, record), record.value)),
        [parent],
      ),
    );
    return new KStream({ ...this.#parts, node });
  }

  /** Groups by a new key. `name` names the repartition topic. */
  groupBy<K2>(
    to: (key: K | null, value: V | null) => K2 | null,
    options: WithValue<V> & { readonly key: Serde<K2> },
  ): KGroupedStream<K2, V> {
    return this.selectKey(to, { key: options.key }).groupByKey(options);
  }

  /** Groups by the key as it is. `name` names the repartition topic, where there is one. */
  groupByKey(options: WithValue<V> = {}): KGroupedStream<K, V> {
    return new KGroupedStream(this.#parts, options);
  }

  /** Keeps the last value of each key; a null value deletes the row. */
  toTable(options: Materialized<V> = {}): KTable<K, V> {
    const { graph } = this.#parts;
    const name = graph.name('KSTREAM-TOTABLE', options.name);
    const store = graph.name('KSTREAM-TOTABLE-STATE-STORE', options.store);
    const { node: parent, key } = broughtTogether(this.#parts, options.name ?? name, options.value);
    const row = serdeFor('value', 'toTable', options.value, this.#parts.value);
    return tableFrom({ graph, name, parent, key, row, store, kept: true });
  }

  /** Joins each record with the table's row of the same key; records without one fall out. */
  join<R, V2>(
    table: KTable<K, R>,
    joiner: (value: V, row: R, key: K) => V2 | null,
    options: WithValue<V2> = {},
  ): KStream<K, V2> {
    // An inner join shows no null row and no null key.
    return this.#join(table, (value, row, key) => joiner(value, row as R, key as K), false, options);
  }

  /** Joins each record with the table's row of the same key, or with null. */
  leftJoin<R, V2>(
    table: KTable<K, R>,
    joiner: (value: V, row: R | null, key: K | null) => V2 | null,
    options: WithValue<V2> = {},
  ): KStream<K, V2> {
    return this.#join(table, joiner, true, options);
  }

  #join<R, V2>(
    table: KTable<K, R>,
    joiner: (value: V, row: R | null, key: K | null) => V2 | null,
    left: boolean,
    options: WithValue<V2>,
  ): KStream<K, V2> {
    const { graph, value } = this.#parts;
    const node = graph.name(left ? 'KSTREAM-LEFTJOIN' : 'KSTREAM-JOIN', options.name);
    const stream = broughtTogether(this.#parts, `${node}-left`, value, left);
    const { key, node: parent } = stream;
    const lookup = table.lookup();
    graph.add((topology) => {
      const { store, row, view } = lookup();
      topology.addProcessor(
        node,
        joinStreamTable<V, unknown, R, V2>({
          store,
          row,
          view,
          // The operator drops records without a value.
          join: (record, joined) => joiner(record.value as V, joined, keyOf(key, record)),
          left,
        }),
        [parent],
        { stores: [store] },
      );
    });
    return new KStream({ ...stream, node, value: options.value });
  }

  to(topic: string, options: Named & { readonly value?: Serde<V> } = {}): void {
    const { graph, node: parent, key } = this.#parts;
    const value = serdeFor('value', `to("${topic}")`, options.value, this.#parts.value);
    const node = graph.name('KSTREAM-SINK', options.name);
    graph.add((topology) =>
      topology.addSink(node, {
        topic,
        parents: [parent],
        supplier: sink<V>({ topic, value, windowBytes: key.windowBytes }),
      }),
    );
  }
}

/** The stream behind a repartition, if its key may have changed; else as it is. `as` names the repartition. */
const broughtTogether = <K, V>(
  parts: StreamParts<K, V>,
  as: string,
  given: Serde<V> | undefined,
  keepNullKeys = false,
): StreamParts<K, V> => {
  if (!parts.flagged) return parts;
  const { graph, key } = parts;
  const value = serdeFor('value', `the repartition "${as}"`, given, parts.value);
  const sinkName = graph.name('KSTREAM-SINK');
  const sourceName = graph.name('KSTREAM-SOURCE');
  graph.add((topology) =>
    topology.addRepartition(as, {
      parents: [parts.node],
      sink: repartitionSink<V>({
        name: as,
        value,
        windowBytes: key.windowBytes,
        nullKeys: keepNullKeys ? 'keep' : 'drop',
      }),
      source: repartitionSource<V>({ value, key: key.serde }),
      sinkName,
      sourceName,
    }),
  );
  return { ...parts, node: sourceName, value, flagged: false };
};

/** What others have asked of a table that is not built yet. */
interface Wanted {
  store: boolean;
}

/** Where a join finds a table's rows: the store, how a row is read, and what the table shows of it. */
interface Lookup<V> {
  readonly store: string;
  readonly row: Serde<unknown>;
  readonly view: (row: unknown, record: StreamRecord<unknown>) => V | null;
}

interface TableParts<K, V> {
  readonly graph: Graph;
  readonly node: string;
  readonly key: KeyForm<K>;
  readonly value: Serde<V> | undefined;
  readonly wanted: Wanted;
  /** Called when the topology is built; undefined: nothing to look up (a windowed table). */
  readonly lookup: (() => Lookup<V>) | undefined;
}

/** The node that keeps rows, for tables of a topic and of a stream. */
const tableFrom = <K, V>(from: {
  readonly graph: Graph;
  readonly name: string;
  readonly parent: string;
  readonly key: KeyForm<K>;
  readonly row: Serde<V>;
  readonly store: string;
  /** Kept in any case, not only where rows are asked for. */
  readonly kept: boolean;
}): KTable<K, V> => {
  const { graph, name, parent, key, row, store } = from;
  const wanted: Wanted = { store: from.kept };
  graph.add((topology) => {
    const kept = wanted.store;
    if (kept) topology.addStore({ name: store, kind: 'key-value' });
    topology.addProcessor(name, tableSource<V>({ row, ...(kept ? { store } : {}) }), [parent], {
      stores: kept ? [store] : [],
    });
  });
  return new KTable<K, V>({
    graph,
    node: name,
    key,
    value: row,
    wanted,
    // A row read by this serde is a V.
    lookup: () => ({ store, row: row as Serde<unknown>, view: (stored) => stored as V }),
  });
};

/** A table of a topic; for the builder. */
export const sourceTable = tableFrom;

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
    return new KTable({ ...this.#parts, node, lookup: lookup && narrowed(lookup, shown) });
  }

  mapValues<V2>(to: (value: V, key: K) => V2 | null, options: WithValue<V2> = {}): KTable<K, V2> {
    const { graph, node: parent, key, wanted, lookup } = this.#parts;
    const node = graph.name('KTABLE-MAPVALUES', options.name);
    const mapped = (row: V, record: StreamRecord<unknown>): V2 | null => to(row, presentKeyOf(key, record));
    graph.add((topology) =>
      topology.addProcessor(node, tableMapValues<V, V2>(mapped), [parent], { before: 'passed on' }),
    );
    return new KTable({ graph, node, key, value: options.value, wanted, lookup: lookup && narrowed(lookup, mapped) });
  }

  /** The changes as a stream; a deletion is a record without a value. */
  toStream({ name }: Named = {}): KStream<K, V> {
    const { graph, node: parent, key, value } = this.#parts;
    const node = graph.name('KTABLE-TOSTREAM', name);
    graph.add((topology) => topology.addProcessor(node, toStream<V>(), [parent]));
    return new KStream({ graph, node, key, value, flagged: false });
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

export class KGroupedStream<K, V> {
  readonly #parts: StreamParts<K, V>;
  readonly #options: WithValue<V>;

  constructor(parts: StreamParts<K, V>, options: WithValue<V>) {
    this.#parts = parts;
    this.#options = options;
  }

  /** Counts the records of each key. */
  count(options: Materialized<number | bigint> = {}): KTable<K, number | bigint> {
    const { value = int64 } = options;
    const accumulation = value === int64 ? counting : byValue(value, () => 0, plusOne);
    return this.#aggregate<number | bigint>(accumulation, value, options);
  }

  /** Folds the records of each key. The accumulator may be changed in place; null deletes the row. */
  aggregate<A>(
    initialize: () => A,
    add: (key: K, value: V, accumulator: A) => A | null,
    options: Materialized<A> & { readonly value: Serde<A> },
  ): KTable<K, A> {
    const { key } = this.#parts;
    const { value } = options;
    // The operator drops records without a key or a value.
    const accumulation = byValue<V, A>(value, initialize, (accumulator, record) =>
      add(presentKeyOf(key, record), record.value as V, accumulator),
    );
    return this.#aggregate(accumulation, value, options);
  }

  #aggregate<A>(accumulation: Accumulation<V, A, A>, value: Serde<A>, options: Materialized<A>): KTable<K, A> {
    const { graph } = this.#parts;
    const store = graph.name('KSTREAM-AGGREGATE-STATE-STORE', options.store);
    const node = graph.name('KSTREAM-AGGREGATE', options.name);
    const { key, node: parent } = broughtTogether(this.#parts, this.#options.name ?? store, this.#options.value);
    const wanted: Wanted = { store: true };
    graph.add((topology) => {
      topology.addStore({ name: store, kind: 'key-value' });
      const supplier = aggregate<V, A, A>({ store, accumulation });
      topology.addProcessor(node, supplier, [parent], { stores: [store] });
    });
    return new KTable<K, A>({
      graph,
      node,
      key,
      value,
      wanted,
      lookup: () => ({ store, row: value as Serde<unknown>, view: (stored) => stored as A }),
    });
  }

  windowedBy(windows: TimeWindows): TimeWindowedKStream<K, V> {
    return new TimeWindowedKStream(this.#parts, this.#options, windows);
  }
}

const plusOne = (count: number | bigint): number | bigint => (typeof count === 'bigint' ? count + 1n : count + 1);

export class TimeWindowedKStream<K, V> {
  readonly #parts: StreamParts<K, V>;
  readonly #options: WithValue<V>;
  readonly #windows: TimeWindows;

  constructor(parts: StreamParts<K, V>, options: WithValue<V>, windows: TimeWindows) {
    this.#parts = parts;
    this.#options = options;
    this.#windows = windows;
  }

  /** Counts the records of each key and window. */
  count(options: WindowMaterialized<number | bigint> = {}): KTable<Windowed<K>, number | bigint> {
    const { value = int64 } = options;
    const accumulation = value === int64 ? counting : byValue(value, () => 0, plusOne);
    return this.#aggregate<number | bigint>(accumulation, value, options);
  }

  /** Folds the records of each key and window. */
  aggregate<A>(
    initialize: () => A,
    add: (key: K, value: V | null, accumulator: A) => A | null,
    options: WindowMaterialized<A> & { readonly value: Serde<A> },
  ): KTable<Windowed<K>, A> {
    const { key } = this.#parts;
    const { value } = options;
    const accumulation = byValue<V, A>(value, initialize, (accumulator, record) =>
      add(presentKeyOf(key, record), record.value, accumulator),
    );
    return this.#aggregate(accumulation, value, options);
  }

  #aggregate<A>(
    accumulation: Accumulation<V, A, A>,
    value: Serde<A>,
    options: WindowMaterialized<A>,
  ): KTable<Windowed<K>, A> {
    const { graph } = this.#parts;
    const { starts, sizeMs, graceMs } = this.#windows;
    const { retentionMs = sizeMs + graceMs } = options;
    if (retentionMs < sizeMs + graceMs) {
      throw new UserError(
        'DSL_WINDOW_INVALID',
        `a retention of ${retentionMs} ms is shorter than the window and its grace, ${sizeMs + graceMs} ms`,
      );
    }
    const store = graph.name('KSTREAM-AGGREGATE-STATE-STORE', options.store);
    const node = graph.name('KSTREAM-AGGREGATE', options.name);
    const { key, node: parent } = broughtTogether(this.#parts, this.#options.name ?? store, this.#options.value);
    const wanted: Wanted = { store: true };
    graph.add((topology) => {
      topology.addStore({ name: store, kind: 'window', retentionMs });
      const supplier = windowAggregate<V, A, A>({
        store,
        windows: starts,
        graceMs,
        retentionMs,
        accumulation,
      });
      topology.addProcessor(node, supplier, [parent], { stores: [store] });
    });
    const windowed = { serde: timeWindowed(key.serde, sizeMs), windowBytes: timeWindowBytes };
    return new KTable({ graph, node, key: windowed, value, wanted, lookup: undefined });
  }
}
