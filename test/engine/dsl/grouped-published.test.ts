/** Published tests of grouped streams: KGroupedStreamImplTest, TimeWindowedKStreamImplTest,
 *  SessionWindowedKStreamImplTest and SlidingWindowedKStreamImplTest. (Arguments that are missing: `given.test.ts`.) */

import { describe, expect, test } from 'vitest';
import {
  type KGroupedStream,
  type KTable,
  SessionWindows,
  SlidingWindows,
  StreamsBuilder,
  serdes,
  TimeWindows,
  TopologyTestDriver,
  type Windowed,
} from '../../../engine/public.ts';

const { int64, string } = serdes;
const texts = { key: string, value: string };

type Lines = readonly (readonly [key: string, value: string | null, time: number])[];
type Grouped = KGroupedStream<string, string>;

const plus = (sum: string, value: string | null): string => `${sum}+${value}`;
const zero = (): string => '0';
const added = (_key: string, value: string | null, sum: string): string => plus(sum, value);
const merged = (_key: string, a: string, b: string): string => plus(a, b);

/** A driver that has read the records. */
const driverOf = (lines: Lines, add: (grouped: Grouped) => unknown): TopologyTestDriver => {
  const builder = new StreamsBuilder();
  add(builder.stream('in', texts).groupByKey());
  const driver = new TopologyTestDriver(builder.build());
  for (const [key, value, time] of lines) driver.input('in', texts).pipe(key, value, time);
  return driver;
};

const shownKey = (key: string | Windowed<string> | null): string =>
  typeof key === 'object' ? `${key?.key}@${key?.start}-${key?.end}` : key;

/** The changes that a table sends. */
const changesOf = <K extends string | Windowed<string>>(
  lines: Lines,
  add: (grouped: Grouped) => KTable<K, string>,
): string[] => {
  const seen: string[] = [];
  const driver = driverOf(lines, (grouped) => {
    add(grouped)
      .toStream()
      .process(() => ({
        process({ key, value, timestamp }) {
          seen.push(`${shownKey(key)}: ${value ?? '-'} @${timestamp}`);
        },
      }));
  });
  driver.close();
  return seen;
};

/** Of each row the last one. */
const lastOf = (changes: readonly string[]): string[] => [
  ...new Map(changes.map((change) => [change.split(':')[0], change])).values(),
];

describe('by key', () => {
  const lines: Lines = [
    ['1', 'A', 5],
    ['2', 'B', 1],
    ['1', 'C', 3],
    ['1', 'D', 10],
    ['3', 'E', 8],
    ['3', 'F', 9],
    ['3', null, 9],
  ];
  test.each([
    ['count', (grouped: Grouped) => grouped.count().mapValues(String), ['3', '1', '2']],
    ['reduce', (grouped: Grouped) => grouped.reduce(plus), ['A+C+D', 'B', 'E+F']],
    ['aggregate', (grouped: Grouped) => grouped.aggregate(zero, added, { value: string }), ['0+A+C+D', '0+B', '0+E+F']],
  ] as const)('%s: rows have the largest time, and a record without a value is left out', (_name, add, rows) => {
    expect(lastOf(changesOf(lines, add))).toEqual([`1: ${rows[0]} @10`, `2: ${rows[1]} @1`, `3: ${rows[2]} @9`]);
  });

  test('what is left out is counted', () => {
    const driver = driverOf(lines, (grouped) => grouped.count());
    expect(driver.drops.map(({ reason }) => reason)).toEqual(['null-value']);
    driver.close();
  });
});

test('counts in windows, late records within the grace among them', () => {
  const lines: Lines = [
    ['1', 'A', 0],
    ['1', 'A', 499],
    ['1', 'A', 100],
    ['2', 'B', 200],
    ['2', 'B', 100],
    ['1', 'A', 500],
    ['2', 'B', 500],
    ['3', 'C', 100],
  ];
  expect(
    changesOf(lines, (grouped) => grouped.windowedBy(TimeWindows.ofSizeAndGrace(500, 100)).count().mapValues(String)),
  ).toEqual([
    '1@0-500: 1 @0',
    '1@0-500: 2 @499',
    '1@0-500: 3 @499',
    '2@0-500: 1 @200',
    '2@0-500: 2 @200',
    '1@500-1000: 1 @500',
    '2@500-1000: 1 @500',
    '3@0-500: 1 @100',
  ]);
});

describe.each(['on window update', 'on window close'] as const)('by time windows, %s', (emit) => {
  const windows = TimeWindows.ofSizeWithNoGrace(100);
  const lines: Lines = [
    ['1', 'A', 10],
    ['1', 'B', 20],
    ['1', 'C', 100],
    ['2', 'D', 150],
    ['2', 'E', 100],
    ['2', 'F', 200],
  ];
  test.each([
    [
      'count',
      (grouped: Grouped, cache: boolean) =>
        grouped.windowedBy(windows).emitStrategy(emit).count({ cache }).mapValues(String),
      ['1', '2', '1', '1', '2', '1'],
    ],
    [
      'reduce',
      (grouped: Grouped, cache: boolean) => grouped.windowedBy(windows).emitStrategy(emit).reduce(plus, { cache }),
      ['A', 'A+B', 'C', 'D', 'D+E', 'F'],
    ],
    [
      'aggregate',
      (grouped: Grouped, cache: boolean) =>
        grouped.windowedBy(windows).emitStrategy(emit).aggregate(zero, added, { value: string, cache }),
      ['0+A', '0+A+B', '0+C', '0+D', '0+D+E', '0+F'],
    ],
  ] as const)('%s, merged between commits or not', (_name, add, [a, ab, c, d, de, f]) => {
    // A driver commits after each record.
    for (const cache of [false, true])
      expect(changesOf(lines, (grouped) => add(grouped, cache))).toEqual(
        emit === 'on window close'
          ? [`1@0-100: ${ab} @20`, `1@100-200: ${c} @100`, `2@100-200: ${de} @150`]
          : [
              `1@0-100: ${a} @10`,
              `1@0-100: ${ab} @20`,
              `1@100-200: ${c} @100`,
              `2@100-200: ${d} @150`,
              `2@100-200: ${de} @150`,
              `2@200-300: ${f} @200`,
            ],
      );
  });

  test('windows are kept in a store that is named, with the largest time of their records', () => {
    const driver = driverOf(lines, (grouped) =>
      grouped.windowedBy(windows).emitStrategy(emit).reduce(plus, { store: 'rows', retentionMs: 1000 }),
    );
    const rows = driver.windowStore('rows', texts);
    expect(['1', '2'].map((key) => rows.fetch(key))).toEqual([
      [
        { start: 0, value: 'A+B', timestamp: 20 },
        { start: 100, value: 'C', timestamp: 100 },
      ],
      [
        { start: 100, value: 'D+E', timestamp: 150 },
        { start: 200, value: 'F', timestamp: 200 },
      ],
    ]);
    driver.close();
  });
});

describe('by sessions', () => {
  const windows = SessionWindows.ofInactivityGapWithNoGrace(30);
  const lines: Lines = [
    ['1', 'A', 10],
    ['2', 'Z', 15],
    ['1', 'B', 30],
    ['1', 'A', 70],
    ['1', 'B', 100],
    ['1', 'C', 90],
  ];
  test.each([
    ['count', (grouped: Grouped) => grouped.windowedBy(windows).count().mapValues(String), ['2', '1', '3']],
    ['reduce', (grouped: Grouped) => grouped.windowedBy(windows).reduce(plus), ['A+B', 'Z', 'A+B+C']],
    [
      'aggregate',
      (grouped: Grouped) =>
        grouped.windowedBy(windows).aggregate(
          () => '',
          (_key, value, sum) => sum + value,
          (_key, a, b) => a + b,
          {
            value: string,
          },
        ),
      ['AB', 'Z', 'ABC'],
    ],
  ] as const)('%s', (_name, add, [first, other, second]) => {
    const last = lastOf(changesOf(lines, add));
    expect(last.filter((change) => !change.includes(': - @')).sort()).toEqual([
      `1@10-30: ${first} @30`,
      `1@70-100: ${second} @100`,
      `2@15-15: ${other} @15`,
    ]);
  });

  describe.each(['on window update', 'on window close'] as const)('%s', (emit) => {
    const half = SessionWindows.ofInactivityGapWithNoGrace(500);
    const events: Lines = [
      ['1', '1', 10],
      ['1', '2', 15],
      ['1', '3', 600],
      ['2', '1', 600],
      ['2', '2', 599],
    ];
    test.each([
      [
        'count',
        (grouped: Grouped) => grouped.windowedBy(half).emitStrategy(emit).count().mapValues(String),
        ['1', '2', '1', '1', '2'],
      ],
      [
        'reduce',
        (grouped: Grouped) => grouped.windowedBy(half).emitStrategy(emit).reduce(plus),
        ['1', '1+2', '3', '1', '1+2'],
      ],
      [
        'aggregate',
        (grouped: Grouped) =>
          grouped.windowedBy(half).emitStrategy(emit).aggregate(zero, added, merged, { value: string }),
        ['0+1', '0+0+1+2', '0+3', '0+1', '0+0+1+2'],
      ],
    ] as const)('%s', (_name, add, [one, both, later, other, together]) => {
      const changes = changesOf(events, add);
      expect(changes).toEqual(
        emit === 'on window close'
          ? [`1@10-15: ${both} @15`]
          : [
              `1@10-10: ${one} @10`,
              '1@10-10: - @10',
              `1@10-15: ${both} @15`,
              `1@600-600: ${later} @600`,
              `2@600-600: ${other} @600`,
              '2@600-600: - @600',
              `2@599-600: ${together} @600`,
            ],
      );
    });

    test('sessions are kept in a store that is named', () => {
      const driver = driverOf(events, (grouped) =>
        grouped.windowedBy(half).emitStrategy(emit).count({ store: 'rows', retentionMs: 1000 }),
      );
      const rows = driver.sessionStore('rows', { key: string, value: int64 });
      expect(['1', '2'].map((key) => [...rows.fetch(key)].map(({ start, end, value }) => [start, end, value]))).toEqual(
        [
          [
            [10, 15, 2],
            [600, 600, 1],
          ],
          [[599, 600, 2]],
        ],
      );
      driver.close();
    });
  });
});

describe('by sliding windows', () => {
  const windows = SlidingWindows.ofTimeDifferenceAndGrace(100, 1000);
  const lines: Lines = [
    ['1', '1', 100],
    ['1', '2', 150],
    ['1', '3', 500],
    ['2', '10', 200],
    ['2', '20', 150],
  ];
  const rowsOf = (values: readonly string[]): string[] =>
    [
      ['1@0-100', 100],
      ['1@50-150', 150],
      ['1@101-201', 150],
      ['1@400-500', 500],
      ['2@50-150', 150],
      ['2@100-200', 200],
      ['2@151-251', 200],
    ].map(([window, time], i) => `${window}: ${values[i]} @${time}`);
  test.each([
    [
      'count',
      (grouped: Grouped) => grouped.windowedBy(windows).count().mapValues(String),
      ['1', '2', '1', '1', '1', '2', '1'],
    ],
    [
      'reduce',
      (grouped: Grouped) => grouped.windowedBy(windows).reduce(plus),
      ['1', '1+2', '2', '3', '20', '10+20', '10'],
    ],
    [
      'aggregate',
      (grouped: Grouped) => grouped.windowedBy(windows).aggregate(zero, added, { value: string }),
      ['0+1', '0+1+2', '0+2', '0+3', '0+20', '0+10+20', '0+10'],
    ],
  ] as const)('%s', (_name, add, values) => {
    const last = lastOf(changesOf(lines, add));
    expect(last.sort()).toEqual(rowsOf(values).sort());
  });

  test('they are kept in a store that is named', () => {
    const driver = driverOf(lines, (grouped) =>
      grouped.windowedBy(windows).aggregate(zero, added, { store: 'rows', value: string }),
    );
    const rows = driver.windowStore('rows', texts);
    expect(['1', '2'].map((key) => rows.fetch(key).map((row) => [row.start, row.value, row.timestamp]))).toEqual([
      [
        [0, '0+1', 100],
        [50, '0+1+2', 150],
        [101, '0+2', 150],
        [400, '0+3', 500],
      ],
      [
        [50, '0+20', 150],
        [100, '0+10+20', 200],
        [151, '0+10', 200],
      ],
    ]);
    driver.close();
  });

  test('windows that are older than the retention are gone', () => {
    const driver = driverOf(
      [
        ['1', '2', 100],
        ['1', '3', 500],
        ['1', '4', 799],
        ['1', '4', 1000],
        ['1', '5', 2000],
      ],
      (grouped) =>
        grouped.windowedBy(windows).aggregate(zero, added, { store: 'rows', value: string, retentionMs: 1200 }),
    );
    const rows = driver.windowStore('rows', texts);
    expect([...rows.fetch('1')].map(({ start, value }) => [start, value])).toEqual([
      [900, '0+4'],
      [1900, '0+5'],
    ]);
    driver.close();
  });
});
