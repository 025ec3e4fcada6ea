/** A module of user functions, as a program brings it along; nothing is imported but types. */

import type { FunctionModule, Lambda } from 'millrace';

export default {
  name: 'greetings',
  version: '1.0.0',
  functions: [
    {
      signature: ['GREET(STRING) -> STRING', 'GREET(STRING, STRING) -> STRING'],
      doc: 'A greeting.',
      body: (name: string, word = 'hello') => `${word} ${name}`,
    },
    {
      signature: 'COUNT_GIVEN(ANY...) -> INT',
      nulls: 'own',
      body: (...values: unknown[]) => values.filter((v) => v !== null).length,
    },
    { signature: 'LAST_OF(ARRAY<T>) -> T', body: (array: readonly unknown[]) => (array.at(-1) ?? null) as never },
    { signature: 'TWICE(T, T -> T) -> T', body: (value: never, change: Lambda) => change(change(value)) },
    {
      signature: 'MISBEHAVE(STRING) -> BIGINT',
      body: (how: string): never => {
        if (how === 'throw') throw new TypeError('no such thing');
        if (how === 'throw an object') throw Object.create(null);
        const values: Record<string, unknown> = {
          text: 'seven',
          nothing: undefined,
          fraction: 1.5,
          promise: Promise.resolve(1),
          rejected: how === 'rejected' && Promise.reject(new Error('too late')),
          right: 7,
          big: 7n,
          'minus zero': -0,
        };
        return values[how] as never;
      },
    },
    {
      signature: 'MISBEHAVE_MANY(STRING) -> ARRAY<BIGINT>',
      body: (how: string): never => {
        const values: Record<string, unknown> = {
          object: { 0: 1 },
          holes: new Array(2),
          promises: how === 'promises' && [1, 2].map((n) => Promise.reject(new Error(`too late ${n}`))),
          'a text': [1, 'b'],
          right: [7n, -0, null],
        };
        return values[how] as never;
      },
    },
    {
      signature: 'SORTED(ARRAY<STRING>) -> ARRAY<STRING>',
      // Changes what it is given.
      body: (array: readonly string[]) => (array as string[]).sort(),
    },
    {
      signature: 'PREFIX(literal STRING, STRING) -> STRING',
      bind: ({ constants: [prefix] }) => {
        if (prefix === '') throw new Error('the prefix is empty');
        return (_: string, text: string) => `${prefix}${text}`;
      },
    },
  ],
} satisfies FunctionModule;
