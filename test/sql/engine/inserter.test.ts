/** Rows from clients: converted by the types of the columns, refused one by one, kept in order per partition. */

import { afterEach, describe, expect, test } from 'vitest';
import { UserError } from '../../../base/index.ts';
import { consumeRecords } from '../../../storage/index.ts';
import { closeWorlds, openWorld, rowsOf, type World } from '../support/world.ts';

afterEach(closeWorlds);

const prepared = async (): Promise<World> => {
  const world = await openWorld();
  await world.engine.execute(`
    CREATE STREAM things (id BIGINT KEY, i INT, b BIGINT, d DOUBLE, t VARCHAR, f BOOLEAN, ts TIMESTAMP, a ARRAY<INT>, m MAP<VARCHAR, INT>, s STRUCT<x INT, y VARCHAR>)
      WITH (KAFKA_TOPIC='things', VALUE_FORMAT='JSON', PARTITIONS=3);
    CREATE TABLE users (name VARCHAR PRIMARY KEY, age INT) WITH (KAFKA_TOPIC='users', VALUE_FORMAT='JSON', PARTITIONS=1);`);
  return world;
};

const faults = (outcomes: readonly { readonly ok: boolean; readonly error?: Error }[]): readonly string[] =>
  outcomes.map(({ error }) =>
    error instanceof UserError ? `${error.code}: ${error.message}` : error === undefined ? 'ok' : error.name,
  );

describe('an inserter', () => {
  test('takes values of every type, exact ones included', async () => {
    const { engine } = await prepared();
    const inserter = await engine.inserter('things');
    expect(inserter.columns.filter(({ isKey }) => isKey).map(({ name }) => name)).toEqual(['ID']);
    const row = {
      id: 9223372036854775807n,
      i: -1,
      b: 9007199254740993n,
      d: 1,
      t: 'x',
      f: true,
      ts: 5,
      a: [1, null],
      m: { k: 2 },
      s: { X: 1, y: 'z' },
    };
    expect(await inserter.insert([row])).toEqual([{ ok: true }]);
    expect(await rowsOf(engine, 'SELECT * FROM things;')).toEqual([
      [9223372036854775807n, -1, 9007199254740993n, 1, 'x', true, 5, [1, null], new Map([['k', 2]]), [1, 'z']],
    ]);
  });

  test('finds columns in any case, and as they stand between backticks', async () => {
    const { engine } = await prepared();
    const inserter = await engine.inserter('THINGS');
    expect(
      await inserter.insert([
        { Id: 1, T: 'a' },
        { '`ID`': 2, t: 'b' },
      ]),
    ).toEqual([{ ok: true }, { ok: true }]);
    expect((await rowsOf(engine, 'SELECT id, t FROM things;')).sort()).toEqual([
      [1, 'a'],
      [2, 'b'],
    ]);
  });

  test('refuses rows one by one, and says why', async () => {
    const { engine } = await prepared();
    const inserter = await engine.inserter('things');
    const outcomes = await inserter.insert([
      { id: 1 },
      { t: 'no key' },
      { id: null },
      { id: 2, tt: 'x' },
      { id: 3, i: 2147483648 },
      { id: 4, i: 1.5 },
      { id: 5, f: 'perhaps' },
      { id: 6, a: 'no array' },
      { id: 7, m: [1] },
      { id: 18446744073709551616n },
      { id: 8, ROWTIME: 5 },
      { id: 9, t: 7, d: '2.5', i: '12' },
    ]);
    expect(faults(outcomes)).toEqual([
      'ok',
      'SQL_NULL_KEY: the key column "ID" is missing or null',
      'SQL_NULL_KEY: the key column "ID" is missing or null',
      'SQL_UNKNOWN_COLUMN: the column "tt" does not exist in stream "THINGS"',
      'SQL_INVALID_VALUE: the column "I" is INTEGER and cannot take number 2147483648',
      'SQL_INVALID_VALUE: the column "I" is INTEGER and cannot take number 1.5',
      'ok',
      'SQL_INVALID_VALUE: the column "A" is ARRAY<INTEGER> and cannot take string no array',
      'SQL_INVALID_VALUE: the column "M" is MAP<STRING, INTEGER> and cannot take an array',
      'SQL_INVALID_VALUE: the column "ID" is BIGINT and cannot take bigint 18446744073709551616',
      'SQL_UNKNOWN_COLUMN: the column "ROWTIME" does not exist in stream "THINGS"',
      'ok',
    ]);
    expect((await rowsOf(engine, 'SELECT id, i, d, t, f FROM things;')).sort()).toEqual([
      [1, null, null, null, null],
      [5, null, null, null, false],
      [9, 12, 2.5, '7', null],
    ]);
  });

  test('refuses a row that is larger than a batch of the topic may be', async () => {
    const { engine } = await prepared();
    const inserter = await engine.inserter('things');
    const outcomes = await inserter.insert([
      { id: 1, t: 'x'.repeat(2_000_000) },
      { id: 2, t: 'y' },
    ]);
    expect(faults(outcomes)[0]).toMatch(/^SQL_RECORD_TOO_LARGE: the row takes 2000\d+ bytes/);
    expect(outcomes[1]).toEqual({ ok: true });
  });

  test('names like those of object prototypes are only names', async () => {
    const { engine, log } = await prepared();
    await engine.execute(
      "CREATE STREAM odd (k INT KEY, `__proto__` VARCHAR, constructor INT) WITH (KAFKA_TOPIC='odd', VALUE_FORMAT='JSON', PARTITIONS=1);",
    );
    const inserter = await engine.inserter('odd');
    const row = JSON.parse('{"k": 1, "__proto__": "polluted?", "constructor": 2}') as Record<string, unknown>;
    expect(await inserter.insert([row])).toEqual([{ ok: true }]);
    expect(faults(await inserter.insert([JSON.parse('{"k": 1, "toString": 1}') as Record<string, unknown>]))).toEqual([
      'SQL_UNKNOWN_COLUMN: the column "toString" does not exist in stream "ODD"',
    ]);
    expect(await rowsOf(engine, 'SELECT * FROM odd;')).toEqual([[1, 'polluted?', 2]]);
    expect(({} as Record<string, unknown>)['polluted?']).toBeUndefined();
    expect((await log.describeTopic('odd'))?.partitions).toBe(1);
  });

  test('keeps the order of overlapping calls within each partition', async () => {
    const { engine, log } = await prepared();
    const inserter = await engine.inserter('things');
    const calls = Array.from({ length: 50 }, (_, call) =>
      inserter.insert(Array.from({ length: 20 }, (__, i) => ({ id: i % 7, i: call * 20 + i }))),
    );
    await Promise.all(calls);
    const last = new Map<number, number>();
    for await (const { partition, value } of consumeRecords(log, 'things', { untilEnd: true })) {
      const { I } = JSON.parse(new TextDecoder().decode(value ?? undefined)) as { I: number };
      expect(I).toBeGreaterThan(last.get(partition) ?? -1);
      last.set(partition, I);
    }
    expect(last.size).toBe(3);
  });

  test('needs a target that is there and can be written', async () => {
    const { engine } = await prepared();
    await expect(engine.inserter('thing')).rejects.toMatchObject({
      code: 'SQL_UNKNOWN_SOURCE',
      hint: 'Did you mean "THINGS"?',
    });
    await expect(engine.inserter('`things`')).rejects.toMatchObject({ code: 'SQL_UNKNOWN_SOURCE' });
    expect(await (await engine.inserter('`USERS`')).insert([{ name: 'ada', age: 36 }])).toEqual([{ ok: true }]);
  });
});
