/** Literals: scalars as they stand in plans, which are JSON, and as they are written in SQL. */

import { assert } from '../../base/index.ts';
import { type CarrierDefinition, carriers } from './carriers.ts';
import { definitionOf } from './scalars/index.ts';
import { isScalar, type SqlType } from './type.ts';
import type { Value } from './value.ts';

/** A literal as JSON: a whole number beyond the safe integers is its decimal text. */
export type LiteralValue = null | boolean | number | string;

const carrierOf = (type: SqlType): CarrierDefinition<Value> => {
  assert(isScalar(type), 'only scalars are literals');
  return carriers[definitionOf(type).carrier];
};

/** The value that a literal stands for. */
export const valueOfLiteral = (literal: LiteralValue, type: SqlType): Value =>
  literal === null ? null : carrierOf(type).fromJson(literal);

/** A scalar as a literal. */
export const literalOfValue = (value: Value): LiteralValue => {
  if (typeof value === 'bigint') return String(value);
  assert(value === null || typeof value !== 'object', 'only scalars are literals');
  return value;
};

/** The literal as SQL: `NULL`, `TRUE`, `'text'`, `1E0` for a DOUBLE. */
export const printLiteral = (literal: LiteralValue, type: SqlType): string =>
  literal === null ? 'NULL' : carrierOf(type).printLiteral(valueOfLiteral(literal, type));
