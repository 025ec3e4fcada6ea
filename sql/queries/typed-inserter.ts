/**
 * Typed rows from a program into one stream or table: all of a call, or none.
 *
 * Every row is checked and encoded before any is sent. The first one that does not fit ends the call with an error that
 * names the row, counted from 0, and the column. Then all batches go to the log in one transaction
 * (`atomic-writer.ts`).
 *
 * Speed: rows of a program mostly have one shape, so a row's names are compared with those of the row before, and only
 * a new name is looked up. Rows are encoded into batches in pooled buffers; nothing is made per row.
 */

import { BufferPool, ByteWriter, partitionOfKey, UserError } from '../../base/index.ts';
import { type Position, SerdeError } from '../../engine/index.ts';
import { BatchBuilder, isEventTime } from '../../storage/index.ts';
import type { Source } from '../analyze/sources.ts';
import { type RecordWriter, recordWriter } from '../compile/record-writer.ts';
import type { TypedRow } from '../facade.ts';
import { EvaluationError } from '../types/evaluation-error.ts';
import type { Row, Value } from '../types/value.ts';
import type { AtomicBatch, AtomicWriter } from './atomic-writer.ts';
import { ColumnNames } from './column-names.ts';
import { type TypedReader, typedReader } from './typed-values.ts';

const targetBatchBytes = 256 * 1024;
/** What the rows of one call may take, encoded. */
const mostBytes = 512 << 20;
/** Stands for ROWTIME in the place of a column's slot. */
const timeSlot = -1;

export interface TypedInserterOptions {
  readonly source: Source;
  readonly partitions: number;
  readonly maxBatchBytes: number;
  readonly writer: AtomicWriter;
  readonly now: () => number;
}

export class TypedInserter {
  readonly #options: TypedInserterOptions;
  readonly #names: ColumnNames;
  readonly #readers: readonly TypedReader[];
  readonly #records: RecordWriter;
  readonly #key: Row;
  readonly #value: Row;
  readonly #keyBytes = new ByteWriter(64);
  readonly #valueBytes = new ByteWriter(512);
  readonly #buffers = new BufferPool();
  /** Names of the row before, in its order, and the slots of their columns. */
  #shape: string[] = [];
  #slots: number[] = [];
  #turn = 0;
  #timestamp = 0;

  constructor(options: TypedInserterOptions) {
    const { key, value } = options.source.schema;
    this.#options = options;
    this.#names = new ColumnNames(options.source);
    this.#readers = this.#names.columns.map(({ type }) => typedReader(type));
    this.#records = recordWriter(options.source);
    this.#key = new Array<Value>(key.length).fill(null);
    this.#value = new Array<Value>(value.length).fill(null);
  }

  async insert(rows: Iterable<TypedRow>): Promise<Position> {
    const batches = this.#encode(rows);
    if (batches.length === 0) return [];
    const position = await this.#options.writer.write(batches);
    for (const { bytes } of batches) this.#buffers.give(bytes);
    return position;
  }

  #encode(rows: Iterable<TypedRow>): readonly AtomicBatch[] {
    const { source, partitions, maxBatchBytes, now } = this.#options;
    const limit = Math.min(targetBatchBytes, maxBatchBytes);
    const builders: (BatchBuilder | undefined)[] = new Array<BatchBuilder | undefined>(partitions).fill(undefined);
    const batches: AtomicBatch[] = [];
    const key = this.#keyBytes;
    const value = this.#valueBytes;
    const arrived = now();
    let bytes = 0;
    let index = 0;
    const finish = (partition: number, builder: BatchBuilder): void => {
      const batch = builder.finish();
      bytes += batch.length;
      batches.push({ target: { topic: source.topic, partition }, bytes: batch });
      if (bytes > mostBytes) {
        throw new UserError('SQL_INSERT_TOO_LARGE', `the rows of one insert take more than ${mostBytes} bytes`, {
          hint: 'Insert them in several calls.',
        });
      }
    };
    for (const row of rows) {
      this.#timestamp = arrived;
      this.#read(row, index);
      key.reset();
      value.reset();
      let hasKey = false;
      let hasValue = false;
      try {
        hasKey = this.#records.writeKey(this.#key, key);
        hasValue = this.#records.writeValue(this.#value, value);
      } catch (error) {
        if (!(error instanceof SerdeError)) throw error;
        throw new UserError('SQL_INVALID_VALUE', `row ${index} cannot be written: ${error.message}`, { cause: error });
      }
      const partition =
        partitions === 1
          ? 0
          : hasKey
            ? partitionOfKey(key.buffer, 0, key.length, partitions)
            : this.#turn++ % partitions;
      let builder = builders[partition];
      if (builder === undefined) {
        builder = new BatchBuilder({ pool: this.#buffers });
        builders[partition] = builder;
      }
      if (builder.count > 0 && builder.sizeWith(key.length, value.length) > limit) finish(partition, builder);
      if (builder.count === 0 && builder.sizeWith(key.length, value.length) > maxBatchBytes) {
        throw new UserError(
          'SQL_RECORD_TOO_LARGE',
          `row ${index} takes ${key.length + value.length} bytes, and a batch of the topic "${source.topic}" at most ${maxBatchBytes}`,
          { hint: 'Send smaller rows, or raise max.message.bytes of the topic.' },
        );
      }
      builder.append(
        key.buffer,
        hasKey ? 0 : -1,
        hasKey ? key.length : -1,
        value.buffer,
        hasValue ? 0 : -1,
        hasValue ? value.length : -1,
        this.#timestamp,
      );
      index++;
    }
    builders.forEach((builder, partition) => {
      if (builder !== undefined && builder.count > 0) finish(partition, builder);
    });
    return batches;
  }

  /** Reads a row's columns into `#key` and `#value`. */
  #read(row: TypedRow, index: number): void {
    if (typeof row !== 'object' || row === null || Array.isArray(row)) {
      throw new UserError('SQL_INVALID_VALUE', `row ${index} is not an object`, {
        hint: 'Give rows as objects of column names and values.',
      });
    }
    const key = this.#key;
    const value = this.#value;
    const keyCount = key.length;
    for (let i = 0; i < keyCount; i++) key[i] = null;
    for (let i = 0; i < value.length; i++) value[i] = null;
    const shape = this.#shape;
    const slots = this.#slots;
    let place = 0;
    for (const name in row) {
      if (name !== shape[place]) {
        if (!Object.hasOwn(row, name)) continue;
        // Another shape: from here on the slots of the row before do not hold for this one.
        shape.length = place;
        const slot = this.#slotOf(name, index);
        if (slots.indexOf(slot) >= 0 && slots.indexOf(slot) < place) {
          throw new UserError('SQL_DUPLICATE_COLUMN', `row ${index} has the column "${this.#name(slot)}" twice`);
        }
        slots[place] = slot;
        shape[place] = name;
      }
      const slot = slots[place++] as number;
      const given = row[name];
      if (slot === timeSlot) this.#timestamp = timeOf(given, index);
      else {
        try {
          const read = (this.#readers[slot] as TypedReader)(given);
          if (slot < keyCount) key[slot] = read;
          else value[slot - keyCount] = read;
        } catch (error) {
          if (!(error instanceof EvaluationError)) throw error;
          throw new UserError('SQL_INVALID_VALUE', `row ${index}, column "${this.#name(slot)}": ${error.message}`, {
            cause: error,
          });
        }
      }
    }
    if (this.#options.source.kind === 'table') this.#checkKey(index);
  }

  #checkKey(index: number): void {
    const missing = this.#key.indexOf(null);
    if (missing < 0) return;
    throw new UserError('SQL_NULL_KEY', `row ${index}, column "${this.#name(missing)}": a primary key cannot be null`, {
      hint: `Every row of the table needs a value for ${this.#name(missing)}.`,
    });
  }

  #name(slot: number): string {
    return this.#names.columns[slot]?.name ?? '';
  }

  #slotOf(name: string, index: number): number {
    const slot = this.#names.find(name);
    if (slot !== undefined) return slot;
    if (name.toUpperCase() === 'ROWTIME') return timeSlot;
    const { code, message, hint } = this.#names.unknown(name);
    throw new UserError(code, `row ${index}: ${message}`, { hint });
  }
}

const timeOf = (given: unknown, index: number): number => {
  const ms = given instanceof Date ? given.getTime() : given;
  if (typeof ms === 'number' && isEventTime(ms)) return ms;
  throw new UserError('SQL_INVALID_VALUE', `row ${index}: ROWTIME takes a Date or milliseconds since 1970, from 0 on`);
};
