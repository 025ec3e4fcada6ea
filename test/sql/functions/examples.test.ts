import { describe, expect, test } from 'vitest';
import { StreamRecord } from '../../../engine/index.ts';
import {
  isAggregateCall,
  typeAggregate,
  typeExpressionAs,
  typeTableCall,
} from '../../../sql/analyze/type-expression.ts';
import { constantOf } from '../../../sql/evaluate/closure.ts';
import { compileExpression } from '../../../sql/evaluate/expression.ts';
import { tableCall } from '../../../sql/evaluate/table-call.ts';
import { families } from '../../../sql/functions/index.ts';
import { spread } from '../../../sql/functions/signature.ts';
import { parseExpression } from '../../../sql/parser/parse.ts';
import { RowSlots } from '../../../sql/types/slots.ts';
import type { Row, Value } from '../../../sql/types/value.ts';
import { context, evaluate, evaluateTyped, functions, scopeOf, type TestColumn, typed } from '../evaluate/support.ts';

const definitions = families.flatMap((family) => family.functions);

describe('every example of the documentation is true', () => {
  for (const definition of definitions) {
    const name = definition.signatures[0]?.text ?? '';
    if (definition.kind === 'scalar') {
      test(`${name} has one`, () => expect(definition.examples.length).toBeGreaterThan(0));
      test.each(definition.examples)('%s is %s', (expression, result) => {
        const made = typed(expression);
        const wanted =
          result === 'NULL'
            ? null
            : evaluateTyped(typeExpressionAs(parseExpression(result), scopeOf(), made.type, 'strict'));
        expect(evaluateTyped(made)).toEqual(wanted);
      });
      continue;
    }
    if (definition.kind === 'table') {
      test(`${name} has one`, () => expect(definition.examples.length).toBeGreaterThan(0));
      test.each(definition.examples)('%s makes %j', (call, rows) => {
        const node = parseExpression(call);
        if (node.kind !== 'call') throw new Error(`${call} is no call`);
        const made = typeTableCall(node, scopeOf());
        const args = made.args.map((arg) => () => evaluateTyped(arg));
        const evaluateRows = tableCall({ ...made, function: made.name }, args, functions, context);
        const wanted = rows.map((row) =>
          evaluateTyped(typeExpressionAs(parseExpression(row), scopeOf(), made.type, 'strict')),
        );
        expect([...evaluateRows(new StreamRecord())]).toEqual(wanted);
      });
      continue;
    }
    test.each(definition.examples)('$call over $rows is $result', ({ call, rows, result }) => {
      const typeOf = rows[0]?.map((text) => (text === 'NULL' ? '1' : text)) ?? ['1'];
      const columns: Record<string, TestColumn> = {};
      typeOf.forEach((text, i) => {
        columns[String.fromCharCode(65 + i)] = { type: typed(text).type, value: null };
      });
      const node = parseExpression(call);
      if (!isAggregateCall(node, functions)) throw new Error(`${call} is no call of an aggregate`);
      const aggregate = typeAggregate(node, scopeOf(columns));
      const overload = functions.aggregate(aggregate);
      const bound = {
        args: aggregate.args.map((arg) => arg.type),
        result: aggregate.type,
        constants: aggregate.args.map((arg) => (arg.kind === 'literal' ? constantOf(arg) : undefined)),
        context,
      };
      const accumulator = overload.definition.bind(bound);
      const parameters = spread(overload.signature, aggregate.args.length) ?? [];
      const evaluators = aggregate.args
        .filter((_, i) => parameters[i]?.literal !== true)
        .map((arg) =>
          compileExpression(
            arg,
            {
              column:
                ({ index }) =>
                (record) =>
                  (record.value as Row)[index] as Value,
            },
            functions,
            context,
          ),
        );
      // The slots lie behind others: neighbours must not be touched.
      const slots = new RowSlots(['before', ...accumulator.slots.map(() => null), 'behind']);
      accumulator.initialize(slots, 1);
      const start = [...slots.row];
      const steps = rows.map((texts) => texts.map((text) => (text === 'NULL' ? null : evaluate(text))));
      const argsOf = (step: Row): Value[] =>
        evaluators.map((each) => each({ value: step } as Parameters<typeof each>[0]));
      for (const step of steps) accumulator.add(slots, 1, argsOf(step));
      const wanted =
        result === 'NULL'
          ? null
          : evaluateTyped(typeExpressionAs(parseExpression(result), scopeOf(), aggregate.type, 'strict'));
      expect(accumulator.result(slots, 1)).toEqual(wanted);
      expect([slots.row[0], slots.row.at(-1)]).toEqual(['before', 'behind']);
      expect(accumulator.undo !== undefined).toBe(definition.undo);
      if (accumulator.undo !== undefined) {
        for (const step of steps) accumulator.undo(slots, 1, argsOf(step));
        expect(slots.row).toEqual(start);
      }
      // Over sessions: the rows in two parts, wherever the one ends, merged into an accumulator that has none.
      const merging = overload.definition.bind({ ...bound, merges: true });
      const empty = (): RowSlots => {
        const made = new RowSlots(['before', ...merging.slots.map(() => null), 'behind']);
        merging.initialize(made, 1);
        return made;
      };
      for (let cut = 0; cut <= steps.length; cut++) {
        const parts = [empty(), empty()] as const;
        for (const [i, step] of steps.entries()) {
          const part = i < cut ? parts[0] : parts[1];
          merging.add(part, 1, [...argsOf(step), ...(merging.takesOffset === true ? [i] : [])]);
        }
        const whole = empty();
        for (const part of parts) merging.merge?.(whole, 1, part, 1);
        expect(merging.result(whole, 1)).toEqual(wanted);
        expect([whole.row[0], whole.row.at(-1)]).toEqual(['before', 'behind']);
      }
    });
  }
});
