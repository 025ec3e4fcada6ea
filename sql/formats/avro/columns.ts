/**
 * Between the columns of a source and schemas of Avro.
 *
 * | SQL                   | Avro, as it is written                  | and read as well                         |
 * | --------------------- | --------------------------------------- | ---------------------------------------- |
 * | BOOLEAN               | boolean                                 |                                          |
 * | INTEGER, BIGINT       | int, long                               |                                          |
 * | DOUBLE                | double                                  | float                                    |
 * | STRING, BYTES         | string, bytes                           | enum; fixed                              |
 * | DECIMAL               | bytes, `decimal`                        | fixed, `decimal`                         |
 * | DATE, TIME, TIMESTAMP | int, int, long with their logical types |                                          |
 * | ARRAY                 | array                                   |                                          |
 * | MAP                   | array of records `key`, `value`         | map                                      |
 * | STRUCT                | record                                  | union of several types: a field for each |
 *
 * Every column, field, element and value of a map is a union with null, whose default is null; a single column without
 * an envelope is not, since the NULL record stands for its NULL. Names of records and the attributes `connect.…` are
 * those that ksqlDB writes: `KsqlDataSourceSchema`, a struct in the column S `KsqlDataSourceSchema_S`, the values of a
 * map in the column M `KsqlDataSourceSchema_M_MapValue`.
 */

import { UserError, unreachable } from '../../../base/index.ts';
import { type AvroLogical, type AvroPrimitive, type AvroType, shortName } from '../../registry/schemas/avro.ts';
import type { Carrier } from '../../types/carriers.ts';
import type { ScalarType } from '../../types/kinds.ts';
import { definitionOf } from '../../types/scalars/index.ts';
import type { Column } from '../../types/schema.ts';
import {
  arrayOf,
  isScalar,
  mapOf,
  type SqlType,
  type StructField,
  scalarOf,
  stringType,
  structOf,
} from '../../types/type.ts';
import { bareColumnName, type ColumnNames, type InferenceOptions, type Side } from '../format.ts';
import { addField, type FieldLimits } from '../schema-columns.ts';

// ------------------------------------------------------------------------------------------------ schema to columns

/** The columns that records of this schema have. A field that SQL has no type for is left out: one that is always null,
 *  and one within a record that contains itself. */
export const columnsOfAvro = (
  type: AvroType,
  { side, wrapped, names }: Pick<InferenceOptions, 'side' | 'wrapped' | 'names'>,
): readonly Column[] => {
  const whole = new Translation(names).type(type);
  if (whole === undefined) throw cannotRead(side, `it is ${type.kind} only`);
  if (!wrapped) return [{ name: bareColumnName(side), type: whole }];
  if (whole.kind === 'STRUCT') return whole.fields;
  throw cannotRead(side, `it is one ${type.kind}, and no record with fields`, 'Set WRAP_SINGLE_VALUE to false.');
};

const cannotRead = (side: Side, why: string, hint?: string): UserError =>
  new UserError('SQL_SCHEMA_COLUMNS', `the schema of the ${side} cannot be read as columns: ${why}`, { hint });

const primitiveTypes: Readonly<Record<Exclude<AvroPrimitive, 'null'>, ScalarType>> = {
  boolean: { kind: 'BOOLEAN' },
  int: { kind: 'INTEGER' },
  long: { kind: 'BIGINT' },
  float: { kind: 'DOUBLE' },
  double: { kind: 'DOUBLE' },
  bytes: { kind: 'BYTES' },
  string: { kind: 'STRING' },
};

const logicalType = (logical: AvroLogical): ScalarType => {
  switch (logical.kind) {
    case 'decimal':
      return scalarOf('DECIMAL', [logical.precision, logical.scale]);
    case 'date':
      return { kind: 'DATE' };
    case 'time-millis':
      return { kind: 'TIME' };
    case 'timestamp-millis':
      return { kind: 'TIMESTAMP' };
    default:
      return unreachable(logical);
  }
};

class Translation {
  readonly #names: ColumnNames;
  /** The records around the part that is translated. */
  readonly #around = new Set<AvroType>();

  constructor(names: ColumnNames) {
    this.#names = names;
  }

  type(type: AvroType): SqlType | undefined {
    switch (type.kind) {
      case 'null':
        return undefined;
      case 'array': {
        if (!type.entries || type.items.kind !== 'record') return this.#of(type.items, arrayOf);
        const value = type.items.fields.find((field) => field.name === 'value');
        return value === undefined ? undefined : this.#of(value.type, (inner) => mapOf(stringType, inner));
      }
      case 'map':
        return this.#of(type.values, (inner) => mapOf(stringType, inner));
      case 'enum':
        return stringType;
      case 'fixed':
        return type.logical === undefined ? { kind: 'BYTES' } : logicalType(type.logical);
      case 'record': {
        if (this.#around.has(type)) return undefined;
        this.#around.add(type);
        const struct = this.#struct(type.fields);
        this.#around.delete(type);
        return struct;
      }
      case 'union': {
        const branches = type.branches.filter((branch) => branch.kind !== 'null');
        const [only] = branches;
        if (branches.length === 1 && only !== undefined) return this.type(only);
        return branches.length === 0
          ? undefined
          : this.#struct(branches.map((branch) => ({ name: branchName(branch), type: branch })));
      }
      case 'boolean':
      case 'int':
      case 'long':
      case 'float':
      case 'double':
      case 'bytes':
      case 'string':
        return type.logical === undefined ? primitiveTypes[type.kind] : logicalType(type.logical);
    }
  }

  #of(inner: AvroType, make: (type: SqlType) => SqlType): SqlType | undefined {
    const type = this.type(inner);
    return type === undefined ? undefined : make(type);
  }

  #struct(fields: readonly { readonly name: string; readonly type: AvroType }[]): SqlType {
    const result: StructField[] = [];
    for (const field of fields) {
      addField(result, field.name, this.type(field.type), this.#names);
    }
    return structOf(result);
  }
}

/** The field that stands for a branch of a union, in the struct that the union becomes. */
export const branchName = (branch: AvroType): string => ('name' in branch ? shortName(branch.name) : branch.kind);

// ------------------------------------------------------------------------------------------------ columns to schema

const namespace = 'io.confluent.ksql.avro_schemas';

/** The record of a source's value, where the statement names none. */
export const defaultValueName = `${namespace}.KsqlDataSourceSchema`;

/** The record of a source's key: `OrdersByUserKey` for ORDERS_BY_USER. What cannot stand in a name is left out. */
export const defaultKeyName = (source: string): string =>
  `${namespace}.${source
    .replaceAll(/[^A-Za-z0-9_]|^[0-9]+/g, '')
    .toLowerCase()
    .split('_')
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('')}Key`;

/** What Avro takes, for `fieldsFault`. */
export const avroLimits: FieldLimits = { format: 'AVRO', schemas: 'Avro' };

/** The text of the schema under which these columns are written. */
export const avroOfColumns = (columns: readonly Column[], wrapped: boolean, name: string): string =>
  JSON.stringify(avroJson(columns, wrapped, name));

const avroJson = (columns: readonly Column[], wrapped: boolean, name: string): unknown => {
  const [only] = columns;
  return wrapped || only === undefined ? recordJson(columns, name, true) : typeJson(only.type, name, true, false);
};

const nullable = (json: unknown): unknown => ['null', json];

const fieldsJson = (fields: readonly StructField[], parent: string): unknown =>
  fields.map((field) => ({
    name: field.name,
    type: nullable(typeJson(field.type, `${parent}_${field.name}`, false)),
    default: null,
  }));

/** `name` is what the record is called if there is one within, `outermost` whether it is in no other, `versioned`
 *  whether Connect's version stands with its types: it does but for a type that is the whole schema. */
const typeJson = (type: SqlType, name: string, outermost: boolean, versioned = true): unknown => {
  if (isScalar(type)) return scalarJson(type, versioned);
  switch (type.kind) {
    case 'ARRAY':
      return { type: 'array', items: nullable(typeJson(type.element, name, outermost)) };
    case 'MAP':
      return {
        type: 'array',
        items: {
          ...declaration(name, outermost),
          fields: [
            { name: 'key', type: nullable(typeJson(type.key, name, false)), default: null },
            { name: 'value', type: nullable(typeJson(type.value, `${name}_MapValue`, false)), default: null },
          ],
          'connect.internal.type': 'MapEntry',
        },
        'connect.name': name,
      };
    case 'STRUCT':
      return recordJson(type.fields, name, outermost);
    default:
      return unreachable(type);
  }
};

const recordJson = (fields: readonly StructField[], name: string, outermost: boolean): unknown => ({
  ...declaration(name, outermost),
  fields: fieldsJson(fields, name),
  'connect.name': name,
});

/** The outermost record names the namespace of all. */
const declaration = (name: string, outermost: boolean): Record<string, string> => {
  const dot = name.lastIndexOf('.');
  const short = { type: 'record', name: name.slice(dot + 1) };
  return outermost && dot >= 0 ? { ...short, namespace: name.slice(0, dot) } : short;
};

const carrierPrimitive: Readonly<Record<Carrier, AvroPrimitive>> = {
  boolean: 'boolean',
  int32: 'int',
  int64: 'long',
  double: 'double',
  decimal: 'bytes',
  text: 'string',
  bytes: 'bytes',
};

/** Types that Avro has a logical type for, with Connect's name of the class. */
const logicalJson: Readonly<Record<string, { readonly connect: string; readonly logical: string } | undefined>> = {
  DATE: { connect: 'Date', logical: 'date' },
  TIME: { connect: 'Time', logical: 'time-millis' },
  TIMESTAMP: { connect: 'Timestamp', logical: 'timestamp-millis' },
};

const scalarJson = (type: ScalarType, versioned: boolean): unknown => {
  const primitive = carrierPrimitive[definitionOf(type).carrier];
  const version = versioned ? { 'connect.version': 1 } : {};
  if (type.kind === 'DECIMAL') {
    const { precision, scale } = type;
    return {
      type: primitive,
      scale,
      precision,
      ...version,
      'connect.parameters': { scale: String(scale), 'connect.decimal.precision': String(precision) },
      'connect.name': 'org.apache.kafka.connect.data.Decimal',
      logicalType: 'decimal',
    };
  }
  const known = logicalJson[type.kind];
  if (known === undefined) return primitive;
  return {
    type: primitive,
    ...version,
    'connect.name': `org.apache.kafka.connect.data.${known.connect}`,
    logicalType: known.logical,
  };
};
