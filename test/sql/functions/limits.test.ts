/** Functions of users that do not end, or take all memory: they end their query, with a reason, and nobody else's. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Millrace, type OpenOptions, open } from 'millrace';
import { afterEach, describe, expect, test } from 'vitest';
import { startServer } from '../../../server/index.ts';

const unruly = new URL('./modules/unruly.ts', import.meta.url);

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const directory = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'millrace-limits-'));
  closing.push(() => rmSync(made, { recursive: true, force: true }));
  return made;
};

const opened = async (options: Partial<OpenOptions> = {}): Promise<Millrace> => {
  const millrace = await open({
    data: directory(),
    workers: 1,
    functions: [unruly],
    functionLimits: { callMs: 700, heapMb: 64 },
    ...options,
  });
  closing.push(() => millrace.close());
  await millrace.sql(`
    SET 'auto.offset.reset' = 'earliest';
    CREATE STREAM s (id INT KEY, v VARCHAR) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
    CREATE STREAM good AS SELECT id, UCASE(v) AS u FROM s;
    CREATE TABLE counts AS SELECT u, COUNT(*) AS n FROM good GROUP BY u;`);
  return millrace;
};

/** State and fault of each query, by the name of what it makes. */
const states = async (millrace: Millrace): Promise<Record<string, string>> =>
  Object.fromEntries(
    (await millrace.engine.queries()).map(({ id, state, error = '' }) => [
      id.replace(/^C[ST]AS_(.*)_\d+$/, '$1'),
      `${state} ${error}`.trim(),
    ]),
  );

const rows = async (millrace: Millrace, select: string): Promise<unknown[][]> =>
  (await millrace.query(select)).map((row) => Object.values(row));

const insert = (...values: readonly string[]): string =>
  values.map((value, i) => `INSERT INTO s (id, v) VALUES (${i}, '${value}');`).join('\n');

describe.each([
  [
    'a scalar function',
    'STREAM bad AS SELECT id, ACT(v) AS n FROM s',
    'forever',
    /the function ACT of the module unruly 1 took more than 700 ms/,
  ],
  ['a bound one', "STREAM bad AS SELECT id, ACT_BOUND('x', v) AS n FROM s", 'forever', /the function ACT_BOUND/],
  ['a table function', 'STREAM bad AS SELECT id, ACT_ROWS(v) AS n FROM s', 'forever', /the function ACT_ROWS/],
  ['an aggregate', 'TABLE bad AS SELECT v, ACT_SUM(v, 0) AS n FROM s GROUP BY v', 'forever', /the function ACT_SUM/],
])('%s that does not end', (_, query, value, why) => {
  test('ends its query; others lose nothing and count nothing twice', async () => {
    const millrace = await opened();
    await millrace.sql(`CREATE ${query}; ${insert('before', value, 'after')}`);
    await expect.poll(() => states(millrace)).toMatchObject({ BAD: expect.stringMatching(why) });
    await expect.poll(() => states(millrace)).toMatchObject({ GOOD: 'RUNNING', COUNTS: 'RUNNING' });
    await millrace.sql(insert('later'));
    await expect
      .poll(() => rows(millrace, 'SELECT u FROM good;'))
      .toEqual([['BEFORE'], [value.toUpperCase()], ['AFTER'], ['LATER']]);
    await expect.poll(() => rows(millrace, 'SELECT n FROM counts;')).toEqual([[1], [1], [1], [1]]);
    expect((await states(millrace))['BAD']).toMatch(/^ERROR the query "C[ST]AS_BAD_\d+" was ended with its thread/);
  });
});

test('one that takes all memory runs alone after the first time, and ends its query', async () => {
  const millrace = await opened({ functionLimits: { callMs: 60_000, heapMb: 64 } });
  await millrace.sql(`CREATE STREAM bad AS SELECT id, ACT(v) AS n FROM s; ${insert('before', 'memory', 'after')}`);
  await expect
    .poll(() => states(millrace))
    .toMatchObject({
      BAD: expect.stringMatching(/has ended the thread it runs in 2 times.*the function ACT of the module unruly 1/),
    });
  await expect.poll(() => rows(millrace, 'SELECT n FROM counts;')).toEqual([[1], [1], [1]]);
  expect(await states(millrace)).toMatchObject({ GOOD: 'RUNNING', COUNTS: 'RUNNING' });
});

const fromStart = { properties: { 'auto.offset.reset': 'earliest' } };

test('a push query ends with the reason', async () => {
  const millrace = await opened();
  await millrace.sql(insert('forever'));
  await expect(async () => {
    for await (const _ of millrace.subscribe('SELECT ACT(v) AS n FROM s EMIT CHANGES;', fromStart));
  }).rejects.toThrow(/the function ACT of the module unruly 1 took more than 700 ms for one call/);
});

test('a module that is registered later has the same limits', async () => {
  const millrace = await opened({ functions: [] });
  await millrace.registerFunctions(new URL('./modules/greetings-1.ts', import.meta.url));
  await millrace.registerFunctions(unruly);
  await millrace.sql(insert('forever'));
  await expect(millrace.query('SELECT ACT(v) AS n FROM s;')).rejects.toThrow('did not end within 700 ms');
  await millrace.sql(`CREATE STREAM bad AS SELECT id, ACT(v) AS n FROM s; ${insert('forever')}`);
  const why = /the function ACT of the module unruly 1 took more than 700 ms/;
  await expect.poll(() => states(millrace)).toMatchObject({ BAD: expect.stringMatching(why) });
});

test('on the calling thread: constants, INSERT VALUES and pull queries', async () => {
  const millrace = await opened();
  const late = /a call of the function ACT did not end within 700 ms/;
  await expect(millrace.sql("INSERT INTO s (id, v) VALUES (ACT('forever'), 'x');")).rejects.toThrow(late);
  await expect(millrace.sql("INSERT INTO s (id, v) VALUES (ACT('memory'), 'x');")).rejects.toThrow(late);
  await millrace.sql(insert('forever', 'x'));
  await expect(millrace.query('SELECT ACT(v) AS n FROM s;')).rejects.toThrow(late);
  // The next call gets a new thread.
  expect(await rows(millrace, "SELECT ACT('four') AS a, ACT_BOUND('x', v) AS b FROM s WHERE v = 'x';")).toEqual([
    [4, 2],
  ]);
  await expect(millrace.query('SELECT ACT_EACH(ARRAY[1], x => x + 1) AS n FROM s;')).resolves.toEqual([
    { N: null },
    { N: null },
  ]);
});

test('the time that a new thread takes to load the module is not that of the call', async () => {
  const file = join(directory(), 'slow.mjs');
  writeFileSync(
    file,
    `await new Promise((resolve) => setTimeout(resolve, 600));
    const spin = (n) => { while (n >= 0) n += 0; return n; };
    export default { name: 'slow', version: '1', functions: [
      { signature: 'SPIN(INT) -> INT', doc: 'Never ends for a number from 0 on.', body: spin } ] };`,
  );
  const millrace = await open({
    data: directory(),
    workers: 0,
    functions: [file],
    functionLimits: { callMs: 400, heapMb: 64 },
  });
  closing.push(() => millrace.close());
  await millrace.sql("CREATE STREAM s (n INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);");
  await expect(millrace.sql('INSERT INTO s VALUES (SPIN(1));')).rejects.toThrow('did not end within 400 ms');
  await millrace.sql('INSERT INTO s VALUES (SPIN(-1));');
});

test('without workers a query is ended as well', async () => {
  const millrace = await opened({ workers: 0 });
  await millrace.sql(`CREATE STREAM bad AS SELECT id, ACT(v) AS n FROM s; ${insert('before', 'forever', 'after')}`);
  await expect
    .poll(() => states(millrace))
    .toMatchObject({ BAD: expect.stringMatching(/^ERROR .*a call of the function ACT did not end within 700 ms/) });
  await millrace.awaitIdle();
  expect(await rows(millrace, 'SELECT u FROM good;')).toEqual([['BEFORE'], ['FOREVER'], ['AFTER']]);
});

describe('a server with a folder of functions', () => {
  const serverWith = async (folder: string): Promise<URL> => {
    const server = await startServer({
      data: join(directory(), 'data'),
      port: 0,
      logLevel: 'silent',
      workers: 1,
      functions: folder,
      functionLimits: { callMs: 700, heapMb: 64 },
    });
    closing.push(() => server.close());
    return new URL(server.url);
  };
  const post = async (url: URL, path: string, body: unknown): Promise<string> =>
    (
      await fetch(new URL(path, url), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    ).text();

  test('ends the query of an endless call, and answers everything else', async () => {
    const folder = directory();
    const source = `const spin = (n) => { while (n >= 0) n += 0; return n; };
      export default { name: 'folder', version: '1', functions: [
        { signature: 'SPIN(INT) -> INT', doc: 'Never ends for a number from 0 on.', body: spin },
        { signature: 'TRIPLE(n INT) -> INT', doc: 'Three times the number.', body: (n) => n * 3 } ] };`;
    writeFileSync(join(folder, 'folder.mjs'), source);
    writeFileSync(join(folder, 'notes.txt'), 'not a module');
    const url = await serverWith(folder);
    const ksql = `SET 'auto.offset.reset' = 'earliest';
      CREATE STREAM s (id INT KEY, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
      CREATE STREAM good AS SELECT id, TRIPLE(v) AS t FROM s; CREATE STREAM bad AS SELECT id, SPIN(v) AS t FROM s;
      INSERT INTO s (id, v) VALUES (1, -1); INSERT INTO s (id, v) VALUES (2, 1);`;
    expect(await post(url, '/ksql', { ksql })).toContain('CSAS_BAD');
    const queries = (): Promise<string> => post(url, '/ksql', { ksql: 'SHOW QUERIES;' });
    await expect.poll(queries).toMatch(/the function SPIN of the module folder 1 took more than 700 ms/);
    const good = (): Promise<string> => post(url, '/query-stream', { sql: 'SELECT t FROM good;' });
    await expect.poll(good).toMatch(/\[-3\]\s*\[3\]/);
    expect(await post(url, '/ksql', { ksql: 'SHOW FUNCTIONS;' })).toContain(
      '{"name":"TRIPLE","type":"SCALAR","category":"folder"}',
    );
  });

  test('does not start with a module that cannot be loaded, or never is', async () => {
    const folder = directory();
    writeFileSync(join(folder, 'bad.mjs'), "throw new Error('no database');");
    await expect(serverWith(folder)).rejects.toThrow(/bad\.mjs cannot be loaded: .*no database/);
    await expect(serverWith(join(folder, 'nowhere'))).rejects.toThrow(
      /the folder of functions .*nowhere cannot be read/,
    );
  });
});
