/**
 * A tree without its places, in two forms for tests: as data to compare, and as one line of nested parentheses that
 * shows what belongs to what.
 */

import type { Expression } from '../../../sql/parser/ast.ts';
import { printName, printType } from '../../../sql/parser/print.ts';

/** The same tree without places and without fields that are undefined. */
export const bare = (node: unknown): unknown => {
  if (Array.isArray(node)) return node.map(bare);
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(
    Object.entries(node)
      .filter(([name, value]) => name !== 'at' && value !== undefined)
      .map(([name, value]) => [name, bare(value)]),
  );
};

/** `a + b * c` as `(+ A (* B C))`. */
export function outline(expression: Expression): string {
  const list = (head: string, ...parts: readonly (Expression | string | undefined)[]): string =>
    `(${[head, ...parts.filter((part) => part !== undefined).map((part) => (typeof part === 'string' ? part : outline(part)))].join(' ')})`;
  const not = (negated: boolean): string => (negated ? 'not-' : '');
  switch (expression.kind) {
    case 'null':
      return 'null';
    case 'boolean':
      return String(expression.value);
    case 'integer':
      return `${expression.value}${typeof expression.value === 'bigint' ? 'n' : ''}`;
    case 'decimal':
      return `decimal:${expression.text}`;
    case 'double':
      return `double:${Object.is(expression.value, -0) ? '-0' : expression.value}`;
    case 'string':
      return JSON.stringify(expression.value);
    case 'column':
      return `${expression.source === undefined ? '' : `${printName(expression.source)}.`}${printName(expression.name)}`;
    case 'field':
      return list('->', expression.base, printName(expression.name));
    case 'subscript':
      return list('at', expression.base, expression.index);
    case 'call':
      return list(`call ${printName(expression.name)}`, ...(expression.star ? ['*'] : expression.args));
    case 'sign':
      return list(`sign${expression.operator}`, expression.operand);
    case 'arithmetic':
    case 'comparison':
      return list(expression.operator, expression.left, expression.right);
    case 'concat':
      return list('||', expression.left, expression.right);
    case 'distinct-from':
      return list(`${not(expression.negated)}distinct`, expression.left, expression.right);
    case 'logical':
      return list(expression.operator.toLowerCase(), ...expression.operands);
    case 'not':
      return list('not', expression.operand);
    case 'between':
      return list(`${not(expression.negated)}between`, expression.operand, expression.low, expression.high);
    case 'in':
      return list(`${not(expression.negated)}in`, expression.operand, ...expression.values);
    case 'like':
      return list(
        `${not(expression.negated)}like`,
        expression.operand,
        expression.pattern,
        expression.escape === undefined ? undefined : `escape:${expression.escape}`,
      );
    case 'is-null':
      return list(`is-${not(expression.negated)}null`, expression.operand);
    case 'case':
    case 'simple-case':
      return list(
        'case',
        expression.kind === 'case' ? undefined : expression.operand,
        ...expression.branches.map(({ when, then }) => list('when', when, then)),
        expression.otherwise === undefined ? undefined : list('else', expression.otherwise),
      );
    case 'cast':
      return list('cast', expression.operand, printType(expression.type));
    case 'array':
      return list('array', ...expression.elements);
    case 'map':
      return list('map', ...expression.entries.map(({ key, value }) => list(':=', key, value)));
    case 'struct':
      return list('struct', ...expression.fields.map(({ name, value }) => list(':=', printName(name), value)));
    case 'lambda':
      return list(`lambda ${expression.parameters.map(printName).join(',')}`, expression.body);
    case 'unit':
      return `unit:${expression.unit}`;
    case 'at-time-zone':
      return list('zone', expression.operand, JSON.stringify(expression.zone));
  }
}
