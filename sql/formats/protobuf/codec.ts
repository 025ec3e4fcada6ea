/** Rows as messages, without what frames them. */

import { codegenAllowed } from '../../../base/index.ts';
import { messageAt, type ProtoFile, type ProtoMessage } from '../../registry/schemas/protobuf.ts';
import type { Column } from '../../types/schema.ts';
import { structOf } from '../../types/type.ts';
import type { Row, Value } from '../../types/value.ts';
import { type FormatOptions, type RowWriter, readingSpans } from '../format.ts';
import type { Decoder, ReadData } from '../framed-schemas.ts';
import { columnsOfSlots } from '../text-span.ts';
import { generateProtoScan, type ProtoFrame } from './generated.ts';
import { generateProtoWriter } from './generated-writer.ts';
import { ProtoInput } from './input.ts';
import { messageFiller } from './plain.ts';
import { type MessageReading, readingOfMessage } from './reading.ts';
import { columnWriters, plainFields } from './writer.ts';

const allSlots = (columns: readonly Column[]): readonly number[] => columns.map((_, slot) => slot);

/** The fields of a message to wanted slots. */
const slotsFiller = (
  { fields, before }: MessageReading,
  wanted: readonly number[],
): ((input: ProtoInput, into: Row) => void) => {
  const fill = messageFiller(fields);
  return (input, into) => {
    for (const slot of wanted) into[slot] = before[slot] ?? null;
    fill(input, into);
  };
};

/** The place of a message, as it stands before its data: indexes behind their number; a single 0 for the first. */
export const pathBytes = (path: readonly number[]): Uint8Array => {
  if (path.length === 1 && path[0] === 0) return Uint8Array.of(0);
  const bytes: number[] = [];
  for (const value of [path.length, ...path]) {
    let rest = value * 2;
    while (rest >= 0x80) {
      bytes.push((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    bytes.push(rest);
  }
  return Uint8Array.from(bytes);
};

const mostPath = 32;

const readPath = (input: ProtoInput): readonly number[] => {
  const { at } = input;
  const next = (): number => {
    const value = input.int32();
    return (value >>> 1) ^ -(value & 1);
  };
  const count = next();
  if (count === 0) return [0];
  if (count < 0 || count > mostPath) return input.fail(`a message cannot lie ${count} levels deep,`, at);
  return Array.from({ length: count }, next);
};

/** The columns under the names by which they are found in a message. In a key that this query wrote itself the one
 *  field is the one key column, whatever its name: a query may call it otherwise, and the bytes stay as they are. */
const namedForOwnKey = (message: ProtoMessage, columns: readonly Column[]): readonly Column[] => {
  const [only, another] = columns;
  const [field, more] = message.fields;
  const single = only !== undefined && another === undefined && field !== undefined && more === undefined;
  return single && field.oneof === undefined ? [{ name: field.name, type: only.type }] : columns;
};

/** How records of a file's messages become columns. `ownKeys`: they are keys that this query wrote itself. */
export const protoDecoder = (
  file: ProtoFile,
  columns: readonly Column[],
  wanted: readonly number[],
  ownKeys = false,
): Decoder => {
  const slots = columnsOfSlots(columns.length, wanted);
  const readingFor = (message: ProtoMessage): MessageReading =>
    readingOfMessage(message, ownKeys ? namedForOwnKey(message, columns) : columns, new Set(slots));
  const input = new ProtoInput();
  const fillers = new Map<ProtoMessage, (input: ProtoInput, into: Row) => void>();
  const read: ReadData = (bytes, start, at, end, into) => {
    input.open(bytes, start, end, at);
    const path = readPath(input);
    const message = messageAt(file, path);
    if (message === undefined) return input.fail(`the schema has no message ${path.join('.')}`, at);
    let fill = fillers.get(message);
    if (fill === undefined) {
      fill = slotsFiller(readingFor(message), slots);
      fillers.set(message, fill);
    }
    fill(input, into);
    return true;
  };
  return {
    read,
    scan(id) {
      const first = file.messages[0]?.message;
      if (first === undefined) return undefined;
      const frame: ProtoFrame = { id, path: pathBytes([0]) };
      return generateProtoScan(first, readingFor(first), wanted, frame);
    },
  };
};

/** A message without a frame; a single column without an envelope is its own message where it is a STRUCT. */
export const bareDecoder = (
  message: ProtoMessage,
  columns: readonly Column[],
  wrapped: boolean,
  wanted: readonly number[],
): Decoder => {
  const input = new ProtoInput();
  const [only] = columns;
  if (!wrapped && only?.type.kind === 'STRUCT') {
    const reading = readingOfMessage(message, only.type.fields);
    const fill = slotsFiller(reading, allSlots(only.type.fields));
    return {
      read(bytes, start, at, end, into) {
        const fields: Row = new Array<Value>(reading.before.length).fill(null);
        input.open(bytes, start, end, at);
        fill(input, fields);
        into[0] = fields;
        return true;
      },
      scan: () => undefined,
    };
  }
  const slots = columnsOfSlots(columns.length, wanted);
  const reading = readingOfMessage(message, columns, new Set(slots));
  const fill = slotsFiller(reading, slots);
  return {
    read(bytes, start, at, end, into) {
      input.open(bytes, start, end, at);
      fill(input, into);
      return true;
    },
    scan: () => generateProtoScan(message, reading, wanted, undefined),
  };
};

/** Writes rows as a message. Raises `UserError` when the columns do not fit it. */
export const protoRowWriter = (
  message: ProtoMessage,
  given: readonly Column[],
  { side, wrapped, spans = false }: Pick<FormatOptions, 'side' | 'wrapped' | 'spans'>,
): RowWriter => {
  const columns = wrapped && side === 'key' ? namedForOwnKey(message, given) : given;
  const [only] = columns;
  const bare = !wrapped && only !== undefined;
  const inner = bare && only.type.kind === 'STRUCT' ? only.type : structOf(columns);
  const writers = columnWriters(message, inner.fields);
  const plain = plainFields(writers);
  const generated = codegenAllowed() ? generateProtoWriter(writers, spans) : undefined;
  const write = generated ?? plain;
  const isStruct = bare && only.type.kind === 'STRUCT';
  // A key that is NULL is none, whereas a value may have no column that is not NULL.
  const isKey = side === 'key' && columns.length === 1;
  const writer: RowWriter = {
    write(row, out, bytes) {
      if ((bare || isKey) && (row[0] ?? null) === null) return false;
      write(isStruct ? (row[0] as Row) : row, out, bytes);
      return true;
    },
  };
  return spans && generated === undefined ? readingSpans(columns, writer) : writer;
};
