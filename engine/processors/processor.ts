/**
 * The Processor API: code of users that runs as a node of a topology, with state stores (Kafka Streams' own names and
 * rules).
 *
 *   const seen = Stores.keyValue('seen', string, int64);
 *   orders.process((context) => {
 *     const store = context.getStateStore(seen);
 *     return {
 *       process(record) {
 *         if (record.key === null || store.get(record.key) !== undefined) return;
 *         store.put(record.key, record.timestamp);
 *         context.forward(record);
 *       },
 *     };
 *   }, { stores: [seen] });
 *
 * Life. The supplier is called once for each task, then `init`, both before the task's first record and with the stores
 * as of the last commit. `process` comes once per record, never before the former call has returned. `close` comes when
 * the task ends. When a transaction is undone the processor is closed and made again, and the same records come again:
 * so what it holds outside of stores can be made in the supplier or in `init`, and needs no care of its own.
 *
 * A processor never awaits: everything happens within the call, and is committed with the record that brought it. What
 * it throws is a failure of that record (`../processing-error.ts`).
 */

import type { RecordHeaders } from './record-headers.ts';
import type { AnyStoreBuilder, StoreBuilder, StoreOf } from './store-builder.ts';

/** A record as a processor sees it. Its objects are its own: it may be kept. */
export interface ProcessorRecord<K, V> {
  readonly key: K | null;
  readonly value: V | null;
  /** Event time, epoch milliseconds. */
  readonly timestamp: number;
  readonly headers: RecordHeaders;
}

/** What a processor sends on. Left out, time and headers are those of the record in hand; in a punctuator the time is
 *  the punctuator's and there are no headers. */
export interface ForwardedRecord<K, V> {
  readonly key: K | null;
  readonly value: V | null;
  /** Not negative. */
  readonly timestamp?: number;
  readonly headers?: RecordHeaders;
}

/** Where the record in hand came from. */
export interface RecordMetadata {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** By which time a punctuator goes. */
export type PunctuationType = 'stream time' | 'wall clock';

/** What every processor sees of the task that it runs in. `S`: the stores that it is connected to. */
export interface CommonContext<S extends AnyStoreBuilder = AnyStoreBuilder> {
  readonly applicationId: string;
  /** `<sub-topology>_<partition>`. */
  readonly taskId: string;
  /** Topic, partition and offset of the record in hand; undefined in a punctuator and while the processor is made. A
   *  record that was made here (a window that has closed) has none either. */
  recordMetadata(): RecordMetadata | undefined;
  /** The largest timestamp that has reached this processor, the record in hand included; −1 before the first. Where
   *  records of several partitions meet (behind a repartition): the time by which the record in hand may be late. Kept
   *  over restarts where the processor has a store. A punctuator's time may be later: it is the task's, which counts
   *  records that have not come here. */
  currentStreamTimeMs(): number;
  /** The clock of whatever drives the task: the machine's, or the one that a test moves on. Epoch milliseconds. */
  currentSystemTimeMs(): number;
  /** Calls back again and again, between records, with the time by which it goes: stream time (the largest timestamp
   *  that the task has taken; every multiple of `everyMs` that it reaches, several at once as one call) or the wall
   *  clock. What is forwarded and stored then belongs to the open transaction. Answers what cancels it. To be called
   *  while the processor is made; in `process` only where the processor was added with `schedules: true`. */
  schedule(everyMs: number, type: PunctuationType, callback: (time: number) => void): () => void;
  /** Asks for a commit soon after this record, without waiting for the interval. */
  commit(): void;
  /** A store that the processor is connected to, by its builder or its name. Throws PROCESSOR_STORE_UNKNOWN for others.
   *  The same object at each call; it is the processor's own, over entries that all connected processors share. */
  getStateStore<Store>(store: StoreBuilder<string, Store>): Store;
  getStateStore<Name extends S['name']>(name: Name): StoreOf<Extract<S, { readonly name: Name }>>;
}

export interface ProcessorContext<KOut = never, VOut = never, S extends AnyStoreBuilder = AnyStoreBuilder>
  extends CommonContext<S> {
  /** Sends a record to all children, or to the one of this name, and returns when they have processed it. Not while the
   *  processor is made or closed. */
  forward(record: ForwardedRecord<KOut, VOut>, child?: string): void;
}

export interface Processor<KIn, VIn, KOut = never, VOut = never, S extends AnyStoreBuilder = AnyStoreBuilder> {
  init?(context: ProcessorContext<KOut, VOut, S>): void;
  process(record: ProcessorRecord<KIn, VIn>): void;
  close?(): void;
}

/** Makes the processor of one task; it may take the context here or in `init`. Each call has to make another one. */
export type ProcessorSupplier<KIn, VIn, KOut = never, VOut = never, S extends AnyStoreBuilder = AnyStoreBuilder> = (
  context: ProcessorContext<KOut, VOut, S>,
) => Processor<KIn, VIn, KOut, VOut, S>;

/** A record whose key cannot be changed: it is made of one that was received. */
export class FixedKeyRecord<K, V> implements ProcessorRecord<K, V> {
  /** Private, so that an object of the same shape is another type. */
  readonly #key: K | null;
  readonly value: V | null;
  readonly timestamp: number;
  readonly headers: RecordHeaders;

  private constructor(key: K | null, value: V | null, timestamp: number, headers: RecordHeaders) {
    this.#key = key;
    this.value = value;
    this.timestamp = timestamp;
    this.headers = headers;
  }

  /** For the runtime. */
  static received<K, V>(
    key: K | null,
    value: V | null,
    timestamp: number,
    headers: RecordHeaders,
  ): FixedKeyRecord<K, V> {
    return new FixedKeyRecord(key, value, timestamp, headers);
  }

  get key(): K | null {
    return this.#key;
  }

  withValue<V2>(value: V2 | null): FixedKeyRecord<K, V2> {
    return new FixedKeyRecord(this.key, value, this.timestamp, this.headers);
  }

  withTimestamp(timestamp: number): FixedKeyRecord<K, V> {
    return new FixedKeyRecord(this.key, this.value, timestamp, this.headers);
  }

  withHeaders(headers: RecordHeaders): FixedKeyRecord<K, V> {
    return new FixedKeyRecord(this.key, this.value, this.timestamp, headers);
  }
}

/** The context of a processor that keeps the key. */
export interface FixedKeyContext<K, VOut = never, S extends AnyStoreBuilder = AnyStoreBuilder>
  extends CommonContext<S> {
  /** As `ProcessorContext.forward`. A record that was received earlier may be sent on as well. */
  forward(record: FixedKeyRecord<K, VOut>, child?: string): void;
}

export interface FixedKeyProcessor<K, VIn, VOut = never, S extends AnyStoreBuilder = AnyStoreBuilder> {
  init?(context: FixedKeyContext<K, VOut, S>): void;
  process(record: FixedKeyRecord<K, VIn>): void;
  close?(): void;
}

export type FixedKeyProcessorSupplier<K, VIn, VOut = never, S extends AnyStoreBuilder = AnyStoreBuilder> = (
  context: FixedKeyContext<K, VOut, S>,
) => FixedKeyProcessor<K, VIn, VOut, S>;
