/**
 * A stream: records, each for itself. Thin: each method adds one operator (and, where records with equal keys have to
 * meet, a repartition before it).
 *
 * Keys are bytes inside; a key's serde is always known, so functions see it decoded. A value's serde is known as long
 * as the value came from a topic or one was given; it is needed only where the value is written. Null keys and values
 * are shown to the functions of a stream, typed so; a table's functions see rows only.
 */

import { requireFunctions, requireSerdes } from '../given.ts';
import type { OperatorSupplier } from '../operator.ts';
import { dynamicSink } from '../operators/dynamic-sink.ts';
import { filter } from '../operators/filter.ts';
import { flatMap } from '../operators/flat-map.ts';
import { flatMapValues } from '../operators/flat-map-values.ts';
import { forEach } from '../operators/for-each.ts';
import { map } from '../operators/map.ts';
import { mapValues } from '../operators/map-values.ts';
import { passThrough } from '../operators/pass-through.ts';
import { peek } from '../operators/peek.ts';
import { selectKey } from '../operators/select-key.ts';
import { sink } from '../operators/sink.ts';
import { process, processValues } from '../processors/process.ts';
import type { FixedKeyProcessorSupplier, ProcessorSupplier } from '../processors/processor.ts';
import type { AnyStoreBuilder } from '../processors/store-builder.ts';
import type { Serde } from '../serde.ts';
import type { BranchedKStream } from './branched-kstream.ts';
import { broughtTogether, repartitioned } from './brought-together.ts';
import { requireOne, requireTopic } from './given.ts';
import { GlobalKTable } from './global-ktable.ts';
import { assertCombinable, type Graph, serdeFor } from './graph.ts';
import { JoinWindows } from './join-windows.ts';
import type { KGroupedStream } from './kgrouped-stream.ts';
import { KTable, partsOfTable } from './ktable.ts';
import type {
  Joined,
  Named,
  Printed,
  Processed,
  StreamJoined,
  TableMaterialized,
  WithKeyAndValue,
  Without,
  WithValue,
} from './options.ts';
import { keyForm, keyOf, type StreamParts } from './parts.ts';
import { chosenTopic, type Produced, type Repartitioned, type TopicChooser, writtenFields } from './produced.ts';
import { joinWithGlobalTable, type SelectKey } from './stream-global-table-join.ts';
import { joinStreams, type StreamJoiner, type StreamJoinKind } from './stream-join.ts';
import { joinWithTable } from './stream-table-join.ts';
import { tableFrom } from './table-from.ts';

export class KStream<K, V> {
  readonly #parts: StreamParts<K, V>;

  constructor(parts: StreamParts<K, V>) {
    this.#parts = parts;
  }

  /** Adds a processor behind this stream, named by `prefix` or by the caller; answers its name. */
  #add<V2>(prefix: string, { name }: Named, supplier: OperatorSupplier<V, V2>): string {
    const { graph, node: parent } = this.#parts;
    const node = graph.name(prefix, name);
    graph.add((topology) => topology.addProcessor(node, supplier, [parent]));
    return node;
  }

  /** The records for which `keeps` holds. A type guard narrows the type of their values. */
  filter<W extends V>(keeps: (key: K | null, value: V | null) => value is W, options?: Named): KStream<K, W>;
  filter(keeps: (key: K | null, value: V | null) => boolean, options?: Named): KStream<K, V>;
  filter(keeps: (key: K | null, value: V | null) => boolean, options: Named = {}): KStream<K, V> {
    requireFunctions('filter', { keeps });
    return this.#filter(keeps, false, options);
  }

  /** The records for which `drops` does not hold. */
  filterNot<W extends V>(
    drops: (key: K | null, value: V | null) => value is W,
    options?: Named,
  ): KStream<K, Without<V, W>>;
  filterNot(drops: (key: K | null, value: V | null) => boolean, options?: Named): KStream<K, V>;
  filterNot(drops: (key: K | null, value: V | null) => boolean, options: Named = {}): KStream<K, V> {
    requireFunctions('filterNot', { drops });
    return this.#filter(drops, true, options);
  }

  #filter(keeps: (key: K | null, value: V | null) => boolean, not: boolean, options: Named): KStream<K, V> {
    const { graph, key } = this.#parts;
    const supplier = filter<V>((record) => keeps(keyOf(key, record), record.value), { not });
    return graph.make.stream({ ...this.#parts, node: this.#add('KSTREAM-FILTER', options, supplier) });
  }

  /** New key and value; the new key's serde has to be given. */
  map<K2, V2>(
    to: (key: K | null, value: V | null) => readonly [K2 | null, V2 | null],
    options: WithKeyAndValue<K2, V2>,
  ): KStream<K2, V2> {
    requireFunctions('map', { to });
    requireSerdes('map', options, 'key');
    const { graph, key } = this.#parts;
    let value: V2 | null = null;
    const supplier = map<V, V2>({
      key(record, out) {
        const pair = to(keyOf(key, record), record.value);
        value = pair[1];
        if (pair[0] === null) return false;
        options.key.write(pair[0], out);
        return true;
      },
      value: () => value,
    });
    return graph.make.stream(rekeyed(graph, this.#add('KSTREAM-MAP', options, supplier), options));
  }

  /** Each record becomes as many as the function gives pairs of key and value; the new key's serde has to be given. */
  flatMap<K2, V2>(
    to: (key: K | null, value: V | null) => Iterable<readonly [K2 | null, V2 | null]>,
    options: WithKeyAndValue<K2, V2>,
  ): KStream<K2, V2> {
    requireFunctions('flatMap', { to });
    requireSerdes('flatMap', options, 'key');
    const { graph, key } = this.#parts;
    const supplier = flatMap<V, K2, V2>({
      writeKey: options.key.write,
      to(record, emit) {
        for (const [newKey, value] of to(keyOf(key, record), record.value)) emit(newKey, value);
      },
    });
    return graph.make.stream(rekeyed(graph, this.#add('KSTREAM-FLATMAP', options, supplier), options));
  }

  mapValues<V2>(to: (value: V | null, key: K | null) => V2 | null, options: WithValue<V2> = {}): KStream<K, V2> {
    requireFunctions('mapValues', { to });
    const { graph, key } = this.#parts;
    const supplier = mapValues<V, V2>((record) => to(record.value, keyOf(key, record)));
    const node = this.#add('KSTREAM-MAPVALUES', options, supplier);
    return graph.make.stream({ ...this.#parts, node, value: options.value });
  }

  /** Each record becomes as many as the function gives values, under the same key. */
  flatMapValues<V2>(
    to: (value: V | null, key: K | null) => Iterable<V2 | null>,
    options: WithValue<V2> = {},
  ): KStream<K, V2> {
    requireFunctions('flatMapValues', { to });
    const { graph, key } = this.#parts;
    const supplier = flatMapValues<V, V2>((record) => to(record.value, keyOf(key, record)));
    const node = this.#add('KSTREAM-FLATMAPVALUES', options, supplier);
    return graph.make.stream({ ...this.#parts, node, value: options.value });
  }

  selectKey<K2>(
    to: (key: K | null, value: V | null) => K2 | null,
    options: Named & { readonly key: Serde<K2> },
  ): KStream<K2, V> {
    requireFunctions('selectKey', { to });
    requireSerdes('selectKey', options, 'key');
    const { graph, key, value } = this.#parts;
    const supplier = selectKey<V>((record, out) => {
      const selected = to(keyOf(key, record), record.value);
      if (selected === null) return false;
      options.key.write(selected, out);
      return true;
    });
    const node = this.#add('KSTREAM-KEY-SELECT', options, supplier);
    return graph.make.stream(rekeyed(graph, node, { key: options.key, value }));
  }

  peek(see: (key: K | null, value: V | null) => void, options: Named = {}): KStream<K, V> {
    requireFunctions('peek', { see });
    const { graph, key } = this.#parts;
    const supplier = peek<V>((record) => see(keyOf(key, record), record.value));
    return graph.make.stream({ ...this.#parts, node: this.#add('KSTREAM-PEEK', options, supplier) });
  }

  /** Shows each record to the function, and ends this branch of the topology. After a crash records may be shown
   *  again. */
  foreach(see: (key: K | null, value: V | null) => void, options: Named = {}): void {
    requireFunctions('foreach', { see });
    const { key } = this.#parts;
    this.#add(
      'KSTREAM-FOREACH',
      options,
      forEach<V>((record) => see(keyOf(key, record), record.value)),
    );
  }

  /** Writes each record as a line `[label]: key, value`, and ends this branch. */
  print(options: Printed<K, V> = {}): void {
    const { key, node: parent } = this.#parts;
    const { label = parent, write = logLine, mapper = textOf } = options;
    requireFunctions('print', { write, mapper });
    this.#add(
      'KSTREAM-PRINTER',
      options,
      forEach<V>((record) => write(`[${label}]: ${mapper(keyOf(key, record), record.value)}`)),
    );
  }

  /** The records of both streams. Those of each stay in their order. */
  merge(other: KStream<K, V>, { name }: Named = {}): KStream<K, V> {
    requireOne('merge', 'a stream', other, KStream);
    const { graph, node: parent, key, value, flagged } = this.#parts;
    const theirs = other.#parts;
    assertCombinable(this.#parts, theirs, 'merge');
    const node = graph.name('KSTREAM-MERGE', name);
    graph.add((topology) => topology.addProcessor(node, passThrough<V>(), [parent, theirs.node]));
    return graph.make.stream({
      graph,
      node,
      key,
      value: value ?? theirs.value,
      flagged: flagged || theirs.flagged,
    });
  }

  /** Splits the stream: each record goes to the first of the branches that takes it. `name` is put before their names,
   *  in those of the nodes. */
  split({ name }: Named = {}): BranchedKStream<K, V> {
    return this.#parts.graph.make.branched(this.#parts, name);
  }

  /** Writes the records to a topic of the topology's own and reads them again: records with equal keys then lie in one
   *  partition, of as many as are asked for. `name` names the topic. */
  repartition(options: Repartitioned<K, V> = {}): KStream<K, V> {
    const { graph } = this.#parts;
    const name = graph.name('KSTREAM-REPARTITION', options.name);
    return graph.make.stream(repartitioned(this.#parts, name, options));
  }

  /** Groups by a new key. `name` names the repartition topic. */
  groupBy<K2>(
    to: (key: K | null, value: V | null) => K2 | null,
    options: WithValue<V> & { readonly key: Serde<K2> },
  ): KGroupedStream<K2, V> {
    requireFunctions('groupBy', { to });
    requireSerdes('groupBy', options, 'key');
    return this.selectKey(to, { key: options.key }).groupByKey(options);
  }

  /** Groups by the key as it is. `name` names the repartition topic, where there is one. */
  groupByKey(options: WithValue<V> = {}): KGroupedStream<K, V> {
    return this.#parts.graph.make.grouped(this.#parts, options);
  }

  /** Keeps the last value of each key; a null value deletes the row. */
  toTable(options: TableMaterialized<V> = {}): KTable<K, V> {
    const { graph } = this.#parts;
    const name = graph.name('KSTREAM-TOTABLE', options.name);
    const store = graph.name('KSTREAM-TOTABLE-STATE-STORE', options.store);
    const { node: parent, key } = broughtTogether(this.#parts, options.name ?? name, options);
    const row = serdeFor('value', 'toTable', options.value, this.#parts.value);
    return tableFrom({ graph, name, parent, key, row, store, kept: options.store !== undefined, options });
  }

  /** Joins each record with the table's row of the same key; records without one fall out. */
  join<R, V2>(
    table: KTable<K, R>,
    joiner: (value: V, row: R, key: K) => V2 | null,
    options?: Joined<V, V2>,
  ): KStream<K, V2>;
  /** Joins each two records of both streams that have one key and lie within the window of each other. Joined with
   *  itself, a stream keeps its records once. */
  join<R, V2>(
    other: KStream<K, R>,
    joiner: (left: V, right: R, key: K) => V2 | null,
    windows: JoinWindows,
    options?: StreamJoined<V, R, V2>,
  ): KStream<K, V2>;
  /** Joins each record with the row of the global table under the key that `select` gives; records without one fall
   *  out. */
  join<GK, R, V2>(
    table: GlobalKTable<GK, R>,
    select: (key: K | null, value: V) => GK | null,
    joiner: (value: V, row: R, key: K | null) => V2 | null,
    options?: WithValue<V2>,
  ): KStream<K, V2>;
  join<GK, R, V2>(
    other: KTable<K, R> | KStream<K, R> | GlobalKTable<GK, R>,
    first: ((value: V, row: R, key: K) => V2 | null) | ((key: K | null, value: V) => GK | null),
    second?: Joined<V, V2> | JoinWindows | ((value: V, row: R, key: K | null) => V2 | null),
    options: StreamJoined<V, R, V2> = {},
  ): KStream<K, V2> {
    // The overloads have what belongs together; an inner join shows no null row.
    checkJoin('join', other, first, second);
    if (other instanceof GlobalKTable)
      return this.#joinGlobal(other, first as SelectKey<K, V, GK>, second as StreamJoiner<K, V, R, V2>, false, options);
    const joiner = first as (value: V, row: R, key: K) => V2 | null;
    // Nor a null key.
    const shown = (value: V | null, row: R | null, key: K | null): V2 | null => joiner(value as V, row as R, key as K);
    if (second instanceof JoinWindows && other instanceof KStream)
      return this.#joinStream(other, shown, second, 'inner', options);
    return this.#joinTable(other as KTable<K, R>, shown, false, second as Joined<V, V2> | undefined);
  }

  /** Joins each record with the table's row of the same key, or with null. */
  leftJoin<R, V2>(
    table: KTable<K, R>,
    joiner: (value: V, row: R | null, key: K | null) => V2 | null,
    options?: Joined<V, V2>,
  ): KStream<K, V2>;
  /** As `join`; records of this stream that meet none are emitted with null when their window and its grace have passed
   *  by stream time. */
  leftJoin<R, V2>(
    other: KStream<K, R>,
    joiner: (left: V, right: R | null, key: K | null) => V2 | null,
    windows: JoinWindows,
    options?: StreamJoined<V, R, V2>,
  ): KStream<K, V2>;
  /** Joins each record with the row of the global table under the key that `select` gives, or with null. */
  leftJoin<GK, R, V2>(
    table: GlobalKTable<GK, R>,
    select: (key: K | null, value: V) => GK | null,
    joiner: (value: V, row: R | null, key: K | null) => V2 | null,
    options?: WithValue<V2>,
  ): KStream<K, V2>;
  leftJoin<GK, R, V2>(
    other: KTable<K, R> | KStream<K, R> | GlobalKTable<GK, R>,
    first: ((value: V, row: R | null, key: K | null) => V2 | null) | ((key: K | null, value: V) => GK | null),
    second?: Joined<V, V2> | JoinWindows | ((value: V, row: R | null, key: K | null) => V2 | null),
    options: StreamJoined<V, R, V2> = {},
  ): KStream<K, V2> {
    checkJoin('leftJoin', other, first, second);
    if (other instanceof GlobalKTable)
      return this.#joinGlobal(other, first as SelectKey<K, V, GK>, second as StreamJoiner<K, V, R, V2>, true, options);
    const joiner = first as (value: V, row: R | null, key: K | null) => V2 | null;
    // A left join shows no null on the left.
    const shown = (value: V | null, row: R | null, key: K | null): V2 | null => joiner(value as V, row, key);
    if (second instanceof JoinWindows && other instanceof KStream)
      return this.#joinStream(other, shown, second, 'left', options);
    return this.#joinTable(other as KTable<K, R>, shown, true, second as Joined<V, V2> | undefined);
  }

  /** As `join`; records of both streams that meet none are emitted with null for the other side when their window and
   *  its grace have passed by stream time. */
  outerJoin<R, V2>(
    other: KStream<K, R>,
    joiner: (left: V | null, right: R | null, key: K | null) => V2 | null,
    windows: JoinWindows,
    options: StreamJoined<V, R, V2> = {},
  ): KStream<K, V2> {
    requireOne('outerJoin', 'a stream', other, KStream);
    requireFunctions('outerJoin', { joiner });
    requireOne('outerJoin', 'JoinWindows', windows, JoinWindows);
    return this.#joinStream(other, joiner, windows, 'outer', options);
  }

  #joinStream<R, V2>(
    other: KStream<K, R>,
    joiner: StreamJoiner<K, V, R, V2>,
    windows: JoinWindows,
    kind: StreamJoinKind,
    options: StreamJoined<V, R, V2>,
  ): KStream<K, V2> {
    const { graph } = this.#parts;
    return graph.make.stream(joinStreams(this.#parts, other.#parts, joiner, windows, kind, options));
  }

  #joinGlobal<GK, R, V2>(
    table: GlobalKTable<GK, R>,
    select: SelectKey<K, V, GK>,
    joiner: StreamJoiner<K, V, R, V2>,
    left: boolean,
    options: WithValue<V2>,
  ): KStream<K, V2> {
    return this.#parts.graph.make.stream(joinWithGlobalTable(this.#parts, table, select, joiner, left, options));
  }

  #joinTable<R, V2>(
    table: KTable<K, R>,
    joiner: StreamJoiner<K, V, R, V2>,
    left: boolean,
    options: Joined<V, V2> = {},
  ): KStream<K, V2> {
    return this.#parts.graph.make.stream(joinWithTable(this.#parts, partsOfTable(table), joiner, left, options));
  }

  /**
   * Runs a processor of the user's over the records (`../processors/processor.ts`). What it forwards is the stream that
   * is answered. Its keys may be others than before: what follows by key goes through a repartition. Where their type
   * is another one, `key` has to be given.
   */
  process<K2, V2, const S extends readonly AnyStoreBuilder[] = readonly []>(
    supplier: ProcessorSupplier<K, V, K2, V2, S[number]>,
    options: Processed<S> & WithKeyAndValue<K2, V2>,
  ): KStream<K2, V2>;
  process<V2 = never, const S extends readonly AnyStoreBuilder[] = readonly []>(
    supplier: ProcessorSupplier<K, V, K, V2, S[number]>,
    options?: Processed<S> & WithValue<V2>,
  ): KStream<K, V2>;
  process<K2, V2, S extends readonly AnyStoreBuilder[]>(
    supplier: ProcessorSupplier<K, V, K2, V2, S[number]>,
    options: Processed<S> & WithValue<V2> & { readonly key?: Serde<K2> } = {},
  ): KStream<K2, V2> {
    const { graph, key } = this.#parts;
    // Without a serde of its own the type of the key is the one of before.
    const keyOut = options.key ?? (key.serde as Serde<unknown> as Serde<K2>);
    const operator = process<K, V, K2, V2, S[number]>(supplier, { ...options, key: key.serde, keyOut });
    const node = this.#add('KSTREAM-PROCESSOR', options, operator);
    return graph.make.stream({ graph, node, key: keyForm(keyOut), value: options.value, flagged: true });
  }

  /** The same for a processor that keeps the key: what follows by key needs no repartition. */
  processValues<V2 = never, const S extends readonly AnyStoreBuilder[] = readonly []>(
    supplier: FixedKeyProcessorSupplier<K, V, V2, S[number]>,
    options: Processed<S> & WithValue<V2> = {},
  ): KStream<K, V2> {
    const { graph, key } = this.#parts;
    const operator = processValues<K, V, V2, S[number]>(supplier, { ...options, key: key.serde });
    const node = this.#add('KSTREAM-PROCESSVALUES', options, operator);
    return graph.make.stream({ ...this.#parts, node, value: options.value });
  }

  /** Writes the records to a topic, which has to exist; or each to the topic that a function of it names. A record for
   *  one that does not exist is dropped (`serialization`). */
  to(topic: string | TopicChooser<K, V>, options: Produced<K, V> = {}): void {
    if (typeof topic !== 'function') requireTopic('to', topic);
    const { graph, node: parent, key } = this.#parts;
    const where = typeof topic === 'string' ? `to("${topic}")` : 'to(…)';
    const value = serdeFor('value', where, options.value, this.#parts.value);
    const node = graph.name('KSTREAM-SINK', options.name);
    const fields = writtenFields(key, value, options);
    if (typeof topic !== 'string') {
      const supplier = dynamicSink<V>({ topic: chosenTopic(key, topic), ...fields });
      graph.add((topology) => topology.addDynamicSink(node, { parents: [parent], supplier }));
      return;
    }
    graph.add((topology) => topology.addSink(node, { topic, parents: [parent], supplier: sink({ topic, ...fields }) }));
  }
}

/** What `join` and `leftJoin` are given goes together. */
const checkJoin = (method: string, other: unknown, first: unknown, second: unknown): void => {
  requireOne(method, 'a stream, a table or a global table', other, KStream, KTable, GlobalKTable);
  if (other instanceof GlobalKTable) return requireFunctions(method, { select: first, joiner: second });
  requireFunctions(method, { joiner: first });
  if (other instanceof KStream) requireOne(`${method} of two streams`, 'JoinWindows', second, JoinWindows);
};

/** The parts of a stream whose key is another one than before. */
const rekeyed = <K, V>(
  graph: Graph,
  node: string,
  { key, value }: { readonly key: Serde<K>; readonly value?: Serde<V> | undefined },
): StreamParts<K, V> => ({ graph, node, key: keyForm(key), value, flagged: true });

const logLine = (line: string): void => console.log(line);

const textOf = (key: unknown, value: unknown): string => `${shown(key)}, ${shown(value)}`;

const shown = (value: unknown): string => {
  if (typeof value !== 'object' || value === null) return String(value);
  return JSON.stringify(value, (_name, part: unknown) => (typeof part === 'bigint' ? String(part) : part));
};
