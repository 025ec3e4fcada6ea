/** The errors of typing, each with the way to write it right. */

import { type Position, UserError } from '../../../base/index.ts';
import { printType, type SqlType } from '../../types/type.ts';

export const mismatch = (message: string, at: Position, hint?: string): UserError =>
  new UserError('SQL_TYPE_MISMATCH', message, { at, hint });

export const nullComparison = (at: Position): UserError =>
  new UserError('SQL_NULL_COMPARISON', 'a comparison with NULL is never true', {
    at,
    hint: 'Write IS NULL or IS NOT NULL.',
  });

export const notComparable = (a: SqlType, b: SqlType, operator: string, at: Position): UserError =>
  mismatch(
    `${printType(a)} and ${printType(b)} cannot be compared with ${operator}`,
    at,
    printType(a) === printType(b)
      ? 'Its values have no order: only = and <> compare them.'
      : 'Make both the same type, for example with CAST(… AS STRING).',
  );

export const unsupported = (what: string, at: Position, hint?: string): UserError =>
  new UserError('SQL_UNSUPPORTED_EXPRESSION', `${what} is not supported`, { at, hint });

export const emptyConstructor = (what: string, at: Position): UserError =>
  new UserError('SQL_EMPTY_CONSTRUCTOR', `${what} needs at least one element to know its type`, {
    at,
    hint: 'Write CAST(NULL AS …) for a NULL of the type.',
  });

export const allNull = (what: string, at: Position): UserError =>
  new UserError('SQL_UNTYPED_NULL', `${what} of NULLs alone has no type`, {
    at,
    hint: 'Write CAST(NULL AS type) in one of them.',
  });
