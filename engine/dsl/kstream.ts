/**
 * A stream: records, each for itself. Thin: each method adds one operator (and, where records with equal keys have to
 * meet, a repartition before it).
 *
 * Keys are bytes inside; a key's serde is always known, so functions see it decoded. A value's serde is known as long
 * as the value came from a topic or one was given; it is needed only where the value is written. Null keys and values
 * are shown to the functions of a stream, typed so; a table's functions see rows only.
 */

import { filter } from '../operators/filter.ts';
import { flatMapValues } from '../operators/flat-map-values.ts';
import { joinStreamTable } from '../operators/join-stream-table.ts';
import { map } from '../operators/map.ts';
import { mapValues } from '../operators/map-values.ts';
import { peek } from '../operators/peek.ts';
import { selectKey } from '../operators/select-key.ts';
import { sink } from '../operators/sink.ts';
import type { Serde } from '../serde.ts';
import { broughtTogether } from './brought-together.ts';
import { serdeFor } from './graph.ts';
import type { KGroupedStream } from './kgrouped-stream.ts';
import type { KTable } from './ktable.ts';
import type { Materialized, Named, WithValue } from './options.ts';
import { keyOf, type StreamParts } from './parts.ts';
import { tableFrom } from './table-from.ts';

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
    return this.#parts.graph.make.stream({ ...this.#parts, node });
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
    return this.#parts.graph.make.stream({
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
    return this.#parts.graph.make.stream({ ...this.#parts, node, value: options.value });
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
    return this.#parts.graph.make.stream({ ...this.#parts, node, value: options.value });
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
    return this.#parts.graph.make.stream({
      graph,
      node,
      key: { serde: options.key, windowBytes: 0 },
      value,
      flagged: true,
    });
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
    return this.#parts.graph.make.stream({ ...this.#parts, node });
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
    return this.#parts.graph.make.grouped(this.#parts, options);
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
    const rows = table.lookup();
    graph.add((topology) => {
      const viewed = rows();
      topology.addProcessor(
        node,
        joinStreamTable<V, R, V2>({
          table: viewed,
          // The operator drops records without a value.
          join: (record, joined) => joiner(record.value as V, joined, keyOf(key, record)),
          left,
        }),
        [parent],
        { stores: viewed.stores },
      );
    });
    return this.#parts.graph.make.stream({ ...stream, node, value: options.value });
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
