/** What the DSL's streams and tables are made of. */

import type { StreamRecord } from '../record.ts';
import type { Serde } from '../serde.ts';
import type { Graph } from './graph.ts';

/** A key's form: its serde, and how many bytes of a window lie behind the key's own. */
export interface KeyForm<K> {
  readonly serde: Serde<K>;
  readonly windowBytes: number;
}

export const keyOf = <K>({ serde }: KeyForm<K>, record: StreamRecord<unknown>): K | null =>
  record.keyStart < 0 ? null : serde.read(record.keyBytes, record.keyStart, record.keyEnd);

/** The key of a record that is known to have one. */
export const presentKeyOf = <K>({ serde }: KeyForm<K>, record: StreamRecord<unknown>): K =>
  serde.read(record.keyBytes, record.keyStart, record.keyEnd);

export interface StreamParts<K, V> {
  readonly graph: Graph;
  /** The node that this stream comes out of. */
  readonly node: string;
  readonly key: KeyForm<K>;
  readonly value: Serde<V> | undefined;
  /** The key may have changed since records were last brought together by it. */
  readonly flagged: boolean;
}

/** What others have asked of a table that is not built yet. */
export interface Wanted {
  store: boolean;
}

/** Where a join finds a table's rows: the store, how a row is read, and what the table shows of it. */
export interface Lookup<V> {
  readonly store: string;
  readonly row: Pick<Serde<unknown>, 'read'>;
  readonly view: (row: unknown, record: StreamRecord<unknown>) => V | null;
}

export interface TableParts<K, V> {
  readonly graph: Graph;
  readonly node: string;
  readonly key: KeyForm<K>;
  readonly value: Serde<V> | undefined;
  readonly wanted: Wanted;
  /** Called when the topology is built; undefined: nothing to look up (a windowed table). */
  readonly lookup: (() => Lookup<V>) | undefined;
}
