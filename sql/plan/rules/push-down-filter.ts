/**
 * Moves conditions towards the sources: what is dropped early is not shuffled, joined or kept.
 *
 * A conjunct of WHERE goes below a join when it reads columns of one stream side only, and each row of the result has a
 * row of that side: of a left row that fails it a LEFT JOIN makes no row either, of a right one it does. It goes below
 * a projection or a new key, with the names replaced by what they stand for there. Nothing moves below an aggregate,
 * and nothing to a table side, where dropping a row means something else; nor to a side of two streams with a grace
 * period, where each row moves the time by which windows close. (Without one time only ends what is kept, after a day.)
 */

import { columnNames, type LogicalNode, type NamedExpression, rewriteUp } from '../../analyze/logical.ts';
import { referTo } from '../../analyze/scope.ts';
import { conjuncts, mapColumns, type TypedExpression } from '../../analyze/typed.ts';
import { booleanType } from '../../types/type.ts';
import type { Rule } from '../rule.ts';

export const pushDownFilter: Rule = {
  name: 'push down filter',
  rewrite: (plan) => rewriteUp(plan, pushDown),
};

const pushDown = (node: LogicalNode): LogicalNode => {
  if (node.kind !== 'filter' || node.flow !== 'stream') return node;
  const left: TypedExpression[] = [];
  let input = node.input;
  for (const conjunct of conjuncts(node.predicate)) {
    const moved = moveBelow(input, conjunct);
    if (moved === undefined) left.push(conjunct);
    else input = moved;
  }
  if (left.length === 0) return input;
  return { ...node, input, predicate: conjunction(left) };
};

const conjunction = (operands: readonly TypedExpression[]): TypedExpression =>
  operands.length === 1
    ? (operands[0] as TypedExpression)
    : { kind: 'logical', operator: 'AND', operands, type: booleanType };

/** The node with the condition somewhere below its top, or undefined when it has to stay above. */
const moveBelow = (node: LogicalNode, predicate: TypedExpression): LogicalNode | undefined => {
  switch (node.kind) {
    case 'join': {
      const { type, left, right, within } = node;
      if (node.flow !== 'stream' || within?.unmatched === 'when closed') return undefined;
      if (type === 'inner' || type === 'left') {
        const moved = toSide(left, predicate);
        if (moved !== undefined) return { ...node, left: moved };
      }
      if (right.flow !== 'stream' || !(type === 'inner' || type === 'right')) return undefined;
      const moved = toSide(right, predicate);
      return moved && { ...node, right: moved };
    }
    case 'project': {
      if (node.flow !== 'stream') return undefined;
      const keys = node.schema.key.map((column, index) => ({
        name: column.name,
        expression: {
          kind: 'column',
          name: node.input.schema.key[index]?.name ?? '',
          from: 'key',
          index,
          type: column.type,
        } as const,
      }));
      return below(node, predicate, [...keys, ...node.items]);
    }
    case 'rekey':
      return below(node, predicate, [...node.keys, ...node.items]);
    case 'source':
    case 'filter':
    case 'flat-map':
    case 'aggregate':
      return undefined;
  }
};

/** The side of a join under the condition; undefined where the condition reads other columns too. */
const toSide = (side: LogicalNode, predicate: TypedExpression): LogicalNode | undefined => {
  const { schema } = side;
  const own = new Set([...schema.key, ...schema.value].map((column) => column.name));
  for (const name of columnNames([predicate])) if (!own.has(name)) return undefined;
  const rebound = mapColumns(predicate, (column) => referTo(schema, column.name) ?? column);
  return moveBelow(side, rebound) ?? above(side, rebound);
};

const below = (
  node: Extract<LogicalNode, { readonly kind: 'project' | 'rekey' }>,
  predicate: TypedExpression,
  meanings: readonly NamedExpression[],
): LogicalNode => {
  const meaning = new Map(meanings.map(({ name, expression }) => [name, expression]));
  const moved = mapColumns(predicate, (column) => meaning.get(column.name) ?? column);
  return { ...node, input: moveBelow(node.input, moved) ?? above(node.input, moved) };
};

/** Conditions that meet become one filter. */
const above = (input: LogicalNode, predicate: TypedExpression): LogicalNode =>
  input.kind === 'filter' && input.clause === 'where'
    ? { ...input, predicate: conjunction([...conjuncts(input.predicate), ...conjuncts(predicate)]) }
    : { kind: 'filter', input, predicate, flow: input.flow, schema: input.schema, clause: 'where' };
