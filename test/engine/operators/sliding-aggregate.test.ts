import { describe, expect, test } from 'vitest';
import { type InPlace, type Serde, type SlidingAggregation, sliding, slidingAggregate } from '../../../engine/index.ts';
import { lineValue, run, windowedKey } from '../../support/changes.ts';

type Text = SlidingAggregation<string | number, string, string>;

/** Joins the values in each window by `+`, from `0` on. */
const joins = (differenceMs: number, graceMs: number, options: Partial<Text> = {}): Text => ({
  store: 's',
  windows: sliding(differenceMs),
  graceMs,
  retentionMs: Math.max(1, 2 * differenceMs + graceMs),
  accumulation: {
    form: 'by value',
    accumulator: lineValue as Serde<string>,
    initialize: () => '0',
    add: (all, { value }) => `${all}+${value}`,
    result: (all) => all,
  },
  ...options,
});

const reduces = (differenceMs: number, graceMs: number): Text =>
  joins(differenceMs, graceMs, {
    accumulation: {
      form: 'by value',
      accumulator: lineValue as Serde<string>,
      initialize: () => '',
      add: (all, { value }) => (all === '' ? `${value}` : `${all}+${value}`),
      result: (all) => all,
    },
  });

const results = (aggregation: Text, lines: string, asked = false): string => {
  const { differenceMs } = aggregation.windows;
  const stores = [{ name: 's', kind: 'ordered' as const, retentionMs: differenceMs + aggregation.retentionMs }];
  return run(slidingAggregate(aggregation), lines, { stores, key: windowedKey(differenceMs), asked });
};

/** Pipes `key value@time …`; prints for each window, in order, all results that it has had. */
const histories = (aggregation: Text, records: string): string => {
  const lines = [...records.matchAll(/(\w) (\w+)@(\d+)/g)].map(([, key, value, time]) => `${key}: ${value} @${time}`);
  const byWindow = new Map<string, string>();
  for (const line of results(aggregation, lines.join('\n')).split('\n')) {
    const [, key, start = '', value = '', time = '0'] = /^ *(\w)@\[(\d+),\d+\): (\S+)(?: @(\d+))?$/.exec(line) ?? [];
    if (key === undefined) continue;
    const window = `${key} ${start.padStart(3)}`;
    byWindow.set(window, `${byWindow.get(window) ?? ''} ${value}@${time}`);
  }
  const shown = [...byWindow].sort(([a], [b]) => (a < b ? -1 : 1)).map(([window, all]) => `    ${window}:${all}`);
  return `\n${shown.join('\n')}`;
};

describe('windows slide as in Kafka Streams (the cases of its KStreamSlidingWindowAggregateTest):', () => {
  test('a few records in order', () => {
    expect(
      histories(
        joins(10, 5),
        `
    A 1@10  A 2@10  A 3@14  A 4@15  A 5@20  A 6@22  A 7@30`,
      ),
    ).toBe(`
    A   0: 0+1@10 0+1+2@10
    A   4: 0+1+2+3@14
    A   5: 0+1+2+3+4@15
    A  10: 0+1+2+3+4+5@20
    A  11: 0+3@14 0+3+4@15 0+3+4+5@20
    A  12: 0+3+4+5+6@22
    A  15: 0+4@15 0+4+5@20 0+4+5+6@22
    A  16: 0+5@20 0+5+6@22
    A  20: 0+5+6+7@30
    A  21: 0+6@22 0+6+7@30
    A  23: 0+7@30`);
  });

  test('reduced', () => {
    expect(
      histories(
        reduces(10, 5),
        `
    A 1@10  A 2@14  A 3@15  A 4@22  A 5@26  A 6@30`,
      ),
    ).toBe(`
    A   0: 1@10
    A   4: 1+2@14
    A   5: 1+2+3@15
    A  11: 2@14 2+3@15
    A  12: 2+3+4@22
    A  15: 3@15 3+4@22
    A  16: 4@22 4+5@26
    A  20: 4+5+6@30
    A  23: 5@26 5+6@30
    A  27: 6@30`);
  });

  test('several keys, out of order', () => {
    expect(
      histories(
        joins(10, 50),
        `
    A 1@10  A 2@20  A 3@22  A 4@15  B 1@12  B 2@13  B 3@18  B 4@19  B 5@25  B 6@14  C 1@11  C 2@15  C 3@16
    C 4@21  C 5@23  D 4@11  D 2@12  D 3@29  D 5@16`,
      ),
    ).toBe(`
    A   0: 0+1@10
    A   5: 0+1+4@15
    A  10: 0+1+2@20 0+1+2+4@20
    A  11: 0+2@20 0+2+4@20
    A  12: 0+2+3@22 0+2+3+4@22
    A  16: 0+2+3@22
    A  21: 0+3@22
    B   2: 0+1@12
    B   3: 0+1+2@13
    B   4: 0+1+2+6@14
    B   8: 0+1+2+3@18 0+1+2+3+6@18
    B   9: 0+1+2+3+4@19 0+1+2+3+4+6@19
    B  13: 0+2@13 0+2+3@18 0+2+3+4@19 0+2+3+4+6@19
    B  14: 0+3@18 0+3+4@19 0+3+4+6@19
    B  15: 0+3+4+5@25
    B  19: 0+4@19 0+4+5@25
    B  20: 0+5@25
    C   1: 0+1@11
    C   5: 0+1+2@15
    C   6: 0+1+2+3@16
    C  11: 0+1+2+3+4@21
    C  12: 0+2@15 0+2+3@16 0+2+3+4@21
    C  13: 0+2+3+4+5@23
    C  16: 0+3@16 0+3+4@21 0+3+4+5@23
    C  17: 0+4@21 0+4+5@23
    C  22: 0+5@23
    D   1: 0+4@11
    D   2: 0+4+2@12
    D   6: 0+4+2+5@16
    D  12: 0+2@12 0+2+5@16
    D  13: 0+5@16
    D  19: 0+3@29`);
  });

  test('records that share the window of the beginning', () => {
    expect(
      histories(
        joins(50, 0),
        `
    A 1@0  A 2@5  A 3@6  A 4@3  A 5@13  A 6@10  A 7@70`,
      ),
    ).toBe(`
    A   0: 0+1@0 0+1+2@5 0+1+2+3@6 0+1+2+3+4@6 0+1+2+3+4+5@13 0+1+2+3+4+5+6@13
    A   1: 0+2@5 0+2+3@6 0+2+3+4@6 0+2+3+4+5@13 0+2+3+4+5+6@13
    A   4: 0+2+3@6 0+2+3+5@13 0+2+3+5+6@13
    A   6: 0+3@6 0+3+5@13 0+3+5+6@13
    A   7: 0+5@13 0+5+6@13
    A  11: 0+5@13
    A  20: 0+7@70`);
  });

  test('several records at one time', () => {
    expect(
      histories(
        joins(5, 0),
        `
    A 1@0  A 2@2  A 3@4  A 4@0  A 5@2  A 6@2  A 7@0  A 8@7`,
      ),
    ).toBe(`
    A   0: 0+1@0 0+1+2@2 0+1+2+3@4 0+1+2+3+4@4 0+1+2+3+4+5@4 0+1+2+3+4+5+6@4 0+1+2+3+4+5+6+7@4
    A   1: 0+2@2 0+2+3@4 0+2+3+5@4 0+2+3+5+6@4
    A   2: 0+2+3+5+6+8@7
    A   3: 0+3@4 0+3+8@7
    A   5: 0+8@7`);
  });

  test('the beginning and behind it, out of order', () => {
    expect(
      histories(
        joins(10, 50),
        `
    E 1@0  E 3@5  E 4@6  E 2@3  E 6@13  E 5@10  E 7@4  E 8@2  E 9@15`,
      ),
    ).toBe(`
    E   0: 0+1@0 0+1+3@5 0+1+3+4@6 0+1+3+4+2@6 0+1+3+4+2+5@10 0+1+3+4+2+5+7@10 0+1+3+4+2+5+7+8@10
    E   1: 0+3@5 0+3+4@6 0+3+4+2@6 0+3+4+2+5@10 0+3+4+2+5+7@10 0+3+4+2+5+7+8@10
    E   3: 0+3+4+2+6@13 0+3+4+2+6+5@13 0+3+4+2+6+5+7@13
    E   4: 0+3+4@6 0+3+4+6@13 0+3+4+6+5@13 0+3+4+6+5+7@13
    E   5: 0+3+4+6+5@13 0+3+4+6+5+9@15
    E   6: 0+4@6 0+4+6@13 0+4+6+5@13 0+4+6+5+9@15
    E   7: 0+6@13 0+6+5@13 0+6+5+9@15
    E  11: 0+6@13 0+6+9@15
    E  14: 0+9@15`);
  });

  test('no grace', () => {
    expect(
      histories(
        joins(50, 0),
        `
    A 1@100  A 2@105  A 3@106  A 4@103  A 5@113  A 6@110`,
      ),
    ).toBe(`
    A  50: 0+1@100
    A  55: 0+1+2@105
    A  56: 0+1+2+3@106 0+1+2+3+4@106
    A  63: 0+1+2+3+4+5@113 0+1+2+3+4+5+6@113
    A 101: 0+2@105 0+2+3@106 0+2+3+4@106 0+2+3+4+5@113 0+2+3+4+5+6@113
    A 104: 0+2+3@106 0+2+3+5@113 0+2+3+5+6@113
    A 106: 0+3@106 0+3+5@113 0+3+5+6@113
    A 107: 0+5@113 0+5+6@113
    A 111: 0+5@113`);
  });

  test('no grace, out of order', () => {
    expect(
      histories(
        joins(10, 0),
        `
    E 1@100  E 3@105  E 4@106  E 2@103  E 6@113  E 5@110  E 7@104  E 8@102  E 9@115`,
      ),
    ).toBe(`
    E  90: 0+1@100
    E  95: 0+1+3@105
    E  96: 0+1+3+4@106 0+1+3+4+2@106
    E 101: 0+3@105 0+3+4@106 0+3+4+2@106
    E 103: 0+3+4+2+6@113 0+3+4+2+6+5@113 0+3+4+2+6+5+7@113
    E 104: 0+3+4@106 0+3+4+6@113 0+3+4+6+5@113 0+3+4+6+5+7@113
    E 105: 0+3+4+6+5@113 0+3+4+6+5+9@115
    E 106: 0+4@106 0+4+6@113 0+4+6+5@113 0+4+6+5+9@115
    E 107: 0+6@113 0+6+5@113 0+6+5+9@115
    E 111: 0+6@113 0+6+9@115
    E 114: 0+9@115`);
  });

  test('no grace, at the beginning', () => {
    expect(
      histories(
        joins(10, 0),
        `
    E 1@0  E 3@5  E 4@6  E 2@3  E 6@13  E 5@10  E 7@4  E 8@2  E 9@15`,
      ),
    ).toBe(`
    E   0: 0+1@0 0+1+3@5 0+1+3+4@6 0+1+3+4+2@6
    E   1: 0+3@5 0+3+4@6 0+3+4+2@6
    E   3: 0+3+4+2+6@13 0+3+4+2+6+5@13 0+3+4+2+6+5+7@13
    E   4: 0+3+4@6 0+3+4+6@13 0+3+4+6+5@13 0+3+4+6+5+7@13
    E   5: 0+3+4+6+5@13 0+3+4+6+5+9@15
    E   6: 0+4@6 0+4+6@13 0+4+6+5@13 0+4+6+5+9@15
    E   7: 0+6@13 0+6+5@13 0+6+5+9@15
    E  11: 0+6@13 0+6+9@15
    E  14: 0+9@15`);
  });
});

test('windows that are there are emitted first, the latest one before; then the new ones', () => {
  expect(
    results(
      joins(10, 50),
      `
    a: 1 @20
    a: 2 @25
    a: 3 @28
    a: 4 @23`,
      true,
    ),
  ).toBe(`
    a@[10,20): - -> 0+1 @20
    a@[21,31): - -> 0+2 @25
    a@[15,25): - -> 0+1+2 @25
    a@[21,31): 0+2 -> 0+2+3 @28
    a@[26,36): - -> 0+3 @28
    a@[18,28): - -> 0+1+2+3 @28
    a@[21,31): 0+2+3 -> 0+2+3+4 @28
    a@[18,28): 0+1+2+3 -> 0+1+2+3+4 @28
    a@[15,25): 0+1+2 -> 0+1+2+4 @25
    a@[13,23): - -> 0+1+4 @23
    a@[24,34): - -> 0+2+3 @28`);
});

test('a record is late as a whole, or for single windows', () => {
  expect(
    results(
      joins(10, 0),
      `
    a: 1 @20
    a: 2 @25
    b: 1 @35
    a: 3 @24
    a: 4 @26`,
    ),
  ).toBe(`
    a@[10,20): 0+1 @20
    a@[21,31): 0+2 @25
    a@[15,25): 0+1+2 @25
    b@[25,35): 0+1 @35
    ! late a
    ! late a
    a@[26,36): 0+4 @26
    ! late a`);
});

test('a record without key or value is left out, and does not move stream time', () => {
  expect(
    results(
      joins(10, 0),
      `
    -: 1 @1000
    a: - @1000
    a: 1 @3`,
    ),
  ).toBe(`
    ! null-key
    ! null-value a
    a@[0,10): 0+1 @3`);
});

test('what is found does not depend on when was committed, nor on how long windows are kept', () => {
  const lines = (commit: string): string => `
    a: 1 @20
    a: 2 @30
    b: 1 @45
    ${commit}
    a: 3 @35
    ${commit}
    b: 1 @60
    ${commit}
    a: 4 @45
    a: 5 @50`;
  const expected = results(joins(10, 5), lines(''));
  expect(results(joins(10, 5), lines('commit'))).toBe(expected);
  expect(results(joins(10, 5, { retentionMs: 1000 }), lines(''))).toBe(expected);
});

test('the record before is the latest one, also where its own window had closed when it came', () => {
  expect(
    results(
      joins(6, 5),
      `
    a: 0 @176
    a: 1 @182
    b: 1 @190
    a: 2 @184
    a: 3 @189`,
    ),
  ).toBe(`
    a@[170,176): 0+0 @176
    a@[177,183): 0+1 @182
    a@[176,182): 0+0+1 @182
    b@[184,190): 0+1 @190
    a@[183,189): 0+2 @184
    ! late a
    a@[183,189): 0+2+3 @189
    a@[185,191): 0+3 @189`);
});

test('a rollback takes back windows and stream time', () => {
  expect(
    results(
      joins(10, 0),
      `
    a: 1 @20
    commit
    a: 2 @100
    rollback
    a: 3 @21`,
    ),
  ).toBe(`
    a@[10,20): 0+1 @20
    a@[90,100): 0+2 @100
    a@[21,31): 0+3 @21
    a@[11,21): 0+1+3 @21`);
});

test('accumulators of fixed width are kept as bytes, and give the same', () => {
  const sum: InPlace<number, number> = {
    form: 'in place',
    width: 8,
    initialize: (view, at) => view.setFloat64(at, 0),
    add: (view, at, { value }) => view.setFloat64(at, view.getFloat64(at) + (value ?? 0)),
    result: (view, at) => view.getFloat64(at),
  };
  const stores = [{ name: 's', kind: 'ordered' as const, retentionMs: 90 }];
  expect(
    run(
      slidingAggregate({ store: 's', windows: sliding(10), graceMs: 50, retentionMs: 70, accumulation: sum }),
      `
    a: 1 @20
    a: 2 @25
    a: 4 @23`,
      { stores, key: windowedKey(10), asked: true },
    ),
  ).toBe(`
    a@[10,20): - -> 1 @20
    a@[21,31): - -> 2 @25
    a@[15,25): - -> 3 @25
    a@[21,31): 2 -> 6 @25
    a@[15,25): 3 -> 7 @25
    a@[13,23): - -> 5 @23
    a@[24,34): - -> 2 @25`);
});
