/**
 * How data of a message becomes columns: decided once for the plain form and the generated one.
 *
 * A column or a field of a struct is found by the name of the message's field: the same, or the same in upper case.
 * What the message has not is NULL; what nobody wants is skipped, and so is a field whose bytes are not of its type, as
 * the format demands. What is absent is the default of its type, or NULL where that can be told.
 *
 * | column    | takes                                                                         |
 * | --------- | ----------------------------------------------------------------------------- |
 * | BOOLEAN   | bool                                                                          |
 * | INTEGER   | int32, sint32, sfixed32                                                       |
 * | BIGINT    | whole numbers of any kind; of 64 bits without a sign as those with one        |
 * | DOUBLE    | numbers of any kind                                                           |
 * | STRING    | string; an enum by the name of its value; bool and numbers as their text      |
 * | BYTES     | bytes                                                                         |
 * | DECIMAL, DATE, TIME, TIMESTAMP | their messages                                           |
 * | ARRAY     | repeated                                                                      |
 * | MAP       | map: keys as text                                                             |
 * | STRUCT    | a message; a oneof                                                            |
 *
 * A wrapper message is read as the scalar within. Anything else is a fault of the records in which it comes.
 */

import { unreachable } from '../../../base/index.ts';
import {
  columnNameOf,
  entryOf,
  type ProtoField,
  type ProtoMessage,
  type ProtoScalar,
  type ProtoType,
  type WellKnown,
  wellKnownOf,
  wireOf,
  wrappedField,
} from '../../registry/schemas/protobuf.ts';
import { fits, rescaleExact } from '../../types/decimal.ts';
import type { ScalarType } from '../../types/kinds.ts';
import { definitionOf } from '../../types/scalars/index.ts';
import { isScalar, printType, type SqlType, type StructField, stringType } from '../../types/type.ts';
import type { Value } from '../../types/value.ts';

/** What becomes of the value that was read; undefined: it is none of the column's. */
export type Conversion = (value: Value) => Value | undefined;

/** One value behind a tag. */
export type ProtoReading =
  | {
      readonly op: 'scalar';
      readonly scalar: ProtoScalar;
      readonly convert: Conversion | undefined;
      readonly into: string;
      /** What stands for it when it is absent. */
      readonly absent: Value;
    }
  | { readonly op: 'enum'; readonly name: string; readonly values: ReadonlyMap<number, string>; readonly absent: Value }
  | { readonly op: 'wrapper'; readonly inner: ProtoReading; readonly absent: Value }
  | {
      readonly op: 'known';
      readonly known: WellKnown;
      /** Of a decimal: its unscaled number with its scale as the column's. */
      readonly decimal: { readonly precision: number; readonly scale: number } | undefined;
      readonly accepts: (value: Value) => boolean;
      readonly into: string;
      readonly absent: Value;
    }
  | { readonly op: 'refuse'; readonly why: string; readonly absent: Value }
  | MessageReading;

export interface MessageReading {
  readonly op: 'message';
  readonly fields: readonly FieldReading[];
  /** The values of all places before the message is read. */
  readonly before: readonly Value[];
  readonly absent: Value;
}

export interface FieldReading {
  readonly number: number;
  /** The wire type of one value. */
  readonly wire: number;
  /** The place that it fills. */
  readonly at: number;
  readonly into:
    | { readonly kind: 'value' }
    | { readonly kind: 'list' }
    | { readonly kind: 'map'; readonly entry: MessageReading }
    /** The struct of a oneof: the place in it, and how many there are. */
    | { readonly kind: 'choice'; readonly place: number; readonly width: number };
  readonly reading: ProtoReading;
}

/** What is absent of a repeated field or a map: told apart from a list that is being read by being this one. */
export const noItems: readonly Value[] = Object.freeze([]);
export const noEntries: ReadonlyMap<string, Value> = new Map();

/** The place of the field that a name of the message stands for. */
const placeOf = (fields: readonly StructField[], name: string): number => {
  const exact = fields.findIndex((field) => field.name === name);
  return exact >= 0 ? exact : fields.findIndex((field) => field.name === name.toUpperCase());
};

/** The wanted fields of a message as those of a struct, or as columns. */
export const readingOfMessage = (
  message: ProtoMessage,
  fields: readonly StructField[],
  wanted?: ReadonlySet<number>,
): MessageReading => {
  const before: Value[] = fields.map(() => null);
  const result = new Map<number, FieldReading>();
  for (const field of message.fields) {
    if (field.group === true) continue;
    const at = placeOf(fields, columnNameOf(field));
    const target = fields[at];
    if (target === undefined || (wanted !== undefined && !wanted.has(at))) continue;
    // Of two names for one column the exact one counts.
    const taken = [...result.values()].find((other) => other.at === at && other.into.kind !== 'choice');
    if (taken !== undefined && field.name !== target.name) continue;
    if (taken !== undefined) result.delete(taken.number);
    const read =
      field.oneof === undefined ? readingOfField(field, target.type, at) : readingOfChoice(field, target.type, at);
    if (read === undefined) continue;
    result.set(field.number, read);
    before[at] = absentOf(field, read);
  }
  const ordered = [...result.values()].sort((a, b) => a.number - b.number);
  return { op: 'message', fields: ordered, before, absent: null };
};

const absentOf = (field: ProtoField, { into, reading }: FieldReading): Value => {
  switch (into.kind) {
    case 'list':
      return noItems;
    case 'map':
      return noEntries;
    case 'choice':
      return null;
    case 'value':
      return field.presence ? null : reading.absent;
    default:
      return unreachable(into);
  }
};

const readingOfChoice = (field: ProtoField, type: SqlType, at: number): FieldReading | undefined => {
  if (type.kind !== 'STRUCT') return undefined;
  const place = placeOf(type.fields, field.name);
  const inner = type.fields[place];
  if (inner === undefined) return undefined;
  return {
    number: field.number,
    wire: wireOf(field.type),
    at,
    into: { kind: 'choice', place, width: type.fields.length },
    reading: readingOf(field.type, inner.type),
  };
};

const readingOfField = (field: ProtoField, type: SqlType, at: number): FieldReading => {
  const { number } = field;
  const wire = wireOf(field.type);
  const entry = type.kind === 'MAP' ? entryOf(field) : undefined;
  if (entry !== undefined && type.kind === 'MAP' && field.type.kind === 'message') {
    const reading = readingOfMessage(field.type, [
      { name: 'key', type: stringType },
      { name: 'value', type: type.value },
    ]);
    return { number, wire, at, into: { kind: 'map', entry: reading }, reading };
  }
  if (field.repeated) {
    const reading = type.kind === 'ARRAY' ? readingOf(field.type, type.element) : refuse('a repeated field', type);
    return { number, wire, at, into: { kind: type.kind === 'ARRAY' ? 'list' : 'value' }, reading };
  }
  return { number, wire, at, into: { kind: 'value' }, reading: readingOf(field.type, type) };
};

const refuse = (what: string, type: SqlType): ProtoReading => ({
  op: 'refuse',
  why: `${what} cannot be read as ${printType(type)}`,
  absent: null,
});

const nameOf = (type: ProtoType): string => (type.kind === 'scalar' ? type.scalar : type.name);

export const readingOf = (from: ProtoType, type: SqlType): ProtoReading => {
  const mismatch = (): ProtoReading => refuse(nameOf(from), type);
  switch (from.kind) {
    case 'enum': {
      if (!isScalar(type) || definitionOf(type).carrier !== 'text') return mismatch();
      return { op: 'enum', name: from.name, values: from.values, absent: from.values.get(0) ?? null };
    }
    case 'scalar':
      return isScalar(type) ? readingOfScalar(from.scalar, type) : mismatch();
    case 'message': {
      const known = wellKnownOf(from);
      if (isScalar(type)) {
        if (known !== undefined) return readingOfKnown(known, type) ?? mismatch();
        const wrapped = wrappedField(from);
        return wrapped === undefined
          ? mismatch()
          : { op: 'wrapper', inner: readingOf(wrapped.type, type), absent: null };
      }
      return type.kind === 'STRUCT' ? readingOfMessage(from, type.fields) : mismatch();
    }
    default:
      return unreachable(from);
  }
};

const int32s: ReadonlySet<ProtoScalar> = new Set<ProtoScalar>(['int32', 'sint32', 'sfixed32']);

const readingOfScalar = (scalar: ProtoScalar, type: ScalarType): ProtoReading => {
  const { carrier, logical } = definitionOf(type);
  const into = printType(type);
  const found = ((): { readonly convert?: Conversion } | undefined => {
    if (logical) return undefined;
    switch (scalar) {
      case 'bool':
        return carrier === 'boolean' ? {} : carrier === 'text' ? { convert: String } : undefined;
      case 'string':
        return carrier === 'text' ? {} : undefined;
      case 'bytes':
        return carrier === 'bytes' ? {} : undefined;
      case 'float':
      case 'double':
        return carrier === 'double' ? {} : carrier === 'text' ? { convert: doubleText } : undefined;
      case 'int32':
      case 'sint32':
      case 'sfixed32':
      case 'uint32':
      case 'fixed32':
      case 'int64':
      case 'uint64':
      case 'sint64':
      case 'fixed64':
      case 'sfixed64':
        if (carrier === 'int64' || (carrier === 'int32' && int32s.has(scalar))) return {};
        if (carrier === 'double') return { convert: Number };
        return carrier === 'text' ? { convert: String } : undefined;
      default:
        return unreachable(scalar);
    }
  })();
  if (found === undefined) return refuse(scalar, type);
  const { convert } = found;
  const zero = zeroOf(scalar);
  return { op: 'scalar', scalar, convert, into, absent: convert === undefined ? zero : (convert(zero) ?? null) };
};

/** The value that is not written. */
const zeroOf = (scalar: ProtoScalar): Value =>
  scalar === 'bool' ? false : scalar === 'string' ? '' : scalar === 'bytes' ? noBytes : 0;

const noBytes = new Uint8Array(0);

const doubleText: Conversion = (value) => definitionOf({ kind: 'DOUBLE' }).text.print(value, { kind: 'DOUBLE' });

const kinds: Readonly<Record<WellKnown, string>> = {
  decimal: 'DECIMAL',
  date: 'DATE',
  time: 'TIME',
  timestamp: 'TIMESTAMP',
};

const readingOfKnown = (known: WellKnown, type: ScalarType): ProtoReading | undefined => {
  if (type.kind !== kinds[known]) return undefined;
  const { accepts } = definitionOf(type);
  return {
    op: 'known',
    known,
    decimal: type.kind === 'DECIMAL' ? { precision: type.precision, scale: type.scale } : undefined,
    accepts: accepts === undefined ? () => true : (value) => accepts(value, type),
    into: printType(type),
    absent: null,
  };
};

/** A decimal in the column's form; undefined: digits would be lost. */
export const decimalFrom = (
  unscaled: bigint,
  from: number,
  { precision, scale }: { readonly precision: number; readonly scale: number },
): bigint | undefined => {
  // Beyond this a scale is not one of a number that fits, and would make it endlessly large.
  if (Math.abs(from) > 10_000) return undefined;
  const scaled = from === scale ? unscaled : rescaleExact(unscaled, from, scale);
  return scaled !== undefined && fits(scaled, precision) ? scaled : undefined;
};
