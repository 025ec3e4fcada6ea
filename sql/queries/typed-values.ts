/**
 * Values of a program's own types, for columns: each is checked strictly, nothing is converted from text.
 *
 * | type           | takes                                                        |
 * | -------------- | ------------------------------------------------------------ |
 * | BOOLEAN        | boolean                                                      |
 * | INTEGER        | number, a whole one within 32 bits                           |
 * | BIGINT         | number while it is a safe integer; bigint within 64 bits     |
 * | DOUBLE         | number                                                       |
 * | STRING         | string                                                       |
 * | TIMESTAMP      | Date, or number of milliseconds since 1970                   |
 * | ARRAY          | array                                                        |
 * | MAP            | Map with text keys, or an object                             |
 * | STRUCT         | object; names of fields as they stand, or in another case    |
 *
 * `null` and `undefined` are NULL in every type.
 */

import { EvaluationError } from '../types/evaluation-error.ts';
import { printType, type SqlType, type StructField } from '../types/type.ts';
import { normalizeBigint, type Value } from '../types/value.ts';

/** The value of a column; throws an `EvaluationError` that says what was given instead. */
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
    default:
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
  switch (type.kind) {
    case 'BOOLEAN':
      return (given) => (typeof given === 'boolean' ? given : refuse(given));
    case 'INTEGER':
      return (given) => (typeof given === 'number' && given === (given | 0) ? given | 0 : refuse(given));
    case 'BIGINT':
      return (given) => {
        if (typeof given === 'number' && Number.isSafeInteger(given)) return given === 0 ? 0 : given;
        if (typeof given === 'bigint' && BigInt.asIntN(64, given) === given) return normalizeBigint(given);
        return refuse(given);
      };
    case 'DOUBLE':
      return (given) => (typeof given === 'number' ? given : refuse(given));
    case 'STRING':
      return (given) => (typeof given === 'string' ? given : refuse(given));
    case 'TIMESTAMP':
      return (given) => {
        const ms = given instanceof Date ? given.getTime() : given;
        return typeof ms === 'number' && Number.isSafeInteger(ms) ? ms : refuse(given);
      };
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
