/**
 * The types of SQL values, as plain data: they stand in plans and in the statement log, so they are JSON and carry no
 * methods.
 *
 * A type is a union told apart by `kind`. DECIMAL, BYTES, DATE and TIME are words of the language but not yet kinds;
 * where they get theirs the compiler names every place that has to know. Two types are equal when their text is.
 */

export interface StructField {
  readonly name: string;
  readonly type: SqlType;
}

export type ArrayType = { readonly kind: 'ARRAY'; readonly element: SqlType };
export type MapType = { readonly kind: 'MAP'; readonly key: SqlType; readonly value: SqlType };
export type StructType = { readonly kind: 'STRUCT'; readonly fields: readonly StructField[] };

export type SqlType =
  | { readonly kind: 'BOOLEAN' }
  | { readonly kind: 'INTEGER' }
  | { readonly kind: 'BIGINT' }
  | { readonly kind: 'DOUBLE' }
  | { readonly kind: 'STRING' }
  | { readonly kind: 'TIMESTAMP' }
  | ArrayType
  | MapType
  | StructType;

export type TypeKind = SqlType['kind'];
export type TypeOf<K extends TypeKind> = Extract<SqlType, { readonly kind: K }>;

export const booleanType: SqlType = { kind: 'BOOLEAN' };
export const integerType: SqlType = { kind: 'INTEGER' };
export const bigintType: SqlType = { kind: 'BIGINT' };
export const doubleType: SqlType = { kind: 'DOUBLE' };
export const stringType: SqlType = { kind: 'STRING' };
export const timestampType: SqlType = { kind: 'TIMESTAMP' };

export const arrayOf = (element: SqlType): ArrayType => ({ kind: 'ARRAY', element });
export const mapOf = (key: SqlType, value: SqlType): MapType => ({ kind: 'MAP', key, value });
export const structOf = (fields: readonly StructField[]): StructType => ({ kind: 'STRUCT', fields });

/** INTEGER, BIGINT and DOUBLE, each wider than the one before. */
export const numericRank = (type: SqlType): number =>
  type.kind === 'INTEGER' ? 1 : type.kind === 'BIGINT' ? 2 : type.kind === 'DOUBLE' ? 3 : 0;

export const isNumeric = (type: SqlType): boolean => numericRank(type) > 0;

/** Whether a value of this type is one datum, not a collection. */
export const isScalar = (type: SqlType): boolean =>
  type.kind !== 'ARRAY' && type.kind !== 'MAP' && type.kind !== 'STRUCT';

export const typesEqual = (a: SqlType, b: SqlType): boolean => {
  if (a === b) return true;
  switch (a.kind) {
    case 'ARRAY':
      return b.kind === 'ARRAY' && typesEqual(a.element, b.element);
    case 'MAP':
      return b.kind === 'MAP' && typesEqual(a.key, b.key) && typesEqual(a.value, b.value);
    case 'STRUCT':
      return (
        b.kind === 'STRUCT' &&
        a.fields.length === b.fields.length &&
        a.fields.every((field, i) => {
          const other = b.fields[i];
          return other !== undefined && field.name === other.name && typesEqual(field.type, other.type);
        })
      );
    default:
      return a.kind === b.kind;
  }
};

/** A name between backticks, as ksqlDB prints names within types and schemas. */
export const quoteName = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** The type as text, which the parser reads back: ``ARRAY<STRUCT<`A` INTEGER>>``. */
export const printType = (type: SqlType): string => {
  switch (type.kind) {
    case 'ARRAY':
      return `ARRAY<${printType(type.element)}>`;
    case 'MAP':
      return `MAP<${printType(type.key)}, ${printType(type.value)}>`;
    case 'STRUCT':
      return type.fields.length === 0
        ? 'STRUCT< >'
        : `STRUCT<${type.fields.map((field) => `${quoteName(field.name)} ${printType(field.type)}`).join(', ')}>`;
    default:
      return type.kind;
  }
};

/** A type as the REST interface describes it. */
export interface TypeDescription {
  readonly type: TypeKind;
  readonly fields: readonly { readonly name: string; readonly schema: TypeDescription }[] | null;
  readonly memberSchema: TypeDescription | null;
}

/** Elements of an array and values of a map are the member; the key of a map goes unsaid, being a STRING. */
export const describeType = (type: SqlType): TypeDescription => ({
  type: type.kind,
  fields:
    type.kind === 'STRUCT'
      ? type.fields.map((field) => ({ name: field.name, schema: describeType(field.type) }))
      : null,
  memberSchema:
    type.kind === 'ARRAY' ? describeType(type.element) : type.kind === 'MAP' ? describeType(type.value) : null,
});
