/** `+ - * / %` and signs. */

import type { ExpressionOf } from '../../parser/ast.ts';
import { doubleType, isNumeric, numericRank, printType, stringType } from '../../types/type.ts';
import type { TypedExpression } from '../typed.ts';
import { castTo } from './convert.ts';
import { asTyped, type Typing, typeOf } from './draft.ts';
import { mismatch } from './faults.ts';

/** Both operands get the wider type of the two; `+` also joins two texts. */
export const typeArithmetic = (typing: Typing, node: ExpressionOf<'arithmetic'>): TypedExpression => {
  const left = typing.draft(node.left);
  const right = typing.draft(node.right);
  for (const side of [left, right]) {
    if (side.kind === 'null') {
      throw mismatch(`${node.operator} with a NULL literal is always NULL`, side.at, 'Leave the operation out.');
    }
  }
  const leftType = typeOf(left) ?? (typeOf(right)?.kind === 'DOUBLE' ? doubleType : undefined);
  const rightType = typeOf(right) ?? (typeOf(left)?.kind === 'DOUBLE' ? doubleType : undefined);
  const a = asTyped(left, leftType);
  const b = asTyped(right, rightType);
  if (node.operator === '+' && a.type.kind === 'STRING' && b.type.kind === 'STRING') {
    return { kind: 'arithmetic', operator: '+', left: a, right: b, type: stringType };
  }
  if (!isNumeric(a.type) || !isNumeric(b.type)) {
    throw mismatch(
      `${node.operator} cannot be applied to ${printType(a.type)} and ${printType(b.type)}`,
      node.at,
      a.type.kind === 'TIMESTAMP' ? 'TIMESTAMPADD and TIMESTAMPSUB move a point in time.' : undefined,
    );
  }
  const type = numericRank(a.type) >= numericRank(b.type) ? a.type : b.type;
  return { kind: 'arithmetic', operator: node.operator, left: castTo(a, type), right: castTo(b, type), type };
};

/** A sign before a number. */
export const typeSign = (typing: Typing, node: ExpressionOf<'sign'>): TypedExpression => {
  const operand = asTyped(typing.draft(node.operand));
  if (!isNumeric(operand.type)) throw mismatch(`a sign needs a number, not ${printType(operand.type)}`, node.at);
  return node.operator === '+' ? operand : { kind: 'negate', operand, type: operand.type };
};
