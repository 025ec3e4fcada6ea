/**
 * The one type of several values: of the two sides of a comparison, and of the members of a list (the elements of an
 * ARRAY, the keys or values of a MAP, the operand and values of IN).
 */

import { canConvert } from '../../types/cast.ts';
import { formOfLiteral, parseDecimal } from '../../types/decimal.ts';
import { javaTrim, parseBigint, parseInteger } from '../../types/numbers.ts';
import { definitionOf } from '../../types/scalars/index.ts';
import {
  arrayOf,
  bigintType,
  commonNumber,
  integerType,
  isScalar,
  mapOf,
  printType,
  type SqlType,
  type StructField,
  structOf,
  typesEqual,
} from '../../types/type.ts';
import type { TypedExpression } from '../typed.ts';
import { convertTo } from './convert.ts';
import type { Draft } from './draft.ts';
import { mismatch } from './faults.ts';

/** The type in which two values can be compared, or none. */
export const comparisonType = (a: SqlType, b: SqlType): SqlType | undefined => {
  if (typesEqual(a, b)) return a;
  if (isScalar(a) && isScalar(b)) {
    if (definitionOf(a).comparedWith.includes(b.kind)) return a;
    if (definitionOf(b).comparedWith.includes(a.kind)) return b;
    return commonNumber(a, b);
  }
  if (a.kind === 'ARRAY' && b.kind === 'ARRAY') {
    const element = comparisonType(a.element, b.element);
    return element === undefined ? undefined : arrayOf(element);
  }
  if (a.kind === 'MAP' && b.kind === 'MAP') {
    const value = comparisonType(a.value, b.value);
    return value === undefined || !typesEqual(a.key, b.key) ? undefined : mapOf(a.key, value);
  }
  return canConvert(b, a, 'strict') ? a : canConvert(a, b, 'strict') ? b : undefined;
};

/** A member of a list: its type, and its expression where there is one; a literal converts more readily. */
interface Member {
  readonly type: SqlType;
  readonly typed?: TypedExpression | undefined;
}

const isLiteral = (member: Member): boolean => member.typed?.kind === 'literal';

/** The common type of what came so far and one more member, or none. A literal takes the type of what is not a
 *  literal. */
const commonType = (common: SqlType, member: Member): SqlType | undefined => {
  const { type, typed } = member;
  if (typed?.kind === 'literal' && typed.value === null) return common;
  if (common.kind === 'ARRAY' && type.kind === 'ARRAY') {
    const members = typed?.kind === 'array' ? typed.elements.map(memberOf) : [{ type: type.element }];
    const element = members.reduce<SqlType | undefined>(fold, common.element);
    return element === undefined ? undefined : arrayOf(element);
  }
  if (common.kind === 'MAP' && type.kind === 'MAP') {
    const keys = typed?.kind === 'map' ? typed.entries.map((entry) => memberOf(entry.key)) : [{ type: type.key }];
    const values = typed?.kind === 'map' ? typed.entries.map((entry) => memberOf(entry.value)) : [{ type: type.value }];
    const key = keys.reduce<SqlType | undefined>(fold, common.key);
    const value = values.reduce<SqlType | undefined>(fold, common.value);
    return key === undefined || value === undefined ? undefined : mapOf(key, value);
  }
  if (common.kind === 'STRUCT' && type.kind === 'STRUCT') {
    const fields: StructField[] = [...common.fields];
    for (let i = 0; i < type.fields.length; i++) {
      const field = type.fields[i] as StructField;
      const index = fields.findIndex((other) => other.name === field.name);
      if (index < 0) fields.push(field);
      else {
        const each = typed?.kind === 'struct' ? memberOf(typed.fields[i] as TypedExpression) : { type: field.type };
        const merged = commonType((fields[index] as StructField).type, each);
        if (merged === undefined) return undefined;
        fields[index] = { name: field.name, type: merged };
      }
    }
    return structOf(fields);
  }
  const number = commonNumber(common, type) ?? widenedByText(common, typed);
  if (number !== undefined) return number;
  if (canConvert(type, common, isLiteral(member) ? 'lax' : 'strict')) return common;
  return canConvert(common, type, 'strict') ? type : undefined;
};

/** A number that is written as a text widens numbers as a literal does. */
const widenedByText = (common: SqlType, typed: TypedExpression | undefined): SqlType | undefined => {
  if (typed?.kind !== 'literal' || typeof typed.value !== 'string' || typed.type.kind !== 'STRING') return undefined;
  const text = javaTrim(typed.value);
  if (parseInteger(text) !== undefined) return commonNumber(common, integerType);
  if (parseBigint(text) !== undefined) return commonNumber(common, bigintType);
  const number = parseDecimal(text);
  return number === undefined ? undefined : commonNumber(common, { kind: 'DECIMAL', ...formOfLiteral(number) });
};

const memberOf = (typed: TypedExpression): Member => ({ type: typed.type, typed });
const fold = (common: SqlType | undefined, member: Member): SqlType | undefined =>
  common === undefined ? undefined : commonType(common, member);

/** Converts the members of a list to their common type, or to `expected` where none has a type of its own; none when
 *  the type stays unknown. */
export const unify = (
  drafts: readonly Draft[],
  expected: SqlType | undefined,
): readonly TypedExpression[] | undefined => {
  let common: SqlType | undefined;
  for (const draft of drafts) {
    if (draft.kind !== 'typed') continue;
    const member = memberOf(draft.typed);
    if (common === undefined) {
      common = member.type;
      continue;
    }
    const next = commonType(common, member);
    if (next === undefined) {
      throw mismatch(`the list holds ${printType(common)} and ${printType(member.type)}`, draft.at, 'Use CAST.');
    }
    common = next;
  }
  const type = common ?? expected;
  return type === undefined ? undefined : drafts.map((draft) => convertTo(draft, type, 'lax'));
};
