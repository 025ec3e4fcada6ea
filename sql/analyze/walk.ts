/**
 * Walking the syntax tree of expressions: the parts of a node, a copy with parts replaced, and whether two expressions
 * are the same.
 *
 * They are when their trees are equal, places aside: `A + B` and `B + A` are not. Callers make the names in both
 * comparable first (see `Scope.qualify`).
 */

import { unreachable } from '../../base/index.ts';
import type { Expression } from '../parser/ast.ts';

/** The same expression with each of its parts changed, which are gone through from left to right. */
const mapParts = (expression: Expression, go: (part: Expression) => Expression): Expression => {
  const goMaybe = (part: Expression | undefined): Expression | undefined => (part === undefined ? undefined : go(part));
  switch (expression.kind) {
    case 'null':
    case 'boolean':
    case 'integer':
    case 'decimal':
    case 'double':
    case 'string':
    case 'column':
    case 'unit':
      return expression;
    case 'field':
      return { ...expression, base: go(expression.base) };
    case 'subscript':
      return { ...expression, base: go(expression.base), index: go(expression.index) };
    case 'call':
      return { ...expression, args: expression.args.map(go) };
    case 'sign':
    case 'not':
    case 'is-null':
    case 'cast':
    case 'at-time-zone':
      return { ...expression, operand: go(expression.operand) };
    case 'arithmetic':
    case 'concat':
    case 'comparison':
    case 'distinct-from':
      return { ...expression, left: go(expression.left), right: go(expression.right) };
    case 'logical':
      return { ...expression, operands: expression.operands.map(go) };
    case 'between':
      return { ...expression, operand: go(expression.operand), low: go(expression.low), high: go(expression.high) };
    case 'in':
      return { ...expression, operand: go(expression.operand), values: expression.values.map(go) };
    case 'like':
      return { ...expression, operand: go(expression.operand), pattern: go(expression.pattern) };
    case 'case':
      return {
        ...expression,
        branches: expression.branches.map((branch) => ({ when: go(branch.when), then: go(branch.then) })),
        otherwise: goMaybe(expression.otherwise),
      };
    case 'simple-case':
      return {
        ...expression,
        operand: go(expression.operand),
        branches: expression.branches.map((branch) => ({ when: go(branch.when), then: go(branch.then) })),
        otherwise: goMaybe(expression.otherwise),
      };
    case 'array':
      return { ...expression, elements: expression.elements.map(go) };
    case 'map':
      return {
        ...expression,
        entries: expression.entries.map((entry) => ({ key: go(entry.key), value: go(entry.value) })),
      };
    case 'struct':
      return { ...expression, fields: expression.fields.map((field) => ({ ...field, value: go(field.value) })) };
    case 'lambda':
      return { ...expression, body: go(expression.body) };
    default:
      return unreachable(expression);
  }
};

/** The parts that an expression is made of, from left to right. */
export const partsOfExpression = (expression: Expression): readonly Expression[] => {
  const parts: Expression[] = [];
  mapParts(expression, (part) => {
    parts.push(part);
    return part;
  });
  return parts;
};

/**
 * A copy of the expression with parts replaced, from the top down: what `replace` returns stands in the copy and is not
 * walked; where it returns undefined, the parts of the expression are. `bound` holds the parameters of the lambdas
 * around.
 */
export const replaceExpressions = (
  expression: Expression,
  replace: (part: Expression, bound: ReadonlySet<string>) => Expression | undefined,
  bound: ReadonlySet<string> = new Set(),
): Expression => {
  const instead = replace(expression, bound);
  if (instead !== undefined) return instead;
  const within = expression.kind === 'lambda' ? new Set([...bound, ...expression.parameters]) : bound;
  return mapParts(expression, (part) => replaceExpressions(part, replace, within));
};

/** The first part of the expression, itself included, that passes the test. */
export const findExpression = (expression: Expression, test: (part: Expression) => boolean): Expression | undefined => {
  if (test(expression)) return expression;
  for (const part of partsOfExpression(expression)) {
    const found = findExpression(part, test);
    if (found !== undefined) return found;
  }
  return undefined;
};

/** The tree as text without places, fields in order of name: equal texts, equal trees. */
export const fingerprint = (expression: Expression): string =>
  JSON.stringify(expression, (_, value: unknown) => {
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(
      Object.entries(value)
        .filter(([name]) => name !== 'at')
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  });
