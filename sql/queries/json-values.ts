/**
 * Values from parsed JSON, for rows that clients send: each by the type of its column, or an error that names the
 * column and what it got.
 *
 * A number fits every number type that holds it exactly (integers beyond 2^53 come as bigints), and text fields take
 * scalars as their text. A text is read as a number or boolean as INSERT VALUES would. TIMESTAMP takes epoch
 * milliseconds or ISO text. Names of struct fields are compared as columns are: as they stand, else in upper case.
 */

import { UserError } from '../../base/index.ts';
import { converter } from '../types/cast.ts';
import { EvaluationError } from '../types/evaluation-error.ts';
import { printType, type SqlType, stringType } from '../types/type.ts';
import { normalizeBigint, type Value } from '../types/value.ts';

export const valueFromJson = (json: unknown, type: SqlType, name: string): Value => {
  if (json === null || json === undefined) return null;
  switch (type.kind) {
    case 'INTEGER':
      if (typeof json === 'number' && json === (json | 0)) return json;
      break;
    case 'BIGINT':
      if (typeof json === 'number' && Number.isSafeInteger(json)) return json === 0 ? 0 : json;
      if (typeof json === 'bigint' && BigInt.asIntN(64, json) === json) return normalizeBigint(json);
      break;
    case 'DOUBLE':
      if (typeof json === 'number') return json;
      if (typeof json === 'bigint') return Number(json);
      break;
    case 'BOOLEAN':
      if (typeof json === 'boolean') return json;
      break;
    case 'STRING':
      if (typeof json === 'string') return json;
      if (typeof json === 'number' || typeof json === 'boolean' || typeof json === 'bigint') return String(json);
      break;
    case 'TIMESTAMP':
      if (typeof json === 'number' && Number.isSafeInteger(json)) return json;
      break;
    case 'ARRAY':
      if (Array.isArray(json)) return json.map((part) => valueFromJson(part, type.element, name));
      break;
    case 'MAP':
      if (typeof json === 'object' && !Array.isArray(json)) {
        return new Map(Object.entries(json).map(([key, part]) => [key, valueFromJson(part, type.value, name)]));
      }
      break;
    case 'STRUCT':
      if (typeof json === 'object' && !Array.isArray(json)) {
        const fields = new Map(Object.entries(json));
        for (const [key, part] of Object.entries(json))
          if (!fields.has(key.toUpperCase())) fields.set(key.toUpperCase(), part);
        return type.fields.map((field) => valueFromJson(fields.get(field.name), field.type, name));
      }
      break;
  }
  if (typeof json === 'string') return fromText(json, type, name);
  throw wrongType(json, type, name);
};

const fromText = (text: string, type: SqlType, name: string): Value => {
  if (type.kind === 'ARRAY' || type.kind === 'MAP' || type.kind === 'STRUCT') throw wrongType(text, type, name);
  try {
    return converter(stringType, type)(text);
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    throw wrongType(text, type, name);
  }
};

const wrongType = (json: unknown, type: SqlType, name: string): UserError => {
  const what = Array.isArray(json)
    ? 'an array'
    : typeof json === 'object'
      ? 'an object'
      : `${typeof json} ${String(json).slice(0, 40)}`;
  return new UserError('SQL_INVALID_VALUE', `the column "${name}" is ${printType(type)} and cannot take ${what}`, {
    hint: 'DESCRIBE shows the types of the columns.',
  });
};
