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
        const values: Record<string, unknown> = {
          text: 'seven',
          nothing: undefined,
          fraction: 1.5,
          promise: Promise.resolve(1),
          right: 7,
        };
        return values[how] as never;
      },
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
