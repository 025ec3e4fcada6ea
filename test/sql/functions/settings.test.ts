/** Properties `ksql.functions.NAME.…` that scalar functions of users read. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FunctionModule, type Millrace, type OpenOptions, open } from 'millrace';
import { afterEach, describe, expect, test } from 'vitest';
import { readModule } from '../../../sql/functions/module.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const directory = (): string => {
  const made = mkdtempSync(join(tmpdir(), 'millrace-settings-'));
  closing.push(() => rmSync(made, { recursive: true, force: true }));
  return made;
};

const opened = async (options: OpenOptions): Promise<Millrace> => {
  const millrace = await open(options);
  closing.push(() => millrace.close());
  return millrace;
};

const source = `export default {
  name: 'signs', version: '1',
  functions: [{
    signature: 'SIGNED(STRING) -> STRING',
    settings: ['sign'],
    bind: ({ settings }) => (text) => text + (settings?.sign ?? '.') + Object.keys(settings ?? {}).join(),
  }],
};`;

const file = (): string => {
  const path = join(directory(), 'signs.mjs');
  writeFileSync(path, source);
  return path;
};

const sign = (text: string): string => `SET 'ksql.functions.signed.sign' = '${text}';`;

describe.each<[string, Partial<OpenOptions>]>([
  ['on the calling thread', {}],
  ['on a worker', { workers: 1 }],
  ['with limits', { workers: 1, functionLimits: {} }],
])('%s', (_, options) => {
  test('a function reads those that it names, and a query keeps them', async () => {
    const data = directory();
    const functions = [file()];
    const millrace = await open({ data, functions, ...options });
    await millrace.sql(`SET 'auto.offset.reset' = 'earliest'; ${sign('!')} SET 'ksql.functions.signed.other' = 'x';
      CREATE STREAM s (v VARCHAR) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
      CREATE STREAM t AS SELECT SIGNED(v) AS v FROM s; ${sign('?')}
      INSERT INTO s VALUES ('a'); INSERT INTO s VALUES (SIGNED('b'));`);
    await millrace.awaitIdle();
    expect(await millrace.query('SELECT * FROM t;')).toEqual([{ V: 'a!sign' }, { V: 'b?sign!sign' }]);
    const properties = { 'ksql.functions.signed.sign': '#' };
    expect(await millrace.query('SELECT SIGNED(v) AS v FROM s LIMIT 1;', { properties })).toEqual([{ V: 'a#sign' }]);
    expect(await millrace.query('SELECT SIGNED(v) AS v FROM s LIMIT 1;')).toEqual([{ V: 'a.' }]);
    await millrace.close();
    const again = await opened({ data, functions, ...options });
    await again.sql("INSERT INTO s VALUES ('c');");
    await again.awaitIdle();
    expect((await again.query('SELECT * FROM t;')).at(-1)).toEqual({ V: 'c!sign' });
  });
});

test('"settings" are names, of a function that is bound', () => {
  const module = (given: unknown): FunctionModule => ({ name: 'm', version: '1', functions: [given as never] });
  const signature = 'F(INT) -> INT';
  expect(() => readModule('m', module({ signature, bind: () => () => 1, settings: 'a' }))).toThrow('an array of texts');
  expect(() => readModule('m', module({ signature, body: () => 1, settings: ['a'] }))).toThrow(
    'has the unknown property "settings"',
  );
});
