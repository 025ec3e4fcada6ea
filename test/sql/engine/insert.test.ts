/** Typed rows from a program: checked before they are sent, all of a call or none. */

import { afterEach, describe, expect, test } from 'vitest';
import { ManualClock, Random } from '../../../base/index.ts';
import type { SqlEngine } from '../../../sql/index.ts';
import { consumeRecords, type Log, LogError, openMemoryLog, type Producer } from '../../../storage/index.ts';
import { closeWorlds, openWorld, rowsOf, topicOf } from '../support/world.ts';

afterEach(closeWorlds);

const everything = `CREATE STREAM everything (id BIGINT KEY, b BOOLEAN, i INT, l BIGINT, d DOUBLE, s VARCHAR, t TIMESTAMP,
    items ARRAY<INT>, pairs MAP<VARCHAR, BIGINT>, person STRUCT<name VARCHAR, \`Age\` INT>)
  WITH (KAFKA_TOPIC='everything', VALUE_FORMAT='JSON', PARTITIONS=3);`;
const people = `CREATE TABLE people (name VARCHAR PRIMARY KEY, age INT) WITH (KAFKA_TOPIC='people', VALUE_FORMAT='JSON', PARTITIONS=1);`;

const countOf = async (log: Log, topic: string): Promise<number> => {
  let records = 0;
  for await (const _ of consumeRecords(log, topic, { untilEnd: true })) records++;
  return records;
};

describe('values', () => {
  test('every type is taken as programs have it, and comes back the same', async () => {
    const { engine } = await openWorld();
    await engine.execute(everything);
    await engine.insert('everything', [
      {
        id: 2n ** 62n,
        B: true,
        i: -5,
        l: 9_007_199_254_740_993n,
        d: 1.5,
        s: 'text',
        t: new Date(1000),
        items: [1, null],
        pairs: new Map([['a', 1]]),
        person: { NAME: 'Ada', Age: 36 },
      },
      { ID: 2, pairs: { b: 2n }, person: { name: 'Bob' }, t: 5, s: undefined },
      {},
    ]);
    const rows = await rowsOf(engine, 'SELECT * FROM everything;');
    expect(rows).toHaveLength(3);
    expect(rows).toContainEqual([
      2n ** 62n,
      true,
      -5,
      9_007_199_254_740_993n,
      1.5,
      'text',
      1000,
      [1, null],
      new Map([['a', 1]]),
      ['Ada', 36],
    ]);
    expect(rows).toContainEqual([2, null, null, null, null, null, 5, null, new Map([['b', 2]]), ['Bob', null]]);
    expect(rows).toContainEqual(new Array(10).fill(null));
  });

  test('ROWTIME sets the time of the record', async () => {
    const { engine } = await openWorld();
    await engine.execute(everything);
    await engine.insert('everything', [{ id: 1, rowtime: new Date(77) }, { id: 2, ROWTIME: 78 }, { id: 3 }]);
    expect((await rowsOf(engine, 'SELECT id, ROWTIME FROM everything;')).sort()).toEqual([
      [1, 77],
      [2, 78],
      [3, 1_000_000],
    ]);
  });

  test.each([
    [{ b: 1 }, 'row 1, column "B": the number 1 cannot be BOOLEAN'],
    [{ i: 2 ** 31 }, 'row 1, column "I": the number 2147483648 cannot be INTEGER'],
    [{ i: '5' }, 'row 1, column "I": the text "5" cannot be INTEGER'],
    [{ l: 1.5 }, 'row 1, column "L": the number 1.5 cannot be BIGINT'],
    [{ l: 2n ** 63n }, 'row 1, column "L": the number 9223372036854775808 cannot be BIGINT'],
    [{ s: 5 }, 'row 1, column "S": the number 5 cannot be STRING'],
    [{ t: new Date(Number.NaN) }, 'row 1, column "T": an invalid Date cannot be TIMESTAMP'],
    [{ items: [1, 'x'] }, 'row 1, column "ITEMS": the text "x" cannot be INTEGER'],
    [{ pairs: new Map([[1, 1]]) }, 'row 1, column "PAIRS": the number 1 cannot be the key of a MAP'],
    [{ person: { nmae: 'x' } }, 'row 1, column "PERSON": the STRUCT has no field "nmae"'],
    [{ itmes: [] }, 'row 1: the column "itmes" does not exist in stream "EVERYTHING"'],
    [{ s: 'x', S: 'y' }, 'row 1 has the column "S" twice'],
    [{ rowtime: -1 }, 'row 1: ROWTIME takes a Date or milliseconds since 1970, from 0 on'],
    [[1], 'row 1 is not an object'],
    [null, 'row 1 is not an object'],
  ])('%o is refused by row and column, and no row of the call is written', async (bad, message) => {
    const { engine, log } = await openWorld();
    await engine.execute(everything);
    const rows = [{ id: 1, s: 'good' }, bad, { id: 3 }] as Record<string, unknown>[];
    await expect(engine.insert('everything', rows)).rejects.toMatchObject({ name: 'UserError', message });
    expect(await countOf(log, 'everything')).toBe(0);
  });

  test('tables need their key; unknown, windowed and internal targets are refused', async () => {
    const { engine } = await openWorld();
    await engine.execute(`${everything} ${people}`);
    await expect(engine.insert('people', [{ name: 'Ada', age: 1 }, { age: 2 }])).rejects.toMatchObject({
      code: 'SQL_NULL_KEY',
      message: 'row 1, column "NAME": a primary key cannot be null',
    });
    await expect(engine.insert('poeple', [])).rejects.toMatchObject({ code: 'SQL_UNKNOWN_SOURCE' });
    await engine.insert('people', []);
  });

  test('a row larger than the topic takes is refused, and none of its call is written', async () => {
    const { engine, log } = await openWorld();
    await engine.execute(everything);
    const rows = Array.from({ length: 10 }, (_, id) => ({ id, s: 'x'.repeat(id === 9 ? 1_100_000 : 100_000) }));
    await expect(engine.insert('everything', rows)).rejects.toMatchObject({
      code: 'SQL_RECORD_TOO_LARGE',
      message: expect.stringMatching(/^row 9 takes 1100\d+ bytes/),
    });
    expect(await countOf(log, 'everything')).toBe(0);
  });
});

describe('all or none', () => {
  /** Batches behind the first `good` ones fail. */
  const failing = async (base: Log, good: { left: number }): Promise<Log> =>
    new Proxy(base, {
      get(target, name) {
        const member = Reflect.get(target, name, target) as unknown;
        if (name !== 'producer') return typeof member === 'function' ? (member as () => unknown).bind(target) : member;
        return async (options?: Parameters<Log['producer']>[0]) => {
          const producer = await target.producer(options);
          const append: Producer['append'] = (to, bytes, acks) =>
            to.topic === 'everything' && good.left-- <= 0
              ? Promise.reject(new LogError('unavailable', 'LOG_DISK_FULL', 'no space is left'))
              : producer.append(to, bytes, acks);
          return new Proxy(producer, {
            get(of, method) {
              if (method === 'append') return append;
              const own = Reflect.get(of, method, of) as unknown;
              return typeof own === 'function' ? (own as () => unknown).bind(of) : own;
            },
          });
        };
      },
    });

  test('when a batch cannot be written, readers never see the others; the next call is whole', async () => {
    const base = await openMemoryLog({ clock: new ManualClock(1_000_000), random: new Random(3) });
    const good = { left: 2 };
    const { engine } = await openWorld({ log: await failing(base, good) });
    await engine.execute(everything);
    const rows = Array.from({ length: 3000 }, (_, id) => ({ id, s: 'x'.repeat(500) }));
    await expect(engine.insert('everything', rows)).rejects.toMatchObject({ code: 'LOG_DISK_FULL' });
    expect(await countOf(base, 'everything')).toBe(0);
    good.left = 1000;
    await engine.insert('everything', rows);
    expect(await countOf(base, 'everything')).toBe(3000);
  });

  test('overlapping calls keep their order in each partition', async () => {
    const clock = new ManualClock(1_000_000);
    const base = await openMemoryLog({ clock, random: new Random(3) });
    const { engine } = await openWorld({ log: base });
    await engine.execute(people);
    await Promise.all(Array.from({ length: 50 }, (_, age) => engine.insert('people', [{ name: 'Ada', age }])));
    expect((await topicOf(base, 'people')).map((row) => row.split('=')[1])).toEqual(
      Array.from({ length: 50 }, (_, age) => `{"AGE":${age}}`),
    );
  });

  test('a stream that is dropped and made anew takes rows of its new columns', async () => {
    const { engine } = await openWorld();
    const create = async (column: string): Promise<SqlEngine> => {
      await engine.execute(
        `DROP STREAM IF EXISTS s DELETE TOPIC; CREATE STREAM s (${column}) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);`,
      );
      return engine;
    };
    await (await create('a INT')).insert('s', [{ a: 1 }]);
    await (await create('b VARCHAR')).insert('s', [{ b: 'x' }]);
    expect(await rowsOf(engine, 'SELECT * FROM s;')).toEqual([['x']]);
  });
});
