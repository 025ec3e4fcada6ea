/** Properties that switch parts of the language off, and those that only the host gives. */

import { afterEach, describe, expect, test } from 'vitest';
import type { SqlEngine, StatementResult } from '../../../sql/index.ts';
import { closeWorlds, openWorld, rowsOf } from '../support/world.ts';

afterEach(closeWorlds);

const tables = `
  CREATE STREAM s (k VARCHAR KEY, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
  CREATE TABLE t AS SELECT k, COUNT(*) AS n FROM s GROUP BY k;`;

const engineWith = async (settings: Readonly<Record<string, unknown>>, before = tables): Promise<SqlEngine> => {
  const { engine } = await openWorld({ engine: { settings } });
  if (before !== '') await engine.execute(before);
  return engine;
};

const switchedOff = { code: 'SQL_SWITCHED_OFF' };

describe('switched off by SET, a statement is refused', () => {
  test.each([
    ['ksql.create.or.replace.enabled', 'CREATE OR REPLACE STREAM c AS SELECT * FROM s;'],
    ['ksql.insert.into.values.enabled', "INSERT INTO s (k, v) VALUES ('a', 1);"],
  ])('%s', async (name, statement) => {
    const engine = await engineWith({});
    await expect(engine.execute(`SET '${name}' = 'false'; ${statement}`)).rejects.toMatchObject(switchedOff);
    await engine.execute(`SET '${name}' = 'false'; UNSET '${name}'; ${statement}`);
  });

  test.each([
    ['ksql.query.pull.stream.enabled', 'SELECT * FROM s;'],
    ['ksql.query.pull.stream.enabled', 'SELECT s.v FROM s JOIN t ON s.k = t.k;'],
    ['ksql.query.pull.limit.clause.enabled', 'SELECT * FROM t LIMIT 1;'],
  ])('%s: %s', async (name, query) => {
    const engine = await engineWith({});
    await expect(engine.query(query, { properties: { [name]: false } })).rejects.toMatchObject(switchedOff);
    expect(await rowsOf(engine, query)).toEqual([]);
  });

  test('inserts of rows too, where the host has it so', async () => {
    const engine = await engineWith({ 'ksql.insert.into.values.enabled': 'false' });
    await expect(engine.insert('s', [{ k: 'a' }])).rejects.toMatchObject(switchedOff);
    await expect(engine.inserter('s')).rejects.toMatchObject(switchedOff);
    expect(await engine.inserter('s', { properties: { 'ksql.insert.into.values.enabled': 'true' } })).toBeDefined();
  });
});

describe('what is given at the start', () => {
  test.each([
    [
      'ksql.headers.columns.enabled',
      "CREATE STREAM h (a BYTES HEADER('a')) WITH (KAFKA_TOPIC='h', VALUE_FORMAT='JSON', PARTITIONS=1);",
    ],
    [
      'ksql.source.table.materialization.enabled',
      "CREATE SOURCE STREAM h (a INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');",
    ],
    [
      'ksql.source.table.materialization.enabled',
      "CREATE SOURCE TABLE h (k VARCHAR PRIMARY KEY) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');",
    ],
  ])('%s: %s', async (name, statement) => {
    const engine = await engineWith({ [name]: false });
    await expect(engine.execute(statement)).rejects.toMatchObject({
      ...switchedOff,
      hint: `The server was started with ${name}=false.`,
    });
    await expect(engine.execute(`SET '${name}' = 'true';`)).rejects.toMatchObject({ code: 'SQL_INVALID_SETTING' });
    await (await engineWith({})).execute(statement);
  });

  test('refuses pull queries, and no push queries', async () => {
    const engine = await engineWith({ 'ksql.pull.queries.enable': 'false' });
    await expect(engine.query('SELECT * FROM t;')).rejects.toMatchObject(switchedOff);
    const push = await engine.query('SELECT * FROM t EMIT CHANGES;');
    await push.close();
  });

  test('keeps scans of tables off, though not on', async () => {
    const name = 'ksql.query.pull.table.scan.enabled';
    const scan = 'SELECT * FROM t;';
    const off = await engineWith({ [name]: 'false' });
    await expect(off.query(scan)).rejects.toMatchObject({ code: 'SQL_PULL_SCAN' });
    await expect(off.query(scan, { properties: { [name]: true } })).rejects.toMatchObject({
      code: 'SQL_INVALID_SETTING',
    });
    const on = await engineWith({ [name]: 'true' });
    await expect(on.query(scan, { properties: { [name]: false } })).rejects.toMatchObject({ code: 'SQL_PULL_SCAN' });
    expect(await rowsOf(on, scan)).toEqual([]);
  });

  test('is what UNSET brings back, and SHOW PROPERTIES shows', async () => {
    const engine = await engineWith({ 'auto.offset.reset': 'earliest', 'ksql.headers.columns.enabled': 'false' }, '');
    type Shown = Extract<StatementResult, { kind: 'properties' }>;
    const shown = async (sql: string): Promise<ReadonlyMap<string, Shown['properties'][number]>> => {
      const found = (await engine.execute(sql)).at(-1) as Shown;
      return new Map(found.properties.map((one) => [one.name, one]));
    };
    const reset = 'ksql.streams.auto.offset.reset';
    expect((await shown("SET 'auto.offset.reset'='latest'; SHOW PROPERTIES;")).get(reset)?.value).toBe('latest');
    const back = await shown("SET 'auto.offset.reset'='latest'; UNSET 'auto.offset.reset'; SHOW PROPERTIES;");
    expect(back.get(reset)?.value).toBe('earliest');
    expect(back.get('ksql.headers.columns.enabled')).toMatchObject({ value: 'false', editable: false });
    expect(back.get('ksql.suppress.enabled')).toMatchObject({ value: 'true', editable: true });
  });
});

test('a range of keys is no scan, unless ranges are switched off', async () => {
  const engine = await engineWith({});
  const scans = { 'ksql.query.pull.table.scan.enabled': 'false' };
  const query = "SELECT * FROM t WHERE k > 'a';";
  expect(await rowsOf(engine, query, scans)).toEqual([]);
  const neither = { ...scans, 'ksql.query.pull.range.scan.enabled': 'false' };
  await expect(engine.query(query, { properties: neither })).rejects.toMatchObject({ code: 'SQL_PULL_SCAN' });
});

test('what cannot be switched off says so', async () => {
  const engine = await engineWith({}, '');
  await engine.execute("SET 'ksql.lambdas.enabled' = 'true'; SET 'ksql.query.push.v2.enabled' = 'true';");
  await expect(engine.execute("SET 'ksql.lambdas.enabled' = 'false';")).rejects.toMatchObject({
    code: 'SQL_INVALID_SETTING',
    message: 'the property "ksql.lambdas.enabled" takes true only, not \'false\'',
  });
});
