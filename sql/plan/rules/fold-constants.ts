/**
 * Replaces operators over literals by their result: `1 + 2` by `3`, `CAST('2020' AS INTEGER)` by `2020`.
 *
 * Functions stay: they may give another result each time. So does what fails: `1 / 0` is a fault of each record, not
 * of the query.
 */

import { type LogicalNode, type NamedExpression, rewriteUp } from '../../analyze/logical.ts';
import { mapParts, partsOf, type TypedExpression } from '../../analyze/typed.ts';
import { literalOf } from '../../evaluate/constants.ts';
import { isScalar } from '../../types/type.ts';
import type { Rule } from '../rule.ts';

export const foldConstants: Rule = {
  name: 'fold constants',
  rewrite: (plan) => rewriteUp(plan, foldNode),
};

const foldNode = (node: LogicalNode): LogicalNode => {
  switch (node.kind) {
    case 'filter':
      return { ...node, predicate: fold(node.predicate) };
    case 'project':
      return { ...node, items: node.items.map(foldItem) };
    case 'flat-map':
      return {
        ...node,
        items: node.items.map(foldItem),
        calls: node.calls.map((call) => ({ ...call, args: call.args.map(fold) })),
      };
    case 'rekey':
      return { ...node, keys: node.keys.map(foldItem) };
    case 'aggregate':
      return { ...node, aggregates: node.aggregates.map((call) => ({ ...call, args: call.args.map(fold) })) };
    case 'join':
      return node.foreignKey === undefined ? node : { ...node, foreignKey: fold(node.foreignKey) };
    case 'source':
      return node;
  }
};

const foldItem = ({ name, expression }: NamedExpression): NamedExpression => ({ name, expression: fold(expression) });

const foldable: ReadonlySet<TypedExpression['kind']> = new Set([
  ...(['negate', 'arithmetic', 'comparison', 'distinct-from', 'logical', 'not', 'between', 'in', 'is-null'] as const),
  'cast',
]);

const fold = (expression: TypedExpression): TypedExpression => {
  const folded = mapParts(expression, fold);
  if (!foldable.has(folded.kind) || !isScalar(folded.type)) return folded;
  if (!partsOf(folded).every((part) => part.kind === 'literal')) return folded;
  return literalOf(folded) ?? folded;
};
