/**
 * KAFKA: one column, as the standard serializers of Kafka clients write it.
 *
 * They know plain carriers only, but no booleans and no decimals: an int32 is 4 bytes, an int64 and a double are 8, all
 * big-endian; a text is its UTF-8, the empty one no bytes at all; bytes are they. NULL is the NULL record. Bytes of
 * another length are a fault.
 */

import {
  assert,
  type ByteWriter,
  readBigI64,
  readF64,
  readI32,
  readI64,
  readUtf8,
  unreachable,
} from '../../base/index.ts';
import type { Carrier } from '../types/carriers.ts';
import { carriers } from '../types/carriers.ts';
import type { AnyTypeDefinition } from '../types/definition.ts';
import { definitionOf, scalarDefinitions } from '../types/scalars/index.ts';
import { isScalar, printType, type SqlType } from '../types/type.ts';
import { normalizeBigint, type Value } from '../types/value.ts';
import { describeColumn, type Format, type RowReader, SerdeError, scannerOf } from './format.ts';

/** What a serializer makes of a carrier's values. */
interface Serializer {
  /** The number of bytes of each value; undefined where it differs. */
  readonly length: number | undefined;
  /** Whether values lie in their own order when their bytes are compared. */
  readonly sorts: boolean;
  write(value: Value, out: ByteWriter): void;
  /** Called with the right number of bytes. */
  read(bytes: Uint8Array, start: number, end: number): Value;
}

// Numbers are big-endian with their sign: −1 lies behind 1.
const int32: Serializer = {
  length: 4,
  sorts: false,
  write(value, out) {
    assert(carriers.int32.holds(value), 'an int32 is a whole number of 32 bits');
    out.i32(value);
  },
  read: (bytes, start) => readI32(bytes, start),
};

const int64: Serializer = {
  length: 8,
  sorts: false,
  write(value, out) {
    assert(typeof value === 'number' || typeof value === 'bigint', 'an int64 is a number or a bigint');
    out.i64(value);
  },
  read(bytes, start) {
    const value = readI64(bytes, start);
    return Number.isSafeInteger(value) ? value : normalizeBigint(readBigI64(bytes, start));
  },
};

const double: Serializer = {
  length: 8,
  sorts: false,
  write(value, out) {
    assert(typeof value === 'number', 'a double is a number');
    out.f64(value);
  },
  read: (bytes, start) => readF64(bytes, start),
};

const text: Serializer = {
  length: undefined,
  sorts: true,
  write(value, out) {
    assert(typeof value === 'string', 'a text is a string');
    out.utf8(value);
  },
  read: readUtf8,
};

const raw: Serializer = {
  length: undefined,
  // The order of BYTES is another one than that of unsigned bytes.
  sorts: false,
  write(value, out) {
    assert(carriers.bytes.holds(value), 'bytes are a Uint8Array');
    out.bytes(value);
  },
  // `slice` of a Buffer would share its memory.
  read: (bytes, start, end) => new Uint8Array(bytes.subarray(start, end)),
};

const serializerOfCarrier = (carrier: Carrier): Serializer | undefined => {
  switch (carrier) {
    case 'boolean':
    case 'decimal':
      return undefined;
    case 'int32':
      return int32;
    case 'int64':
      return int64;
    case 'double':
      return double;
    case 'text':
      return text;
    case 'bytes':
      return raw;
    default:
      return unreachable(carrier);
  }
};

const serializerOfScalar = ({ logical, carrier }: AnyTypeDefinition): Serializer | undefined =>
  logical ? undefined : serializerOfCarrier(carrier);

const serializerOf = (type: SqlType): Serializer | undefined =>
  isScalar(type) ? serializerOfScalar(definitionOf(type)) : undefined;

/** `INTEGER, BIGINT, DOUBLE and STRING`: the types that this format holds. */
const heldTypes = (conjunction: 'and' | 'or'): string => {
  const kinds = scalarDefinitions.filter(serializerOfScalar).map(({ kind }) => kind);
  return `${kinds.slice(0, -1).join(', ')} ${conjunction} ${kinds.at(-1)}`;
};

export const kafka: Format = {
  name: 'KAFKA',
  doc: `One ${heldTypes('or')}, as the standard Kafka serializers write it.`,
  sides: ['key', 'value'],
  columns: 'one',
  named: false,
  wrapping: 'never',
  canonical: true,
  sorts: (type) => serializerOf(type)?.sorts === true,
  properties: [],
  unsupported(columns) {
    const bad = columns.find(({ type }) => serializerOf(type) === undefined);
    return bad === undefined
      ? undefined
      : `the format KAFKA cannot hold ${describeColumn(bad)}; it holds ${heldTypes('and')}`;
  },
  writer([column]) {
    const serializer = column === undefined ? undefined : serializerOf(column.type);
    return {
      write(row, out) {
        const value = row[0];
        if (value === null || value === undefined) return false;
        assert(serializer !== undefined, 'the type of the column was checked when the source was made');
        serializer.write(value, out);
        return true;
      },
    };
  },
  reader([column]): RowReader {
    const serializer = column === undefined ? undefined : serializerOf(column.type);
    if (column === undefined || serializer === undefined) return { read: () => false };
    const { length } = serializer;
    const name = printType(column.type);
    return {
      read(bytes, start, end, into) {
        if (length !== undefined && end - start !== length) {
          throw new SerdeError(`${name} takes ${length} bytes, there are ${end - start}`);
        }
        into[0] = serializer.read(bytes, start, end);
        return true;
      },
    };
  },
  checker([column]) {
    if (column === undefined) return undefined;
    const length = serializerOf(column.type)?.length;
    if (length === undefined) return () => undefined;
    const { name, type } = column;
    return (_bytes, start, end) =>
      end - start === length
        ? undefined
        : `"${name}" of type ${printType(type)} takes ${length} bytes, there are ${end - start}`;
  },
  scanner(columns, options, wanted) {
    return scannerOf(kafka.reader(columns, options), columns.length, wanted);
  },
};
