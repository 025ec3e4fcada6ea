/** `+ - * / %` and signs. */

import type { ExpressionOf } from '../../parser/ast.ts';
import { isNumeric, numericOf, operandTypes, printType, type SqlType, stringType } from '../../types/type.ts';
import type { TypedExpression } from '../typed.ts';
import { castTo } from './convert.ts';
import { asTyped, type Typing } from './draft.ts';
import { mismatch } from './faults.ts';

/** Both operands become numbers of the wider kind of the two; `+` also joins two texts. */
export const typeArithmetic = (typing: Typing, node: ExpressionOf<'arithmetic'>): TypedExpression => {
  const left = typing.draft(node.left);
  const right = typing.draft(node.right);
  for (const side of [left, right]) {
    if (side.kind === 'null') {
      throw mismatch(`${node.operator} with a NULL literal is always NULL`, side.at, 'Leave the operation out.');
    }
  }
  const a = asTyped(left);
  const b = asTyped(right);
  if (node.operator === '+' && a.type.kind === 'STRING' && b.type.kind === 'STRING') {
    return { kind: 'arithmetic', operator: '+', left: a, right: b, type: stringType };
  }
  const [one, other] = operandTypes(a.type, b.type) ?? [];
  const numeric = one === undefined ? undefined : numericOf(one);
  if (one === undefined || other === undefined || numeric === undefined) {
    throw mismatch(
      `${node.operator} cannot be applied to ${printType(a.type)} and ${printType(b.type)}`,
      node.at,
      operandHint(a.type, b.type),
    );
  }
  const { operator } = node;
  const type = numeric.result(operator, one, other);
  return { kind: 'arithmetic', operator, left: castTo(a, one), right: castTo(b, other), type };
};

const operandHint = (a: SqlType, b: SqlType): string | undefined => {
  if (a.kind === 'TIMESTAMP') return 'TIMESTAMPADD and TIMESTAMPSUB move a point in time.';
  if (a.kind !== 'STRING' && b.kind !== 'STRING') return undefined;
  return 'CAST(… AS BIGINT) makes a number of a text, CAST(… AS STRING) a text of a number; || joins texts.';
};

/** A sign before a number. */
export const typeSign = (typing: Typing, node: ExpressionOf<'sign'>): TypedExpression => {
  const operand = asTyped(typing.draft(node.operand));
  if (!isNumeric(operand.type)) throw mismatch(`a sign needs a number, not ${printType(operand.type)}`, node.at);
  return node.operator === '+' ? operand : { kind: 'negate', operand, type: operand.type };
};
