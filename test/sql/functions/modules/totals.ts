/** A module of aggregates and table functions. */

import type { FunctionModule } from 'millrace';

type Weighted = readonly [sum: number, weight: number];

const module: FunctionModule = {
  name: 'totals',
  version: '1.0.0',
  functions: [
    {
      signature: 'WEIGHTED_MEAN(value DOUBLE, weight DOUBLE) -> DOUBLE',
      doc: 'The mean of the values, each counted by its weight.',
      state: 'STRUCT<SUM DOUBLE, WEIGHT DOUBLE>',
      initialize: () => [0, 0],
      add: ([sum, weight]: Weighted, value: number | null, by: number | null) =>
        value === null || by === null ? [sum, weight] : [sum + value * by, weight + by],
      undo: ([sum, weight]: Weighted, value: number | null, by: number | null) =>
        value === null || by === null ? [sum, weight] : [sum - value * by, weight - by],
      merge: (a: Weighted, b: Weighted) => [a[0] + b[0], a[1] + b[1]],
      result: ([sum, weight]: Weighted) => (weight === 0 ? null : sum / weight),
    },
    {
      signature: [
        'LENGTHS(STRING..., literal INT) -> BIGINT',
        'LENGTHS(BIGINT, STRING..., literal INT, literal INT) -> BIGINT',
      ],
      state: 'BIGINT',
      initialize: (...literals: number[]) => literals[0] ?? 0,
      add: (state: number, ...args: (string | number | null)[]) =>
        args.reduce<number>((sum, arg) => sum + (typeof arg === 'string' ? arg.length : (arg ?? 0)), state),
      result: (state: number, ...literals: number[]) => state + (literals[1] ?? 0),
    },
    {
      signature: 'LAST_TWO(T) -> ARRAY<T>',
      state: 'ARRAY<T>',
      initialize: () => [],
      // Changes what it was given.
      add: (state: unknown[], value: unknown) => {
        state.push(value);
        if (state.length > 2) state.shift();
        return state;
      },
    },
    {
      signature: 'BAD_STATE(STRING) -> BIGINT',
      state: 'BIGINT',
      initialize: () => 0,
      add: (state: number, how: string | null) => {
        if (how === 'throw') throw new Error('no such thing');
        return how === 'text' ? 'seven' : state + 1;
      },
    },
    {
      signature: ['LETTERS(STRING) -> STRING', 'LETTERS(STRING, ARRAY<T>) -> STRING'],
      rows: (text: string) => text,
    },
    {
      signature: 'BAD_ROWS(STRING) -> BIGINT',
      rows: (how: string) => (how === 'no rows' ? 5 : how === 'text' ? [1, 'two'] : [1, null, 2n]) as never,
    },
  ],
};

export default module;
