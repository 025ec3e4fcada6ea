/**
 * Values from parsed JSON, for rows that clients send: each by the type of its column, or an error that names the
 * column and what it got.
 *
 * A number fits every number type that holds it exactly (integers beyond 2^53 come as bigints), and text fields take
 * scalars as their text. A text is read as a number or boolean as INSERT VALUES would. TIMESTAMP takes epoch
 * milliseconds or ISO text, DATE and TIME their numbers or ISO text, BYTES base64; a DECIMAL is not rounded. Names of
 * struct fields are compared as columns are: as they stand, else in upper case.
 */

import { UserError, unreachable } from '../../base/index.ts';
import { type Carrier, carriers } from '../types/carriers.ts';
import { converter } from '../types/cast.ts';
import { EvaluationError } from '../types/evaluation-error.ts';
import type { ScalarType } from '../types/kinds.ts';
import { definitionOf } from '../types/scalars/index.ts';
import { isScalar, printType, type SqlType, stringType } from '../types/type.ts';
import type { Value } from '../types/value.ts';

/** A number of more digits than a double holds, as it was written. */
export class NumberText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

export const valueFromJson = (json: unknown, type: SqlType, name: string): Value => {
  if (json === null || json === undefined) return null;
  if (isScalar(type)) return scalarFromJson(json, type, name);
  switch (type.kind) {
    case 'ARRAY':
      if (Array.isArray(json)) return json.map((part) => valueFromJson(part, type.element, name));
      throw wrongType(json, type, name);
    case 'MAP':
      if (typeof json !== 'object' || Array.isArray(json)) throw wrongType(json, type, name);
      return new Map(Object.entries(json).map(([key, part]) => [key, valueFromJson(part, type.value, name)]));
    case 'STRUCT': {
      if (typeof json !== 'object' || Array.isArray(json)) throw wrongType(json, type, name);
      const fields = new Map(Object.entries(json));
      for (const [key, part] of Object.entries(json))
        if (!fields.has(key.toUpperCase())) fields.set(key.toUpperCase(), part);
      return type.fields.map((field) => valueFromJson(fields.get(field.name), field.type, name));
    }
    default:
      return unreachable(type);
  }
};

const scalarFromJson = (json: unknown, type: ScalarType, name: string): Value => {
  const { carrier, accepts, object } = definitionOf(type);
  const given = json instanceof NumberText ? json.text : json;
  const value = carriers[carrier].take(json) ?? object?.read(given, type) ?? converted(json, carrier);
  if (value !== undefined && accepts?.(value, type) !== false) return value;
  // A decimal was read already, and is not rounded.
  if (typeof json !== 'string' || carrier === 'decimal') throw wrongType(json, type, name);
  try {
    return converter(stringType, type)(json);
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    throw wrongType(json, type, name);
  }
};

/** What a scalar of JSON that is not a value of the carrier stands for, if anything. */
const converted = (json: unknown, carrier: Carrier): Value | undefined => {
  switch (carrier) {
    case 'text':
      return typeof json === 'number' ||
        typeof json === 'boolean' ||
        typeof json === 'bigint' ||
        json instanceof NumberText
        ? String(json)
        : undefined;
    case 'double':
      return typeof json === 'bigint' || json instanceof NumberText ? Number(json) : undefined;
    case 'boolean':
    case 'int32':
    case 'int64':
    case 'decimal':
    case 'bytes':
      return undefined;
    default:
      return unreachable(carrier);
  }
};

const wrongType = (json: unknown, type: SqlType, name: string): UserError => {
  const what = Array.isArray(json)
    ? 'an array'
    : typeof json === 'object' && !(json instanceof NumberText)
      ? 'an object'
      : `${json instanceof NumberText ? 'number' : typeof json} ${String(json).slice(0, 40)}`;
  return new UserError('SQL_INVALID_VALUE', `the column "${name}" is ${printType(type)} and cannot take ${what}`, {
    hint: 'DESCRIBE shows the types of the columns.',
  });
};
