/** What is left out, and what is not. */

import { describe, expect, test } from 'vitest';
import { type Case, type Json, writeJson } from './cases.ts';
import { skipReason } from './skip-rule.ts';

const reason = (statements: readonly string[], more: Partial<Case> = {}): string =>
  skipReason({
    statements,
    text: writeJson([
      statements,
      more.topics ?? [],
      more.properties ?? {},
      more.post?.sources ?? [],
    ] as unknown as Json),
    ...(more.versions === undefined ? {} : { versions: more.versions }),
  }) ?? 'runs';

const stream = (columns: string, properties = "VALUE_FORMAT='JSON'"): string =>
  `CREATE STREAM A (${columns}) WITH (KAFKA_TOPIC='a', ${properties});`;

test('every format runs', () => {
  expect(reason([stream('K STRING KEY', "format='delimited'")])).toBe('runs');
  expect(reason([stream('K STRING KEY', "format='avro'")])).toBe('runs');
});

describe('types', () => {
  test.each([
    stream('K STRING KEY, D DATE'),
    stream('K STRING KEY, D DECIMAL(4, 2)'),
    stream('K BYTES KEY'),
    stream('K STRING KEY, M MAP<STRING, TIME>'),
    stream('K STRING KEY, S STRUCT<D DATE>'),
    'CREATE STREAM B AS SELECT K, CAST(V AS DATE) FROM A;',
  ])('%s', (statement) => {
    expect(reason([statement])).toMatch(/^type: /);
  });

  test.each([
    stream('K STRING KEY, TIME TIMESTAMP, `DATE` BIGINT'),
    'CREATE STREAM B AS SELECT K, TIME, ROWTIME AS DATE, V FROM A;',
    "CREATE STREAM B AS SELECT K, 'a DATE, TIME' AS D FROM A WHERE TIME > 3;",
    'CREATE STREAM B AS SELECT K, FORMAT_TIMESTAMP(TIME) FROM A;',
  ])('the same words are names in: %s', (statement) => {
    expect(reason([statement])).toBe('runs');
  });

  test('an expected schema tells of a type too', () => {
    const post = { sources: [{ name: 'B', type: 'stream', schema: 'K STRING KEY, D DECIMAL(4, 2)' }] } as const;
    expect(reason([stream('K STRING KEY')], { post })).toMatch(/^type: /);
  });
});

test('windows of every kind, and final results, run', () => {
  const query = (window: string): string => `CREATE TABLE C AS SELECT K, COUNT(*) FROM A WINDOW ${window} GROUP BY K`;
  expect(reason([`${query('HOPPING (SIZE 1 DAY, ADVANCE BY 1 HOUR)')};`])).toBe('runs');
  expect(reason([`${query('SESSION (1 DAY)')} EMIT FINAL;`])).toBe('runs');
});
