/** How the topic of a new stream or table is configured. */

import { expect, test } from 'vitest';
import { planAll, session, sources } from '../support/planning.ts';

const configsOf = (text: string, topic: string): Readonly<Record<string, string>> | undefined => {
  const own = session();
  planAll(sources, own);
  planAll(text, own);
  return own.topics.get(topic)?.configs;
};

const windowed = (window: string, properties = ''): Readonly<Record<string, string>> | undefined =>
  configsOf(
    `CREATE TABLE t ${properties} AS SELECT customer, COUNT(*) AS n FROM orders WINDOW TUMBLING (${window}) GROUP BY customer;`,
    'T',
  );

test('the topic of a windowed table keeps the default time: only a RETENTION clause shortens or lengthens it', () => {
  const short = windowed('SIZE 1 SECOND, GRACE PERIOD 1 SECOND');
  expect(short).toMatchObject({ 'cleanup.policy': 'compact,delete' });
  expect(short).not.toHaveProperty(['retention.ms']);
  expect(windowed('SIZE 1 SECOND, RETENTION 30 DAYS, GRACE PERIOD 1 SECOND')).toMatchObject({
    'retention.ms': String(30 * 86_400_000),
  });
});

test('RETENTION_MS and the RETENTION clause: the longer one holds', () => {
  const both = (retentionMs: number): unknown =>
    windowed('SIZE 1 SECOND, RETENTION 1 HOUR, GRACE PERIOD 1 SECOND', `WITH (RETENTION_MS=${retentionMs})`)?.[
      'retention.ms'
    ];
  expect(both(1000)).toBe('3600000');
  expect(both(7_200_000)).toBe('7200000');
});
