/** What is left out, and what is not. */

import { expect, test } from 'vitest';
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

test('windows of every kind, and final results, run', () => {
  const query = (window: string): string => `CREATE TABLE C AS SELECT K, COUNT(*) FROM A WINDOW ${window} GROUP BY K`;
  expect(reason([`${query('HOPPING (SIZE 1 DAY, ADVANCE BY 1 HOUR)')};`])).toBe('runs');
  expect(reason([`${query('SESSION (1 DAY)')} EMIT FINAL;`])).toBe('runs');
});
