/** Functions of users: modules that each thread loads by itself, named with their version in plans. */

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FunctionModule, type Millrace, type OpenOptions, open } from 'millrace';
import { afterEach, describe, expect, test } from 'vitest';
import { builtInFunctions } from '../../../sql/functions/index.ts';
import { readModule } from '../../../sql/functions/module.ts';
import { concrete, parseSignature } from '../../../sql/functions/signature.ts';
import { modulesIn } from '../../../sql/plan/modules.ts';

const one = new URL('./modules/greetings-1.ts', import.meta.url);
const two = new URL('./modules/greetings-2.ts', import.meta.url);

const totals = new URL('./modules/totals.ts', import.meta.url);

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const directory = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'millrace-functions-'));
  closing.push(() => rmSync(made, { recursive: true, force: true }));
  return made;
};

const opened = async (options: OpenOptions): Promise<Millrace> => {
  const millrace = await open(options);
  let closed: Promise<void> | undefined;
  const close = millrace.close.bind(millrace);
  millrace.close = () => (closed ??= close());
  closing.push(() => millrace.close());
  return millrace;
};

const rows = async (millrace: Millrace, select: string): Promise<unknown[][]> =>
  (await millrace.query(select)).map((row) => Object.values(row));

const processingLog = async (millrace: Millrace): Promise<string> => {
  let texts = '';
  for await (const { value } of millrace.consume('millrace_processing_log', { untilEnd: true })) {
    texts += new TextDecoder().decode(value ?? new Uint8Array());
  }
  return texts;
};

const setUp = `
  SET 'auto.offset.reset' = 'earliest';
  CREATE STREAM s (id INT KEY, name VARCHAR, tags ARRAY<VARCHAR>) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);`;

/** State and fault of each query, by the name of what it makes. */
const states = async (millrace: Millrace): Promise<Record<string, string>> =>
  Object.fromEntries(
    (await millrace.engine.queries()).map(({ id, state, error = '' }) => [
      id.replace(/^CSAS_(.*)_\d+$/, '$1'),
      `${state} ${error}`.trim(),
    ]),
  );

describe.each([0, 1])('with %i worker threads', (workers) => {
  test('overloads, repeated parameters, generics, lambdas and bound constants', async () => {
    const millrace = await opened({ data: directory(), workers, functions: [one] });
    await millrace.sql(`${setUp}
      CREATE STREAM t AS SELECT id, GREET(name) AS a, GREET(name, 'hi') AS b, COUNT_GIVEN(name, tags, 1) AS c, LAST_OF(tags) AS d,
        TWICE(name, n => n + '!') AS e, PREFIX('x-', name) AS f FROM s;
      INSERT INTO s (id, name, tags) VALUES (1, 'ann', ARRAY['p', 'q']);
      INSERT INTO s (id, name) VALUES (2, NULL);`);
    await millrace.awaitIdle();
    expect(await rows(millrace, 'SELECT * FROM t;')).toEqual([
      [1, 'hello ann', 'hi ann', 3, 'q', 'ann!!', 'x-ann'],
      [2, null, null, 1, null, null, null],
    ]);
  });

  test('what a function throws or returns wrongly is a fault of its record', async () => {
    const millrace = await opened({ data: directory(), workers, functions: [one] });
    await millrace.sql(`${setUp} CREATE STREAM t AS SELECT id, MISBEHAVE(name) AS a, name FROM s;`);
    const wrong = ['throw', 'throw an object', 'text', 'nothing', 'fraction', 'promise', 'rejected'];
    const names = [...wrong, 'right', 'big', 'minus zero'];
    await millrace.sql(names.map((name, i) => `INSERT INTO s (id, name) VALUES (${i}, '${name}');`).join('\n'));
    await millrace.awaitIdle();
    expect((await rows(millrace, 'SELECT a FROM t;')).flat()).toEqual([...wrong.map(() => null), 7, 7, 0]);
    const [status] = await millrace.engine.queries();
    expect(status?.dropped).toEqual({ processing: wrong.length });
    const texts = await processingLog(millrace);
    for (const why of [
      'no such thing',
      'failed: an object that has no text',
      "the text 'seven', not a value of BIGINT",
      'gave undefined',
      'gave 1.5',
      'functions cannot be asynchronous',
    ])
      expect(texts).toContain(why);
  });

  test('a function that changes its arguments changes nothing else', async () => {
    const millrace = await opened({ data: directory(), workers, functions: [one] });
    await millrace.sql(`${setUp}
      CREATE STREAM t AS SELECT id, SORTED(tags) AS a, tags FROM s; CREATE STREAM u AS SELECT id, tags FROM s;
      INSERT INTO s (id, tags) VALUES (1, ARRAY['q', 'p']);`);
    await millrace.awaitIdle();
    expect(await rows(millrace, 'SELECT * FROM t;')).toEqual([[1, ['p', 'q'], ['q', 'p']]]);
    expect(await rows(millrace, 'SELECT * FROM u;')).toEqual([[1, ['q', 'p']]]);
  });

  test('collections are checked element by element', async () => {
    const millrace = await opened({ data: directory(), workers, functions: [one] });
    await millrace.sql(`${setUp} CREATE STREAM t AS SELECT id, MISBEHAVE_MANY(name) AS a, name FROM s;`);
    const names = ['object', 'holes', 'promises', 'a text', 'right'];
    await millrace.sql(names.map((name, i) => `INSERT INTO s (id, name) VALUES (${i}, '${name}');`).join('\n'));
    await millrace.awaitIdle();
    expect((await rows(millrace, 'SELECT a FROM t;')).flat()).toEqual([null, null, null, null, [7, 0, null]]);
    const texts = await processingLog(millrace);
    for (const why of [
      'gave an object, not a value of ARRAY<BIGINT>',
      'gave undefined, not a value of BIGINT, in ARRAY<BIGINT>',
      "gave the text 'b', not a value of BIGINT, in ARRAY<BIGINT>",
    ])
      expect(texts).toContain(why);
  });
});

describe.each([
  ['on the calling thread', 0, undefined],
  ['in a worker', 1, undefined],
  ['in a worker, with limits', 1, {}],
  ['in a thread of the code, with limits', 0, {}],
] as const)('aggregates and table functions %s', (_, workers, functionLimits) => {
  const options = { workers, functions: [totals], ...(functionLimits && { functionLimits }) };

  test('a state of several values, undo, merge, literals, generics', async () => {
    const millrace = await opened({ data: directory(), ...options });
    await millrace.sql(`SET 'auto.offset.reset' = 'earliest';
      CREATE STREAM s (id INT KEY, g VARCHAR, d DOUBLE, w DOUBLE) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
      CREATE TABLE t (id INT PRIMARY KEY, g VARCHAR, d DOUBLE, w DOUBLE) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');
      CREATE TABLE a AS SELECT g, WEIGHTED_MEAN(d, w) AS m, LENGTHS(g, g, 5) AS l, LENGTHS(CAST(id AS BIGINT), g, 5, 7) AS l2,
        LAST_TWO(id) AS l3 FROM s GROUP BY g;
      CREATE TABLE b AS SELECT g, WEIGHTED_MEAN(d, w) AS m FROM t GROUP BY g;
      CREATE TABLE c AS SELECT g, WEIGHTED_MEAN(d, w) AS m FROM s WINDOW SESSION (10 SECONDS) GROUP BY g;
      INSERT INTO s (ROWTIME, id, g, d, w) VALUES (0, 1, 'xy', 1, 1);
      INSERT INTO s (ROWTIME, id, g, d, w) VALUES (15000, 2, 'xy', 5, 3);
      INSERT INTO s (ROWTIME, id, g, d, w) VALUES (8000, 1, 'xy', 3, 1);`);
    await millrace.awaitIdle();
    expect(await rows(millrace, 'SELECT * FROM a;')).toEqual([['xy', 3.8, 17, 22, [2, 1]]]);
    expect(await rows(millrace, 'SELECT * FROM b;')).toEqual([['xy', 4.5]]);
    expect(await rows(millrace, 'SELECT m FROM c;')).toEqual([[3.8]]);
    expect(await rows(millrace, 'SELECT WEIGHTED_MEAN(d, w) AS m FROM s;')).toEqual([[3.8]]);
  });

  test('a state of another type is a fault of its record; an aggregate without undo is not for tables', async () => {
    const millrace = await opened({ data: directory(), ...options });
    await millrace.sql(`${setUp} CREATE TABLE a AS SELECT id, BAD_STATE(name) AS n FROM s GROUP BY id;
      CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');
      ${['right', 'throw', 'text', 'right'].map((name) => `INSERT INTO s (id, name) VALUES (1, '${name}');`).join('')}`);
    await millrace.awaitIdle();
    expect(await rows(millrace, 'SELECT * FROM a;')).toEqual([[1, 2]]);
    const texts = await processingLog(millrace);
    expect(texts).toContain('no such thing');
    expect(texts).toContain("the text 'seven', not a value of BIGINT");
    await expect(
      millrace.sql('CREATE TABLE b AS SELECT name, BAD_STATE(name) AS n FROM t GROUP BY name;'),
    ).rejects.toThrow('cannot be used on a table');
  });

  test('table functions make rows of what can be iterated over', async () => {
    const millrace = await opened({ data: directory(), ...options });
    await millrace.sql(`${setUp} CREATE STREAM t AS SELECT id, LETTERS(name) AS a, BAD_ROWS(name) AS b FROM s;
      ${['ab', 'no rows', 'text'].map((name, i) => `INSERT INTO s (id, name) VALUES (${i}, '${name}');`).join('')}`);
    await millrace.awaitIdle();
    expect((await rows(millrace, 'SELECT * FROM t;')).slice(0, 3)).toEqual([
      [0, 'a', 1],
      [0, 'b', null],
      [0, null, 2],
    ]);
    expect(await processingLog(millrace)).toContain('gave no rows that can be iterated over');
  });
});

test('a module that is an object runs on the calling thread, and on no other', async () => {
  const tools: FunctionModule = {
    name: 'tools',
    version: '1',
    functions: [{ signature: 'TWO_TIMES(INT) -> INT', body: (n: number) => n * 2 }],
  };
  const millrace = await opened({ data: directory(), functions: [tools] });
  await millrace.sql(
    `${setUp} CREATE STREAM t AS SELECT id, TWO_TIMES(id) AS n FROM s; INSERT INTO s (id) VALUES (21);`,
  );
  await millrace.awaitIdle();
  expect(await rows(millrace, 'SELECT * FROM t;')).toEqual([[21, 42]]);
  await expect(open({ data: directory(), workers: 1, functions: [tools] })).rejects.toThrow(
    'which no other thread can have',
  );
});

test('a merge that throws drops the record that joins sessions, and changes nothing', async () => {
  const merged = <T>(_: T, b: T): T => {
    if (String(b).includes('13')) throw new Error('no luck');
    return b;
  };
  const module: FunctionModule = {
    name: 'merging',
    version: '1',
    functions: [
      {
        signature: 'LAST_NUMBER(INT) -> INT',
        state: 'INT',
        initialize: () => 0,
        add: (_: number, n: number) => n,
        merge: merged,
      },
      {
        signature: 'LAST_TEXT(STRING) -> STRING',
        state: 'STRING',
        initialize: () => '',
        add: (_: string, t: string) => t,
        merge: merged,
      },
    ],
  };
  const millrace = await opened({ data: directory(), functions: [module] });
  await millrace.sql(`${setUp}
    CREATE TABLE n AS SELECT 'x' AS k, COUNT(*) AS c, LAST_NUMBER(id) AS v FROM s WINDOW SESSION (10 SECONDS) GROUP BY 'x';
    CREATE TABLE t AS SELECT 'x' AS k, COUNT(*) AS c, LAST_TEXT(name) AS v FROM s WINDOW SESSION (10 SECONDS) GROUP BY 'x';
    ${[1, 2, 13, 4].map((n) => `INSERT INTO s (ROWTIME, id, name) VALUES (${n}, ${n}, '${n}');`).join('')}
    INSERT INTO s (ROWTIME, id, name) VALUES (60000, 5, '5');`);
  await millrace.awaitIdle();
  expect(await rows(millrace, 'SELECT WINDOWSTART, WINDOWEND, c, v FROM n;')).toEqual([
    [1, 13, 3, 13],
    [60_000, 60_000, 1, 5],
  ]);
  expect(await rows(millrace, 'SELECT WINDOWSTART, WINDOWEND, c, v FROM t;')).toEqual([
    [1, 13, 3, '13'],
    [60_000, 60_000, 1, '5'],
  ]);
  expect(await processingLog(millrace)).toMatch(
    /the record is dropped: sessions that it joins are not joined by LAST_NUMBER\(ID\).*: no luck/,
  );
  expect(Object.values(await states(millrace))).toEqual(['RUNNING', 'RUNNING']);
});

test('a query runs with the version that it was made with, and fails alone where that is not loaded', async () => {
  const data = directory();
  const first = await opened({ data, workers: 1, functions: [one] });
  await first.sql(`${setUp}
    CREATE STREAM greeted AS SELECT id, GREET(name) AS v, name FROM s;
    CREATE STREAM plain AS SELECT id, UCASE(name) AS v, name FROM s;
    INSERT INTO s (id, name) VALUES (1, 'ann');`);
  await first.awaitIdle();
  await first.close();

  for (const [functions, why] of [
    [[], 'is not loaded'],
    [[two], 'is not loaded; of this module there is greetings 2.0.0'],
  ] as const) {
    const other = await opened({ data, workers: 1, functions });
    await expect
      .poll(() => states(other))
      .toEqual({
        GREETED: `ERROR the module greetings 1.0.0 ${why}`,
        PLAIN: 'RUNNING',
      });
    await other.close();
  }

  const both = await opened({ data, workers: 1, functions: [one, two] });
  await both.sql(
    `CREATE STREAM later AS SELECT id, GREET(name) AS v, name FROM s; INSERT INTO s (id, name) VALUES (2, 'ben');`,
  );
  await both.awaitIdle();
  expect((await rows(both, 'SELECT v FROM greeted;')).flat()).toEqual(['hello ann', 'hello ben']);
  expect((await rows(both, 'SELECT v FROM later;')).flat()).toEqual(['good morning ben']);
});

test('a file that is missing when a thread loads it fails the query, and is loaded for the next one', async () => {
  const file = join(directory(), 'tool.mjs');
  const text =
    "export default { name: 'tool', version: '1', functions: [{ signature: 'TOOL(INT) -> INT', body: (n) => n + 1 }] };";
  writeFileSync(file, text);
  const millrace = await opened({ data: directory(), workers: 1, functions: [file] });
  rmSync(file);
  await millrace.sql(`${setUp} CREATE STREAM t AS SELECT id, TOOL(id) AS v FROM s;`);
  const why = expect.stringMatching(/^ERROR .*tool\.mjs cannot be loaded/) as unknown;
  await expect.poll(() => states(millrace)).toEqual({ T: why });
  writeFileSync(file, text);
  await millrace.sql('CREATE STREAM u AS SELECT id, TOOL(id) AS v FROM s;');
  await expect.poll(() => states(millrace)).toEqual({ T: why, U: 'RUNNING' });
});

test('a file that changed since it was loaded fails the query that needs it, and no other', async () => {
  const data = directory();
  const file = join(directory(), 'tool.mjs');
  const write = (version: string): void =>
    writeFileSync(
      file,
      `export default { name: 'tool', version: '${version}', functions: [{ signature: 'TOOL(INT) -> INT', body: (n) => n + 1 }] };`,
    );
  write('1');
  const millrace = await opened({ data, workers: 1, functions: [file] });
  write('2');
  await millrace.sql(
    `${setUp} CREATE STREAM t AS SELECT id, TOOL(LEN(name)) AS v FROM s; CREATE STREAM u AS SELECT id, LEN(name) AS v FROM s;`,
  );
  const why = /^ERROR the file .*tool\.mjs was the module tool 1 when it was loaded first, and is tool 2 now$/;
  await expect.poll(() => states(millrace)).toEqual({ T: expect.stringMatching(why) as unknown, U: 'RUNNING' });
});

describe('functions that are registered while it is open', () => {
  test.each([0, 1])('are there for the statements that follow, %i workers', async (workers) => {
    const millrace = await opened({ data: directory(), workers });
    await millrace.sql(`${setUp} CREATE STREAM before AS SELECT id, UCASE(name) AS v FROM s;`);
    await expect(millrace.sql('CREATE STREAM t AS SELECT id, GREET(name) AS v FROM s;')).rejects.toThrow('"GREET"');
    await millrace.registerFunctions(one);
    await millrace.sql('CREATE STREAM hello AS SELECT id, GREET(name) AS v FROM s;');
    // A newer version is for new queries; the one that runs keeps its own.
    await millrace.registerFunctions(two);
    await millrace.sql(`CREATE STREAM morning AS SELECT id, GREET(name) AS v FROM s;
      CREATE TABLE total AS SELECT 'x' AS k, COUNT(*) AS n FROM s GROUP BY 'x';
      INSERT INTO s (id, name) VALUES (1, 'ann');`);
    await millrace.awaitIdle();
    expect(Object.values(await states(millrace))).toEqual(Array.from({ length: 4 }, () => 'RUNNING'));
    expect(await rows(millrace, 'SELECT v FROM hello;')).toEqual([['hello ann']]);
    expect(await rows(millrace, 'SELECT v FROM morning;')).toEqual([['good morning ann']]);
    expect(await rows(millrace, 'SELECT GREET(name) FROM s;')).toEqual([['good morning ann']]);
    const pushed = millrace.subscribe('SELECT GREET(name) AS v FROM s EMIT CHANGES;', {
      properties: { 'auto.offset.reset': 'earliest' },
    });
    expect((await pushed.next()).value).toEqual({ V: 'good morning ann' });
    await pushed.return?.();
  });

  test('whose names are taken, or that are no module, are refused, and change nothing', async () => {
    const millrace = await opened({ data: directory(), workers: 1, functions: [one] });
    const taken: FunctionModule = {
      name: 'taken',
      version: '1',
      functions: [
        { signature: 'NEW_ONE(INT) -> INT', body: (n: number) => n },
        { signature: 'UCASE(INT) -> INT', body: (n: number) => n },
      ],
    };
    await expect(millrace.registerFunctions(one)).rejects.toMatchObject({ code: 'FUNCTION_MODULE_CONFLICT' });
    await expect(millrace.registerFunctions(taken)).rejects.toThrow('which no other thread can have');
    await expect(millrace.registerFunctions('./nowhere.ts')).rejects.toMatchObject({ code: 'FUNCTION_MODULE_INVALID' });
    const local = await opened({ data: directory() });
    await expect(local.registerFunctions(taken)).rejects.toThrow('UCASE is already a function of SQL');
    await expect(local.sql('DESCRIBE FUNCTION NEW_ONE;')).rejects.toMatchObject({ code: 'SQL_UNKNOWN_FUNCTION' });
    await local.close();
    await expect(local.registerFunctions(one)).rejects.toMatchObject({ code: 'SQL_CLOSED' });
  });

  test.each<[string, Partial<OpenOptions>]>([
    ['without limits', {}],
    ['with limits', { functionLimits: {} }],
  ])('of a file that could not be loaded before, %s', async (_, limits) => {
    const millrace = await opened({ data: directory(), workers: 1, ...limits });
    const file = join(directory(), 'late.mjs');
    await expect(millrace.registerFunctions(file)).rejects.toMatchObject({ code: 'FUNCTION_MODULE_INVALID' });
    writeFileSync(
      file,
      "export default { name: 'late', version: '1', functions: [{ signature: 'LATE(INT) -> INT', body: (n) => n + 1 }] };",
    );
    await millrace.registerFunctions(file);
    await millrace.sql(`${setUp} CREATE STREAM t AS SELECT id, LATE(id) AS v FROM s;
      INSERT INTO s (id, name) VALUES (1, 'ann');`);
    await millrace.awaitIdle();
    expect(await rows(millrace, 'SELECT v FROM t;')).toEqual([[2]]);
  });

  test('start the queries of an earlier run that wait for them, and those only', async () => {
    const data = directory();
    const first = await opened({ data, workers: 1, functions: [one] });
    await first.sql(`${setUp}
      CREATE STREAM greeted AS SELECT id, GREET(name) AS v FROM s;
      CREATE STREAM paused AS SELECT id, GREET(name) AS v FROM s;
      CREATE STREAM gone AS SELECT id, GREET(name) AS v FROM s;
      INSERT INTO s (id, name) VALUES (1, 'ann');`);
    await first.awaitIdle();
    await first.sql('PAUSE CSAS_PAUSED_2;');
    await first.close();

    const second = await opened({ data, workers: 1 });
    const why = 'ERROR the module greetings 1.0.0 is not loaded';
    await expect.poll(() => states(second)).toEqual({ GREETED: why, PAUSED: why, GONE: why });
    await second.sql("INSERT INTO s (id, name) VALUES (2, 'ben'); TERMINATE CSAS_GONE_3;");
    await second.registerFunctions(two);
    expect((await states(second))['GREETED']).toContain('of this module there is greetings 2.0.0');
    await second.registerFunctions(one);
    expect(await states(second)).toEqual({ GREETED: 'RUNNING', PAUSED: 'PAUSED' });
    await second.awaitIdle();
    expect((await rows(second, 'SELECT v FROM greeted;')).flat()).toEqual(['hello ann', 'hello ben']);
  });
});

test('where a function has gone to another module, queries of both run', async () => {
  const data = directory();
  const folder = directory();
  const write = (name: string, version: string, called: string, result: number): string => {
    const path = join(folder, `${name}-${version}.mjs`);
    const functions = `[{ signature: '${called}(INT) -> INT', body: () => ${result} }]`;
    writeFileSync(path, `export default { name: '${name}', version: '${version}', functions: ${functions} };`);
    return path;
  };
  const old = write('old', '1', 'MOVED', 1);
  const first = await opened({ data, workers: 1, functions: [old] });
  await first.sql(`${setUp} CREATE STREAM t AS SELECT id, MOVED(id) AS v, name FROM s;`);
  await first.close();

  const functions = [old, write('old', '2', 'STAYED', 2), write('other', '1', 'MOVED', 3)];
  const second = await opened({ data, workers: 1, functions });
  await second.sql(`
    CREATE STREAM u AS SELECT id, MOVED(id) AS v, name FROM s;
    INSERT INTO s (id, name) VALUES (1, 'ann');`);
  await second.awaitIdle();
  expect(await states(second)).toEqual({ T: 'RUNNING', U: 'RUNNING' });
  expect([await rows(second, 'SELECT v FROM t;'), await rows(second, 'SELECT v FROM u;')]).toEqual([[[1]], [[3]]]);
});

describe('a module that cannot be used', () => {
  const module = (fields: object) => ({ name: 'm', version: '1', functions: [], ...fields });
  const withFunction = (given: object) => module({ functions: [given] });

  test.each([
    [undefined, 'its default export is not an object'],
    [module({ name: 'a b' }), 'its name is not a word'],
    [module({ version: 1 }), 'its version is not a text without blanks'],
    [module({ functions: {} }), '"functions" is not an array'],
    [withFunction({ signature: 'F() -> INT' }), 'function 1 needs one of "body", "bind", "rows" and "add", a function'],
    [withFunction({ body: () => 1 }), 'function 1 needs a "signature": a text'],
    [withFunction({ signature: 'F() -> INT', body: () => 1, nulls: 'keep' }), 'neither "propagate" nor "own"'],
    [
      withFunction({ signature: 'F() -> INT', body: () => 1, null: 'own' }),
      'has the unknown property "null"; there are signature, doc, nulls, body, bind',
    ],
    [module({ functions: [() => 1] }), 'function 1 is not an object'],
    [
      withFunction({ signature: 'F() -> FLOAT', body: () => 1 }),
      'function 1: the signature "F() -> FLOAT" has an unknown type "FLOAT"',
    ],
    [withFunction({ signature: 'F(ANY) -> ANY', body: () => 1 }), 'is ANY, or a generic that no parameter has'],
    [withFunction({ signature: 'F() -> ARRAY<T>', body: () => [] }), 'is ANY, or a generic that no parameter has'],
    [withFunction({ signature: 'F(INT) -> INT', accumulator: {} }), 'needs one of "body", "bind"'],
    [withFunction({ signature: 'F(INT) -> INT', add: () => 1 }), 'needs a "state": the type of what it keeps'],
    [withFunction({ signature: 'F(INT) -> INT', add: () => 1, state: 'INT' }), 'needs an "initialize"'],
    [
      withFunction({ signature: 'F(INT) -> INT', add: () => 1, state: 'INT', initialize: () => 0, undo: 1 }),
      'has a "undo" that is not a function',
    ],
    [
      withFunction({ signature: 'F(INT) -> INT', add: () => 1, state: 'FLOAT', initialize: () => 0 }),
      'has an unknown type "FLOAT"',
    ],
    [
      withFunction({ signature: 'F(literal INT, INT) -> INT', add: () => 1, state: 'INT', initialize: () => 0 }),
      'a parameter stands behind a literal one',
    ],
    [withFunction({ signature: 'F(INT) -> INT', rows: () => [], body: () => 1 }), 'needs one of'],
    [
      module({
        functions: [
          { signature: 'F(INT) -> INT', body: () => 1 },
          { signature: 'F(STRING) -> INT', rows: () => [] },
        ],
      }),
      undefined,
    ],
  ])('%j', (exported, why) => {
    const read = () => readModule('file:///m.mjs', exported);
    if (why === undefined) expect(() => builtInFunctions().addModule(read())).toThrow('F is a function of two kinds');
    else expect(read).toThrow(why);
  });

  test('names that are taken', () => {
    const registry = builtInFunctions();
    const add = (name: string, version: string, signature: string): void =>
      registry.addModule(readModule('file:///m.mjs', { name, version, functions: [{ signature, body: () => null }] }));
    expect(() => add('m', '1', 'UCASE(INT) -> INT')).toThrow('UCASE is already a function of SQL');
    expect(() => add('m', '1', 'SUM(STRING) -> INT')).toThrow('SUM is already a function of SQL');
    add('m', '1', 'MINE(INT) -> INT');
    expect(() => add('m', '1', 'MINE(INT) -> INT')).toThrow('already loaded');
    expect(() => add('other', '1', 'MINE(STRING) -> INT')).toThrow('MINE is already a function of the module m');
    add('m', '2', 'YOURS(INT) -> INT');
    expect([registry.get('MINE'), registry.get('YOURS')?.category]).toEqual([undefined, 'm']);
  });

  test('STRUCT and MAP have one form each, which the message names', () => {
    const body = (result: string, given: unknown): (() => unknown) => {
      const [made] = readModule(
        'file:///m.mjs',
        withFunction({ signature: `F() -> ${result}`, body: () => given }),
      ).functions;
      assert(made?.kind === 'scalar' && 'bind' in made);
      const type = concrete(parseSignature(`F() -> ${result}`).result, new Map());
      assert(type !== undefined);
      return made.bind({ args: [], result: type, constants: [], context: { now: () => 0, random: () => 0 } });
    };
    const struct = 'STRUCT<`A` BIGINT, `B` STRING>';
    expect(body(struct, [1, 'b'])()).toEqual([1, 'b']);
    expect(body(struct, { A: 1, B: 'b' })).toThrow(
      `gave an object, not a value of ${struct} (an array of its 2 fields)`,
    );
    expect(body(struct, [1])).toThrow('gave an array of 1, not');
    expect(body('MAP<STRING, BIGINT>', { a: 1 })).toThrow('gave an object, not a value of MAP<STRING, BIGINT> (a Map)');
    expect(body('MAP<STRING, BIGINT>', new Map([[1, 1]]))).toThrow(
      'gave the key 1, not a text, in MAP<STRING, BIGINT>',
    );
    expect(body('BIGINT', 2n ** 64n)).toThrow('gave 18446744073709551616n, not a value of BIGINT');
  });

  test('a file that is not there stops the start, before the data directory is touched', async () => {
    const data = join(directory(), 'data');
    await expect(open({ data, functions: ['./not/there.mjs'] })).rejects.toThrow('not/there.mjs cannot be loaded');
    await expect(open({ data, functions: './tools.mjs' as never })).rejects.toThrow('"functions" is not an array');
    await expect(open({ data, functions: [5 as never] })).rejects.toThrow('neither a path nor a URL');
    await expect(open({ data, functionLimits: { callMs: 0 } })).rejects.toThrow('functionLimits.callMs is 0');
    expect(existsSync(data)).toBe(false);
  });
});

test('constants that a module refuses are errors of the statement, and a plan tells its modules', async () => {
  const millrace = await opened({ data: directory(), functions: [one] });
  await millrace.sql(setUp);
  await expect(millrace.sql(`CREATE STREAM t AS SELECT id, PREFIX('', name) AS v FROM s;`)).rejects.toThrow(
    'PREFIX cannot work with its constants: the prefix is empty',
  );
  const call = { kind: 'call', name: 'F', signature: 'F() -> INTEGER', module: { name: 'm', version: '1' }, args: [] };
  expect(modulesIn({ root: { items: [{ expression: { kind: 'negate', operand: call } }, call] } })).toEqual([
    call.module,
  ]);
});
