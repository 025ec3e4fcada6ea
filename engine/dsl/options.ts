/** What methods of the DSL are told besides their functions. */

import type { AnyStoreBuilder } from '../processors/store-builder.ts';
import type { Serde } from '../serde.ts';

/** A name for the node that a method adds. */
export interface Named {
  readonly name?: string;
}

export interface WithValue<V> extends Named {
  /** How the value is written from here on. */
  readonly value?: Serde<V>;
}

export interface WithKeyAndValue<K, V> extends WithValue<V> {
  /** How the key is written from here on. */
  readonly key: Serde<K>;
}

/** For the processors of users. */
export interface Processed<S extends readonly AnyStoreBuilder[]> extends Named {
  /** The stores that the processor is connected to. Those that were not added yet become part of the topology. */
  readonly stores?: S;
  /** It calls `schedule` in `process`, not only while it is made; records then go one by one. */
  readonly schedules?: boolean;
}

/** A store with a name of its own can be read from outside, and keeps its data when operators are inserted before
 *  it. */
export interface Materialized<V> extends WithValue<V> {
  readonly store?: string;
  /** Of a table that is kept. True: only the last update of a key is sent on at each commit; false: every one. Default:
   *  as the application has it (`StreamsOptions.cache`). A table whose rows others look up, as a join does, sends every
   *  update in any case: they would see rows that were not sent yet. So does one whose updates `suppress` holds back, a
   *  versioned one, and an aggregate that sends results when windows close. */
  readonly cache?: boolean;
}

/** How two tables are joined by a foreign key. */
export interface ForeignKeyJoined<FK, V> extends Materialized<V> {
  /** Picks the partition of the other table in which the row of a foreign key lies, of as many as its topic has. Left
   *  out: that of the key's hash, by which Kafka's clients partition. */
  readonly otherPartition?: (foreignKey: FK, count: number) => number;
}

export interface WindowMaterialized<V> extends Materialized<V> {
  /** How long a window is kept: after its start, at least size + grace; a session after its end, at least gap + grace;
   *  a sliding window after its end, at least twice the time difference + grace. The least is the default. */
  readonly retentionMs?: number;
}

export interface Printed<K, V> extends Named {
  /** Begins each line; left out: the name of the node that the records come from. */
  readonly label?: string;
  /** Takes each line; left out: standard output. */
  readonly write?: (line: string) => void;
  /** The text of a record; left out: key and value, objects as JSON. */
  readonly mapper?: (key: K | null, value: V | null) => string;
}

/** How two streams are joined. */
export interface StreamJoined<V, R, V2> extends WithValue<V2> {
  /** How the records of the left stream are kept; left out: as they were read. */
  readonly left?: Serde<V>;
  /** The same for the right stream. */
  readonly right?: Serde<R>;
  /** Names the stores: `<store>-this-join-store` and so on. */
  readonly store?: string;
}

/** How a stream is joined with a table. */
export interface Joined<V, V2> extends WithValue<V2> {
  /** How long a record of the stream waits for rows of the table that come late, by stream time. The table has to be
   *  versioned, with a history at least as long. Left out: it is joined at once. */
  readonly graceMs?: number;
  /** How the records of the stream are written, where they go through a repartition or wait; left out: as they were
   *  read. */
  readonly left?: Serde<V>;
}

/** A table that keeps the rows of before, so that a stream finds the row of a record's own time. */
export interface Versioned {
  /** How far back, by the table's stream time; a record that is older is refused. */
  readonly historyMs: number;
}

export interface TableMaterialized<V> extends Materialized<V> {
  /** Left out: the last record of a key counts, whatever its time. */
  readonly versioned?: Versioned;
}

/** The values that a type guard for `W` leaves over. Where that is none of the type, there are still nulls. */
export type Without<V, W> = [Exclude<V, W>] extends [never] ? V : Exclude<V, W>;
