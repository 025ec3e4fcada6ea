/**
 * Rows from clients into one stream or table, in bulk.
 *
 * A call encodes its rows at once, in order, into one batch per partition (more where a batch is full), and hands them
 * to the log before it waits for anything: calls may overlap, and the rows of each partition keep the order of the
 * calls. A row that cannot be written is refused by itself, and so is one larger than a batch of the topic may be; the
 * others go on. The answer comes when what was written is on the disk.
 */

import { ByteWriter, partitionOfKey, UserError } from '../../base/index.ts';
import { SerdeError } from '../../engine/index.ts';
import { BatchBuilder, type Producer } from '../../storage/index.ts';
import type { Source } from '../analyze/sources.ts';
import { recordWriter } from '../compile/record-writer.ts';
import type { Inserter, InsertOutcome, QueryColumn } from '../facade.ts';
import type { Row, Value } from '../types/value.ts';
import { ColumnNames } from './column-names.ts';
import { valueFromJson } from './json-values.ts';

const targetBatchBytes = 128 * 1024;
const timeHint = 'The time of rows that are inserted this way is the time at which they arrive.';
const done: InsertOutcome = { ok: true };

export interface InserterOptions {
  readonly source: Source;
  readonly partitions: number;
  readonly maxBatchBytes: number;
  readonly producer: Producer;
  readonly now: () => number;
}

interface Pending {
  readonly builder: BatchBuilder;
  /** Places of the batch's rows in the answer. */
  readonly rows: number[];
}

export class BulkInserter implements Inserter {
  readonly columns: readonly QueryColumn[];
  readonly #options: InserterOptions;
  readonly #writer: ReturnType<typeof recordWriter>;
  readonly #names: ColumnNames;
  readonly #keyCount: number;
  readonly #key: Row;
  readonly #value: Row;
  readonly #keyBytes = new ByteWriter(64);
  readonly #valueBytes = new ByteWriter(512);
  #turn = 0;

  constructor(options: InserterOptions) {
    const { schema } = options.source;
    this.#options = options;
    this.#writer = recordWriter(options.source);
    this.#names = new ColumnNames(options.source);
    this.columns = this.#names.columns;
    this.#keyCount = schema.key.length;
    this.#key = new Array<Value>(schema.key.length).fill(null);
    this.#value = new Array<Value>(schema.value.length).fill(null);
  }

  async insert(rows: readonly Readonly<Record<string, unknown>>[]): Promise<readonly InsertOutcome[]> {
    const { source, partitions, maxBatchBytes, producer, now } = this.#options;
    const outcomes = new Array<InsertOutcome>(rows.length).fill(done);
    const pending: (Pending | undefined)[] = new Array<Pending | undefined>(partitions).fill(undefined);
    const sent: Promise<void>[] = [];
    const timestamp = now();
    const limit = Math.min(targetBatchBytes, maxBatchBytes);
    const send = (partition: number): void => {
      const batch = pending[partition];
      if (batch === undefined || batch.rows.length === 0) return;
      pending[partition] = undefined;
      sent.push(
        producer.append({ topic: source.topic, partition }, batch.builder.finish(), 'durable').then(
          () => undefined,
          (error: unknown) => {
            const failed: InsertOutcome = {
              ok: false,
              error: error instanceof Error ? error : new Error(String(error)),
            };
            for (const row of batch.rows) outcomes[row] = failed;
          },
        ),
      );
    };
    for (let i = 0; i < rows.length; i++) {
      try {
        const hasKey = this.#encode(rows[i] as Readonly<Record<string, unknown>>);
        const keyBytes = this.#keyBytes;
        const valueBytes = this.#valueBytes;
        const keyLength = hasKey ? keyBytes.length : 0;
        let partition = 0;
        if (partitions > 1) {
          partition = hasKey ? partitionOfKey(keyBytes.buffer, 0, keyLength, partitions) : this.#turn++ % partitions;
        }
        const filling = pending[partition];
        if (filling !== undefined && filling.builder.sizeWith(keyLength, valueBytes.length) > limit) send(partition);
        const batch = (pending[partition] ??= { builder: new BatchBuilder(), rows: [] });
        if (batch.rows.length === 0 && batch.builder.sizeWith(keyLength, valueBytes.length) > maxBatchBytes) {
          throw new UserError(
            'SQL_RECORD_TOO_LARGE',
            `the row takes ${keyLength + valueBytes.length} bytes, and a batch of the topic "${source.topic}" at most ${maxBatchBytes}`,
            { hint: 'Send smaller rows, or raise max.message.bytes of the topic.' },
          );
        }
        batch.builder.append(
          keyBytes.buffer,
          hasKey ? 0 : -1,
          hasKey ? keyLength : -1,
          valueBytes.buffer,
          valueBytes.length === 0 && this.#isNull ? -1 : 0,
          valueBytes.length === 0 && this.#isNull ? -1 : valueBytes.length,
          timestamp,
        );
        batch.rows.push(i);
      } catch (error) {
        if (!(error instanceof UserError || error instanceof SerdeError)) throw error;
        outcomes[i] = { ok: false, error };
      }
    }
    for (let partition = 0; partition < partitions; partition++) send(partition);
    await Promise.all(sent);
    return outcomes;
  }

  #isNull = false;

  /** Writes key and value of one row into the scratch writers; false: the key is null. */
  #encode(row: Readonly<Record<string, unknown>>): boolean {
    const key = this.#key;
    const value = this.#value;
    const keyCount = this.#keyCount;
    key.fill(null);
    value.fill(null);
    for (const name in row) {
      if (!Object.hasOwn(row, name)) continue;
      const slot = this.#names.find(name);
      if (slot === undefined) throw this.#names.unknown(name, name.toUpperCase() === 'ROWTIME' ? timeHint : undefined);
      const column = this.columns[slot] as QueryColumn;
      const converted = valueFromJson(row[name], column.type, column.name);
      if (slot < keyCount) key[slot] = converted;
      else value[slot - keyCount] = converted;
    }
    for (let i = 0; i < keyCount; i++) {
      if (key[i] !== null) continue;
      const { name } = this.columns[i] as QueryColumn;
      throw new UserError('SQL_NULL_KEY', `the key column "${name}" is missing or null`, {
        hint: `Every row needs a value for ${name}.`,
      });
    }
    this.#keyBytes.reset();
    this.#valueBytes.reset();
    const hasKey = keyCount > 0 && this.#writer.writeKey(key, this.#keyBytes);
    this.#isNull = !this.#writer.writeValue(value, this.#valueBytes);
    return hasKey;
  }
}
