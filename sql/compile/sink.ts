/**
 * The sink of a query: rows become bytes in the value format, keys stay the bytes they are or are written again in
 * another format.
 *
 * A NULL record is a tombstone, and so is a row that the format can only write as nothing (a NULL that stands by
 * itself, unwrapped). The record's time is the row's, or that of the sink's own timestamp column. The partition is
 * murmur2 of the key's own bytes, without its window; records without a key go to the partitions in round robin. Keys
 * of a source that declares no key column are not written.
 */

import { partitionOfKey } from '../../base/index.ts';
import { type OperatorSupplier, SerdeError } from '../../engine/index.ts';
import { type FormatChoice, sameFormat } from '../formats/choices.ts';
import { formatOf } from '../formats/index.ts';
import type { StepOf } from '../plan/plan.ts';
import type { Row, Value } from '../types/value.ts';
import { KeyColumns, keyRecoder, windowBytesOf } from './keys.ts';
import { timestampReader } from './timestamps.ts';

const nothing = new Uint8Array(0);

export const sqlSink =
  (
    step: StepOf<'streamSink'>,
    keyFormat: FormatChoice,
    /** Whether texts of the rows may be spans. */
    spans: boolean,
  ): OperatorSupplier<Row, never> =>
  (context) => {
    const { schema } = step;
    const { format, options } = formatOf(step.valueFormat, schema.value, 'value');
    const values = format.writer(schema.value, { ...options, spans });
    const keyless = schema.key.length === 0;
    const recode = sameFormat(keyFormat, step.keyFormat) ? undefined : keyRecoder(schema, keyFormat, step.keyFormat);
    const time = step.timestamp === undefined ? undefined : timestampReader(step.timestamp, schema);
    const timeKey = time?.from === 'key' ? new KeyColumns(schema, keyFormat) : undefined;
    const windowBytes = windowBytesOf(schema.windowed);
    const writer = context.output(step.topic, { ownTime: time !== undefined });
    const { partitions } = writer;
    const value = context.scratch();
    const key = context.scratch();
    let turn = 0;
    let keptTurn = 0;
    return {
      process(record) {
        const row = record.value;
        let { keyBytes, keyStart, keyEnd, timestamp } = record;
        if (keyless) {
          keyStart = -1;
          keyEnd = -1;
        }
        value.reset();
        let present = false;
        if (time !== undefined && row !== null) {
          const own = time.read(timeKey === undefined ? (row[time.slot] as Value) : timeKey.column(record, time.slot));
          if (typeof own !== 'number') {
            if (time.drops(own)) context.drop('invalid-timestamp', record, own.fault);
            return;
          }
          timestamp = own;
        }
        try {
          if (recode !== undefined && keyStart >= 0) {
            key.reset();
            const hasKey = recode(record, key);
            keyBytes = key.buffer;
            keyStart = hasKey ? 0 : -1;
            keyEnd = hasKey ? key.length : -1;
          }
          if (row !== null) present = values.write(row, value, record.valueBytes);
        } catch (error) {
          if (!(error instanceof SerdeError)) throw error;
          context.drop('serialization', record, error.message);
          return;
        }
        let partition = 0;
        if (partitions > 1) {
          if (keyStart >= 0) partition = partitionOfKey(keyBytes, keyStart, keyEnd - windowBytes, partitions);
          else {
            partition = turn;
            turn = turn + 1 === partitions ? 0 : turn + 1;
          }
        }
        const written = writer.append(
          partition,
          keyBytes,
          keyStart,
          keyEnd,
          present ? value.buffer : nothing,
          present ? 0 : -1,
          present ? value.length : -1,
          timestamp,
          record.headerBytes,
          record.headersAt,
        );
        if (written) return;
        context.drop(
          'serialization',
          record,
          `the record is too large for the topic "${step.topic}": its value takes ${value.length} bytes; raise the topic's max.message.bytes`,
        );
      },
      flush() {
        keptTurn = turn;
      },
      rollback() {
        turn = keptTurn;
      },
    };
  };
