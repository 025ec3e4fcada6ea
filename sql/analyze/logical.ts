/**
 * The logical plan: what a query does, as a tree, before it is decided how.
 *
 * Every node has the columns that it delivers (`schema`) and whether that is a stream or a table; its expressions are
 * typed and refer to the schema of its input. Rewrite rules (`rules.ts`) turn one tree into another that delivers the
 * same; `planner.ts` turns the last one into steps.
 *
 * Key columns pass a projection under a new name but never change in it; a new key is made by `rekey` (PARTITION BY, or
 * one side of a join) or by `aggregate` (GROUP BY) only. An item may copy a key column into the value.
 */

import { unreachable } from '../../base/index.ts';
import type { ModuleId } from '../functions/module.ts';
import type { FunctionRef } from '../functions/registry.ts';
import type { JoinType, SourceKind } from '../parser/ast.ts';
import { type Column, printSchema, type Schema, type WindowedKey } from '../types/schema.ts';
import { columnsOf, printTyped, type TypedExpression } from './typed.ts';

export interface NamedExpression {
  readonly name: string;
  readonly expression: TypedExpression;
}

/** A resolved call of an aggregate: its arguments are expressions over the input, its literal parameters are values. */
export interface AggregateCall {
  readonly name: string;
  readonly function: string;
  /** The declared signature that was chosen. */
  readonly signature: string;
  /** For functions of users. */
  readonly module?: ModuleId | undefined;
  readonly args: readonly TypedExpression[];
  readonly type: Column['type'];
  /** Types of the slots that its accumulator takes in the row of a group. */
  readonly slots: readonly Column['type'][];
  /** Those properties that the function reads, where the statement had them. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  /** It is made over sessions, of which two may become one; left out: it is not. */
  readonly merges?: true | undefined;
}

/** A resolved call of a table function: each value that it makes is a row, in the column `name`. */
export interface TableCall {
  readonly name: string;
  readonly function: string;
  /** The declared signature that was chosen. */
  readonly signature: string;
  /** For functions of users. */
  readonly module?: ModuleId | undefined;
  readonly args: readonly TypedExpression[];
  readonly type: Column['type'];
}

/** The function that a call means. */
export const functionOf = ({ function: name, signature, module }: AggregateCall | TableCall): FunctionRef => ({
  name,
  signature,
  module,
});

interface WindowTimes {
  readonly retentionMs: number;
  readonly graceMs: number;
}

export type AggregateWindow =
  | (WindowTimes & { readonly type: 'TUMBLING'; readonly sizeMs: number })
  | (WindowTimes & { readonly type: 'HOPPING'; readonly sizeMs: number; readonly advanceMs: number })
  | (WindowTimes & { readonly type: 'SESSION'; readonly gapMs: number });

export interface LogicalSource {
  readonly kind: 'source';
  readonly name: string;
  readonly flow: SourceKind;
  readonly schema: Schema;
}

export interface LogicalFilter {
  readonly kind: 'filter';
  readonly input: LogicalNode;
  readonly predicate: TypedExpression;
  readonly flow: SourceKind;
  readonly schema: Schema;
  /** WHERE or HAVING; named in messages and in the ids of steps. */
  readonly clause: 'where' | 'having';
}

export interface LogicalProject {
  readonly kind: 'project';
  readonly input: LogicalNode;
  readonly items: readonly NamedExpression[];
  readonly flow: SourceKind;
  readonly schema: Schema;
}

/** Each row becomes as many as the longest of the calls makes. */
export interface LogicalFlatMap {
  readonly kind: 'flat-map';
  readonly input: LogicalNode;
  /** The columns that are the same in each row; behind them in the schema are those of the calls. */
  readonly items: readonly NamedExpression[];
  readonly calls: readonly TableCall[];
  readonly flow: 'stream';
  readonly schema: Schema;
}

export interface LogicalRekey {
  readonly kind: 'rekey';
  readonly input: LogicalNode;
  /** Empty for PARTITION BY NULL: the key is dropped. */
  readonly keys: readonly NamedExpression[];
  /** The value columns behind it: those of the input but for what became key, then the former key columns. */
  readonly items: readonly NamedExpression[];
  readonly purpose: 'partition-by' | 'join';
  readonly flow: SourceKind;
  readonly schema: Schema;
}

export interface LogicalAggregate {
  readonly kind: 'aggregate';
  readonly input: LogicalNode;
  readonly groupBy: readonly NamedExpression[];
  readonly aggregates: readonly AggregateCall[];
  readonly window?: AggregateWindow | undefined;
  /** One row for each window, when it closes; left out: every change. */
  readonly final?: true | undefined;
  readonly flow: 'table';
  readonly schema: Schema;
}

/** How far apart in time the rows of two streams may be to meet, in milliseconds: a right row may lie `beforeMs` before
 *  and `afterMs` after a left one. */
export interface JoinWindow {
  readonly beforeMs: number;
  readonly afterMs: number;
  readonly graceMs: number;
  /** When a row of an outer side goes out that meets none: as it comes, though it may meet one later, or once its
   *  window has closed. */
  readonly unmatched: 'at once' | 'when closed';
}

/** The key of the rows is that of the left side, which stands for both. Of which kind a join is follows from the flows
 *  of its sides and from `foreignKey`. */
export interface LogicalJoin {
  readonly kind: 'join';
  readonly type: JoinType;
  readonly left: LogicalNode;
  readonly right: LogicalNode;
  /** Of two streams. */
  readonly within?: JoinWindow | undefined;
  /** Of two tables, where it is not by the keys of both: what of the left row is the key of the right one. */
  readonly foreignKey?: TypedExpression | undefined;
  readonly flow: SourceKind;
  readonly schema: Schema;
}

export type LogicalNode =
  | LogicalSource
  | LogicalFilter
  | LogicalProject
  | LogicalFlatMap
  | LogicalRekey
  | LogicalAggregate
  | LogicalJoin;

export const inputsOf = (node: LogicalNode): readonly LogicalNode[] => {
  switch (node.kind) {
    case 'source':
      return [];
    case 'join':
      return [node.left, node.right];
    case 'filter':
    case 'project':
    case 'flat-map':
    case 'rekey':
    case 'aggregate':
      return [node.input];
  }
};

/** The same node over other inputs, which must deliver what the former ones did. */
export const withInputs = (node: LogicalNode, inputs: readonly LogicalNode[]): LogicalNode => {
  const [first, second] = inputs;
  if (node.kind === 'source' || first === undefined) return node;
  if (node.kind === 'join') return { ...node, left: first, right: second ?? node.right };
  return { ...node, input: first };
};

/** Rewrites the tree from the leaves up. */
export const rewriteUp = (node: LogicalNode, rewrite: (node: LogicalNode) => LogicalNode): LogicalNode => {
  const inputs = inputsOf(node);
  const rewritten = inputs.map((input) => rewriteUp(input, rewrite));
  return rewrite(rewritten.every((input, i) => input === inputs[i]) ? node : withInputs(node, rewritten));
};

/** Names of the input's columns that the expressions read, key columns and pseudo columns included. */
export const columnNames = (expressions: readonly TypedExpression[]): ReadonlySet<string> =>
  new Set(columnsOf(...expressions).map((column) => column.name));

export const windowText = (windowed: WindowedKey | undefined): string =>
  windowed === undefined
    ? ''
    : ` WINDOWED BY ${windowed.type}${windowed.sizeMs === undefined ? '' : ` ${windowed.sizeMs} MS`}`;

/** The tree as text: one line a node, its inputs below it. */
export const printLogical = (node: LogicalNode, indent = ''): string => {
  const lines = [
    `${indent}${headline(node)}`,
    `${indent}    -> ${printSchema(node.schema)}${windowText(node.schema.windowed)}`,
  ];
  for (const input of inputsOf(node)) lines.push(printLogical(input, `${indent}  `));
  return lines.join('\n');
};

/** `HOPPING of 10000 ms by 5000 ms, kept 15000 ms, grace 5000 ms` */
export const printWindow = (window: AggregateWindow): string => {
  const { type, retentionMs, graceMs } = window;
  const by = type === 'HOPPING' ? ` by ${window.advanceMs} ms` : '';
  return `${type} of ${type === 'SESSION' ? window.gapMs : window.sizeMs} ms${by}, kept ${retentionMs} ms, grace ${graceMs} ms`;
};

export const printNamed = (items: readonly NamedExpression[]): string =>
  items.map(({ name, expression }) => `${printTyped(expression)} AS ${name}`).join(', ');

export const printTableCall = (call: TableCall): string =>
  `${call.function}(${call.args.map(printTyped).join(', ')}) AS ${call.name}`;

export const printAggregate = (call: AggregateCall): string =>
  `${call.function}(${call.args.map(printTyped).join(', ')}) AS ${call.name}`;

export const printJoinWindow = ({ beforeMs, afterMs, graceMs, unmatched }: JoinWindow): string =>
  `${beforeMs} ms before, ${afterMs} ms after, grace ${graceMs} ms, unmatched ${unmatched}`;

const headline = (node: LogicalNode): string => {
  switch (node.kind) {
    case 'source':
      return `Source ${node.flow} ${node.name}`;
    case 'filter':
      return `Filter ${node.flow} ${printTyped(node.predicate)}`;
    case 'project':
      return `Project ${node.flow} ${printNamed(node.items)}`;
    case 'flat-map':
      return `FlatMap ${node.calls.map(printTableCall).join(', ')}`;
    case 'rekey':
      return `Rekey by ${node.keys.length === 0 ? 'NULL' : printNamed(node.keys)}; keep ${printNamed(node.items)}`;
    case 'aggregate': {
      const { window } = node;
      const final = node.final === true ? ', final results' : '';
      const windows = window === undefined ? '' : `; windows ${printWindow(window)}${final}`;
      return `Aggregate by ${printNamed(node.groupBy)}: ${node.aggregates.map(printAggregate).join(', ')}${windows}`;
    }
    case 'join': {
      const { type, flow, within, foreignKey } = node;
      const window = within === undefined ? '' : ` within ${printJoinWindow(within)}`;
      return `Join ${type} ${flow}${window}${foreignKey === undefined ? '' : ` on ${printTyped(foreignKey)}`}`;
    }
    default:
      return unreachable(node);
  }
};
