/** The topics of a topology under test, typed. */

import { assert, messageOf, UserError } from '../base/index.ts';
import { parseRecords, printRecords } from './record-text.ts';
import type { Serde } from './serde.ts';
import { bytesOf, type Forms, type PipedRecord, type TestRecord, valueOf } from './test-records.ts';

export type RawRecord = PipedRecord<Uint8Array, Uint8Array>;

export interface InputOptions {
  /** The time of the first record that has none of its own; left out: what the clock shows then. */
  readonly startMs?: number;
  /** How far the time moves on after each such record. Default 0. */
  readonly advanceMs?: number;
}

/** Turns typed records into bytes, and gives those without a time one of the input's own. */
export class InputEncoder<K, V> {
  readonly #forms: Forms<K, V>;
  readonly #advanceMs: number;
  /** Undefined: records without a time get the clock's. */
  #timeMs: number | undefined;

  constructor(forms: Forms<K, V>, { startMs, advanceMs = 0 }: InputOptions) {
    this.#forms = forms;
    this.#timeMs = startMs ?? (advanceMs === 0 ? undefined : 0);
    this.#advanceMs = advanceMs;
  }

  advanceTime(ms: number): void {
    assert(this.#timeMs !== undefined, 'the input has no time of its own: give it startMs');
    this.#timeMs += ms;
  }

  parse(text: string): PipedRecord<K, V>[] {
    return parseRecords(text, this.#forms);
  }

  encode(record: PipedRecord<K, V>): RawRecord {
    const { key, value } = this.#forms;
    const raw = { ...record, key: bytesOf(key, record.key), value: bytesOf(value, record.value) };
    if (record.timestamp !== undefined || this.#timeMs === undefined) return raw;
    const timestamp = this.#timeMs;
    this.#timeMs += this.#advanceMs;
    return { ...raw, timestamp };
  }
}

export const recordOf = <K, V>(key: K | null, value: V | null, timestamp: number | undefined): PipedRecord<K, V> =>
  timestamp === undefined ? { key, value } : { key, value, timestamp };

/** Pipes records to a topic. Each call processes them, and all that follows from them, to the end. */
export class TestInput<K, V> {
  readonly #encoder: InputEncoder<K, V>;
  readonly #pipe: (records: RawRecord[]) => void;

  constructor(forms: Forms<K, V>, options: InputOptions, pipe: (records: RawRecord[]) => void) {
    this.#encoder = new InputEncoder(forms, options);
    this.#pipe = pipe;
  }

  /** Pipes one record. */
  pipe(key: K | null, value: V | null, timestamp?: number): void {
    this.pipeAll([recordOf(key, value, timestamp)]);
  }

  /** Pipes records as one batch, committed together. */
  pipeAll(records: readonly PipedRecord<K, V>[]): void {
    this.#pipe(records.map((record) => this.#encoder.encode(record)));
  }

  /** Pipes records that are written as text (`record-text.ts`), each by itself. */
  pipeText(text: string): void {
    for (const record of this.#encoder.parse(text)) this.pipeAll([record]);
  }

  /** Moves the time of the records to come that have none of their own. */
  advanceTime(ms: number): void {
    this.#encoder.advanceTime(ms);
  }
}

/** Reads what was written to a topic, each record once. Bytes that the serde given for them cannot read are a
 *  `UserError` TEST_OUTPUT_UNREADABLE that names the record. */
export class TestOutput<K, V> {
  readonly #topic: string;
  readonly #forms: Forms<K, V>;
  readonly #written: () => TestRecord<Uint8Array, Uint8Array>[];

  constructor(topic: string, forms: Forms<K, V>, written: () => TestRecord<Uint8Array, Uint8Array>[]) {
    this.#topic = topic;
    this.#forms = forms;
    this.#written = written;
  }

  get isEmpty(): boolean {
    return this.size === 0;
  }

  /** Records that were not read yet. */
  get size(): number {
    return this.#written().length;
  }

  /** The next record, or undefined. */
  read(): TestRecord<K, V> | undefined {
    const record = this.#written().shift();
    if (record === undefined) return undefined;
    const { key, value } = this.#forms;
    return {
      ...record,
      key: this.#read(record, 'key', key),
      value: this.#read(record, 'value', value),
    };
  }

  #read<T>(record: TestRecord<Uint8Array, Uint8Array>, part: 'key' | 'value', serde: Serde<T>): T | null {
    try {
      return valueOf(serde, record[part]);
    } catch (cause) {
      const place = `the ${part} of the record ${this.#topic}/${record.partition} offset ${record.offset}`;
      throw new UserError('TEST_OUTPUT_UNREADABLE', `${place} cannot be read as ${serde.name}: ${messageOf(cause)}`, {
        cause,
        hint: 'Give `output` the serdes that the topic is written with.',
      });
    }
  }

  readAll(): TestRecord<K, V>[] {
    const records: TestRecord<K, V>[] = [];
    for (let record = this.read(); record !== undefined; record = this.read()) records.push(record);
    return records;
  }

  /** The values of all records. */
  readValues(): (V | null)[] {
    return this.readAll().map(({ value }) => value);
  }

  /** All records as text, a line each (`record-text.ts`). */
  readText(): string {
    return printRecords(this.readAll(), this.#forms);
  }

  /** The last value of each key, by the key's text. Reads all. A record without a key is a `UserError`
   *  TEST_OUTPUT_UNREADABLE. */
  readTable(): Map<string, V> {
    const table = new Map<string, V>();
    for (const { key, value, partition, offset } of this.readAll()) {
      if (key === null) {
        const place = `${this.#topic}/${partition} offset ${offset}`;
        throw new UserError('TEST_OUTPUT_UNREADABLE', `the record ${place} has no key: it is no row of a table`, {
          hint: 'Read the records with readAll.',
        });
      }
      const text = typeof key === 'string' ? key : JSON.stringify(key);
      if (value === null) table.delete(text);
      else table.set(text, value);
    }
    return table;
  }
}
