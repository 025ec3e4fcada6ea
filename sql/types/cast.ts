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
 * Which pair of scalars converts in which grade, and how, is in the definitions of the two (`scalars/`); here are the
 * collections, and what is common to all. From a number to a narrower one the fraction is cut off; BIGINT to INTEGER
 * keeps the low 32 bits, DOUBLE stops at the ends of the range. A text is trimmed. NULL stays NULL, everywhere. What
 * cannot be converted raises `EvaluationError`.
 */

import { unreachable } from '../../base/index.ts';
import { type Cast, type Grade, type Refusal, same } from './definition.ts';
import { EvaluationError } from './evaluation-error.ts';
import type { ScalarKind, ScalarType } from './kinds.ts';
import { javaTrim } from './numbers.ts';
import { definitionOf } from './scalars/index.ts';
import { textOf } from './text.ts';
import { checkLength } from './text-length.ts';
import { type CollectionType, isScalar, printType, type SqlType, typesEqual } from './type.ts';
import { arrayValue, mapValue, type Value } from './value.ts';

export type { Grade } from './definition.ts';

/** Whether a conversion of the grade `lowest` and above happens in `grade`. */
const includes = (grade: Grade, lowest: Grade): boolean => {
  switch (grade) {
    case 'strict':
      return lowest === 'strict';
    case 'lax':
      return lowest !== 'explicit';
    case 'explicit':
      return true;
    default:
      return unreachable(grade);
  }
};

interface ScalarCast {
  readonly grade: Grade;
  converter(refuse: Refusal): Converter;
}

/** How a scalar type converts to another one; none when it never does. */
const castOf = (from: ScalarType, to: ScalarType): ScalarCast | undefined => {
  const own = definitionOf(from).casts.to[to.kind];
  if (own !== undefined) return between(own, from, to);
  const other = definitionOf(to).casts.from[from.kind];
  return other === undefined ? undefined : between(other, to, from);
};

const between = ({ grade, convert }: Cast<ScalarKind, Value>, own: ScalarType, other: ScalarType): ScalarCast => ({
  grade: typeof grade === 'function' ? grade(own, other) : grade,
  converter: (refuse) => (convert === same ? same : (value) => convert(value, refuse, own, other)),
});

/** The lowest grade in which values of one type become those of another that is not a collection of the same kind. */
const gradeOf = (from: SqlType, to: SqlType): Grade | undefined => {
  if (typesEqual(from, to)) return 'strict';
  if (!isScalar(to)) return undefined;
  if (to.kind === 'STRING') return isScalar(from) ? definitionOf(from).text.printed : 'explicit';
  if (!isScalar(from)) return undefined;
  return from.kind === 'STRING' ? definitionOf(to).text.grade : castOf(from, to)?.grade;
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
  const lowest = gradeOf(from, to);
  return lowest !== undefined && includes(grade, lowest);
};

export type Converter = (value: Value) => Value;

const raise: Refusal = (why) => {
  throw new EvaluationError(why);
};

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
  if (to.kind === 'STRING') return canConvert(from, to, 'explicit') ? printing(from) : impossible(from, to);
  if (!isScalar(from)) return converterOfCollections(from, to, grade);
  if (!isScalar(to)) return impossible(from, to);
  if (from.kind === 'STRING') return fromText(to, grade, refuse);
  return castOf(from, to)?.converter(refuse) ?? impossible(from, to);
};

const printing = (from: SqlType): Converter => {
  const print = textOf(from);
  if (isScalar(from)) return print;
  const printed = (value: Value): string => {
    try {
      return print(value);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new EvaluationError('its text is too long', { cause: error });
    }
  };
  return (value) => {
    const text = printed(value);
    checkLength(text.length);
    return text;
  };
};

const converterOfCollections = (from: CollectionType, to: SqlType, grade: Grade): Converter => {
  switch (from.kind) {
    case 'ARRAY': {
      if (to.kind !== 'ARRAY') return impossible(from, to);
      const element = converter(from.element, to.element, grade);
      return (value) => arrayValue(value).map(element);
    }
    case 'MAP': {
      if (to.kind !== 'MAP') return impossible(from, to);
      const member = converter(from.value, to.value, grade);
      return (value) => {
        const made = new Map<string, Value>();
        for (const [key, each] of mapValue(value)) made.set(key, member(each));
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
        parts.map(({ index, convert }) => (index < 0 ? null : convert(arrayValue(value)[index] as Value)));
    }
    default:
      return unreachable(from);
  }
};

const impossible =
  (from: SqlType, to: SqlType): Converter =>
  () => {
    throw new EvaluationError(`${from.kind} cannot be converted to ${to.kind}`);
  };

const fromText = (to: ScalarType, grade: Grade, refuse: Refusal): Converter => {
  const { parse } = definitionOf(to).text;
  return (value) =>
    parse(javaTrim(value as string), grade, to) ??
    refuse(`the text ${shown(value as string)} is not a valid ${printType(to)}`);
};

const shown = (text: string): string => (text.length <= 60 ? `'${text}'` : `'${text.slice(0, 60)}…'`);
