/**
 * Rows as data of Avro, without what frames them: readers and scanners for the schema of a writer, writers for any
 * schema.
 */

import { ByteWriter, codegenAllowed } from '../../../base/index.ts';
import type { AvroType } from '../../registry/schemas/avro.ts';
import type { Column } from '../../types/schema.ts';
import type { Row } from '../../types/value.ts';
import { type FormatOptions, type RowWriter, readingSpans } from '../format.ts';
import type { Decoder, ReadData } from '../framed-schemas.ts';
import { columnsOfSlots } from '../text-span.ts';
import { generateScan } from './generated.ts';
import { generateAvroWriter } from './generated-writer.ts';
import { AvroInput } from './input.ts';
import { avroValueReader, recordFiller } from './plain.ts';
import { type Reading, readingOf, readingOfColumns } from './reading.ts';
import { type AvroValueWriter, avroFieldsWriter, avroValueWriter } from './writer.ts';
import { type Writing, writingOf, writingOfColumns } from './writing.ts';

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
    return { read: bareReader(readingOf(writer, only.type, reader), isRaw(writer)), scan: () => undefined };
  const read = columnsOfSlots(columns.length, wanted);
  const reading = readingOfColumns(writer, columns, read, reader);
  return {
    read: rowReader(reading, read),
    scan: (id) => generateScan(id, reading, wanted),
  };
};

/** Whether bare data of this schema has no length in front: the whole data behind the frame are the bytes. Avro has a
 *  length there; the serializers of Confluent, which define the frame, leave it out. */
const isRaw = ({ kind }: AvroType): boolean => kind === 'bytes';

const bareReader = (reading: Reading, raw: boolean): ReadData => {
  const input = new AvroInput();
  const read = avroValueReader(reading);
  const measured = new ByteWriter(64);
  return (bytes, start, at, end, into) => {
    if (raw) {
      measured.length = 0;
      measured.varint(end - at);
      measured.bytes(bytes, at, end);
      input.open(measured.buffer, 0, measured.length, 0);
    } else input.open(bytes, start, end, at);
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

/** Writes bytes without their length. */
const rawWriter = (writing: Writing): AvroValueWriter => {
  const write = avroValueWriter(writing);
  const measured = new ByteWriter(64);
  const input = new AvroInput();
  return (value, out) => {
    measured.length = 0;
    write(value, measured);
    input.open(measured.buffer, 0, measured.length, 0);
    input.int();
    out.bytes(measured.buffer, input.at, measured.length);
  };
};

/** Writes rows as data of a schema. Raises `UserError` when the columns do not fit it. */
export const avroRowWriter = (
  schema: AvroType,
  columns: readonly Column[],
  options: Pick<FormatOptions, 'wrapped' | 'spans'>,
): RowWriter => {
  const [only] = columns;
  const spans = options.spans === true;
  if (options.wrapped || only === undefined) {
    const fields = writingOfColumns(schema, columns);
    const generated = codegenAllowed() ? generateAvroWriter(fields, spans ? columns : []) : undefined;
    if (generated !== undefined) return { write: generated };
  }
  const writer = plainRowWriter(schema, columns, options);
  return spans ? readingSpans(columns, writer) : writer;
};

const plainRowWriter = (
  schema: AvroType,
  columns: readonly Column[],
  { wrapped }: Pick<FormatOptions, 'wrapped'>,
): RowWriter => {
  const [only] = columns;
  if (!wrapped && only !== undefined) {
    const writing = writingOf(schema, only.type, '');
    const write = isRaw(schema) ? rawWriter(writing) : avroValueWriter(writing);
    return {
      write(row, out) {
        const value = row[0] ?? null;
        if (value === null) return false;
        write(value, out);
        return true;
      },
    };
  }
  const write = avroFieldsWriter(writingOfColumns(schema, columns));
  return {
    write(row, out) {
      write(row, out);
      return true;
    },
  };
};
