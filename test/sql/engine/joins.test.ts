/** Joins of streams and of tables on a log: one partition or several, through restarts, and for a client. */

import { afterEach, describe, expect, test } from 'vitest';
import { ManualClock, Random } from '../../../base/index.ts';
import type { SqlEngine } from '../../../sql/index.ts';
import { openMemoryLog } from '../../../storage/index.ts';
import { closeWorlds, openWorld, rowsOf } from '../support/world.ts';

afterEach(closeWorlds);

const statements = (partitions: number): string => {
  const source = (kind: string, name: string, columns: string, keys = 'KAFKA', count = partitions): string =>
    `CREATE ${kind} ${name} (id BIGINT ${kind === 'TABLE' ? 'PRIMARY KEY' : 'KEY'}, ${columns})
       WITH (KAFKA_TOPIC='${name}', PARTITIONS=${count}, VALUE_FORMAT='JSON', KEY_FORMAT='${keys}');`;
  return `
    SET 'auto.offset.reset' = 'earliest';
    ${source('STREAM', 'l', 'g BIGINT, v INT')}
    ${source('STREAM', 'r', 'g BIGINT, w INT', 'JSON')}
    ${source('TABLE', 't', 'ref BIGINT, x INT')}
    ${source('TABLE', 'u', 'y INT', 'JSON')}
    ${source('TABLE', 'far', 'z INT', 'KAFKA', 2)}
    CREATE STREAM near AS SELECT l.id, v, w FROM l JOIN r WITHIN 1 HOUR ON l.id = r.id;
    CREATE STREAM by_group AS SELECT l.g, l.id AS lid, r.id AS rid FROM l LEFT JOIN r WITHIN 1 HOUR ON l.g = r.g;
    CREATE STREAM all_three AS SELECT l.id, v, w, x FROM l JOIN r WITHIN 1 HOUR ON l.id = r.id LEFT JOIN t ON r.id = t.id;
    CREATE TABLE both AS SELECT ROWKEY AS k, x, y FROM t FULL JOIN u ON t.id = u.id;
    CREATE TABLE referred AS SELECT t.id, x, z FROM t LEFT JOIN far ON t.ref = far.id;`;
};

const ids = Array.from({ length: 30 }, (_, id) => id);
const outputs = ['near', 'by_group', 'all_three', 'both', 'referred'] as const;

const insert = async (
  engine: SqlEngine,
  source: string,
  rows: readonly Record<string, number | null>[],
): Promise<void> => {
  const outcomes = await (await engine.inserter(source)).insert(rows.map((row) => ({ ...row })));
  expect(outcomes.every(({ ok }) => ok)).toBe(true);
  await engine.awaitIdle();
};

/** The steps of a history; between any two of them the engine may be started again. */
const steps: readonly ((engine: SqlEngine) => Promise<void>)[] = [
  (engine) =>
    insert(
      engine,
      'far',
      ids.filter((id) => id % 4 > 0).map((id) => ({ ID: id, Z: id * 5 })),
    ),
  (engine) =>
    insert(
      engine,
      't',
      ids.filter((id) => id % 3 > 0).map((id) => ({ ID: id, REF: (id * 7) % 30, X: id })),
    ),
  (engine) =>
    insert(
      engine,
      'l',
      ids.map((id) => ({ ID: id, G: id % 10, V: id })),
    ),
  (engine) =>
    insert(
      engine,
      'u',
      ids.filter((id) => id % 2 > 0).map((id) => ({ ID: id, Y: id * 2 })),
    ),
  (engine) =>
    insert(
      engine,
      'r',
      ids.filter((id) => id % 5 > 0).map((id) => ({ ID: id, G: id, W: id * 10 })),
    ),
  (engine) =>
    insert(
      engine,
      'far',
      ids.filter((id) => id % 6 === 0).map((id) => ({ ID: id, Z: -id })),
    ),
];

const x = (id: number): number | null => (id % 3 > 0 ? id : null);
const z = (id: number): number | null => (id % 6 === 0 ? -id : id % 4 > 0 ? id * 5 : null);

const expected: Readonly<Record<(typeof outputs)[number], readonly (readonly (number | null)[])[]>> = {
  near: ids.filter((id) => id % 5 > 0).map((id) => [id, id, id * 10]),
  by_group: [
    ...ids.map((id) => [id % 10, id, null]),
    ...ids.filter((id) => (id % 10) % 5 > 0).map((id) => [id % 10, id, id % 10]),
  ],
  all_three: ids.filter((id) => id % 5 > 0).map((id) => [id, id, id * 10, x(id)]),
  both: ids.filter((id) => id % 3 > 0 || id % 2 > 0).map((id) => [id, x(id), id % 2 > 0 ? id * 2 : null]),
  referred: ids.filter((id) => id % 3 > 0).map((id) => [id, id, z((id * 7) % 30)]),
};

const check = async (engine: SqlEngine): Promise<void> => {
  for (const name of outputs) {
    const rows = (await rowsOf(engine, `SELECT * FROM ${name};`)).map(String).sort();
    expect(rows, name).toEqual(expected[name].map(String).sort());
  }
};

test.each([1, 3])('with %i partitions the rows are those of plain look-ups', async (partitions) => {
  const { engine } = await openWorld();
  await engine.execute(statements(partitions));
  for (const step of steps) await step(engine);
  await check(engine);
});

test('a restart between any two steps changes nothing', async () => {
  const log = await openMemoryLog({ clock: new ManualClock(1_000_000), random: new Random(7) });
  const begin = async (): Promise<Awaited<ReturnType<typeof openWorld>>> => openWorld({ log });
  let world = await begin();
  await world.engine.execute(statements(2));
  for (const step of steps) {
    await step(world.engine);
    await world.stop();
    world = await begin();
    await world.engine.awaitIdle();
  }
  await check(world.engine);
});

describe('a push query', () => {
  const first = async (engine: SqlEngine, sql: string, count: number): Promise<string[]> =>
    (await rowsOf(engine, `${sql} EMIT CHANGES LIMIT ${count};`, { 'auto.offset.reset': 'earliest' }))
      .map(String)
      .sort();

  test('joins without a key being selected', async () => {
    const { engine } = await openWorld();
    await engine.execute(statements(2));
    for (const step of steps) await step(engine);
    expect(await first(engine, 'SELECT v, w FROM l JOIN r WITHIN 1 HOUR ON l.id = r.id', 24)).toEqual(
      expected.near.map(([, v, w]) => String([v, w])).sort(),
    );
    expect(await first(engine, 'SELECT * FROM l FULL JOIN r WITHIN 1 HOUR ON l.id = r.id', 1)).toHaveLength(1);
    expect(await first(engine, 'SELECT x, z FROM t JOIN far ON t.ref = far.id WHERE t.id = 2', 1)).toEqual(['2,70']);
  });
});

test('EXPLAIN shows a join as a step with its stores', async () => {
  const { engine } = await openWorld();
  await engine.execute(statements(1));
  const [answer] = await engine.execute(
    'EXPLAIN SELECT v, w FROM l LEFT JOIN r WITHIN (1 SECOND, 2 SECONDS) GRACE PERIOD 5 SECONDS ON l.id = r.id EMIT CHANGES;',
  );
  const text = JSON.stringify(answer);
  expect(text).toContain(
    'streamStreamJoin left of Join-Left and Join-Right, 1000 ms before, 2000 ms after, grace 5000 ms',
  );
  expect(text).toContain('Join-Alone');
});
