import { describe, expect, test } from 'vitest';
import { StreamRecord } from '../../../engine/index.ts';
import { compileExpression } from '../../../sql/evaluate/expression.ts';
import { isRepeatable } from '../../../sql/evaluate/repeatable.ts';
import { families } from '../../../sql/functions/index.ts';
import { EvaluationError } from '../../../sql/types/evaluation-error.ts';
import { functions, typed } from './support.ts';

const refused = (): never => {
  throw new Error('the clock or randomness was read');
};
const noContext = { now: refused, random: refused };

describe('an expression that is repeatable reads neither clock nor randomness', () => {
  for (const { functions: definitions } of families) {
    for (const definition of definitions) {
      if (definition.kind !== 'scalar') continue;
      test.each(definition.examples)('%s', (example) => {
        const expression = typed(example);
        if (!isRepeatable(expression, functions)) return;
        const evaluate = compileExpression(expression, { column: () => () => null }, functions, noContext);
        try {
          evaluate(new StreamRecord<unknown>());
        } catch (error) {
          if (!(error instanceof EvaluationError) || error.cause !== undefined) throw error;
        }
      });
    }
  }
});

test.each(['RANDOM()', 'UUID()', 'UNIX_TIMESTAMP()', 'UNIX_DATE()', "PARSE_DATE('1.2.24', 'd.M.yy')"])(
  '%s is not repeatable, nor is what has it within',
  (call) => {
    for (const text of [call, `CAST(${call} AS STRING)`, `TRANSFORM(ARRAY[1], x => CAST(${call} AS STRING))`]) {
      expect(isRepeatable(typed(text), functions)).toBe(false);
    }
  },
);

test.each([
  "UCASE('a')",
  'UNIX_DATE(FROM_DAYS(3))',
  "TRANSFORM(ARRAY[1, 2], x => x + LEN('abc'))",
  'CASE WHEN 1 > 2 THEN 3 ELSE ABS(-4) END',
])('%s is repeatable', (text) => {
  expect(isRepeatable(typed(text), functions)).toBe(true);
});
