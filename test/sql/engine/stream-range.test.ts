/** Pull queries on streams that ask for a time or an offset: they read little, and answer what reading everything
 *  answers. */

import * as fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { utf8Bytes } from '../../../base/index.ts';
import { encodeBatch, type FetchRequest, type Log, openMemoryLog } from '../../../storage/index.ts';
import { closeWorlds, openWorld, rowsOf } from '../support/world.ts';

afterEach(closeWorlds);

/** A log that notes what is fetched. */
const observed = async (): Promise<{ log: Log; requests: FetchRequest[] }> => {
  const log = await openMemoryLog();
  const requests: FetchRequest[] = [];
  const reader = log.reader.bind(log);
  log.reader = () => {
    const inner = reader();
    return {
      fetch(asked, options) {
        requests.push(...asked.filter(({ topic }) => topic === 's'));
        return inner.fetch(asked, options);
      },
      wakeup: () => inner.wakeup(),
      close: () => inner.close(),
    };
  };
  return { log, requests };
};

const setUp = async (properties = '') => {
  const { log, requests } = await observed();
  const world = await openWorld({ log });
  await world.engine.execute(
    `CREATE STREAM s (id BIGINT, happened BIGINT) WITH (kafka_topic='s', partitions=2, value_format='JSON'${properties});`,
  );
  const write = async (timestamps: readonly number[]): Promise<void> => {
    const producer = await log.producer();
    for (const [i, timestamp] of timestamps.entries()) {
      const value = utf8Bytes(JSON.stringify({ ID: i, HAPPENED: 5000 - timestamp }));
      await producer.append({ topic: 's', partition: i % 2 }, encodeBatch([{ value, timestamp }]), 'append');
    }
    await producer.close();
  };
  const ask = (where: string) => rowsOf(world.engine, `SELECT id FROM s WHERE ${where};`);
  return { ask, write, requests };
};

const numbers = Array.from({ length: 400 }, (_, i) => i);

test('ROWTIME >= starts at the first record of that time in each partition', async () => {
  const { ask, write, requests } = await setUp();
  await write(numbers.map((i) => i * 10));
  expect((await ask('ROWTIME >= 3900')).flat().sort()).toEqual(numbers.slice(390));
  expect(requests.map(({ partition, offset }) => [partition, offset])).toEqual([
    [0, 195],
    [1, 195],
  ]);
  requests.length = 0;
  expect((await ask("ROWTIME > '1970-01-01T00:00:03.980' AND id > 0")).flat()).toEqual([399]);
  expect(requests.map(({ offset }) => offset)).toEqual([199, 199]);
});

test('a time that nothing has reached, and a range that is empty, read nothing', async () => {
  const { ask, write, requests } = await setUp();
  await write(numbers);
  expect(await ask('ROWTIME >= 1000')).toEqual([]);
  expect(await ask('ROWTIME > 10 AND ROWTIME < 5')).toEqual([]);
  expect(await ask('ROWOFFSET BETWEEN 300 AND 400')).toEqual([]);
  expect(requests).toEqual([]);
});

test('a query that retention overtakes goes on at the new start of the topic', async () => {
  const world = await openWorld({ log: await openMemoryLog() });
  const { engine, log } = world;
  await engine.execute(
    "CREATE STREAM s (id BIGINT, text VARCHAR) WITH (kafka_topic='s', partitions=1, value_format='JSON');",
  );
  const target = { topic: 's', partition: 0 };
  const producer = await log.producer();
  // One fetch holds one of these records.
  for (let i = 0; i < 5; i++) {
    const value = utf8Bytes(JSON.stringify({ ID: i, TEXT: 'x'.repeat(700_000) }));
    await producer.append(target, encodeBatch([{ value }]), 'append');
  }
  const read: unknown[] = [];
  for await (const rows of (await engine.query('SELECT id FROM s;')).rows()) {
    if (read.length === 0) await log.deleteRecords(target, 3);
    read.push(...rows.map(([id]) => id));
  }
  expect(read).toEqual([0, 3, 4]);
});

test('ROWOFFSET begins and ends the reading', async () => {
  const { ask, write, requests } = await setUp();
  await write(numbers);
  expect((await ask('ROWOFFSET >= 100 AND ROWOFFSET <= 101')).flat().sort()).toEqual([200, 201, 202, 203]);
  expect(requests.map(({ offset }) => offset)).toEqual([100, 100]);
});

test('with a TIMESTAMP column the time of the record says nothing', async () => {
  const { ask, write } = await setUp(", timestamp='HAPPENED'");
  await write(numbers.map((i) => i * 10));
  expect((await ask('ROWTIME >= 4990')).flat().sort()).toEqual([0, 1]);
});

test('a range never changes an answer', async () => {
  const comparison = fc
    .tuple(fc.constantFrom('ROWTIME', 'ROWOFFSET', 'id'), fc.constantFrom('<', '<=', '=', '>=', '>', '<>'), fc.nat(60))
    .map(([column, operator, value]) => ({
      sql: value % 2 === 0 ? `${column} ${operator} ${value}` : `${value} ${mirrored[operator] ?? operator} ${column}`,
      holds: (row: Record<string, number>) => holds(row[column] as number, operator, value),
    }));
  type Condition = { readonly sql: string; readonly holds: (row: Record<string, number>) => boolean };
  const condition: fc.Arbitrary<Condition> = fc.letrec<{ node: Condition }>((tie) => ({
    node: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      comparison,
      fc.tuple(tie('node'), tie('node'), fc.boolean()).map(([a, b, and]) => ({
        sql: `(${a.sql} ${and ? 'AND' : 'OR'} ${b.sql})`,
        holds: (row: Record<string, number>) => (and ? a.holds(row) && b.holds(row) : a.holds(row) || b.holds(row)),
      })),
      tie('node').map((a) => ({ sql: `NOT ${a.sql}`, holds: (row: Record<string, number>) => !a.holds(row) })),
    ),
  })).node;
  const { ask, write } = await setUp();
  const times = numbers.slice(0, 80).map((i) => (i * 37) % 61);
  await write(times);
  const rows = times.map((time, i) => ({ ROWTIME: time, ROWOFFSET: Math.floor(i / 2), id: i }));
  await fc.assert(
    fc.asyncProperty(condition, async ({ sql, holds: keeps }) => {
      const expected = rows.filter(keeps).map(({ id }) => id);
      const found = (await ask(sql)).flat() as number[];
      expect(found.sort((a, b) => a - b)).toEqual(expected);
    }),
    { numRuns: 200 },
  );
});

const mirrored: Readonly<Record<string, string>> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

const holds = (left: number, operator: string, right: number): boolean => {
  switch (operator) {
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '=':
      return left === right;
    case '>=':
      return left >= right;
    case '>':
      return left > right;
    default:
      return left !== right;
  }
};

test.each(['SELECT id FROM s WHERE id < 0', 'SELECT COUNT(*) FROM s WHERE id < 0'])(
  'a pull query that finds nothing reads no further once its client has left: %s',
  async (sql) => {
    const { log, requests } = await observed();
    const { engine } = await openWorld({ log });
    await engine.execute(
      "CREATE STREAM s (id BIGINT, pad STRING) WITH (kafka_topic='s', partitions=1, value_format='JSON');",
    );
    const producer = await log.producer();
    const value = utf8Bytes(JSON.stringify({ ID: 1, PAD: 'x'.repeat(900_000) }));
    for (let i = 0; i < 10; i++)
      await producer.append({ topic: 's', partition: 0 }, encodeBatch([{ value }]), 'append');
    await producer.close();
    const handle = await engine.query(`${sql};`);
    const first = handle.rows()[Symbol.asyncIterator]().next();
    await handle.close();
    await first;
    expect(requests.length).toBe(1);
  },
);
