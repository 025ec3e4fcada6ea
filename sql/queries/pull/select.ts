/** Conditions and the SELECT list over the rows of another step: of a join, or of a subquery. */

import { assert } from '../../../base/index.ts';
import { StreamRecord } from '../../../engine/index.ts';
import { type LogicalNode, printNamed } from '../../analyze/logical.ts';
import { printTyped, type TypedExpression } from '../../analyze/typed.ts';
import type { CompileEnvironment } from '../../compile/environment.ts';
import { columnScope } from '../../compile/reading.ts';
import { condition, rowFiller } from '../../compile/select.ts';
import { keylessFormat } from '../../formats/index.ts';
import { rebind } from '../../plan/rules/prune-columns.ts';
import type { Schema } from '../../types/schema.ts';
import type { Row, Value } from '../../types/value.ts';
import { silentContext } from '../materialized.ts';
import type { PullStep } from './step.ts';

/** `schema` is that of the input's rows: it has all columns that the plan reads of its source. */
export const select = (
  input: PullStep,
  plan: LogicalNode,
  schema: Schema,
  environment: CompileEnvironment,
): PullStep => {
  assert(plan.kind === 'project', 'a pull query selects columns');
  const scope = columnScope(schema, { name: keylessFormat.name }, 'row');
  const predicates = predicatesOf(plan.input).map((predicate) => rebind(predicate, schema));
  const items = plan.items.map(({ name, expression }) => ({ name, expression: rebind(expression, schema) }));
  const tests = predicates.map((predicate) => condition(predicate, scope, environment));
  const fill = rowFiller(items, scope, environment);
  const where = predicates.length === 0 ? '' : ` where ${predicates.map(printTyped).join(' and ')}`;
  return {
    text: `Select ${printNamed(items)}${where}`,
    inputs: [input],
    async *rows() {
      const record = new StreamRecord<Row>();
      for await (const batch of input.rows()) {
        const rows: Row[] = [];
        for (const row of batch) {
          record.value = row;
          if (!tests.every((test) => test(record, silentContext))) continue;
          const made = new Array<Value>(items.length).fill(null);
          fill(record, silentContext, made);
          rows.push(made);
        }
        yield rows;
      }
    },
  };
};

const predicatesOf = (node: LogicalNode): readonly TypedExpression[] => {
  if (node.kind === 'source') return [];
  assert(node.kind === 'filter', () => `a pull query filters and projects, it has no ${node.kind}`);
  return [...predicatesOf(node.input), node.predicate];
};
