/** UNION ALL: the rows of one input after those of the other, in the wider one of their types. */

import { comparisonType } from '../../analyze/expressions/common-type.ts';
import { canConvert, converter } from '../../types/cast.ts';
import { isScalar, type SqlType, typesEqual } from '../../types/type.ts';
import type { Row, Value } from '../../types/value.ts';
import type { PullStep } from './step.ts';

/** The type that holds the values of both; undefined when there is none. */
export const widerType = (a: SqlType, b: SqlType): SqlType | undefined => {
  const common = comparisonType(a, b);
  return [common, a, b].find((type) => type !== undefined && widens(a, type) && widens(b, type));
};

/** Whether all values of the one type can be in the other. A text converts to a time, but not every text does. */
const widens = (from: SqlType, to: SqlType): boolean => {
  if (isScalar(from)) return (from.kind !== 'STRING' || to.kind === 'STRING') && canConvert(from, to, 'strict');
  if (from.kind === 'ARRAY') return to.kind === 'ARRAY' && widens(from.element, to.element);
  if (from.kind === 'MAP') return to.kind === 'MAP' && widens(from.key, to.key) && widens(from.value, to.value);
  const fields = to.kind === 'STRUCT' ? to.fields : [];
  return from.fields.every(({ name, type }) => fields.some((field) => field.name === name && widens(type, field.type)));
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
