/**
 * FROM with joins: left-deep, in the order of the text; each step joins a stream with a table by the table's primary
 * key.
 *
 * Every column behind a join is called `<alias>_<name>`, and every source carries its pseudo columns along as values,
 * so that any clause may ask for them. The stream gets the join's other side as its key where it has another one.
 *
 * The key of the result is the first column, from left to right, that the conditions make equal to it and that is
 * selected.
 */

import { UserError } from '../../base/index.ts';
import type { Expression, Join, SourceKind } from '../parser/ast.ts';
import { printExpression } from '../parser/print.ts';
import type { Column, Schema } from '../types/schema.ts';
import { printType, typesEqual } from '../types/type.ts';
import type { LogicalNode, NamedExpression } from './logical.ts';
import { referTo, Scope, type ScopedSource } from './scope.ts';
import { type KeySlot, keySlot, localizeByPlanName, nameKey, qualified, rekeyed, type Stage, unused } from './stage.ts';
import type { TypedExpression } from './typed.ts';
import type { Typer } from './typer.ts';
import { findExpression, fingerprint } from './walk.ts';

/** What the joins of a query over these sources deliver. */
export const analyzeJoins = (joins: readonly Join[], scope: Scope, typer: Typer): Stage =>
  new JoinAnalysis(joins, scope, typer).run();

class JoinAnalysis {
  readonly #joins: readonly Join[];
  readonly #scope: Scope;
  readonly #typer: Typer;

  constructor(joins: readonly Join[], scope: Scope, typer: Typer) {
    this.#joins = joins;
    this.#scope = scope;
    this.#typer = typer;
  }

  run(): Stage {
    const [first, ...others] = this.#scope.sources as [ScopedSource, ...ScopedSource[]];
    const localize = localizeByPlanName(this.#scope);
    let node = prefixed(first, 'left');
    let keys: readonly KeySlot[] = first.source.schema.key.map((column) =>
      keySlot(this.#scope.planName(first.alias, column.name), [qualified(first.alias, column.name)]),
    );
    /** Every expression that the joins so far make equal to the key, be it a column or not. */
    let equals: readonly string[] = keys.length === 1 ? (keys[0] as KeySlot).fingerprints : [];
    let columns: readonly Expression[] = [];
    others.forEach((right, i) => {
      const join = this.#joins[i] as Join;
      const seen = this.#scope.sources.slice(0, i + 1);
      const { leftKey, rightKey } = this.#joinKeys(join, seen, right);
      this.#checkJoin(join, node.flow, seen, right);
      const rightColumn = right.source.schema.key[0] as Column;
      if (fingerprint(rightKey) !== fingerprint(qualified(right.alias, rightColumn.name))) {
        throw new UserError(
          'SQL_JOIN_CONDITION',
          `a join with the table "${right.source.name}" must be on its primary key ${right.alias}.${rightColumn.name}, not on ${printExpression(rightKey)}`,
          { at: join.on.at, hint: `Write ON … = ${right.alias}.${rightColumn.name}.` },
        );
      }
      const typedLeft = this.#typer.type(localize(leftKey), node.schema, 'ON');
      if (!typesEqual(typedLeft.type, rightColumn.type)) {
        throw new UserError(
          'SQL_JOIN_TYPES',
          `the join compares ${printExpression(leftKey)} of type ${printType(typedLeft.type)} with ${right.alias}.${rightColumn.name} of type ${printType(rightColumn.type)}`,
          { at: join.on.at, hint: `Make both the same: CAST(… AS ${printType(rightColumn.type)}).` },
        );
      }
      const isKey = equals.includes(fingerprint(leftKey));
      if (!isKey) {
        node = rekeyed(node, [nameKey(leftKey, typedLeft, node.schema, [], (used) => unused('ROWKEY', used))], 'join');
      }
      const rightNode = prefixed(right, 'right');
      const schema: Schema = {
        key: node.schema.key,
        value: [...node.schema.value, ...rightNode.schema.value],
        windowed: node.schema.windowed,
      };
      node = {
        kind: 'join',
        type: join.type === 'left' ? 'left' : 'inner',
        left: node,
        right: rightNode,
        flow: 'stream',
        schema,
      };
      equals = [...(isKey ? equals : []), fingerprint(leftKey), fingerprint(rightKey)];
      // The key can be selected by any column of these; an expression is a value like others.
      columns = [...(isKey ? columns : []), leftKey, rightKey].filter((side) => side.kind === 'column');
      keys = [
        {
          name: (node.schema.key[0] as Column).name,
          fingerprints: [...new Set(columns.map(fingerprint))],
          text: [...new Set(columns.map(printExpression))].join(' or '),
        },
      ];
    });
    return { node, keys, localize };
  }

  #checkJoin(join: Join, leftFlow: SourceKind, left: readonly ScopedSource[], right: ScopedSource): void {
    const { at } = join.source;
    const words = join.type === 'inner' ? 'JOIN' : `${join.type.toUpperCase()} JOIN`;
    const names = `${left.map((source) => source.source.name).join(', ')} ${words} ${right.source.name}`;
    if (leftFlow === 'table' && right.source.kind === 'stream') {
      throw new UserError('SQL_JOIN_ORDER', `a table cannot be joined with a stream behind it: ${names}`, {
        at,
        hint: 'Put the stream first: stream JOIN table.',
      });
    }
    if (leftFlow === 'stream' && right.source.kind === 'stream') {
      if (join.within === undefined) {
        throw new UserError('SQL_JOIN_WITHIN', `a join of two streams needs WITHIN: ${names}`, {
          at: join.at,
          hint: 'Say how far apart in time rows may be: JOIN … WITHIN 10 SECONDS ON …',
        });
      }
      throw new UserError('SQL_UNSUPPORTED_JOIN', `joins of two streams are not supported yet: ${names}`, {
        at,
        hint: 'A stream can be joined with a table.',
      });
    }
    if (join.within !== undefined) {
      throw new UserError('SQL_JOIN_WITHIN', `WITHIN is for joins of two streams only: ${names}`, {
        at: join.within.at,
        hint: 'Leave WITHIN out.',
      });
    }
    if (leftFlow === 'table') {
      throw new UserError('SQL_UNSUPPORTED_JOIN', `joins of two tables are not supported yet: ${names}`, {
        at,
        hint: 'A stream can be joined with a table.',
      });
    }
    if (join.type === 'right' || join.type === 'full') {
      throw new UserError(
        'SQL_UNSUPPORTED_JOIN',
        `a stream and a table can be joined by JOIN and LEFT JOIN only, not by ${words}: ${names}`,
        { at, hint: 'Use JOIN or LEFT JOIN.' },
      );
    }
    if (right.source.schema.key.length !== 1) {
      throw new UserError(
        'SQL_JOIN_CONDITION',
        `"${right.source.name}" has ${right.source.schema.key.length} key columns; only tables with one can be joined`,
        { at },
      );
    }
    const windowedLeft = left.find(({ source }) => source.schema.windowed !== undefined);
    if (windowedLeft !== undefined) {
      throw new UserError(
        'SQL_WINDOWED_SOURCE',
        `"${windowedLeft.source.name}" is windowed and "${right.source.name}" is not: their keys never match`,
        { at, hint: 'The window is part of a windowed key. Join first, and then aggregate in windows.' },
      );
    }
    if (right.source.schema.windowed !== undefined) {
      throw new UserError('SQL_WINDOWED_TABLE', `"${right.source.name}" is a windowed table and cannot be joined`, {
        at,
      });
    }
  }

  /** The two sides of the one equality behind ON: what belongs to the sources so far, and what belongs to the new one.
   *  */
  #joinKeys(
    join: Join,
    left: readonly ScopedSource[],
    right: ScopedSource,
  ): { readonly leftKey: Expression; readonly rightKey: Expression } {
    const on = join.on;
    if (on.kind !== 'comparison' || on.operator !== '=') {
      throw new UserError('SQL_JOIN_CONDITION', `a join condition is one equality, not ${printExpression(on)}`, {
        at: on.at,
        hint: 'Write ON left_column = right_column; further conditions go to WHERE.',
      });
    }
    const scope = new Scope([...left, right]);
    const sides = [on.left, on.right].map((side) => {
      const expression = scope.qualify(side, 'ON');
      const aliases = new Set<string>();
      findExpression(expression, (part) => {
        if (part.kind === 'column' && part.source !== undefined) aliases.add(part.source);
        return false;
      });
      return { expression, aliases };
    }) as unknown as readonly [Side, Side];
    for (const { expression, aliases } of sides) {
      if (aliases.size === 1) continue;
      throw new UserError(
        'SQL_JOIN_CONDITION',
        aliases.size === 0
          ? `${printExpression(expression)} in the join condition names no column`
          : `${printExpression(expression)} in the join condition uses columns of ${[...aliases].join(' and ')}`,
        { at: expression.at, hint: 'Each side of the equality must use the columns of exactly one source.' },
      );
    }
    const [a, b] = sides;
    const ofRight = (side: Side): boolean => side.aliases.has(right.alias);
    if (ofRight(a) === ofRight(b)) {
      throw new UserError(
        'SQL_JOIN_CONDITION',
        `the join condition ${printExpression(on)} does not connect "${right.alias}" with what stands before it`,
        { at: on.at, hint: `Write ON <column before> = ${right.alias}.<key column>.` },
      );
    }
    return ofRight(a)
      ? { leftKey: b.expression, rightKey: a.expression }
      : { leftKey: a.expression, rightKey: b.expression };
  }
}

interface Side {
  readonly expression: Expression;
  readonly aliases: ReadonlySet<string>;
}

/** One side of a join: every column under its prefixed name. The right side keeps its key as a value too. */
const prefixed = ({ alias, source }: ScopedSource, side: 'left' | 'right'): LogicalNode => {
  const { schema } = source;
  const pseudo = [
    'ROWTIME',
    'ROWPARTITION',
    'ROWOFFSET',
    ...(schema.windowed === undefined ? [] : ['WINDOWSTART', 'WINDOWEND']),
  ];
  const names = [
    ...schema.value.map((column) => column.name),
    ...pseudo,
    ...(side === 'right' ? schema.key.map((column) => column.name) : []),
  ];
  const items: NamedExpression[] = names.map((name) => ({
    name: `${alias}_${name}`,
    expression: referTo(schema, name) as TypedExpression,
  }));
  return {
    kind: 'project',
    input: { kind: 'source', name: source.name, flow: source.kind, schema },
    items,
    flow: source.kind,
    schema: {
      key: schema.key.map((column) => ({
        name: side === 'right' ? `${alias}_KEY_${column.name}` : `${alias}_${column.name}`,
        type: column.type,
      })),
      value: items.map(({ name, expression }) => ({ name, type: expression.type })),
      windowed: schema.windowed,
    },
  };
};
