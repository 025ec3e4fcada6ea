/**
 * Values of a program's own types, for columns, and back (`objectOf`): each is checked strictly. A text is taken where
 * it is what programs get as well.
 *
 * | type           | takes                                                                       |
 * | -------------- | --------------------------------------------------------------------------- |
 * | a scalar       | a value of its carrier (`types/carriers.ts`), or what stands for it in      |
 * |                | programs: a Date for TIMESTAMP, text for DATE and TIME, a text, number or   |
 * |                | bigint for DECIMAL                                                          |
 * | ARRAY          | array                                                                       |
 * | MAP            | Map with text keys, or an object                                            |
 * | STRUCT         | object; names of fields as they stand, or in another case                   |
 *
 * `null` and `undefined` are NULL in every type.
 */

import { unreachable } from '../../base/index.ts';
import { carriers } from '../types/carriers.ts';
import { EvaluationError } from '../types/evaluation-error.ts';
import { definitionOf } from '../types/scalars/index.ts';
import { isScalar, printType, type SqlType, type StructField } from '../types/type.ts';
import { arrayValue, mapValue, type Value } from '../types/value.ts';

/** The value of a column; throws an `EvaluationError` with what was given instead. */
export type TypedReader = (given: unknown) => Value;

const wrong = (given: unknown, type: SqlType): EvaluationError =>
  new EvaluationError(`${describe(given)} cannot be ${printType(type)}`);

const describe = (given: unknown): string => {
  switch (typeof given) {
    case 'string':
      return `the text ${JSON.stringify(given.length > 40 ? `${given.slice(0, 40)}…` : given)}`;
    case 'number':
    case 'bigint':
      return `the number ${given}`;
    case 'boolean':
      return `${given}`;
    case 'object':
      if (Array.isArray(given)) return 'an array';
      if (given instanceof Date) return Number.isNaN(given.getTime()) ? 'an invalid Date' : 'a Date';
      return given instanceof Map ? 'a Map' : 'an object';
    case 'undefined':
    case 'function':
    case 'symbol':
      return `a ${typeof given}`;
  }
};

export const typedReader = (type: SqlType): TypedReader => {
  const read = presentReader(type);
  return (given) => (given === null || given === undefined ? null : read(given));
};

const presentReader = (type: SqlType): TypedReader => {
  const refuse = (given: unknown): never => {
    throw wrong(given, type);
  };
  if (isScalar(type)) {
    const { carrier, accepts, object } = definitionOf(type);
    const { take } = carriers[carrier];
    return (given) => {
      const value = object?.read(given, type) ?? take(given);
      return value === undefined || accepts?.(value, type) === false ? refuse(given) : value;
    };
  }
  switch (type.kind) {
    case 'ARRAY': {
      const element = typedReader(type.element);
      return (given) => (Array.isArray(given) ? given.map(element) : refuse(given));
    }
    case 'MAP': {
      const member = typedReader(type.value);
      return (given) => {
        const entries = given instanceof Map ? [...given] : isPlain(given) ? Object.entries(given) : refuse(given);
        const map = new Map<string, Value>();
        for (const [key, value] of entries as [unknown, unknown][]) {
          if (typeof key !== 'string') throw new EvaluationError(`${describe(key)} cannot be the key of a MAP`);
          map.set(key, member(value));
        }
        return map;
      };
    }
    case 'STRUCT': {
      const fields = type.fields.map((field) => ({ ...field, read: typedReader(field.type) }));
      return (given) => (isPlain(given) ? readStruct(given, fields) : refuse(given));
    }
    default:
      return unreachable(type);
  }
};

const isPlain = (given: unknown): given is Readonly<Record<string, unknown>> =>
  typeof given === 'object' &&
  given !== null &&
  !Array.isArray(given) &&
  !(given instanceof Map || given instanceof Date);

const readStruct = (
  given: Readonly<Record<string, unknown>>,
  fields: readonly (StructField & { readonly read: TypedReader })[],
): Value => {
  const values = new Array<Value>(fields.length).fill(null);
  for (const name of Object.keys(given)) {
    let slot = fields.findIndex((field) => field.name === name);
    if (slot < 0) slot = fields.findIndex((field) => field.name === name.toUpperCase());
    const field = fields[slot];
    if (field === undefined) throw new EvaluationError(`the STRUCT has no field "${name}"`);
    values[slot] = field.read(given[name]);
  }
  return values;
};

/** Columns become own properties whatever they are called, `__proto__` included. */
export const objectOf = (
  columns: readonly StructField[],
): ((row: readonly Value[]) => Readonly<Record<string, unknown>>) => {
  const fields = columns.map(({ name, type }) => ({ name, convert: objectValue(type) }));
  return (row) => Object.fromEntries(fields.map(({ name, convert }, i) => [name, convert(row[i] ?? null)]));
};

const objectValue = (type: SqlType): ((value: Value) => unknown) => {
  if (isScalar(type)) {
    const { object } = definitionOf(type);
    return object === undefined ? (value) => value : (value) => (value === null ? null : object.make(value, type));
  }
  switch (type.kind) {
    case 'ARRAY': {
      const element = objectValue(type.element);
      return (value) => (value === null ? null : arrayValue(value).map(element));
    }
    case 'MAP': {
      const member = objectValue(type.value);
      return (value) =>
        value === null ? null : new Map(Array.from(mapValue(value), ([key, item]) => [key, member(item)]));
    }
    case 'STRUCT': {
      const toObject = objectOf(type.fields);
      return (value) => (value === null ? null : toObject(arrayValue(value)));
    }
    default:
      return unreachable(type);
  }
};
