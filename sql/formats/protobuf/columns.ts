/**
 * Between the columns of a source and schemas of Protocol Buffers.
 *
 * | SQL       | Protocol Buffers, as it is written      | and read as well                                  |
 * | --------- | --------------------------------------- | ------------------------------------------------- |
 * | BOOLEAN   | bool                                    |                                                   |
 * | INTEGER   | int32                                   | sint32, sfixed32                                  |
 * | BIGINT    | int64                                   | sint64, sfixed64; uint32, fixed32, uint64, fixed64 |
 * | DOUBLE    | double                                  | float                                             |
 * | STRING    | string                                  | enums, by the names of their values               |
 * | BYTES     | bytes                                   |                                                   |
 * | DECIMAL   | confluent.type.Decimal                  |                                                   |
 * | DATE      | google.type.Date                        |                                                   |
 * | TIME      | google.type.TimeOfDay                   |                                                   |
 * | TIMESTAMP | google.protobuf.Timestamp               |                                                   |
 * | ARRAY     | repeated                                |                                                   |
 * | MAP       | repeated messages `key`, `value`        | map                                               |
 * | STRUCT    | message                                 | a oneof: its fields, of which one is not NULL     |
 *
 * A scalar has no NULL of its own: what is absent is 0, false or the empty text. The property
 * PROTOBUF_NULLABLE_REPRESENTATION gives it one: as `optional` fields, or as Google's wrapper messages. Messages are
 * called as ksqlDB calls them, `ConnectDefault1`, `ConnectDefault2Entry` …, counted in the order in which they come.
 */

import { assert, unreachable } from '../../../base/index.ts';
import { isIdentifier } from '../../registry/schema.ts';
import {
  columnNameOf,
  entryOf,
  type ProtoField,
  type ProtoMessage,
  type ProtoScalar,
  type ProtoType,
  type WellKnown,
  wellKnown,
  wellKnownOf,
  wrappedField,
  wrappers,
} from '../../registry/schemas/protobuf.ts';
import type { Carrier } from '../../types/carriers.ts';
import type { ScalarType } from '../../types/kinds.ts';
import { definitionOf } from '../../types/scalars/index.ts';
import type { Column } from '../../types/schema.ts';
import { arrayOf, mapOf, type SqlType, type StructField, scalarOf, stringType, structOf } from '../../types/type.ts';
import type { ColumnNames } from '../format.ts';
import { addField, type FieldLimits } from '../schema-columns.ts';

// ------------------------------------------------------------------------------------------------ schema to columns

/** The columns of a message. A field that SQL has no type for is left out: one within a message that contains
 *  itself. */
export const columnsOfProto = (message: ProtoMessage, names: ColumnNames): readonly Column[] =>
  new Translation(names).fields(message) ?? [];

const scalarTypes: Readonly<Record<ProtoScalar, ScalarType>> = {
  bool: { kind: 'BOOLEAN' },
  int32: { kind: 'INTEGER' },
  sint32: { kind: 'INTEGER' },
  sfixed32: { kind: 'INTEGER' },
  uint32: { kind: 'BIGINT' },
  fixed32: { kind: 'BIGINT' },
  int64: { kind: 'BIGINT' },
  sint64: { kind: 'BIGINT' },
  sfixed64: { kind: 'BIGINT' },
  uint64: { kind: 'BIGINT' },
  fixed64: { kind: 'BIGINT' },
  float: { kind: 'DOUBLE' },
  double: { kind: 'DOUBLE' },
  string: { kind: 'STRING' },
  bytes: { kind: 'BYTES' },
};

/** Of a decimal whose field does not tell its own. */
const defaultDecimal = { precision: 64, scale: 0 };

class Translation {
  readonly #names: ColumnNames;
  readonly #around = new Set<ProtoMessage>();

  constructor(names: ColumnNames) {
    this.#names = names;
  }

  /** First the oneofs, then the other fields. */
  fields(message: ProtoMessage): readonly StructField[] | undefined {
    if (this.#around.has(message)) return undefined;
    this.#around.add(message);
    const result: StructField[] = [];
    const choices = Map.groupBy(
      message.fields.filter(({ oneof }) => oneof !== undefined),
      columnNameOf,
    );
    for (const [name, fields] of choices) {
      const inner: StructField[] = [];
      for (const field of fields) addField(inner, field.name, this.#typeOf(field), this.#names);
      addField(result, name, structOf(inner), this.#names);
    }
    for (const field of message.fields) {
      if (field.oneof === undefined) addField(result, field.name, this.#typeOf(field), this.#names);
    }
    this.#around.delete(message);
    return result;
  }

  #typeOf(field: ProtoField): SqlType | undefined {
    if (field.group === true) return undefined;
    const entry = entryOf(field);
    if (entry !== undefined) {
      const value = this.#typeOf(entry.value);
      return value === undefined ? undefined : mapOf(stringType, value);
    }
    const type = this.#type(field.type, field);
    return type === undefined || !field.repeated ? type : arrayOf(type);
  }

  #type(type: ProtoType, field: ProtoField): SqlType | undefined {
    switch (type.kind) {
      case 'scalar':
        return scalarTypes[type.scalar];
      case 'enum':
        return stringType;
      case 'message': {
        const known = wellKnownOf(type);
        if (known !== undefined) return wellKnownType(known, field);
        const wrapped = wrappedField(type);
        if (wrapped !== undefined) return this.#type(wrapped.type, wrapped);
        const fields = this.fields(type);
        return fields === undefined ? undefined : structOf(fields);
      }
      default:
        return unreachable(type);
    }
  }
}

const wellKnownType = (known: WellKnown, { decimal = defaultDecimal }: ProtoField): ScalarType => {
  switch (known) {
    case 'decimal':
      return scalarOf('DECIMAL', [decimal.precision, decimal.scale]);
    case 'date':
      return { kind: 'DATE' };
    case 'time':
      return { kind: 'TIME' };
    case 'timestamp':
      return { kind: 'TIMESTAMP' };
    default:
      return unreachable(known);
  }
};

// ------------------------------------------------------------------------------------------------ columns to schema

/** How a scalar that may be NULL is declared. */
export type Nullable = 'no' | 'optional' | 'wrapper';

/** Whether a name can be that of a message, with its package. */
export const isMessageName = (name: string): boolean => name.split('.').every(isIdentifier);

/** What Protocol Buffers take, for `fieldsFault`. */
export const protoLimits = (format: string): FieldLimits => ({
  format,
  schemas: 'Protocol Buffers',
  fault: (type) =>
    type.kind === 'ARRAY' && (type.element.kind === 'ARRAY' || type.element.kind === 'MAP')
      ? 'the elements of an ARRAY cannot be ARRAY or MAP'
      : undefined,
});

/** The message as which these columns are written. `name` is its full name, where the statement gives one. */
export const messageOfColumns = (
  columns: readonly StructField[],
  nullable: Nullable,
  name: string | undefined,
): ProtoMessage => new Messages(nullable, name === undefined ? 1 : 0).message(columns, name ?? 'ConnectDefault1');

const carrierScalar: Readonly<Record<Carrier, ProtoScalar | undefined>> = {
  boolean: 'bool',
  int32: 'int32',
  int64: 'int64',
  double: 'double',
  text: 'string',
  bytes: 'bytes',
  decimal: undefined,
};

/** Types that have a message. */
const typeMessages: Readonly<Record<string, WellKnown | undefined>> = {
  DECIMAL: 'decimal',
  DATE: 'date',
  TIME: 'time',
  TIMESTAMP: 'timestamp',
};

const numbered = (name: string, scalars: readonly (readonly [string, ProtoScalar])[]): ProtoMessage => ({
  kind: 'message',
  name,
  fields: scalars.map(([field, scalar], i) => plainField(field, i + 1, { kind: 'scalar', scalar })),
});

const plainField = (name: string, number: number, type: ProtoType): ProtoField => ({
  name,
  number,
  type,
  repeated: false,
  packed: false,
  presence: type.kind === 'message',
});

const knownMessages: Readonly<Record<WellKnown, ProtoMessage>> = {
  decimal: numbered(wellKnown.decimal, [
    ['value', 'bytes'],
    ['precision', 'uint32'],
    ['scale', 'int32'],
  ]),
  date: numbered(wellKnown.date, [
    ['year', 'int32'],
    ['month', 'int32'],
    ['day', 'int32'],
  ]),
  time: numbered(wellKnown.time, [
    ['hours', 'int32'],
    ['minutes', 'int32'],
    ['seconds', 'int32'],
    ['nanos', 'int32'],
  ]),
  timestamp: numbered(wellKnown.timestamp, [
    ['seconds', 'int64'],
    ['nanos', 'int32'],
  ]),
};

const wrapperOf = (scalar: ProtoScalar): ProtoMessage => {
  const [name] = Object.entries(wrappers).find(([, wrapped]) => wrapped === scalar) ?? [];
  assert(name !== undefined, `there is a wrapper for ${scalar}`);
  return numbered(name, [['value', scalar]]);
};

class Messages {
  readonly #nullable: Nullable;
  #count: number;

  /** `count`: how many messages have a number already. */
  constructor(nullable: Nullable, count: number) {
    this.#nullable = nullable;
    this.#count = count;
  }

  message(fields: readonly StructField[], name: string): ProtoMessage {
    return {
      kind: 'message',
      name,
      fields: fields.map((field, i) => this.#field(field.name, i + 1, field.type, name, this.#nullable === 'optional')),
    };
  }

  #field(name: string, number: number, type: SqlType, parent: string, optional: boolean): ProtoField {
    if (type.kind === 'ARRAY') {
      const element = this.#field(name, number, type.element, parent, false);
      const packed = element.type.kind === 'scalar' && !['string', 'bytes'].includes(element.type.scalar);
      return { ...element, repeated: true, packed, presence: false };
    }
    if (type.kind === 'MAP') {
      const entry = `${parent}.ConnectDefault${++this.#count}Entry`;
      const fields = [this.#field('key', 1, type.key, entry, false), this.#field('value', 2, type.value, entry, false)];
      const message: ProtoMessage = { kind: 'message', name: entry, fields };
      return { name, number, type: message, repeated: true, packed: false, presence: false };
    }
    const { message, decimal } = this.#type(type, parent);
    return {
      name,
      number,
      type: message,
      repeated: false,
      packed: false,
      presence: optional || message.kind === 'message',
      ...(optional && { optional }),
      ...(decimal && { decimal }),
    };
  }

  #type(
    type: Exclude<SqlType, { kind: 'ARRAY' } | { kind: 'MAP' }>,
    parent: string,
  ): { readonly message: ProtoType; readonly decimal?: ProtoField['decimal'] } {
    if (type.kind === 'STRUCT') {
      return { message: this.message(type.fields, `${parent}.ConnectDefault${++this.#count}`) };
    }
    const known = typeMessages[type.kind];
    if (known !== undefined) {
      const decimal = type.kind === 'DECIMAL' ? { precision: type.precision, scale: type.scale } : undefined;
      return { message: knownMessages[known], decimal };
    }
    const scalar = carrierScalar[definitionOf(type).carrier];
    assert(scalar !== undefined, `the type ${type.kind} has a message of its own`);
    return { message: this.#nullable === 'wrapper' ? wrapperOf(scalar) : { kind: 'scalar', scalar } };
  }
}

// --------------------------------------------------------------------------------------------------- schema as text

/** Where the message is declared that a field is of, if not here. */
const importOf = ({ name }: ProtoMessage): string | undefined => {
  if (Object.hasOwn(wrappers, name)) return 'google/protobuf/wrappers.proto';
  switch (name) {
    case wellKnown.decimal:
      return 'confluent/type/decimal.proto';
    case wellKnown.date:
      return 'google/type/date.proto';
    case wellKnown.time:
      return 'google/type/timeofday.proto';
    case wellKnown.timestamp:
      return 'google/protobuf/timestamp.proto';
    default:
      return undefined;
  }
};

const importsOf = (message: ProtoMessage): readonly string[] =>
  message.fields.flatMap(({ type }) => (type.kind === 'message' ? (importOf(type) ?? importsOf(type)) : []));

/** The text of the schema of a message that was made from columns. */
export const protoText = (message: ProtoMessage): string => {
  const dot = message.name.lastIndexOf('.');
  const imports = [...new Set(importsOf(message))].map((path) => `import "${path}";\n`).join('');
  return [
    'syntax = "proto3";\n',
    dot < 0 ? '' : `package ${message.name.slice(0, dot)};\n`,
    '\n',
    imports === '' ? '' : `${imports}\n`,
    messageText(message),
  ].join('');
};

const indented = (text: string): string =>
  text
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => `  ${line}\n`)
    .join('');

const shortName = (name: string): string => name.slice(name.lastIndexOf('.') + 1);

const messageText = ({ name, fields }: ProtoMessage): string => {
  const nested = fields.flatMap(({ type }) => (type.kind === 'message' && importOf(type) === undefined ? [type] : []));
  return [
    `message ${shortName(name)} {\n`,
    ...fields.map((field) => indented(fieldText(field))),
    nested.length === 0 ? '' : '\n',
    ...nested.map((message) => indented(messageText(message))),
    '}\n',
  ].join('');
};

const fieldText = (field: ProtoField): string => {
  const { name, number, type, repeated, optional, decimal } = field;
  const label = repeated ? 'repeated ' : optional === true ? 'optional ' : '';
  const start = `${label}${typeText(type)} ${name} = ${number}`;
  if (decimal === undefined) return `${start};\n`;
  const parameter = (key: string, value: number, comma: string): string =>
    `    {\n      value: "${value}",\n      key: "${key}"\n    }${comma}\n`;
  return `${start} [(confluent.field_meta) = {
  params: [
${parameter('precision', decimal.precision, ',')}${parameter('scale', decimal.scale, '')}  ]
}];
`;
};

const typeText = (type: ProtoType): string => {
  if (type.kind === 'scalar') return type.scalar;
  return type.kind === 'message' && importOf(type) !== undefined ? type.name : shortName(type.name);
};
