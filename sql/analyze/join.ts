/**
 * FROM with joins: left-deep, in the order of the text. Which sides may meet is in `join-matrix.ts`.
 *
 * Every column behind a join is called `<alias>_<name>`, and every source carries its pseudo columns along as values,
 * so that any clause may ask for them. A stream gets its side of the condition as its key where it has another one;
 * tables keep theirs: two of them are joined by their keys, or the left one by a foreign key, which is looked up.
 *
 * The key of the joined rows is that of the left side. It stands for each column that the conditions make equal to it:
 * the first of them that is selected is the key of the result. Where there is none, as behind a FULL JOIN, the key is a
 * column of its own, ROWKEY. Columns of a side that may have no row are values beside the key: NULL then.
 */

import { UserError } from '../../base/index.ts';
import type { Expression, Join } from '../parser/ast.ts';
import { printExpression } from '../parser/print.ts';
import type { Column, Schema } from '../types/schema.ts';
import { printType, typesEqual } from '../types/type.ts';
import { type JoinKeys, joinKeys } from './join-condition.ts';
import { checkCanBeRekeyed, type JoinKind, joinKind, joinWindow, tableJoinKind } from './join-matrix.ts';
import type { LogicalNode, NamedExpression } from './logical.ts';
import { referTo, type Scope, type ScopedSource } from './scope.ts';
import {
  checkKeyType,
  type KeySlot,
  keySlot,
  localColumn,
  localizeByPlanName,
  nameKey,
  qualified,
  rekeyed,
  type Stage,
  unused,
} from './stage.ts';
import type { TypedExpression } from './typed.ts';
import type { Typer } from './typer.ts';
import { fingerprint, replaceExpressions } from './walk.ts';

/** What the joins of a query over these sources deliver. */
export const analyzeJoins = (joins: readonly Join[], scope: Scope, typer: Typer): Stage =>
  new JoinAnalysis(joins, scope, typer).run();

/** What the joins so far deliver, and what equals its key. */
interface Joined {
  readonly node: LogicalNode;
  readonly keys: readonly KeySlot[];
  /** Every expression that the joins so far make equal to the key, be it a column or not. */
  readonly equals: readonly string[];
  /** Those of them that are columns. */
  readonly columns: readonly Expression[];
}

class JoinAnalysis {
  readonly #joins: readonly Join[];
  readonly #scope: Scope;
  readonly #typer: Typer;
  readonly #localize: Stage['localize'];

  constructor(joins: readonly Join[], scope: Scope, typer: Typer) {
    this.#joins = joins;
    this.#scope = scope;
    this.#typer = typer;
    this.#localize = localizeByPlanName(scope);
  }

  run(): Stage {
    const [first, ...others] = this.#scope.sources as [ScopedSource, ...ScopedSource[]];
    const keys = first.source.schema.key.map((column) =>
      keySlot(this.#scope.planName(first.alias, column.name), [qualified(first.alias, column.name)]),
    );
    let joined: Joined = {
      node: prefixed(first, 'left'),
      keys,
      equals: keys.length === 1 ? (keys[0] as KeySlot).fingerprints : [],
      columns:
        first.source.schema.key.length === 1
          ? [qualified(first.alias, (first.source.schema.key[0] as Column).name)]
          : [],
    };
    others.forEach((right, i) => {
      joined = this.#join(joined, this.#joins[i] as Join, this.#scope.sources.slice(0, i + 1), right);
    });
    const { node, columns } = joined;
    if (joined.keys.length !== 1 || columns.length > 0) return { node, keys: joined.keys, localize: this.#localize };
    return this.#withSyntheticKey(node);
  }

  /** The key is none of the columns: it gets a name that none of them has. */
  #withSyntheticKey(node: LogicalNode): Stage {
    const used = new Set(this.#scope.sources.flatMap((source) => this.#scope.columnsOf(source)));
    const name = unused('ROWKEY', used);
    this.#scope.syntheticKey = name;
    const own = (node.schema.key[0] as Column).name;
    return {
      node,
      keys: [
        {
          ...keySlot(name, [localColumn(name, (this.#scope.sources[0] as ScopedSource).at)]),
          reason: 'no column of the sources is the key of every joined row',
        },
      ],
      localize: (expression, clause) =>
        this.#localize(
          replaceExpressions(expression, (part) =>
            part.kind === 'column' && part.source === '' && part.name === name ? localColumn(own, part.at) : undefined,
          ),
          clause,
        ),
    };
  }

  #join(joined: Joined, join: Join, left: readonly ScopedSource[], right: ScopedSource): Joined {
    const on = joinKeys(join, left, right);
    const kind = joinKind(join, joined.node.flow, left, right);
    const isRightKey = isKeyOf(right, on.rightKey);
    if (kind !== 'stream-stream' && !isRightKey) throw notByPrimaryKey(join, right, on.rightKey);
    const types = this.#checkedTypes(joined, join, right, on);
    const isLeftKey = joined.equals.includes(fingerprint(on.leftKey));
    if (kind === 'table-table' && tableJoinKind(join, left, right, isLeftKey) === 'foreign key') {
      return this.#byForeignKey(joined, join, right, types.left);
    }
    const lossy = join.type === 'right' || join.type === 'full';
    if (!isLeftKey) checkCanBeRekeyed(sourceOf(on.leftKey, left), on.leftKey);
    const leftNode = isLeftKey
      ? withKeyFor(join, joined.node, left)
      : rekeyedSide(joined.node, on.leftKey, types.left, lossy);
    if (!isRightKey) checkCanBeRekeyed(right, on.rightKey);
    const rightNode = isRightKey
      ? prefixed(right, 'right')
      : rekeyedSide(prefixed(right, 'left'), on.rightKey, types.right, true);
    const node = joinNode(join, leftNode, rightNode, kind);
    const same = isLeftKey ? joined : { equals: [], columns: [] };
    const full = join.type === 'full';
    const columns = full ? [] : [...same.columns, on.leftKey, on.rightKey].filter(({ kind: of }) => of === 'column');
    return {
      node,
      equals: full ? [] : [...same.equals, fingerprint(on.leftKey), fingerprint(on.rightKey)],
      // The key can be selected by any column of these; an expression is a value like others.
      columns,
      keys: [
        {
          name: (node.schema.key[0] as Column).name,
          fingerprints: [...new Set(columns.map(fingerprint))],
          text: [...new Set(columns.map(printExpression))].join(' or '),
        },
      ],
    };
  }

  #checkedTypes(
    { node }: Joined,
    join: Join,
    right: ScopedSource,
    { leftKey, rightKey }: JoinKeys,
  ): { readonly left: TypedExpression; readonly right: TypedExpression } {
    const type = (expression: Expression, schema: Schema): TypedExpression => {
      const typed = this.#typer.type(this.#localize(expression, 'ON'), schema, 'ON');
      checkKeyType(typed.type, 'the join condition', expression);
      return typed;
    };
    const types = { left: type(leftKey, node.schema), right: type(rightKey, prefixed(right, 'left').schema) };
    if (typesEqual(types.left.type, types.right.type)) return types;
    throw new UserError(
      'SQL_JOIN_TYPES',
      `the join compares ${printExpression(leftKey)} of type ${printType(types.left.type)} with ${printExpression(rightKey)} of type ${printType(types.right.type)}`,
      { at: join.on.at, hint: `Make both the same: CAST(… AS ${printType(types.right.type)}).` },
    );
  }

  /** The rows keep the key of the left table. */
  #byForeignKey(joined: Joined, join: Join, right: ScopedSource, foreignKey: TypedExpression): Joined {
    const node = { ...joinNode(join, joined.node, prefixed(right, 'right'), 'table-table'), foreignKey };
    return { ...joined, node };
  }
}

const joinNode = (
  join: Join,
  left: LogicalNode,
  right: LogicalNode,
  kind: JoinKind,
): Extract<LogicalNode, { readonly kind: 'join' }> => ({
  kind: 'join',
  type: join.type,
  left,
  right,
  ...(kind === 'stream-stream' ? { within: joinWindow(join) } : {}),
  flow: left.flow,
  schema: {
    key: left.schema.key,
    value: [...left.schema.value, ...right.schema.value],
    windowed: left.schema.windowed,
  },
});

const isKeyOf = ({ alias, source }: ScopedSource, expression: Expression): boolean => {
  const [key, other] = source.schema.key;
  return (
    key !== undefined && other === undefined && fingerprint(expression) === fingerprint(qualified(alias, key.name))
  );
};

/** The source that a qualified side of a condition belongs to. */
const sourceOf = (expression: Expression, sources: readonly ScopedSource[]): ScopedSource => {
  let alias: string | undefined;
  replaceExpressions(expression, (part) => {
    if (part.kind === 'column') alias ??= part.source;
    return undefined;
  });
  return sources.find((source) => source.alias === alias) ?? (sources[0] as ScopedSource);
};

const notByPrimaryKey = (join: Join, { alias, source }: ScopedSource, rightKey: Expression): UserError => {
  const { key } = source.schema;
  if (key.length !== 1) {
    return new UserError(
      'SQL_JOIN_CONDITION',
      `"${source.name}" has ${key.length} key columns; only tables with one can be joined`,
      { at: join.source.at },
    );
  }
  const [{ name }] = key as [Column];
  return new UserError(
    'SQL_JOIN_CONDITION',
    `a join with the table "${source.name}" must be on its primary key ${alias}.${name}, not on ${printExpression(rightKey)}`,
    { at: join.on.at, hint: `Write ON … = ${alias}.${name}.` },
  );
};

/** One side of a join: every column under its prefixed name. The right side keeps its key as a value too. */
const prefixed = ({ alias, source, node }: ScopedSource, side: 'left' | 'right'): LogicalNode => {
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
    input: node,
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

/** A side under its expression of the condition. `copied`: a column that becomes the key stays a value as well, for
 *  rows of the result in which the side has no row. */
const rekeyedSide = (node: LogicalNode, key: Expression, typed: TypedExpression, copied: boolean): LogicalNode => {
  const names = new Set([...node.schema.key, ...node.schema.value].map((column) => column.name));
  const named = copied
    ? { name: unused('JOIN_KEY', names), expression: typed }
    : nameKey(key, typed, node.schema, [], (used) => unused('ROWKEY', used));
  return rekeyed(node, [named], 'join');
};

/** The left side under the key that it has, with its key columns as values where rows of the result may lack them. */
const withKeyFor = ({ type }: Join, node: LogicalNode, left: readonly ScopedSource[]): LogicalNode => {
  if (type === 'inner' || type === 'left') return node;
  const [first, second] = left;
  return first !== undefined && second === undefined ? prefixed(first, 'right') : withKeysAsValues(node);
};

/** The same rows, which have their key columns as values too, and keys of other names. */
const withKeysAsValues = (node: LogicalNode): LogicalNode => {
  const { schema } = node;
  const names = new Set([...schema.key, ...schema.value].map((column) => column.name));
  const items = [...schema.value, ...schema.key].map(({ name }) => ({
    name,
    expression: referTo(schema, name) as TypedExpression,
  }));
  return {
    kind: 'project',
    input: node,
    items,
    flow: node.flow,
    schema: {
      ...schema,
      key: schema.key.map(({ name, type }) => ({ name: unused(`${name}_KEY`, names), type })),
      value: items.map(({ name, expression }) => ({ name, type: expression.type })),
    },
  };
};
