/** Every fault of a text is reported, and nothing that only follows from another fault. */

import { afterEach, expect, test } from 'vitest';
import { UserError } from '../../../base/index.ts';
import { parseStatements } from '../../../sql/parser/parse.ts';
import { closeWorlds, openWorld } from '../support/world.ts';

afterEach(closeWorlds);

const shown = (error: unknown): string[] => {
  if (!(error instanceof UserError)) throw error;
  return [error, ...error.others].map(({ at, message }) => `${at?.line}:${at?.column} ${message}`);
};

const faultsOf = (text: string): string => {
  try {
    parseStatements(text);
    return 'no fault';
  } catch (error) {
    return shown(error).join('\n');
  }
};

test.each([
  [
    'statements',
    'SELEC 1;\nSELECT a FROM;\nSHOW STREAMS;\nDROP STREAM;',
    ['1:1 expected a statement', '2:14 the statement ends too early', '4:12 the statement ends too early'],
  ],
  [
    'clauses',
    'SELECT a +, b FROM s WHERE = 1 GROUP BY x EMIT SOMETIMES LIMIT x',
    [
      '1:11 expected an expression, found ","',
      '1:28 expected an expression, found "="',
      '1:48 expected CHANGES or FINAL, found "SOMETIMES"',
      '1:64 expected a whole number, found "x"',
    ],
  ],
  [
    'items of SELECT',
    'SELECT a b c, d, e +, f -> FROM s',
    ['1:12 expected', '1:21 expected an expression', '1:28 expected a name, found "FROM"'],
  ],
  [
    'columns',
    "CREATE STREAM s (a INT KEY KEY, b VARCHAR, c ARRAY<, d STRUCT<x>) WITH (KAFKA_TOPIC=, VALUE_FORMAT=='JSON')",
    [
      '1:28 expected',
      '1:52 expected a type',
      '1:64 expected a type',
      '1:85 expected a literal',
      '1:100 expected a literal',
    ],
  ],
  ['arguments', 'SELECT f(a, +, b), g(1 2), h(x) FROM s', ['1:14 expected an expression', '1:24 expected']],
  ['values', 'INSERT INTO s VALUES (1, , 3 4, 5);', ['1:26 expected an expression', '1:30 expected']],
  [
    'words',
    "SELECT § FROM s; SELECT a FROM s; SELECT ``, ~ FROM s; SELECT 'a FROM s;",
    [
      '1:8 the character',
      '1:42 a name may not be empty',
      '1:46 the character',
      '1:63 a string that begins here is never closed',
    ],
  ],
  [
    'a variable that its own statement could not define',
    'DEFINE x 1; SELECT ${x} FROM s; SELECT ${y} FROM s;',
    ['1:10 expected', '1:40 the variable ${y} is not defined'],
  ],
] as const)('faults of %s', (_, text, wanted) => {
  const found = faultsOf(text).split('\n');
  expect(found.map((one, i) => (one.startsWith(wanted[i] ?? '…') ? wanted[i] : one))).toEqual(wanted);
});

test('a fault that no repair comes past is the only one of its statement', () => {
  expect(faultsOf('SELECT (((a FROM s')).not.toContain('\n');
  expect(faultsOf('CREATE a b c d e')).not.toContain('\n');
});

test('at most twenty faults are reported', () => {
  expect(faultsOf('SELEC 1;'.repeat(30)).split('\n')).toHaveLength(20);
});

const requestFaults = async (text: string): Promise<string[]> => {
  const { engine } = await openWorld();
  await engine.execute("CREATE STREAM known (a INT) WITH (KAFKA_TOPIC='known', PARTITIONS=1, VALUE_FORMAT='JSON');");
  try {
    await engine.execute(text);
    return [];
  } catch (error) {
    return shown(error);
  }
};

test('faults of the grammar and of the analysis stand together, in the order of the text', async () => {
  const faults = await requestFaults(`
    CREATE STREAM one AS SELECT b FROM known;
    CREATE STREAM two AS SELECT a FROM known WHERE;
    DROP STREAM three;`);
  expect(faults.map((one) => one.split(' ')[0])).toEqual(['2:33', '3:51', '4:17']);
});

test('what follows from a statement at fault is not reported', async () => {
  const faults = await requestFaults(`
    CREATE STREAM one AS SELECT b FROM known;
    CREATE STREAM two AS SELECT * FROM one;
    INSERT INTO two VALUES (1);
    CREATE STREAM broken (a INT;
    DESCRIBE broken;
    DESCRIBE missing;`);
  expect(faults.map((one) => one.split(' ')[0])).toEqual(['2:33', '5:32', '7:14']);
});

test('nothing runs when any statement is at fault', async () => {
  const { engine } = await openWorld();
  const create = "CREATE STREAM s (a INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');";
  await expect(engine.execute(`${create} SELEC 1;`)).rejects.toThrow('expected a statement');
  await engine.execute(create);
});

test('looking for further faults of long statements ends', () => {
  const long = `SELECT ${Array.from({ length: 3000 }, (_, i) => (i % 50 === 0 ? 'a +' : `a${i} + 1`)).join(', ')} FROM s;`;
  const start = performance.now();
  faultsOf(long.repeat(5));
  expect(performance.now() - start).toBeLessThan(30_000);
});
