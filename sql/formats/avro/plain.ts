/** Reading data of Avro in the plain form: a closure for each operation of a `Reading`. */

import { unreachable } from '../../../base/index.ts';
import type { AvroType } from '../../registry/schemas/avro.ts';
import type { Row, Value } from '../../types/value.ts';
import { bigintOfBytes } from '../binary-numbers.ts';
import type { AvroInput } from './input.ts';
import type { Conversion, Reading, RecordReading } from './reading.ts';
import { leastBytes } from './reading.ts';

/** Reads the value at the input's place, and stops behind it. */
export type AvroValueReader = (input: AvroInput) => Value;

type Skipper = (input: AvroInput) => void;

/** How deep the data of a type may lie that contains itself. */
const mostDepth = 500;

const converted = (
  read: (input: AvroInput) => Value,
  convert: Conversion | undefined,
  into: string,
): AvroValueReader =>
  convert === undefined
    ? read
    : (input) => {
        const { at } = input;
        const value = convert(read(input));
        return value === undefined ? input.fail(`the value is not one of ${into}`, at) : value;
      };

export const avroValueReader = (reading: Reading): AvroValueReader => {
  switch (reading.op) {
    case 'null':
      return () => null;
    case 'skip': {
      const skip = skipper(reading.type);
      return (input) => {
        skip(input);
        return null;
      };
    }
    case 'refuse': {
      const { why } = reading;
      return (input) => input.fail(why);
    }
    case 'boolean':
      return converted((input) => input.boolean(), reading.convert, reading.into);
    case 'int':
      return converted((input) => input.int(), reading.convert, reading.into);
    case 'long':
      return converted((input) => input.long(), reading.convert, reading.into);
    case 'float':
      return converted((input) => input.float(), reading.convert, reading.into);
    case 'double':
      return converted((input) => input.double(), reading.convert, reading.into);
    case 'string':
      return converted((input) => input.text(), reading.convert, reading.into);
    case 'bytes':
      return converted((input) => input.slice(), reading.convert, reading.into);
    case 'decimal': {
      const { size } = reading;
      const read = (input: AvroInput): Value => {
        const length = size ?? input.length();
        const at = input.take(length);
        return bigintOfBytes(input.bytes, at, at + length);
      };
      return converted(read, reading.convert, reading.into);
    }
    case 'fixed': {
      const { size } = reading;
      return (input) => input.slice(size);
    }
    case 'enum': {
      const { symbols } = reading;
      return (input) => symbols[input.index(symbols.length, 'symbol')] as string;
    }
    case 'union': {
      const branches = reading.branches.map(avroValueReader);
      return (input) => (branches[input.index(branches.length, 'branch')] as AvroValueReader)(input);
    }
    case 'choice': {
      const { at, width } = reading;
      const branches = reading.branches.map(avroValueReader);
      return (input) => {
        const index = input.index(branches.length, 'branch');
        const value = (branches[index] as AvroValueReader)(input);
        const place = at[index] as number;
        if (place === -2) return null;
        const fields: Value[] = new Array<Value>(width).fill(null);
        if (place >= 0) fields[place] = value;
        return fields;
      };
    }
    case 'record': {
      const fill = recordFiller(reading);
      const { before } = reading;
      return (input) => {
        const fields = before.slice();
        fill(input, fields);
        return fields;
      };
    }
    case 'array': {
      const element = avroValueReader(reading.element);
      const { least } = reading;
      return (input) => {
        const values: Value[] = [];
        for (;;) {
          const count = input.block(least, values.length);
          if (count === 0) return values;
          for (let i = 0; i < count; i++) values.push(element(input));
        }
      };
    }
    case 'map': {
      const member = avroValueReader(reading.value);
      const { least } = reading;
      return (input) => {
        const values = new Map<string, Value>();
        for (;;) {
          const count = input.block(least, 0);
          if (count === 0) return values;
          for (let i = 0; i < count; i++) {
            const key = input.text();
            values.set(key, member(input));
          }
        }
      };
    }
    case 'entries': {
      const fill = recordFiller(reading.entry);
      const { least } = reading;
      return (input) => {
        const values = new Map<string, Value>();
        for (;;) {
          const count = input.block(least, values.size);
          if (count === 0) return values;
          for (let i = 0; i < count; i++) {
            const { at } = input;
            const entry: Row = [null, null];
            fill(input, entry);
            const [key, value] = entry;
            if (typeof key !== 'string') input.fail('the key of a map is NULL', at);
            else values.set(key, value ?? null);
          }
        }
      };
    }
    default:
      return unreachable(reading);
  }
};

/** Reads the fields of a record to their places; those that the writer has not stay as they are. */
export const recordFiller = ({ fields }: RecordReading): ((input: AvroInput, into: Row) => void) => {
  const readers = fields.map(({ reading, at }) => ({ read: avroValueReader(reading), at }));
  return (input, into) => {
    for (const { read, at } of readers) {
      const value = read(input);
      if (at >= 0) into[at] = value;
    }
  };
};

// --------------------------------------------------------------------------------------------------------- skipping

/** Steps over the data of a type. Types that contain themselves are followed as deep as the data goes. */
const skipper = (type: AvroType, made: Map<AvroType, { skip: Skipper }> = new Map()): Skipper => {
  switch (type.kind) {
    case 'null':
      return () => {};
    case 'boolean':
      return (input) => void input.take(1);
    case 'int':
    case 'enum':
      return (input) => void input.int();
    case 'long':
      return (input) => void input.long();
    case 'float':
      return (input) => void input.take(4);
    case 'double':
      return (input) => void input.take(8);
    case 'bytes':
    case 'string':
      return (input) => void input.take(input.length());
    case 'fixed':
      return (input) => void input.take(type.size);
    case 'array':
      return skipItems(skipper(type.items, made), leastBytes(type.items));
    case 'map': {
      const value = skipper(type.values, made);
      return skipItems((input) => {
        input.take(input.length());
        value(input);
      }, 1 + leastBytes(type.values));
    }
    case 'union': {
      const branches = type.branches.map((branch) => skipper(branch, made));
      return (input) => (branches[input.index(branches.length, 'branch')] as Skipper)(input);
    }
    case 'record': {
      const known = made.get(type);
      if (known !== undefined) {
        return (input) => {
          input.descend(mostDepth);
          known.skip(input);
          input.depth--;
        };
      }
      const own: { skip: Skipper } = { skip: () => {} };
      made.set(type, own);
      const fields = type.fields.map((field) => skipper(field.type, made));
      own.skip = (input) => {
        for (const skip of fields) skip(input);
      };
      return own.skip;
    }
    default:
      return unreachable(type);
  }
};

const skipItems =
  (skip: Skipper, least: number): Skipper =>
  (input) => {
    let before = 0;
    for (;;) {
      const count = input.block(least, before);
      if (count === 0) return;
      before += count;
      for (let i = 0; i < count; i++) skip(input);
    }
  };
