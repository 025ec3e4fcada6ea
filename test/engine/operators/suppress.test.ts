import { describe, expect, test } from 'vitest';
import { type Serde, type Suppression, suppress } from '../../../engine/index.ts';
import { lineValue, type RunOptions, run } from '../../support/changes.ts';

type Value = number | string;

/** Keys are words; with `windows`, the end of a key's window is the number behind its `/`: `a/20`. */
const play = (
  options: Partial<Suppression<Value>> & { readonly windows?: boolean },
  lines: string,
  more: Partial<RunOptions> = {},
): string => {
  const { windows = false, ...rest } = options;
  const suppression: Suppression<Value> = {
    store: 'held',
    byTime: 'held-by-time',
    row: lineValue as Serde<Value>,
    waitMs: 0,
    before: 'passed on',
    ...(windows && {
      windowEnd: (bytes: Uint8Array, end: number) =>
        Number(/\d+$/.exec(new TextDecoder().decode(bytes.slice(0, end)))?.[0]),
    }),
    ...rest,
  };
  return run(suppress(suppression), lines, {
    stores: [
      { name: 'held', kind: 'key-value' },
      { name: 'held-by-time', kind: 'ordered' },
    ],
    before: 'passed on',
    ...more,
  });
};

describe('until a time limit', () => {
  test('a limit of 0 holds nothing back', () => {
    expect(
      play(
        { waitMs: 0 },
        `
    v1: - -> 1 @0
    v1: 1 -> 0 @1
    v2: - -> 1 @1
    v1: 0 -> 1 @2
    x: - -> 1 @3
    x: 1 -> - @4`,
        { asked: true },
      ),
    ).toBe(`
    v1: - -> 1
    v1: 1 -> 0 @1
    v2: - -> 1 @1
    v1: 0 -> 1 @2
    x: - -> 1 @3
    x: 1 -> - @4`);
  });

  test('the last change of a key goes when its first one has been held for so long, by the time of what comes here', () => {
    expect(
      play(
        { waitMs: 2 },
        `
    v1: - -> 1 @0
    v1: 1 -> 0 @1
    v2: - -> 1 @1
    v1: 0 -> 1 @2
    commit
    tick: - -> 1 @3
    commit
    tick: 1 -> 0 @4
    tock: - -> 1 @4`,
        { asked: true },
      ),
    ).toBe(`
    v1: - -> 1 @2
    v2: - -> 1 @1`);
  });

  test('where commits fall makes no difference', () => {
    const lines = ['v1: 1 @0', 'v1: 0 @1', 'v2: 1 @1', 'v1: 1 @2', 'tick: 1 @3', 'v1: 7 @5', 'late: 1 @0', 'v1: 8 @9'];
    const whole = play({ waitMs: 2 }, lines.join('\n'));
    expect(whole).toBe(`
    v1: 1 @2
    v2: 1 @1
    tick: 1 @3
    late: 1
    v1: 8 @9`);
    for (let cuts = 0; cuts < 2 ** lines.length; cuts++) {
      const cut = lines.flatMap((line, i) => (cuts & (1 << i) ? [line, 'commit'] : [line]));
      expect(play({ waitMs: 2 }, cut.join('\n'))).toBe(whole);
    }
  });

  test('a change that comes out of order keeps the place of its key, and its own time', () => {
    expect(
      play(
        { waitMs: 10 },
        `
    a: 1 @5
    b: 1 @6
    a: 2 @3
    c: 1 @15`,
      ),
    ).toBe(`
    a: 2 @3`);
  });

  test('of keys with the same time the one with the smaller bytes goes first', () => {
    expect(
      play(
        { waitMs: 10 },
        `
    b: 1 @0
    a: 1 @0
    c: 1 @10`,
      ),
    ).toBe(`
    a: 1
    b: 1`);
  });

  test('deletions go as well, also of what was never sent', () => {
    expect(
      play(
        { waitMs: 1 },
        `
    a: 1 -> - @0
    b: - -> 1 @0
    b: 1 -> - @0
    c: 1 @5`,
        { asked: true },
      ),
    ).toBe(`
    a: 1 -> -
    b: - -> -`);
  });

  test('a row before that is not known stays so', () => {
    expect(play({ waitMs: 1 }, 'a: ? -> 2 @0\n a: 2 -> 3 @0\n b: 1 @5', { asked: true })).toBe(`
    a: 3`);
  });

  test('a record without a key is dropped', () => {
    expect(play({ waitMs: 1 }, '-: 1 @0')).toBe(`
    ! null-key`);
  });

  test('a rollback takes back what was held, replaced and sent', () => {
    expect(
      play(
        { waitMs: 5, limit: { maxRecords: 2, whenFull: 'emit early' } },
        `
    a: 1 @0
    b: 1 @1
    commit
    a: 2 @2
    c: 1 @6
    rollback
    d: 1 @4
    e: 1 @6`,
      ),
    ).toBe(`
    a: 2 @2
    b: 1 @1
    a: 1
    b: 1 @1`);
  });
});

describe('until the window closes', () => {
  test('a result goes when its window and the grace are over', () => {
    expect(
      play(
        { waitMs: 1, windows: true },
        `
    hey/100: 7 @99
    dummy1/101: 7 @100
    commit
    dummy2/102: 7 @101`,
      ),
    ).toBe(`
    hey/100: 7 @99`);
  });

  test('without a grace it waits for the end of the window all the same, and goes at once when that has come', () => {
    expect(play({ windows: true }, 'hey/100: 7 @5\n dummy/200: 7 @100')).toBe(`
    hey/100: 7 @5`);
    expect(play({ windows: true }, 'hey/100: 7 @100')).toBe(`
    hey/100: 7 @100`);
  });

  test('deletions go nowhere', () => {
    expect(
      play(
        { windows: true },
        `
    hey/100: 7 -> - @100
    a/200: - -> 1 @110
    a/200: 1 -> - @120
    b/300: 1 @290
    c/400: 1 @400`,
        { asked: true },
      ),
    ).toBe(`
    b/300: 1 @290
    c/400: 1 @400`);
  });

  test('a change for a window that has gone is dropped', () => {
    expect(play({ windows: true }, 'a/100: 1 @50\n b/200: 1 @100\n a/100: 2 @100')).toBe(`
    a/100: 1 @50
    ! late a/100`);
  });

  test('the counts of tumbling windows of 2 ms with a grace of 1 ms', () => {
    // As they come from the aggregate.
    expect(
      play(
        { waitMs: 1, windows: true },
        `
    k1/2: 1 @0
    k1/2: 2 @1
    k1/4: 1 @2
    k1/2: 3 @1
    k1/2: 4 @1
    k1/6: 1 @5`,
      ),
    ).toBe(`
    k1/2: 4 @1
    k1/4: 1 @2`);
  });
});

describe('a buffer with a limit', () => {
  test('of records lets the oldest go when there are more', () => {
    expect(
      play(
        { waitMs: Number.POSITIVE_INFINITY, limit: { maxRecords: 1, whenFull: 'emit early' } },
        `
    v1: 1 @0
    v1: 0 @1
    v2: 1 @1
    v1: 1 @2
    commit
    x: 1 @3`,
      ),
    ).toBe(`
    v1: 0 @1
    v2: 1 @1
    v1: 1 @2`);
  });

  test('of 0 records lets everything through', () => {
    expect(
      play({ waitMs: 100, limit: { maxRecords: 0, whenFull: 'emit early' } }, 'a: 1 -> - @100', { asked: true }),
    ).toBe(`
    a: 1 -> - @100`);
  });

  test('of bytes counts keys and entries, and what replaces them', () => {
    // An entry takes 9 bytes and its row, here JSON.
    const options = { waitMs: 1000, limit: { maxBytes: 24, whenFull: 'emit early' } } as const;
    expect(play(options, 'a: 1 @0\n b: 1 @1')).toBe('\n');
    expect(play(options, 'a: 1 @0\n b: 1 @1\n a: 100 @2\n a: 1 @3\n b: 1234 @4')).toBe(`
    a: 1 @3`);
  });

  test('that must not go early ends the query when there is more', () => {
    const options = { waitMs: 1000, limit: { maxRecords: 1, whenFull: 'shut down' } } as const;
    expect(() => play(options, 'a: 1 @0\n a: 2 @1\n b: 1 @2')).toThrow(
      'the store "held" holds back more than it may: 2 records, 22 bytes',
    );
    // What is due goes before.
    expect(play(options, 'a: 1 @0\n b: 1 @1000')).toBe(`
    a: 1`);
  });

  test('is counted again after a rollback, as of the last commit', () => {
    const options = { waitMs: 1000, limit: { maxRecords: 2, whenFull: 'shut down' } } as const;
    expect(play(options, 'a: 1 @0\n commit\n b: 1 @1\n rollback\n b: 1 @2\n rollback\n c: 1 @3')).toBe('\n');
    expect(() => play(options, 'a: 1 @0\n b: 1 @1\n commit\n c: 1 @2')).toThrow('3 records');
  });
});
