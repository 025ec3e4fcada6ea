/** What holds of every format whose data is read by a schema: AVRO, PROTOBUF, PROTOBUF_NOSR. */

import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { ByteWriter, useGeneratedCode } from '../../../base/index.ts';
import { type Format, type FormatOptions, ScanVectors, scanned } from '../../../sql/formats/format.ts';
import { formatNamed } from '../../../sql/formats/index.ts';
import { WriterSchemas } from '../../../sql/formats/writer-schemas.ts';
import type { KnownSchema } from '../../../sql/registry/schema.ts';
import type { Column } from '../../../sql/types/schema.ts';
import type { Row, Value } from '../../../sql/types/value.ts';
import { renamed } from './plain-names.ts';
import { anyType, valueOf } from './support.ts';

const names = ['AVRO', 'PROTOBUF', 'PROTOBUF_NOSR'] as const;

beforeAll(async () => {
  for (const name of names) await formatNamed(name).schemas?.load?.();
});

const columnsOf = (format: Format): fc.Arbitrary<Column[]> =>
  fc
    .array(anyType, { minLength: 1, maxLength: 6 })
    .map((types) => types.map((type, i): Column => ({ name: `${i % 2 === 0 ? 'C' : 'c'}${i}`, type: renamed(type) })))
    .filter((columns) => format.unsupported(columns) === undefined);

const nullables = fc.constantFrom(undefined, 'OPTIONAL', 'WRAPPER');

/** The options under which rows of these columns are written and read: with their own schema. */
const optionsOf = (format: Format, columns: readonly Column[], nullable: string | undefined): FormatOptions => {
  const properties =
    nullable === undefined || format.name === 'AVRO' ? {} : { PROTOBUF_NULLABLE_REPRESENTATION: nullable };
  const options: FormatOptions = { side: 'value', wrapped: true, properties };
  const { schemas } = format;
  if (schemas === undefined) return options;
  const schema: KnownSchema = {
    id: 7,
    type: schemas.type,
    schema: schemas.schemaOf(columns, { ...options, source: 'S' }),
    definitions: [],
  };
  return { ...options, schema, writers: new WriterSchemas(() => Promise.resolve(undefined)) };
};

/** Arrays of Protocol Buffers hold no NULL. */
const withoutNulls = (value: Value): Value => {
  if (Array.isArray(value)) return value.filter((item) => item !== null).map(withoutNulls);
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, withoutNulls(item)]));
  return value;
};

const bytesOf = (format: Format, columns: readonly Column[], options: FormatOptions, row: Row): Uint8Array | string => {
  const out = new ByteWriter(1);
  try {
    format.writer(columns, options).write(row, out);
    return out.slice();
  } catch (error) {
    return String(error);
  }
};

const plainly = <T>(run: () => T): T => {
  useGeneratedCode(false);
  try {
    return run();
  } finally {
    useGeneratedCode(true);
  }
};

/** The outcome of each record: its values, `NULL`, or its fault. */
const outcomes = (
  format: Format,
  columns: readonly Column[],
  options: FormatOptions,
  wanted: readonly number[],
  records: readonly (Uint8Array | null)[],
): unknown[] => {
  const starts = new Int32Array(records.length);
  const ends = new Int32Array(records.length);
  const out = new ByteWriter(1);
  records.forEach((record, i) => {
    // What lies between records looks like more of them.
    for (const byte of [2, 8, 1]) out.i8(byte);
    starts[i] = record === null ? -1 : out.length;
    if (record !== null) out.bytes(record);
    ends[i] = record === null ? -1 : out.length;
  });
  const scanner = format.scanner(columns, options, wanted);
  const into = new ScanVectors(columns.length, wanted);
  into.reset(records.length);
  scanner.scan(out.slice(), starts, ends, 0, records.length, into);
  return records.map((_, i) => {
    const status = into.status[i];
    if (status === scanned.bad) return into.errors.get(i);
    return status === scanned.nullRecord ? 'NULL' : wanted.map((slot) => (into.vectors[slot] as Value[])[i]);
  });
};

const mutated = (bytes: Uint8Array, at: number, byte: number): Uint8Array => {
  const copy = bytes.slice();
  if (copy.length > 5) copy[5 + (at % (copy.length - 5))] = byte;
  return copy;
};

describe.each(names)('%s', (name) => {
  const format = formatNamed(name);

  test('generated code writes what the plain form writes, and reads what it reads, of bad bytes as well', () => {
    const shapes = fc.constantFrom(
      'as written',
      'as written',
      'as written',
      'mutated',
      'cut',
      'more',
      'none',
      'unframed',
    );
    fc.assert(
      fc.property(
        columnsOf(format).chain((columns) =>
          fc.record({
            columns: fc.constant(columns),
            wanted: fc.subarray(columns.map((_, i) => i)),
            nullable: nullables,
            rows: fc.array(
              fc.tuple(
                fc.tuple(...columns.map(({ type }) => valueOf(type))),
                shapes,
                fc.nat(),
                fc.constantFrom(0, 1, 2, 3, 8, 10, 18, 127, 128, 200, 255),
              ),
              { minLength: 1, maxLength: 6 },
            ),
          }),
        ),
        ({ columns, wanted, nullable, rows }) => {
          const options = optionsOf(format, columns, nullable);
          const records = rows.map(([row, shape, at, byte]): Uint8Array | null => {
            const generated = bytesOf(format, columns, options, row);
            expect(generated).toEqual(plainly(() => bytesOf(format, columns, options, row)));
            if (typeof generated === 'string' || shape === 'none') return null;
            if (shape === 'mutated') return mutated(generated, at, byte);
            if (shape === 'cut') return generated.slice(0, at % (generated.length + 1));
            if (shape === 'more') return Uint8Array.from([...generated, byte]);
            return shape === 'unframed' ? generated.slice(1) : generated;
          });
          const read = outcomes(format, columns, options, wanted, records);
          expect(read).toEqual(plainly(() => outcomes(format, columns, options, wanted, records)));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('what was written is read back; NULL as a default where nothing tells it', () => {
    fc.assert(
      fc.property(
        columnsOf(format).chain((columns) =>
          fc.record({
            columns: fc.constant(columns),
            nullable: nullables,
            row: fc.tuple(...columns.map(({ type }) => valueOf(type))),
          }),
        ),
        ({ columns, nullable, row: given }) => {
          const row =
            name === 'AVRO'
              ? given
              : given.map((value, i) => (columns[i]?.type.kind === 'STRUCT' ? null : withoutNulls(value)));
          const options = optionsOf(format, columns, nullable);
          const bytes = bytesOf(format, columns, options, row as Row);
          const again =
            bytes instanceof Uint8Array
              ? outcomes(
                  format,
                  columns,
                  options,
                  columns.map((_, i) => i),
                  [bytes],
                )[0]
              : bytes;
          // What was read once is the same for ever.
          expect(Array.isArray(again) || name !== 'AVRO').toBe(true);
          if (!Array.isArray(again)) return;
          const second = bytesOf(format, columns, options, again as Row);
          if (second instanceof Uint8Array) {
            expect(
              outcomes(
                format,
                columns,
                options,
                columns.map((_, i) => i),
                [second],
              )[0],
            ).toEqual(again);
          }
          if (name === 'AVRO') expect(again).toEqual(wellFormed(row as Row));
        },
      ),
    );
  });
});

const wellFormed = (value: Value): Value => {
  if (typeof value === 'string') return value.toWellFormed();
  if (Array.isArray(value)) return value.map(wellFormed);
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key.toWellFormed(), wellFormed(item)]));
  return value;
};
