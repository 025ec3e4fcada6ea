/** Push queries: what they cost while they are open, and that nothing of them is left when they are closed, or the
 *  process dies. */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, test } from 'vitest';
import { ManualClock, Random } from '../../../base/index.ts';
import { open } from '../../../millrace.ts';
import { type Row, ScanRegistry, type SqlEngine } from '../../../sql/index.ts';
import { PushBuffers } from '../../../sql/queries/push-buffers.ts';
import { openFileLog } from '../../../storage/file-log/index.ts';
import { FaultyFiles } from '../../support/faulty-files.ts';
import { closeWorlds, openWorld } from '../support/world.ts';

afterEach(closeWorlds);

const clicks = (partitions: number): string =>
  `CREATE STREAM clicks (page VARCHAR KEY, ms BIGINT, note VARCHAR)
     WITH (KAFKA_TOPIC='clicks', VALUE_FORMAT='JSON', PARTITIONS=${partitions});`;

const earliest = { properties: { 'auto.offset.reset': 'earliest' } };

/** The first row of a query, which is then closed. */
const firstRow = async (engine: SqlEngine, sql: string): Promise<Row | undefined> => {
  const handle = await engine.query(sql, earliest);
  for await (const [row] of handle.rows()) return row as Row;
  return undefined;
};

const settled = async (read: () => number): Promise<number> => {
  for (let before = -1; ; ) {
    const now = read();
    if (now === before) return now;
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};

test('grouping in a push query makes no topic, so a crash leaves none', async () => {
  const files = new FaultyFiles();
  const reopen = () => {
    const clock = new ManualClock(1_000_000);
    return openFileLog({ directory: '/data', files, clock, timers: clock, random: new Random(3) });
  };
  const log = await reopen();
  const { engine } = await openWorld({ log });
  await engine.execute(`${clicks(2)} INSERT INTO clicks VALUES ('a', 1, 'x');`);
  const before = (await log.describeTopics()).map(({ name }) => name);
  const handle = await engine.query('SELECT note, COUNT(*) AS n FROM clicks GROUP BY note EMIT CHANGES;', earliest);
  const rows = handle.rows()[Symbol.asyncIterator]();
  expect((await rows.next()).value).toEqual([['x', 1]]);
  expect((await log.describeTopics()).map(({ name }) => name)).toEqual(before);
  await closeWorlds();
  await log.close();
});

test('a join and a grouping in one push query see every row, behind two repartitions', async () => {
  const { engine } = await openWorld();
  await engine.execute(`${clicks(3)}
    CREATE TABLE notes (note VARCHAR PRIMARY KEY, grade BIGINT) WITH (KAFKA_TOPIC='notes', VALUE_FORMAT='JSON', PARTITIONS=3);
    INSERT INTO notes VALUES ('n0', 0); INSERT INTO notes VALUES ('n1', 1); INSERT INTO notes VALUES ('n2', 0);`);
  const inserter = await engine.inserter('clicks');
  await inserter.insert(Array.from({ length: 30_000 }, (_, i) => ({ page: `p${i % 700}`, ms: i, note: `n${i % 3}` })));
  const handle = await engine.query(
    'SELECT grade, COUNT(*) AS n, SUM(ms) AS total FROM clicks c JOIN notes t ON c.note = t.note GROUP BY grade EMIT CHANGES;',
    earliest,
  );
  const last = new Map<unknown, Row>();
  for await (const batch of handle.rows()) {
    for (const row of batch) last.set(row[0], row as Row);
    if (last.get(0)?.[1] === 20_000 && last.get(1)?.[1] === 10_000) break;
  }
  const total = (grade: number): number => {
    let sum = 0;
    for (let i = 0; i < 30_000; i++) if ((i % 3 === 1 ? 1 : 0) === grade) sum += i;
    return sum;
  };
  expect(last.get(0)).toEqual([0, 20_000, total(0)]);
  expect(last.get(1)).toEqual([1, 10_000, total(1)]);
});

test('clients that take nothing hold a bounded number of bytes, however large the rows, and miss none', async () => {
  const { engine, runtime } = await openWorld({ engine: { push: { bytesPerQuery: 1 << 20, bytesInAll: 32 << 20 } } });
  await engine.execute(clicks(1));
  const inserter = await engine.inserter('clicks');
  const wide = 'x'.repeat(200_000);
  for (let i = 0; i < 120; i++) await inserter.insert([{ page: 'a', ms: i, note: wide }]);
  const handles = await Promise.all(
    Array.from({ length: 27 }, () => engine.query('SELECT ms, note FROM clicks EMIT CHANGES;', earliest)),
  );
  const read = () => handles.reduce((sum, { id }) => sum + runtime.counters(id).recordsRead, 0);
  // 27 windows share half of the 32 MiB, which is 3 rows each in buffers of 256 KiB; a step or two may go beyond.
  await expect.poll(() => Math.min(...handles.map(({ id }) => runtime.counters(id).recordsRead))).toBeGreaterThan(0);
  expect(await settled(read)).toBeLessThan(27 * 8);
  const seen: number[] = [];
  for await (const batch of (handles[13] as (typeof handles)[0]).rows()) {
    for (const [ms] of batch) seen.push(ms as number);
    if (seen.length >= 120) break;
  }
  expect(seen).toEqual(Array.from({ length: 120 }, (_, i) => i));
});

test('nobody waits for a client that takes nothing, although they read the same topic', async () => {
  // With a clock that stands still, whoever waits for the others to come up waits for ever.
  const clock = new ManualClock(1_000_000);
  const { engine } = await openWorld({ runtime: { clock }, engine: { push: { bytesPerQuery: 64 << 10 } } });
  await engine.execute(clicks(1));
  const inserter = await engine.inserter('clicks');
  for (let i = 0; i < 60; i++) await inserter.insert([{ page: 'a', ms: i, note: 'x'.repeat(200_000) }]);
  const idle = await engine.query('SELECT ms, note FROM clicks EMIT CHANGES;', earliest);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const handle = await engine.query('SELECT ms, note FROM clicks EMIT CHANGES LIMIT 60;', earliest);
  let rows = 0;
  const read = (async () => {
    for await (const batch of handle.rows()) rows += batch.length;
  })();
  await read;
  expect(rows).toBe(60);
  await idle.close();
});

test('windows shrink when many queries are open, and grow again; beyond the sum the query that holds most ends', () => {
  const buffers = new PushBuffers({ bytesPerQuery: 100_000, bytesInAll: 1_000_000 });
  const queries = Array.from({ length: 10 }, (_, i) => ({
    bufferedBytes: 0,
    window: 0,
    ended: false,
    setWindow(bytes: number) {
      this.window = bytes;
    },
    endSlow() {
      this.ended = true;
      const held = this.bufferedBytes;
      this.bufferedBytes = 0;
      buffers.add(-held);
    },
    hold(bytes: number) {
      this.bufferedBytes += bytes;
      buffers.add(bytes);
    },
    i,
  }));
  for (const query of queries) buffers.join(query);
  expect(buffers.window).toBe(50_000);
  expect(queries.map(({ window }) => window)).toEqual(queries.map(() => 50_000));
  for (const query of queries) query.hold(95_000 + query.i);
  expect(queries.some(({ ended }) => ended)).toBe(false);
  queries[3]?.hold(60_000);
  expect(queries.filter(({ ended }) => ended).map(({ i }) => i)).toEqual([3]);
  expect(buffers.bytes).toBe(9 * 95_000 + 45 - 3);
  for (const query of queries.slice(5)) buffers.leave(query);
  expect(buffers.window).toBe(100_000);
});

test.each([0, 1])('opening and closing many push queries grows nothing, %i workers', async (workers) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const data = mkdtempSync(join(tmpdir(), 'millrace-push-'));
  const millrace = await open({ data, workers });
  try {
    const { engine, log } = millrace;
    await engine.execute(`${clicks(2)} INSERT INTO clicks VALUES ('a', 1, 'x');`);
    const round = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i += 10) {
        await Promise.all(
          Array.from({ length: 10 }, async (_, j) => {
            const sql = `SELECT note, COUNT(*) + ${i + j} AS n FROM clicks GROUP BY note EMIT CHANGES;`;
            expect(await firstRow(engine, sql)).toEqual(['x', 1 + i + j]);
          }),
        );
      }
    };
    const now = async () => {
      collect();
      return {
        topics: (await log.describeTopics()).length,
        groups: (await log.groups()).length,
        handles: readdirSync('/proc/self/fd').length,
        heap: process.memoryUsage().heapUsed,
      };
    };
    await round(500);
    const before = await now();
    await round(2000);
    const after = await now();
    expect({ ...after, heap: 0 }).toEqual({ ...before, heap: 0 });
    // A query that were kept would cost kilobytes.
    expect((after.heap - before.heap) / 2000).toBeLessThan(1500);
  } finally {
    await millrace.close();
    rmSync(data, { recursive: true, force: true });
  }
});

test('columns that only closed queries wanted are not parsed any more', async () => {
  const scans = new ScanRegistry();
  const { engine } = await openWorld({ engine: { scans } });
  await engine.execute(`${clicks(1)} INSERT INTO clicks VALUES ('a', 1, 'x');`);
  for (let i = 0; i < 5; i++) {
    expect(await firstRow(engine, 'SELECT note FROM clicks EMIT CHANGES;')).toEqual(['x']);
    const handle = await engine.query('SELECT ms FROM clicks;');
    for await (const batch of handle.rows()) expect(batch).toEqual([[1]]);
  }
  expect(scans.size).toBe(0);
});

describe('rows that leave a table', () => {
  /** What a query shows up to a row whose first column is 'end': each row, and whether it was deleted. */
  const shown = async (engine: SqlEngine, sql: string): Promise<unknown[]> => {
    const handle = await engine.query(sql, { ...earliest, deletions: true });
    expect(handle.deletions).toBe(true);
    const all: unknown[] = [];
    for await (const batch of handle.rows()) {
      for (const row of batch) {
        if (row.includes('end')) return all;
        all.push(row);
      }
    }
    return all;
  };

  const kept = async (): Promise<SqlEngine> => {
    const { engine } = await openWorld();
    await engine.execute(`${clicks(1)}
      CREATE TABLE pages (page VARCHAR PRIMARY KEY, grade BIGINT)
        WITH (KAFKA_TOPIC='pages', VALUE_FORMAT='JSON', PARTITIONS=1);
      CREATE TABLE single AS SELECT page, COUNT(*) AS n FROM clicks GROUP BY page HAVING COUNT(*) < 2;
      INSERT INTO pages VALUES ('a', 5);
      INSERT INTO clicks VALUES ('a', 1, 'x');
      INSERT INTO clicks VALUES ('b', 1, 'x');
      INSERT INTO clicks VALUES ('a', 2, 'x');
      INSERT INTO clicks VALUES ('end', 1, 'x');
      INSERT INTO pages VALUES ('end', 5);`);
    await engine.awaitIdle();
    return engine;
  };

  test('come with the columns of their key, and NULL in the others', async () => {
    const engine = await kept();
    expect(await shown(engine, "SELECT n, page, page + '!' AS more, page AS again FROM single EMIT CHANGES;")).toEqual([
      [1, 'a', 'a!', 'a', false],
      [1, 'b', 'b!', 'b', false],
      [null, 'a', null, 'a', true],
    ]);
    expect(
      await shown(
        engine,
        'SELECT page, COUNT(*) AS n FROM clicks GROUP BY page HAVING COUNT(*) < 2 EMIT CHANGES LIMIT 3;',
      ),
    ).toEqual([
      ['a', 1, false],
      ['b', 1, false],
      ['a', null, true],
    ]);
  });

  test('of windows and joins too, and each once', async () => {
    const engine = await kept();
    expect(
      await shown(
        engine,
        `SELECT WINDOWSTART AS began, page, WINDOWEND AS ended, COUNT(*) AS n FROM clicks
           WINDOW TUMBLING (SIZE 1000 DAYS) GROUP BY page HAVING COUNT(*) < 2 EMIT CHANGES;`,
      ),
    ).toEqual([
      [0, 'a', 86_400_000_000, 1, false],
      [0, 'b', 86_400_000_000, 1, false],
      [0, 'a', 86_400_000_000, null, true],
    ]);
    const join = await engine.query(
      'SELECT p.page, grade, s.page, n FROM single s JOIN pages p ON s.page = p.page EMIT CHANGES;',
      { ...earliest, deletions: true },
    );
    const rows = join.rows()[Symbol.asyncIterator]();
    expect((await rows.next()).value).toEqual([['end', 5, 'end', 1, false]]);
    await engine.execute("INSERT INTO clicks VALUES ('end', 2, 'x');");
    expect((await rows.next()).value).toEqual([['end', null, 'end', null, true]]);
    await join.close();
  });

  test('are left out unless they are asked for, and then LIMIT counts rows only; a stream has none', async () => {
    const engine = await kept();
    const read = async (sql: string, deletions?: boolean): Promise<unknown[]> => {
      const handle = await engine.query(sql, { ...earliest, deletions });
      const all: unknown[] = [];
      for await (const batch of handle.rows()) all.push(...batch);
      return all;
    };
    expect(await read('SELECT page FROM single EMIT CHANGES LIMIT 3;')).toEqual([['a'], ['b'], ['end']]);
    expect(await read('SELECT page FROM single EMIT CHANGES LIMIT 3;', true)).toEqual([
      ['a', false],
      ['b', false],
      ['a', true],
    ]);
    expect(await read('SELECT page FROM clicks EMIT CHANGES LIMIT 1;', true)).toEqual([['a']]);
    expect(await read("SELECT page FROM single WHERE page = 'b';", true)).toEqual([['b']]);
  });
});
