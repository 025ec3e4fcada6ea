/** The ON clause of a join: one equality, each side of which uses the columns of one source. */

import { UserError } from '../../base/index.ts';
import type { Expression, Join } from '../parser/ast.ts';
import { printExpression } from '../parser/print.ts';
import { Scope, type ScopedSource } from './scope.ts';
import { findExpression } from './walk.ts';

export interface JoinKeys {
  readonly leftKey: Expression;
  readonly rightKey: Expression;
}

interface Side {
  readonly expression: Expression;
  readonly aliases: ReadonlySet<string>;
}

/** The two sides of the equality, qualified: what belongs to the sources so far, and what belongs to the new one. */
export const joinKeys = (join: Join, left: readonly ScopedSource[], right: ScopedSource): JoinKeys => {
  const on = join.on;
  if (on.kind !== 'comparison' || on.operator !== '=') {
    throw new UserError('SQL_JOIN_CONDITION', `a join condition is one equality, not ${printExpression(on)}`, {
      at: on.at,
      hint: 'Write ON left_column = right_column; further conditions go to WHERE.',
    });
  }
  const scope = new Scope([...left, right]);
  const [a, b] = [on.left, on.right].map((side) => sideOf(side, scope)) as unknown as readonly [Side, Side];
  const ofRight = (side: Side): boolean => side.aliases.has(right.alias);
  if (ofRight(a) === ofRight(b)) {
    throw new UserError(
      'SQL_JOIN_CONDITION',
      `the join condition ${printExpression(on)} does not connect "${right.alias}" with what stands before it`,
      { at: on.at, hint: `Write ON <column before> = ${right.alias}.<column>.` },
    );
  }
  return ofRight(a)
    ? { leftKey: b.expression, rightKey: a.expression }
    : { leftKey: a.expression, rightKey: b.expression };
};

const sideOf = (side: Expression, scope: Scope): Side => {
  const expression = scope.qualify(side, 'ON');
  const aliases = new Set<string>();
  findExpression(expression, (part) => {
    if (part.kind === 'column' && part.source !== undefined) aliases.add(part.source);
    return false;
  });
  if (aliases.size === 1) return { expression, aliases };
  throw new UserError(
    'SQL_JOIN_CONDITION',
    aliases.size === 0
      ? `${printExpression(expression)} in the join condition names no column`
      : `${printExpression(expression)} in the join condition uses columns of ${[...aliases].join(' and ')}`,
    { at: expression.at, hint: 'Each side of the equality must use the columns of exactly one source.' },
  );
};
