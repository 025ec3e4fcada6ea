/**
 * KAFKA: one column, as the standard serializers of Kafka clients write it.
 *
 * INTEGER is 4 bytes, BIGINT and DOUBLE are 8, all big-endian; a STRING is its UTF-8, the empty one no bytes at all.
 * NULL is the NULL record. Bytes of another length are a fault.
 */

import { assert, readBigI64, readF64, readI32, readI64, readUtf8 } from '../../base/index.ts';
import type { SqlType } from '../types/type.ts';
import { normalizeBigint, type Value } from '../types/value.ts';
import { describeColumn, type Format, type RowReader, SerdeError, scannerOf } from './format.ts';

export const readKafkaValue = (type: SqlType, bytes: Uint8Array, start: number, end: number): Value => {
  switch (type.kind) {
    case 'INTEGER':
      expectLength(4, start, end, 'an INTEGER');
      return readI32(bytes, start);
    case 'BIGINT': {
      expectLength(8, start, end, 'a BIGINT');
      const value = readI64(bytes, start);
      return Number.isSafeInteger(value) ? value : normalizeBigint(readBigI64(bytes, start));
    }
    case 'DOUBLE':
      expectLength(8, start, end, 'a DOUBLE');
      return readF64(bytes, start);
    default:
      return readUtf8(bytes, start, end);
  }
};

const expectLength = (wanted: number, start: number, end: number, what: string): void => {
  if (end - start !== wanted) throw new SerdeError(`${what} is ${wanted} bytes long, not ${end - start}`);
};

export const kafka: Format = {
  name: 'KAFKA',
  doc: 'One INTEGER, BIGINT, DOUBLE or STRING, as the standard Kafka serializers write it.',
  sides: ['key', 'value'],
  columns: 'one',
  named: false,
  wrapping: 'never',
  canonical: true,
  // Numbers are big-endian with their sign: −1 would lie behind 1.
  sorts: (type) => type.kind === 'STRING',
  properties: [],
  unsupported(columns) {
    for (const column of columns) {
      const { kind } = column.type;
      if (kind !== 'INTEGER' && kind !== 'BIGINT' && kind !== 'DOUBLE' && kind !== 'STRING') {
        return `the format KAFKA cannot hold ${describeColumn(column)}; it holds INTEGER, BIGINT, DOUBLE and STRING`;
      }
    }
    return undefined;
  },
  writer(columns) {
    const kind = columns[0]?.type.kind;
    return {
      write(row, out) {
        const value = row[0];
        if (value === null || value === undefined) return false;
        if (kind === 'STRING') {
          assert(typeof value === 'string', 'a STRING is a string');
          out.utf8(value);
        } else {
          assert(typeof value === 'number' || typeof value === 'bigint', 'a number is a number');
          if (kind === 'INTEGER') out.i32(value as number);
          else if (kind === 'BIGINT') out.i64(value);
          else out.f64(value as number);
        }
        return true;
      },
    };
  },
  reader(columns): RowReader {
    const column = columns[0];
    if (column === undefined) return { read: () => false };
    const { type } = column;
    return {
      read(bytes, start, end, into) {
        into[0] = readKafkaValue(type, bytes, start, end);
        return true;
      },
    };
  },
  checker([column]) {
    if (column === undefined) return undefined;
    const { kind } = column.type;
    const length = kind === 'INTEGER' ? 4 : kind === 'BIGINT' || kind === 'DOUBLE' ? 8 : -1;
    if (length < 0) return () => undefined;
    return (_bytes, start, end) =>
      end - start === length
        ? undefined
        : `"${column.name}" of type ${kind} takes ${length} bytes, there are ${end - start}`;
  },
  scanner(columns, options, wanted) {
    return scannerOf(kafka.reader(columns, options), columns.length, wanted);
  },
};
