/**
 * Conversion between types: which are possible, and how values change.
 *
 * Three grades, each a superset of the one before:
 *
 * - *strict*, implied where types meet: to a wider number; from STRING to TIMESTAMP; within collections element by
 *   element, to a struct that has at least the same fields;
 * - *lax*, for the literals of INSERT VALUES and of lists: strict, any scalar to STRING, and STRING to BOOLEAN or a
 *   number;
 * - *explicit*, written as CAST.
 *
 * From a number to a narrower one the fraction is cut off; BIGINT to INTEGER keeps the low 32 bits, DOUBLE stops at the
 * ends of the range. A text is trimmed. NULL stays NULL, everywhere. Text that stands for no value of the type raises
 * `EvaluationError`.
 */

import { EvaluationError } from './evaluation-error.ts';
import { javaTrim, parseBigint, parseDouble, parseInteger, printDouble } from './numbers.ts';
import { parseTimestamp, printTimestamp } from './time/text.ts';
import { isNumeric, isScalar, numericRank, type SqlType, type TypeKind, typesEqual } from './type.ts';
import { bigintToInteger, doubleToBigint, doubleToInteger, isMap, type Value } from './value.ts';

export type Grade = 'strict' | 'lax' | 'explicit';

/** What each scalar can be made by CAST, besides itself. */
const explicitTargets: Readonly<Record<TypeKind, readonly TypeKind[]>> = {
  BOOLEAN: ['STRING'],
  INTEGER: ['BIGINT', 'DOUBLE', 'STRING'],
  BIGINT: ['INTEGER', 'DOUBLE', 'STRING'],
  DOUBLE: ['INTEGER', 'BIGINT', 'STRING'],
  STRING: ['BOOLEAN', 'INTEGER', 'BIGINT', 'DOUBLE', 'TIMESTAMP'],
  TIMESTAMP: ['STRING'],
  ARRAY: ['STRING'],
  MAP: ['STRING'],
  STRUCT: ['STRING'],
};

export const canConvert = (from: SqlType, to: SqlType, grade: Grade): boolean => {
  if (from.kind === 'ARRAY' && to.kind === 'ARRAY') return canConvert(from.element, to.element, grade);
  if (from.kind === 'MAP' && to.kind === 'MAP') {
    return canConvert(from.key, to.key, grade) && canConvert(from.value, to.value, grade);
  }
  if (from.kind === 'STRUCT' && to.kind === 'STRUCT') {
    if (grade === 'explicit') {
      return to.fields.every((field) => {
        const source = from.fields.find((other) => other.name === field.name);
        return source === undefined || canConvert(source.type, field.type, grade);
      });
    }
    return from.fields.every((field) => {
      const target = to.fields.find((other) => other.name === field.name);
      return target !== undefined && canConvert(field.type, target.type, grade);
    });
  }
  if (from.kind === to.kind) return true;
  if (grade === 'explicit') return explicitTargets[from.kind].includes(to.kind);
  if (isNumeric(from) && isNumeric(to)) return numericRank(from) < numericRank(to);
  if (from.kind === 'STRING' && to.kind === 'TIMESTAMP') return true;
  if (grade === 'strict') return false;
  if (to.kind === 'STRING') return isScalar(from);
  return from.kind === 'STRING' && (to.kind === 'BOOLEAN' || isNumeric(to));
};

export type Converter = (value: Value) => Value;

/** What a text becomes that stands for no value of the type: the sentence says why. */
export type Refusal = (why: string) => Value;

const raise: Refusal = (why) => {
  throw new EvaluationError(why);
};

const same: Converter = (value) => value;

/** How values of one type become those of another, which `canConvert` allows in the grade. `refuse` is asked for
 *  scalars only. */
export const converter = (
  from: SqlType,
  to: SqlType,
  grade: Grade = 'explicit',
  refuse: Refusal = raise,
): Converter => {
  if (typesEqual(from, to)) return same;
  const convert = converterOfValues(from, to, grade, refuse);
  return convert === same ? same : (value) => (value === null ? null : convert(value));
};

const converterOfValues = (from: SqlType, to: SqlType, grade: Grade, refuse: Refusal): Converter => {
  if (to.kind === 'STRING') return (value) => valueText(value, from);
  switch (from.kind) {
    case 'STRING':
      return fromText(to, grade, refuse);
    case 'INTEGER':
      return same;
    case 'BIGINT':
      if (to.kind === 'INTEGER') return (value) => bigintToInteger(value as number | bigint);
      return (value) => (typeof value === 'bigint' ? Number(value) : value);
    case 'DOUBLE':
      if (to.kind === 'INTEGER') return (value) => doubleToInteger(value as number);
      return (value) => doubleToBigint(value as number);
    case 'ARRAY': {
      if (to.kind !== 'ARRAY') return impossible(from, to);
      const element = converter(from.element, to.element, grade);
      return (value) => (value as readonly Value[]).map(element);
    }
    case 'MAP': {
      if (to.kind !== 'MAP') return impossible(from, to);
      const member = converter(from.value, to.value, grade);
      return (value) => {
        const made = new Map<string, Value>();
        if (isMap(value)) for (const [key, each] of value) made.set(key, member(each));
        return made;
      };
    }
    case 'STRUCT': {
      if (to.kind !== 'STRUCT') return impossible(from, to);
      const parts = to.fields.map((field) => {
        const index = from.fields.findIndex((other) => other.name === field.name);
        const source = from.fields[index];
        return { index, convert: source === undefined ? same : converter(source.type, field.type, grade) };
      });
      return (value) =>
        parts.map(({ index, convert }) => (index < 0 ? null : convert((value as readonly Value[])[index] as Value)));
    }
    case 'BOOLEAN':
    case 'TIMESTAMP':
      return impossible(from, to);
  }
};

const impossible =
  (from: SqlType, to: SqlType): Converter =>
  () => {
    throw new EvaluationError(`${from.kind} cannot be converted to ${to.kind}`);
  };

const fromText = (to: SqlType, grade: Grade, refuse: Refusal): Converter => {
  const parse =
    (read: (text: string) => Value | undefined): Converter =>
    (value) =>
      read(javaTrim(value as string)) ?? refuse(`the text ${shown(value as string)} is not a valid ${to.kind}`);
  switch (to.kind) {
    case 'BOOLEAN':
      return parse(grade === 'explicit' ? loosePrefix : exactPrefix);
    case 'INTEGER':
      return parse(grade === 'explicit' ? parseInteger : (text) => wholeOf(text, parseInteger));
    case 'BIGINT':
      return parse(grade === 'explicit' ? parseBigint : (text) => wholeOf(text, parseBigint));
    case 'DOUBLE':
      return parse(finiteDouble);
    case 'TIMESTAMP':
      return parse(parseTimestamp);
    default:
      return impossible({ kind: 'STRING' }, to);
  }
};

/** CAST's rule: the beginnings of `true` and `yes` are true, all else is false. */
const loosePrefix = (text: string): boolean => exactPrefix(text) === true;

/** A beginning of `true`, `yes`, `false` or `no`, in any case. */
const exactPrefix = (text: string): boolean | undefined => {
  const lower = text.toLowerCase();
  if (lower === '') return undefined;
  if ('true'.startsWith(lower) || 'yes'.startsWith(lower)) return true;
  return 'false'.startsWith(lower) || 'no'.startsWith(lower) ? false : undefined;
};

const finiteDouble = (text: string): number | undefined => {
  const value = parseDouble(text);
  return Number.isFinite(value) ? value : undefined;
};

/** A literal such as '2e1' stands for a whole number too, if it is one. */
const wholeOf = <N extends number | bigint>(text: string, read: (text: string) => N | undefined): N | undefined => {
  const direct = read(text);
  if (direct !== undefined) return direct;
  const value = parseDouble(text);
  return value !== undefined && Number.isSafeInteger(value) ? read(String(value)) : undefined;
};

const shown = (text: string): string => (text.length <= 60 ? `'${text}'` : `'${text.slice(0, 60)}…'`);

/**
 * A value as CAST to STRING prints it: collections as Java does (`[1, null]`, `{k=v}`, `Struct{A=1}`, NULL fields left
 * out), within which points in time are `2020-05-11 21:58:33.25`.
 */
export const valueText = (value: Value, type: SqlType): string =>
  value !== null && type.kind === 'TIMESTAMP' ? printTimestamp(value as number) : memberText(value, type);

const memberText = (value: Value, type: SqlType): string => {
  if (value === null) return 'null';
  switch (type.kind) {
    case 'STRING':
      return value as string;
    case 'BOOLEAN':
    case 'INTEGER':
    case 'BIGINT':
      return String(value);
    case 'DOUBLE':
      return printDouble(value as number);
    case 'TIMESTAMP':
      return printTimestamp(value as number)
        .replace('T', ' ')
        .replace(/0{1,2}$/, '');
    case 'ARRAY':
      return `[${(value as readonly Value[]).map((element) => memberText(element, type.element)).join(', ')}]`;
    case 'MAP':
      return isMap(value)
        ? `{${[...value].map(([key, member]) => `${key}=${memberText(member, type.value)}`).join(', ')}}`
        : '{}';
    case 'STRUCT': {
      const values = value as readonly Value[];
      const fields = type.fields.flatMap((field, i) =>
        values[i] === null ? [] : [`${field.name}=${memberText(values[i] as Value, field.type)}`],
      );
      return `Struct{${fields.join(',')}}`;
    }
  }
};
