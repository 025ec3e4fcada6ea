/** CASE WHEN … THEN … ELSE … END. */

import { UserError } from '../../../base/index.ts';
import type { ExpressionOf } from '../../parser/ast.ts';
import { printType, type SqlType, typesEqual } from '../../types/type.ts';
import type { TypedExpression } from '../typed.ts';
import { asTyped, type Typing, typedCondition, typeOf } from './draft.ts';
import { mismatch } from './faults.ts';

/** All branches have to have one type; what `CASE` gives is not converted. */
export const typeCase = (
  typing: Typing,
  node: ExpressionOf<'case'>,
  expected: SqlType | undefined,
): TypedExpression => {
  const whens = node.branches.map((branch) => typedCondition(typing, branch.when, 'WHEN'));
  const results = node.branches.map((branch) => typing.draft(branch.then, expected));
  if (node.otherwise !== undefined) results.push(typing.draft(node.otherwise, expected));
  let type: SqlType | undefined;
  for (const result of results) {
    const each = typeOf(result);
    if (each === null) continue;
    if (type !== undefined && !typesEqual(type, each)) {
      throw mismatch(`the branches of CASE give ${printType(type)} and ${printType(each)}`, result.at, 'Use CAST.');
    }
    type = each;
  }
  if (type === undefined) {
    throw new UserError('SQL_UNTYPED_NULL', 'all branches of CASE are NULL', {
      at: node.at,
      hint: 'Write CAST(NULL AS type) in one of them.',
    });
  }
  const typed = results.map((result) => asTyped(result, type));
  return {
    kind: 'case',
    branches: whens.map((when, i) => ({ when, then: typed[i] as TypedExpression })),
    otherwise: node.otherwise === undefined ? undefined : typed[typed.length - 1],
    type,
  };
};
