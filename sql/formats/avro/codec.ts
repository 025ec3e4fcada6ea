/**
 * Rows as data of Avro, without what frames them: readers and scanners for the schema of a writer, writers for any schema.
 */

import { codegenAllowed } from '../../codegen/code.ts';
import type { Column } from '../../types/schema.ts';
import type { Row } from '../../types/value.ts';
import type { FormatOptions, RowWriter } from '../format.ts';
import type { Decoder, ReadData } from '../framed-schemas.ts';
import { generateScan } from './generated.ts';
import { generateAvroWriter } from './generated-writer.ts';
import { AvroInput } from './input.ts';
import { avroValueReader, recordFiller } from './plain.ts';
import { type Reading, readingOf, readingOfColumns } from './reading.ts';
import type { AvroType } from './schema.ts';
import { avroFieldsWriter, avroValueWriter } from './writer.ts';
import { writingOf, writingOfColumns } from './writing.ts';

/** How records of a writer become columns. */
export const avroDecoder = (
  writer: AvroType,
  columns: readonly Column[],
  { wrapped }: Pick<FormatOptions, 'wrapped'>,
  wanted: readonly number[],
  reader?: AvroType,
): Decoder => {
  const [only] = columns;
  if (!wrapped && only !== undefined)
    return { read: bareReader(readingOf(writer, only.type, reader)), scan: () => undefined };
  const reading = readingOfColumns(writer, columns, wanted, reader);
  return {
    read: rowReader(reading, wanted),
    scan: (id) => generateScan(id, reading, wanted),
  };
};

const bareReader = (reading: Reading): ReadData => {
  const input = new AvroInput();
  const read = avroValueReader(reading);
  return (bytes, start, at, end, into) => {
    input.open(bytes, start, end, at);
    const value = read(input);
    into[0] = value;
    return value !== null;
  };
};

const rowReader = (reading: Reading, wanted: readonly number[]): ReadData => {
  const input = new AvroInput();
  if (reading.op === 'record') {
    const fill = recordFiller(reading);
    const { before } = reading;
    return (bytes, start, at, end, into) => {
      input.open(bytes, start, end, at);
      for (const slot of wanted) into[slot] = before[slot] ?? null;
      fill(input, into);
      return true;
    };
  }
  const read = avroValueReader(reading);
  return (bytes, start, at, end, into) => {
    input.open(bytes, start, end, at);
    const values = read(input);
    for (const slot of wanted) into[slot] = Array.isArray(values) ? ((values as Row)[slot] ?? null) : null;
    return values !== null;
  };
};

/** Writes rows as data of a schema. Raises `UserError` when the columns do not fit it. */
export const avroRowWriter = (
  schema: AvroType,
  columns: readonly Column[],
  { wrapped }: Pick<FormatOptions, 'wrapped'>,
): RowWriter => {
  const [only] = columns;
  if (!wrapped && only !== undefined) {
    const write = avroValueWriter(writingOf(schema, only.type, ''));
    return {
      write(row, out) {
        const value = row[0] ?? null;
        if (value === null) return false;
        write(value, out);
        return true;
      },
    };
  }
  const fields = writingOfColumns(schema, columns);
  const generated = codegenAllowed() ? generateAvroWriter(fields) : undefined;
  if (generated !== undefined) return { write: generated };
  const write = avroFieldsWriter(fields);
  return {
    write(row, out) {
      write(row, out);
      return true;
    },
  };
};
