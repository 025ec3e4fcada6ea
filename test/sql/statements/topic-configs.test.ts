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

test('a table keeps every key for ever, unless RETENTION_MS or CLEANUP_POLICY is given', () => {
  const table = (properties: string): unknown =>
    configsOf(`CREATE TABLE t ${properties} AS SELECT customer, COUNT(*) AS n FROM orders GROUP BY customer;`, 'T');
  expect(table('')).toEqual({ 'cleanup.policy': 'compact', 'segment.bytes': '33554432' });
  expect(table('WITH (RETENTION_MS=60000)')).toMatchObject({
    'cleanup.policy': 'compact,delete',
    'retention.ms': '60000',
  });
  expect(table(`WITH (CLEANUP_POLICY='delete', RETENTION_MS=60000)`)).toEqual({ 'retention.ms': '60000' });
});

test('a stream can be compacted by its key, and not without one', () => {
  const stream = (columns: string, policy: string): unknown =>
    configsOf(
      `CREATE STREAM c (${columns}) WITH (KAFKA_TOPIC='c', VALUE_FORMAT='JSON', PARTITIONS=1, CLEANUP_POLICY='${policy}');`,
      'c',
    );
  expect(stream('k INT KEY, v INT', 'Delete, Compact')).toMatchObject({ 'cleanup.policy': 'compact,delete' });
  expect(stream('v INT', 'delete')).toEqual({});
  expect(() => stream('v INT', 'compact')).toThrow("CLEANUP_POLICY='compact' needs a key column");
});
