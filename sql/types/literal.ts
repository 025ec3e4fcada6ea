/** Literals: scalars as they stand in plans, which are JSON, and as they are written in SQL. */

import { assert } from '../../base/index.ts';
import { type CarrierDefinition, carriers } from './carriers.ts';
import type { ScalarType } from './kinds.ts';
import { definitionOf } from './scalars/index.ts';
import { isScalar, type SqlType } from './type.ts';
import type { Value } from './value.ts';

/** A literal as JSON: a whole number beyond the safe integers and a DECIMAL are their text, BYTES are base64. */
export type LiteralValue = null | boolean | number | string;

const scalar = (type: SqlType): ScalarType => {
  assert(isScalar(type), 'only scalars are literals');
  return type;
};

const carrierOf = (type: SqlType): CarrierDefinition<Value> => carriers[definitionOf(scalar(type)).carrier];

/** The value that a literal stands for. */
export const valueOfLiteral = (literal: LiteralValue, type: SqlType): Value =>
  literal === null ? null : carrierOf(type).fromJson(literal, scalar(type));

/** A scalar as a literal. */
export const literalOfValue = (value: Value, type: SqlType): LiteralValue =>
  value === null ? null : carrierOf(type).toJson(value, scalar(type));

/** The literal as SQL: `NULL`, `TRUE`, `'text'`, `1E0` for a DOUBLE. */
export const printLiteral = (literal: LiteralValue, type: SqlType): string =>
  literal === null ? 'NULL' : carrierOf(type).printLiteral(valueOfLiteral(literal, type), scalar(type));
