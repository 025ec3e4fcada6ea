/** A module whose functions do not end, or take all memory, where their argument says so. */

import type { FunctionModule } from 'millrace';

const forever = (): never => {
  for (let i = 0; ; i++) if (i < 0) throw new Error('never');
};

const hoard: unknown[][] = [];

const takeAll = (): never => {
  for (;;) hoard.push(Array.from({ length: 10_000 }, (_, i) => ({ i })));
};

const act = (what: string): number => {
  if (what === 'forever') return forever();
  if (what === 'memory') return takeAll();
  return what.length;
};

const module: FunctionModule = {
  name: 'unruly',
  version: '1',
  functions: [
    { signature: 'ACT(what STRING) -> INT', doc: 'Ends, or does not.', body: act },
    {
      signature: 'ACT_BOUND(literal STRING, STRING) -> INT',
      bind:
        ({ constants: [first] }) =>
        (_: string, what: string) =>
          act(what) + act(String(first)),
    },
    {
      signature: 'ACT_ROWS(STRING) -> INT',
      *rows(what: string) {
        for (let i = 0; what === 'rows without end' || i < act(what); i++) yield i;
      },
    },
    {
      signature: 'ACT_SUM(STRING, literal INT) -> BIGINT',
      state: 'BIGINT',
      initialize: (start: number) => start,
      add: (state: number, what: string | null) => state + act(what ?? ''),
      undo: (state: number, what: string | null) => state - act(what ?? ''),
      merge: (a: number, b: number) => a + b,
    },
    {
      signature: 'ACT_EACH(ARRAY<T>, T -> R) -> ARRAY<R>',
      body: (array: readonly never[], each: (value: never) => never) => array.map(each) as never,
    },
  ],
};

export default module;
