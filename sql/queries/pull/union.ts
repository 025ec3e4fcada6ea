/** UNION ALL: the rows of one input after those of the other, in the wider one of their types. */

import { comparisonType } from '../../analyze/expressions/common-type.ts';
import { canConvert, converter } from '../../types/cast.ts';
import { type SqlType, typesEqual } from '../../types/type.ts';
import type { Row, Value } from '../../types/value.ts';
import type { PullStep } from './step.ts';

/** The type that holds the values of both; undefined when neither converts. */
export const widerType = (a: SqlType, b: SqlType): SqlType | undefined => {
  const common = comparisonType(a, b);
  return [common, a, b].find(
    (type) => type !== undefined && canConvert(a, type, 'strict') && canConvert(b, type, 'strict'),
  );
};

/** The rows with values of these types. */
export const widened = (input: PullStep, from: readonly SqlType[], to: readonly SqlType[]): PullStep => {
  if (from.every((type, i) => typesEqual(type, to[i] as SqlType))) return input;
  const convert = from.map((type, i) => converter(type, to[i] as SqlType, 'strict'));
  const wide = (row: Row): Row => row.map((value, i): Value => (convert[i] as (typeof convert)[number])(value));
  return {
    ...input,
    async *rows() {
      for await (const batch of input.rows()) yield batch.map(wide);
    },
  };
};

export const unionAll = (inputs: readonly PullStep[]): PullStep => ({
  text: 'Union all',
  inputs,
  async *rows() {
    for (const input of inputs) yield* input.rows();
  },
});
