/** Reading data of Protocol Buffers in the plain form: a closure for each part of a `ProtoReading`. */

import { unreachable } from '../../../base/index.ts';
import { type ProtoScalar, wire, wireOfScalar } from '../../registry/schemas/protobuf.ts';
import { dayMs, daysFromCivil, daysInMonth } from '../../types/time/calendar.ts';
import type { Row, Value } from '../../types/value.ts';
import { bigintOfBytes } from '../binary-numbers.ts';
import type { ProtoInput } from './input.ts';
import {
  decimalFrom,
  type FieldReading,
  type MessageReading,
  noEntries,
  noItems,
  type ProtoReading,
} from './reading.ts';

type ReadValue = (input: ProtoInput) => Value;

/** Reads the fields of a message up to the input's end, to their places. */
type Fill = (input: ProtoInput, into: Row) => void;

const scalarReader = (scalar: ProtoScalar): ReadValue => {
  switch (scalar) {
    case 'int32':
      return (input) => input.int32();
    case 'uint32':
      return (input) => input.int32() >>> 0;
    case 'sint32':
      return (input) => {
        const value = input.int32();
        return (value >>> 1) ^ -(value & 1);
      };
    case 'fixed32':
      return (input) => input.fixed32() >>> 0;
    case 'sfixed32':
      return (input) => input.fixed32();
    case 'int64':
    case 'uint64':
      return (input) => input.int64();
    case 'sint64':
      return (input) => unzigzag(input.int64());
    case 'fixed64':
    case 'sfixed64':
      return (input) => input.fixed64();
    case 'bool':
      return (input) => input.bool();
    case 'float':
      return (input) => input.float();
    case 'double':
      return (input) => input.double();
    case 'string':
      return (input) => input.text();
    case 'bytes':
      return (input) => input.slice();
    default:
      return unreachable(scalar);
  }
};

const unzigzag = (value: number | bigint): number | bigint => {
  if (typeof value === 'number' && value >= 0) {
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
  const raw = BigInt.asUintN(64, BigInt(value));
  const result = BigInt.asIntN(64, (raw >> 1n) ^ -(raw & 1n));
  return result >= -9007199254740991n && result <= 9007199254740991n ? Number(result) : result;
};

/** Reads one value of a type, without its tag. */
export const protoValueReader = (reading: ProtoReading): ReadValue => {
  switch (reading.op) {
    case 'scalar': {
      const { convert, into } = reading;
      const read = scalarReader(reading.scalar);
      if (convert === undefined) return read;
      return (input) => {
        const { at } = input;
        const value = convert(read(input));
        return value === undefined ? input.fail(`the value is not one of ${into}`, at) : value;
      };
    }
    case 'enum': {
      const { values } = reading;
      const short = reading.name.slice(reading.name.lastIndexOf('.') + 1);
      return (input) => {
        const number = input.int32();
        return values.get(number) ?? `UNKNOWN_ENUM_VALUE_${short}_${number}`;
      };
    }
    case 'wrapper': {
      const { inner } = reading;
      const fill = messageFiller([
        { number: 1, wire: wireOfReading(inner), at: 0, into: { kind: 'value' }, reading: inner },
      ]);
      const absent = inner.absent;
      return (input) => {
        const row: Row = [absent];
        within(input, (message) => fill(message, row));
        return row[0] ?? null;
      };
    }
    case 'known':
      return knownReader(reading);
    case 'refuse': {
      const { why } = reading;
      return (input) => input.fail(why);
    }
    case 'message': {
      const read = messageReader(reading);
      return (input) => read(input, null);
    }
    default:
      return unreachable(reading);
  }
};

/** The wire type of what a reading of one value reads. */
const wireOfReading = (reading: ProtoReading): number =>
  reading.op === 'scalar' ? wireOfScalar(reading.scalar) : wire.varint;

/** Reads what lies within a length, and stops behind it. */
const within = (input: ProtoInput, read: (input: ProtoInput) => void): void => {
  const length = input.length();
  const { end } = input;
  const inner = input.at + length;
  input.end = inner;
  read(input);
  input.end = end;
  input.at = inner;
};

/** A message as a struct; what came before of the same field is kept, as the format demands. */
const messageReader = (reading: MessageReading): ((input: ProtoInput, before: Value) => Value) => {
  const fill = messageFiller(reading.fields);
  return (input, earlier) => {
    const fields = (Array.isArray(earlier) ? (earlier as Row) : reading.before).slice();
    within(input, (message) => fill(message, fields));
    return fields;
  };
};

const int = { scalar: 'int32', convert: undefined, into: 'INTEGER', absent: 0 } as const;

const knownFields = (scalars: readonly ProtoScalar[]): Fill =>
  messageFiller(
    scalars.map((scalar, i): FieldReading => {
      const reading: ProtoReading = { op: 'scalar', ...int, scalar };
      return { number: i + 1, wire: wireOfReading(reading), at: i, into: { kind: 'value' }, reading };
    }),
  );

const knownReader = (reading: Extract<ProtoReading, { op: 'known' }>): ReadValue => {
  const { accepts, into } = reading;
  const checked =
    (fill: Fill, before: readonly Value[], make: (fields: Row) => Value | undefined): ReadValue =>
    (input) => {
      const { at } = input;
      const fields = before.slice();
      within(input, (message) => fill(message, fields));
      const value = make(fields);
      return value === undefined || !accepts(value) ? input.fail(`the message is not one of ${into}`, at) : value;
    };
  switch (reading.known) {
    case 'decimal': {
      const form = reading.decimal ?? { precision: 0, scale: 0 };
      return checked(knownFields(['bytes', 'uint32', 'int32']), [new Uint8Array(0), 0, 0], ([bytes, , scale]) => {
        const digits = bytes as Uint8Array;
        return decimalFrom(bigintOfBytes(digits, 0, digits.length), scale as number, form);
      });
    }
    case 'date':
      return checked(knownFields(['int32', 'int32', 'int32']), [0, 0, 0], (fields) => {
        const [year, month, day] = fields as [number, number, number];
        if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined;
        return daysFromCivil(year, month, day);
      });
    case 'time':
      return checked(knownFields(['int32', 'int32', 'int32', 'int32']), [0, 0, 0, 0], (fields) => {
        const [hours, minutes, seconds, nanos] = fields as [number, number, number, number];
        const time = ((hours * 60 + minutes) * 60 + seconds) * 1000 + Math.floor(nanos / 1_000_000);
        return time >= 0 && time < dayMs ? time : undefined;
      });
    case 'timestamp':
      return checked(knownFields(['int64', 'int32']), [0, 0], ([seconds, nanos]) => {
        const time = Number(seconds) * 1000 + Math.floor((nanos as number) / 1_000_000);
        return Number.isSafeInteger(time) ? time : undefined;
      });
    default:
      return unreachable(reading.known);
  }
};

export const messageFiller = (fields: readonly FieldReading[]): Fill => {
  const byNumber = new Map(fields.map((field) => [field.number, { wire: field.wire, read: fieldReader(field) }]));
  return (input, into) => {
    while (input.at < input.end) {
      const tag = input.tag();
      const field = byNumber.get(tag >>> 3);
      if (field === undefined) input.skip(tag);
      else if ((tag & 7) === field.wire) field.read.one(input, into);
      else if ((tag & 7) === wire.length && field.read.packed !== undefined) field.read.packed(input, into);
      else input.skip(tag);
    }
  };
};

interface FieldReader {
  /** Behind a tag of its own wire type. */
  readonly one: Fill;
  /** Behind one that tells a length, where that means several values. */
  readonly packed: Fill | undefined;
}

const fieldReader = ({ at, into: target, reading, wire: own }: FieldReading): FieldReader => {
  switch (target.kind) {
    case 'value': {
      if (reading.op === 'message') {
        const read = messageReader(reading);
        return {
          one: (input, into) => {
            into[at] = read(input, into[at] ?? null);
          },
          packed: undefined,
        };
      }
      const read = protoValueReader(reading);
      return {
        one: (input, into) => {
          into[at] = read(input);
        },
        packed: undefined,
      };
    }
    case 'list': {
      const read = protoValueReader(reading);
      const add = (input: ProtoInput, into: Row): void => {
        const value = read(input);
        (listAt(into, at) as Value[]).push(value);
      };
      const several: Fill = (input, into) =>
        within(input, (message) => {
          const list = listAt(into, at);
          while (message.at < message.end) list.push(read(message));
        });
      return { one: add, packed: own === wire.length ? undefined : several };
    }
    case 'map': {
      const fill = messageFiller(target.entry.fields);
      const { before } = target.entry;
      return {
        one: (input, into) => {
          const { at: start } = input;
          const entry = before.slice();
          within(input, (message) => fill(message, entry));
          const [key, value = null] = entry;
          if (typeof key !== 'string') return input.fail('the key of a map is NULL', start);
          let map = into[at] as Map<string, Value>;
          if (map === noEntries) {
            map = new Map();
            into[at] = map;
          }
          map.set(key, value);
        },
        packed: undefined,
      };
    }
    case 'choice': {
      const { place, width } = target;
      const merge = reading.op === 'message' ? messageReader(reading) : undefined;
      const read = merge === undefined ? protoValueReader(reading) : undefined;
      return {
        one: (input, into) => {
          const fields: Row = new Array<Value>(width).fill(null);
          const earlier = into[at];
          const before = Array.isArray(earlier) ? (earlier[place] as Value) : null;
          fields[place] = read === undefined ? (merge?.(input, before) ?? null) : read(input);
          into[at] = fields;
        },
        packed: undefined,
      };
    }
    default:
      return unreachable(target);
  }
};

/** The list that is being read; the first value makes it. */
const listAt = (into: Row, at: number): Value[] => {
  const known = into[at];
  if (known !== noItems) return known as Value[];
  const list: Value[] = [];
  into[at] = list;
  return list;
};
