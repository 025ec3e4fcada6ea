/**
 * Drops columns that no step above reads from projections, new keys and the sides of joins, so that they are not
 * evaluated, shuffled or stored. The schema of a source stays whole: reading it parses only what is asked for anyway.
 * What a plan delivers at its top stays as it is.
 */

import { assert } from '../../../base/index.ts';
import { columnNames, type LogicalNode, type NamedExpression } from '../../analyze/logical.ts';
import { referTo } from '../../analyze/scope.ts';
import { mapColumns, type TypedExpression } from '../../analyze/typed.ts';
import type { Schema } from '../../types/schema.ts';
import type { Rule } from '../rule.ts';

export const pruneColumns: Rule = {
  name: 'prune columns',
  rewrite: (plan) => prune(plan, new Set(plan.schema.value.map((column) => column.name))),
};

const prune = (node: LogicalNode, needed: ReadonlySet<string>): LogicalNode => {
  switch (node.kind) {
    case 'source':
      return node;
    case 'filter': {
      const input = prune(node.input, new Set([...needed, ...columnNames([node.predicate])]));
      return { ...node, input, predicate: rebind(node.predicate, input.schema), schema: input.schema };
    }
    case 'project': {
      const kept = node.items.filter(({ name }) => needed.has(name));
      const input = prune(node.input, columnNames(kept.map(({ expression }) => expression)));
      const items = rebindAll(kept, input.schema);
      return { ...node, input, items, schema: { ...node.schema, value: columnsOfItems(items) } };
    }
    case 'flat-map': {
      // The calls stay, whether their columns are read or not: they tell how many rows there are.
      const kept = node.items.filter(({ name }) => needed.has(name));
      const read = [...kept.map(({ expression }) => expression), ...node.calls.flatMap(({ args }) => args)];
      const input = prune(node.input, columnNames(read));
      const items = rebindAll(kept, input.schema);
      const calls = node.calls.map((call) => ({ ...call, args: call.args.map((arg) => rebind(arg, input.schema)) }));
      const value = [...columnsOfItems(items), ...calls.map(({ name, type }) => ({ name, type }))];
      return { ...node, input, items, calls, schema: { ...node.schema, value } };
    }
    case 'rekey': {
      const kept = node.items.filter(({ name }) => needed.has(name));
      const input = prune(node.input, columnNames([...node.keys, ...kept].map(({ expression }) => expression)));
      const items = rebindAll(kept, input.schema);
      return {
        ...node,
        input,
        keys: rebindAll(node.keys, input.schema),
        items,
        schema: { ...node.schema, value: columnsOfItems(items) },
      };
    }
    case 'aggregate': {
      const read = [
        ...node.groupBy.map(({ expression }) => expression),
        ...node.aggregates.flatMap(({ args }) => args),
      ];
      const input = prune(node.input, columnNames(read));
      return {
        ...node,
        input,
        groupBy: rebindAll(node.groupBy, input.schema),
        aggregates: node.aggregates.map((call) => ({
          ...call,
          args: call.args.map((argument) => rebind(argument, input.schema)),
        })),
      };
    }
    case 'join': {
      const { foreignKey } = node;
      const left = prune(
        node.left,
        foreignKey === undefined ? needed : new Set([...needed, ...columnNames([foreignKey])]),
      );
      const right = prune(node.right, needed);
      return {
        ...node,
        left,
        right,
        ...(foreignKey === undefined ? {} : { foreignKey: rebind(foreignKey, left.schema) }),
        schema: { ...node.schema, value: [...left.schema.value, ...right.schema.value] },
      };
    }
  }
};

const columnsOfItems = (items: readonly NamedExpression[]) =>
  items.map(({ name, expression }) => ({ name, type: expression.type }));

const rebindAll = (items: readonly NamedExpression[], schema: Schema): readonly NamedExpression[] =>
  items.map(({ name, expression }) => ({ name, expression: rebind(expression, schema) }));

/** The same expression over a schema in which the same names stand at other places. */
export const rebind = (expression: TypedExpression, schema: Schema): TypedExpression =>
  mapColumns(expression, (column) => {
    const found = referTo(schema, column.name);
    assert(found !== undefined, () => `no column ${column.name} after pruning`);
    return found;
  });
