/** A full disk, as statements and queries see it: a plain answer, no query stops, and all goes on when there is
 *  space. */

import { afterEach, expect, test } from 'vitest';
import { Random } from '../../../base/index.ts';
import { systemClock } from '../../../base/node/index.ts';
import { openFileLog } from '../../../storage/file-log/index.ts';
import { FaultyFiles } from '../../support/faulty-files.ts';
import { closeWorlds, openWorld, rowsOf } from '../support/world.ts';

afterEach(closeWorlds);

test('statements and rows are refused with what to do, reads go on, and queries resume by themselves', async () => {
  const files = new FaultyFiles();
  const log = await openFileLog({
    directory: '/data',
    files,
    clock: systemClock,
    timers: systemClock,
    random: new Random(3),
  });
  const { engine } = await openWorld({ log });
  await engine.execute(`
    CREATE STREAM clicks (page VARCHAR KEY, ms BIGINT) WITH (KAFKA_TOPIC='clicks', VALUE_FORMAT='JSON', PARTITIONS=2);
    CREATE TABLE by_page AS SELECT page, COUNT(*) AS n FROM clicks GROUP BY page;
    INSERT INTO clicks VALUES ('a', 1);`);
  await engine.awaitIdle();

  // Room for the row, and none for what comes of it.
  files.capacity = files.usedBytes + 120;
  const outcomes: string[] = [];
  for (let i = 0; i < 5; i++) {
    const [outcome] = await (await engine.inserter('clicks')).insert([{ page: 'a', ms: i }]);
    outcomes.push(outcome?.ok === true ? 'ok' : String(outcome?.error));
  }
  const kept = outcomes.filter((outcome) => outcome === 'ok').length;
  expect(outcomes.at(-1)).toMatch(/no space is left/);
  const full = { code: 'LOG_DISK_FULL', hint: expect.stringContaining('Free some space') };
  await expect(engine.execute(`INSERT INTO clicks VALUES ('b', 1);`)).rejects.toMatchObject(full);
  await expect(engine.execute('CREATE STREAM more AS SELECT * FROM clicks;')).rejects.toMatchObject(full);
  expect(await rowsOf(engine, "SELECT n FROM by_page WHERE page = 'a';")).toEqual([[1]]);
  // It runs, and whoever asks is told why nothing comes of it.
  const why = expect.stringContaining('no space is left');
  const shown = async (): Promise<object> => ({
    queries: await engine.queries(),
    statements: await engine.execute('SHOW QUERIES; EXPLAIN CTAS_BY_PAGE_1; DESCRIBE by_page EXTENDED;'),
  });
  await expect.poll(shown).toMatchObject({
    queries: [{ id: 'CTAS_BY_PAGE_1', state: 'RUNNING', error: why, hint: full.hint }],
    statements: [
      { queries: [{ state: 'RUNNING', millrace: { error: why } }] },
      { queryDescription: { state: 'RUNNING', queryErrors: [why, full.hint] } },
      { sourceDescription: { errorStats: why, writeQueries: [{ millrace: { error: why } }] } },
    ],
  });

  files.capacity = Number.POSITIVE_INFINITY;
  await engine.awaitIdle();
  expect(await rowsOf(engine, "SELECT n FROM by_page WHERE page = 'a';")).toEqual([[1 + kept]]);
  await engine.execute(`CREATE STREAM more AS SELECT * FROM clicks; INSERT INTO clicks VALUES ('b', 1);`);
  await engine.awaitIdle();
  expect(await rowsOf(engine, 'SELECT page, n FROM by_page;')).toHaveLength(2);
  expect(engine.report.failedStatements).toEqual([]);
  for (const query of await engine.queries()) expect(query).not.toHaveProperty('error');
  await closeWorlds();
  await log.close();
});
