/**
 * Between columns and JSON Schemas, with the extensions of Kafka Connect (`connect.type`, `connect.index`, titles of
 * logical types), as Confluent's converters write and read them.
 *
 * Written: each column as `oneOf` null and its type, so that every one may be NULL; `connect.index` keeps the order. A
 * map is a list of objects with `key` and `value`: so Kafka Connect has maps whose keys may be NULL.
 *
 * Read: `type`, `enum` and `const`; `oneOf`, `anyOf` and lists of types, of which one besides null is that one, and
 * several are a STRUCT of the alternatives; `allOf`, whose properties are put together; references within the text
 * (`#/…`) and to other texts. What SQL has no type for is left out: a schema that contains itself, or tells nothing
 * about its data.
 */

import { UserError } from '../../base/index.ts';
import type { ResolvedSchema } from '../registry/schema.ts';
import { isObject, type Json, type JsonObject, type Place, SchemaTexts } from '../registry/schemas/json-schema.ts';
import type { Carrier } from '../types/carriers.ts';
import type { ScalarType } from '../types/kinds.ts';
import { definitionOf, scalarDefinitions } from '../types/scalars/index.ts';
import type { Column } from '../types/schema.ts';
import {
  arrayOf,
  bigintType,
  doubleType,
  integerType,
  isScalar,
  mapOf,
  type SqlType,
  type StructField,
  type StructType,
  scalarOf,
  stringType,
  structOf,
} from '../types/type.ts';
import { bareColumnName, type FormatOptions, type InferenceOptions } from './format.ts';
import type { MapForm } from './json-plain.ts';
import { fullNameOf } from './schema-properties.ts';

// ------------------------------------------------------------------------------------------------------- writing

/** The schema of these columns. */
export const jsonSchemaOf = (columns: readonly Column[], { wrapped, properties }: FormatOptions): string => {
  if (!wrapped) return JSON.stringify(nullable(schemaOfType((columns[0] as Column).type)));
  const title = fullNameOf(properties);
  return JSON.stringify({
    type: 'object',
    ...(title !== undefined && { title }),
    properties: propertiesOf(columns),
  });
};

const propertiesOf = (fields: readonly { readonly name: string; readonly type: SqlType }[]): JsonObject =>
  Object.fromEntries(
    fields.map(({ name, type }, index) => [name, { 'connect.index': index, ...nullable(schemaOfType(type)) }]),
  );

const nullable = (schema: JsonObject): JsonObject => ({ oneOf: [{ type: 'null' }, schema] });

const schemaOfType = (type: SqlType): JsonObject => {
  if (!isScalar(type)) {
    switch (type.kind) {
      case 'ARRAY':
        return { type: 'array', items: nullable(schemaOfType(type.element)) };
      case 'MAP':
        return {
          type: 'array',
          items: {
            type: 'object',
            properties: propertiesOf([
              { name: 'key', type: type.key },
              { name: 'value', type: type.value },
            ]),
          },
          'connect.type': 'map',
        };
      case 'STRUCT':
        return { type: 'object', properties: propertiesOf(type.fields) };
    }
  }
  return schemaOfScalar(type);
};

/** How plain carriers stand in JSON. */
const carrierSchemas: { readonly [C in Carrier]: JsonObject } = {
  boolean: { type: 'boolean' },
  int32: { type: 'integer', 'connect.type': 'int32' },
  int64: { type: 'integer', 'connect.type': 'int64' },
  double: { type: 'number', 'connect.type': 'float64' },
  text: { type: 'string' },
  bytes: { type: 'string', 'connect.type': 'bytes' },
  decimal: { type: 'number', 'connect.type': 'bytes' },
};

/** Of `TIMESTAMP`: `org.apache.kafka.connect.data.Timestamp`. */
const titleOf = (kind: string): string =>
  `org.apache.kafka.connect.data.${kind.charAt(0)}${kind.slice(1).toLowerCase()}`;

const schemaOfScalar = (type: ScalarType): JsonObject => {
  const { kind, carrier, logical } = definitionOf(type);
  const schema = carrierSchemas[carrier];
  if (type.kind === 'DECIMAL') {
    const parameters = { scale: String(type.scale), 'connect.decimal.precision': String(type.precision) };
    return { ...schema, title: titleOf(kind), 'connect.version': 1, 'connect.parameters': parameters };
  }
  return logical ? { ...schema, title: titleOf(kind), 'connect.version': 1 } : schema;
};

// ------------------------------------------------------------------------------------------------------- reading

/** The columns of a schema. */
export const columnsOfJsonSchema = (
  schema: ResolvedSchema,
  { side, wrapped, names }: InferenceOptions,
): readonly Column[] => {
  const texts = textsOf(schema);
  const type = new Types(texts).typeOf(texts.root, [], (name) => (names === 'upper-case' ? name.toUpperCase() : name));
  if (type === undefined) throw unusable('SQL has no type for it');
  if (!wrapped) return [{ name: bareColumnName(side), type }];
  if (isScalar(type) || type.kind !== 'STRUCT') {
    throw unusable('it is the schema of a bare value', 'Set WRAP_SINGLE_VALUE=false in WITH.');
  }
  if (type.fields.length === 0) throw unusable('it has no property that SQL has a type for');
  return type.fields;
};

const unusable = (why: string, hint?: string): UserError =>
  new UserError('SQL_SCHEMA_UNUSABLE', `columns cannot be taken from the JSON Schema: ${why}`, { hint });

const textsOf = (schema: ResolvedSchema): SchemaTexts => {
  try {
    return new SchemaTexts(schema);
  } catch {
    throw unusable('it is not a JSON text');
  }
};

/** The types of a schema and of what it refers to. */
class Types {
  readonly #texts: SchemaTexts;

  constructor(texts: SchemaTexts) {
    this.#texts = texts;
  }

  /** The type of the data; undefined where SQL has none. `within`: the schemas around it, which it must not contain. */
  typeOf({ document, schema }: Place, within: readonly Json[], nameOf: NameOf): SqlType | undefined {
    if (!isObject(schema) || within.includes(schema)) return undefined;
    const inner = [...within, schema];
    const { $ref: reference, oneOf, anyOf, allOf, type } = schema;
    const of = (part: Json | undefined): SqlType | undefined =>
      part === undefined ? undefined : this.typeOf({ document, schema: part }, inner, nameOf);
    if (typeof reference === 'string') {
      const place = this.#texts.referred(document, reference);
      return place === undefined ? undefined : this.typeOf(place, inner, nameOf);
    }
    const alternatives = oneOf ?? anyOf;
    if (Array.isArray(alternatives)) {
      return unionOf((alternatives as readonly Json[]).filter((each) => !isNull(each)).map(of), nameOf);
    }
    if (Array.isArray(type)) {
      const types = (type as readonly Json[]).filter((each) => each !== 'null');
      return unionOf(
        types.map((each) => of({ ...schema, type: each })),
        nameOf,
      );
    }
    if (Array.isArray(allOf)) return this.#typeOfAll({ document, schema }, allOf as readonly Json[], inner, nameOf);
    return this.#plainType({ document, schema }, inner, nameOf);
  }

  #plainType({ document, schema }: Place<JsonObject>, inner: readonly Json[], nameOf: NameOf): SqlType | undefined {
    const { type, title, items, properties, additionalProperties } = schema;
    const connect = schema['connect.type'];
    const of = (part: Json | undefined): SqlType | undefined =>
      part === undefined ? undefined : this.typeOf({ document, schema: part }, inner, nameOf);
    if (schema['enum'] !== undefined || (schema['const'] !== undefined && type === undefined)) return stringType;
    switch (typeof type === 'string' ? type : 'object') {
      case 'boolean':
        return scalarOf('BOOLEAN');
      case 'string':
        return connect === 'bytes' ? bytesType(schema) : stringType;
      case 'integer':
      case 'number':
        if (connect === 'bytes') return bytesType(schema);
        return (typeof title === 'string' ? logicalType(title) : undefined) ?? numberType(String(type), connect);
      case 'array': {
        if (connect === 'map' && isObject(items) && isObject(items['properties'])) {
          const value = of(items['properties']['value']);
          return value && mapOf(stringType, value);
        }
        const element = of(items);
        return element && arrayOf(element);
      }
      case 'object': {
        if (isMap(schema)) {
          const value = of(additionalProperties);
          return value && mapOf(stringType, value);
        }
        return isObject(properties) ? structOf(this.#fields({ document, schema }, inner, nameOf)) : undefined;
      }
      default:
        return undefined;
    }
  }

  #fields({ document, schema }: Place<JsonObject>, inner: readonly Json[], nameOf: NameOf): StructField[] {
    const properties = isObject(schema['properties']) ? schema['properties'] : {};
    const indexOf = (given: Json | undefined, fallback: number): number => {
      const index = isObject(given) ? given['connect.index'] : undefined;
      return typeof index === 'number' ? index : fallback;
    };
    return Object.entries(properties)
      .map(([name, part], i) => ({ name, part, index: indexOf(part, i) }))
      .sort((a, b) => a.index - b.index)
      .flatMap(({ name, part }): StructField[] => {
        const type = part === undefined ? undefined : this.typeOf({ document, schema: part }, inner, nameOf);
        return type === undefined ? [] : [{ name: nameOf(name), type }];
      });
  }

  /** Objects are put together; of others the one that tells most is taken. */
  #typeOfAll(
    place: Place<JsonObject>,
    all: readonly Json[],
    inner: readonly Json[],
    nameOf: NameOf,
  ): SqlType | undefined {
    const { document, schema } = place;
    const types = all.map((each) => this.typeOf({ document, schema: each }, inner, nameOf));
    const own = schema['properties'] === undefined ? undefined : this.#plainType(place, inner, nameOf);
    const structs = [...types, own].filter((type) => type !== undefined && !isScalar(type) && type.kind === 'STRUCT');
    if (structs.length > 0) {
      const fields = new Map(
        structs.flatMap((type) => (type as StructType).fields).map((field) => [field.name, field]),
      );
      return structOf([...fields.values()]);
    }
    return types.find((type) => type !== undefined);
  }
}

type NameOf = (name: string) => string;

const isNull = (schema: Json): boolean => isObject(schema) && schema['type'] === 'null';

/** One alternative is itself; several are a STRUCT of which one field is set, as Connect reads them. */
const unionOf = (types: readonly (SqlType | undefined)[], nameOf: NameOf): SqlType | undefined => {
  if (types.length === 1) return types[0];
  const name = 'io.confluent.connect.json.OneOf.field.';
  const fields = types.flatMap((type, i): StructField[] =>
    type === undefined ? [] : [{ name: nameOf(`${name}${i}`), type }],
  );
  return fields.length === 0 ? undefined : structOf(fields);
};

const bytesType = (schema: JsonObject): SqlType => {
  if (schema['title'] !== titleOf('DECIMAL')) return scalarOf('BYTES');
  const parameters = isObject(schema['connect.parameters']) ? schema['connect.parameters'] : {};
  const scale = Number(parameters['scale'] ?? 0);
  const precision = Number(parameters['connect.decimal.precision'] ?? 64);
  return scalarOf('DECIMAL', [precision, scale]);
};

const logicalType = (title: string): SqlType | undefined => {
  const found = scalarDefinitions.find(({ logical, kind }) => logical && titleOf(kind) === title);
  return found === undefined ? undefined : scalarOf(found.kind);
};

const connectNumbers: Readonly<Record<string, SqlType>> = {
  int8: integerType,
  int16: integerType,
  int32: integerType,
  int64: bigintType,
  float32: doubleType,
  float64: doubleType,
};

const numberType = (type: string, connect: Json | undefined): SqlType =>
  (typeof connect === 'string' ? connectNumbers[connect] : undefined) ?? (type === 'integer' ? bigintType : doubleType);

// ------------------------------------------------------------------------------------------------------- writing by id

/** The columns under the names that a schema has for them, and the first of them that it has no place for. */
export const renamedBy = (
  columns: readonly Column[],
  schema: ResolvedSchema,
  options: FormatOptions,
): { readonly columns: readonly Column[]; readonly missing: string | undefined } => {
  if (!options.wrapped) return { columns, missing: undefined };
  let held: readonly Column[];
  try {
    held = columnsOfJsonSchema(schema, { ...options, names: 'as-written' });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { columns, missing: error.message };
  }
  let missing: string | undefined;
  const named = columns.map((column): Column => {
    const found = fieldNamed(held, column.name);
    if (found === undefined) missing ??= `it has no property "${column.name}"`;
    return found === undefined ? column : { name: found.name, type: renamedType(column.type, found.type) };
  });
  return { columns: named, missing };
};

const fieldNamed = (fields: readonly StructField[], name: string): StructField | undefined =>
  fields.find((field) => field.name === name) ??
  fields.find((field) => field.name.toUpperCase() === name.toUpperCase());

/** How the data of a schema has its maps. */
export const mapFormOf = ({ schema, definitions }: ResolvedSchema): MapForm =>
  [schema, ...definitions.map((each) => each.schema)].some((text) => hasObjectMap(JSON.parse(text) as Json))
    ? 'object'
    : 'entries';

const hasObjectMap = (schema: Json | undefined): boolean => {
  if (typeof schema !== 'object' || schema === null) return false;
  if (isObject(schema) && schema['type'] === 'object' && isMap(schema)) return true;
  return Object.values(schema).some(hasObjectMap);
};

const isMap = (schema: JsonObject): boolean =>
  schema['connect.type'] === 'map' || (schema['properties'] === undefined && isObject(schema['additionalProperties']));

const renamedType = (type: SqlType, held: SqlType): SqlType => {
  if (isScalar(type) || isScalar(held)) return type;
  if (type.kind === 'ARRAY' && held.kind === 'ARRAY') return arrayOf(renamedType(type.element, held.element));
  if (type.kind === 'MAP' && held.kind === 'MAP') return mapOf(type.key, renamedType(type.value, held.value));
  if (type.kind !== 'STRUCT' || held.kind !== 'STRUCT') return type;
  return structOf(
    type.fields.map((field) => {
      const found = fieldNamed(held.fields, field.name);
      return found === undefined ? field : { name: found.name, type: renamedType(field.type, found.type) };
    }),
  );
};
