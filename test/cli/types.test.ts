/** `millrace types`: what it writes compiles, under strict rules, beside a program that uses it; and the values that
 *  the library gives are of the types that it writes. */

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { open } from 'millrace';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { scalars } from '../../sql/types/scalars/index.ts';
import { FakeServer } from './fake-server.ts';

const home = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'millrace-types-'));
const data = join(folder, 'data');
const server = new FakeServer();
let url = '';

const run = (file: string, args: readonly string[]) =>
  promisify(execFile)(file, args, { cwd: folder, env: { ...process.env, NO_COLOR: '1' } });
const types = (...args: readonly string[]) =>
  run(process.execPath, ['--conditions=millrace-source', join(home, 'cli', 'main.ts'), 'types', ...args]);

/** What the compiler reports; empty where all is well. */
const compile = async (project: string, settings: object, compilerOptions: object): Promise<string> => {
  const typeRoots = [join(home, 'node_modules', '@types')];
  writeFileSync(
    join(folder, project),
    JSON.stringify({ ...settings, compilerOptions: { ...compilerOptions, typeRoots } }),
  );
  const compiler = join(home, 'node_modules', '.bin', 'tsc');
  const { stdout } = await run(compiler, ['--project', project]).catch((error: { stdout: string }) => error);
  return stdout;
};

const statements = `
  CREATE STREAM every (
      k INT KEY, b BOOLEAN, i INT, l BIGINT, d DOUBLE, m DECIMAL(8, 2), t VARCHAR, raw BYTES, day DATE, hour TIME, ts TIMESTAMP,
      a ARRAY<BIGINT>, mp MAP<VARCHAR, DECIMAL(4, 1)>, s STRUCT<x INT, \`y z\` ARRAY<STRUCT<deep TIMESTAMP>>>,
      \`lower case\` VARCHAR, trace BYTES HEADER('trace'))
    WITH (KAFKA_TOPIC='every', VALUE_FORMAT='JSON', PARTITIONS=1);
  CREATE SOURCE TABLE fixed (id VARCHAR PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='fixed', VALUE_FORMAT='JSON', PARTITIONS=1);
  CREATE TABLE stock (item VARCHAR PRIMARY KEY, count INT) WITH (KAFKA_TOPIC='stock', VALUE_FORMAT='JSON', PARTITIONS=1);
  CREATE TABLE pairs (a INT PRIMARY KEY, b INT PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='pairs', FORMAT='JSON', PARTITIONS=1);
  CREATE TABLE by_text AS SELECT t, COUNT(*) AS n FROM every GROUP BY t;
  CREATE TABLE by_minute AS SELECT t, COUNT(*) AS n FROM every WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY t;
  CREATE STREAM \`by-text\` (v INT) WITH (KAFKA_TOPIC='b', VALUE_FORMAT='JSON', PARTITIONS=1);`;

let described: unknown[] = [];
let rows: readonly Readonly<Record<string, unknown>>[] = [];

beforeAll(async () => {
  const millrace = await open({ data });
  await millrace.sql(statements);
  await millrace.insert('every', [
    {
      K: 1,
      B: true,
      I: 1,
      L: 1n,
      D: 0.5,
      M: '1.5',
      T: 't',
      RAW: new Uint8Array([1]),
      DAY: '2024-02-29',
      HOUR: '10:00:00',
    },
    { K: 2, L: 2n ** 60n, TS: new Date(5), A: [1], MP: { a: 1 }, S: { x: 1, 'y z': [{ deep: new Date(7) }] } },
  ]);
  rows = await millrace.query('SELECT * FROM every;');
  described = (await millrace.sql('DESCRIBE STREAMS; DESCRIBE TABLES;')).map(({ kind, ...rest }) => ({
    '@type': kind,
    ...rest,
  }));
  await millrace.close();
  server.on('DESCRIBE STREAMS; DESCRIBE TABLES', described as Readonly<Record<string, unknown>>[]);
  url = await server.start();
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const program = `
import type { Millrace } from 'millrace';
import type { Insert, Queries, Row, Sources } from './rows.ts';

export const use = async (millrace: Millrace): Promise<void> => {
  const every: Insert<'EVERY'> = {
    K: 1, B: true, I: 1, L: 2n ** 60n, D: 0.5, M: 1.5, T: 't', RAW: new Uint8Array(1), DAY: '2024-02-29', HOUR: '10:00:00',
    TS: new Date(), A: [1, 2n, null], MP: { a: '1.5' }, S: { 'y z': [{ DEEP: new Date() }] }, 'lower case': undefined, ROWTIME: 5,
  };
  await millrace.insert('every', [every, { K: 2 }, {}]);
  const [row] = await millrace.query<Row<'EVERY'>>('SELECT * FROM every;');
  if (row === undefined) return;
  const again: Insert<'EVERY'> = (({ TRACE, ...rest }) => rest)(row);
  const big: number | bigint | null = row.L;
  const exact: string | null = row.M;
  const moment: Date | null | undefined = row.S?.['y z']?.[0]?.DEEP;
  const member: string | null | undefined = row.MP?.get('a');
  for await (const { T, N } of millrace.subscribe<Row<'BY_TEXT'>>('SELECT * FROM by_text EMIT CHANGES;')) {
    const key: string = T;
    const count: number | bigint | null = N;
    return void [key, count];
  }
  const [minute] = await millrace.query<Sources['BY_MINUTE']>('SELECT * FROM by_minute;');
  const start: number | undefined = minute?.WINDOWSTART;
  const same = (one: Queries['CTAS_BY_TEXT_4']): Row<'BY_TEXT'> => one;
  const stock: Insert<'STOCK'> = { ITEM: 'lamp' };
  void [again, big, exact, moment, member, start, same, stock];

  // @ts-expect-error A table's key is needed.
  const keyless: Insert<'STOCK'> = { COUNT: 1 };
  // @ts-expect-error There is no such column.
  const misspelt: Insert<'STOCK'> = { ITEM: 'lamp', CUONT: 1 };
  // @ts-expect-error A column of another type.
  const wrong: Insert<'EVERY'> = { K: 'one' };
  // @ts-expect-error Headers are read only.
  const header: Insert<'EVERY'> = { TRACE: new Uint8Array(1) };
  // @ts-expect-error A source that is read only.
  type None = Insert<'FIXED'>;
  // @ts-expect-error Windowed rows are not inserted.
  type Windowed = Insert<'BY_MINUTE'>;
  // @ts-expect-error There is no such stream.
  type Unknown = Row<'EVRY'>;
  // @ts-expect-error A value may be NULL.
  const present: string = row.T;
  // @ts-expect-error A part of a key of several columns may be NULL.
  const part: number = (await millrace.query<Row<'PAIRS'>>('SELECT * FROM pairs;'))[0]?.A ?? 'none';
  void [keyless, misspelt, wrong, header, present, part];
};
`;

test('what is written compiles beside a program that uses it, and wrong uses do not', async () => {
  await types('--data', data, '--out', 'rows.ts');
  writeFileSync(join(folder, 'program.ts'), program);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  // The library by its declarations: to check it whole takes several times as long.
  const library = { extends: join(home, 'tsconfig.json'), files: [join(home, 'millrace.ts')], include: [] };
  const emitted = { noEmit: false, noCheck: true, declaration: true, emitDeclarationOnly: true, rootDir: home };
  expect(await compile('library.json', library, { ...emitted, outDir: join(folder, 'library') })).toBe('');
  const paths = { millrace: [join(folder, 'library', 'millrace.d.ts')] };
  const used = { extends: join(home, 'tsconfig.json'), files: ['program.ts'], include: [] };
  expect(await compile('program.json', used, { paths, noUnusedLocals: false })).toBe('');
});

test('the text is stable, and that of a server is that of its directory', async () => {
  const path = join(folder, 'twice.ts');
  await types('--data', data, '--out', path);
  const { mtimeMs } = statSync(path);
  await types('--data', data, '--out', path);
  expect(statSync(path).mtimeMs).toBe(mtimeMs);
  const { stdout } = await types('--server', url);
  const withoutHeader = (text: string): string => text.slice(text.indexOf('*/\n'));
  expect(withoutHeader(stdout)).toBe(withoutHeader(readFileSync(path, 'utf8')));
  expect(stdout).toContain(`millrace types --server ${url}\n`);
  expect(stdout).toContain(`
/** A row of the table BY_MINUTE. */
export type ByMinuteRow = {
  readonly T: string;
  readonly WINDOWSTART: number;
  readonly WINDOWEND: number;
  readonly N: number | bigint | null;
};
`);
  expect(stdout).toContain('  readonly "by-text": ByText_2Row;\n');
});

test('a query gives values of the types that are written', async () => {
  const { stdout } = await types('--server', url);
  const written = /export type EveryRow = \{\n(.*?)\n\};/s.exec(stdout)?.[1] ?? '';
  const kinds = new Map(
    [...written.matchAll(/readonly "?([\w ]+)"?: (.*) \| null;/g)].map(([, name, type]) => [name, type]),
  );
  const classOf = (value: unknown): string =>
    typeof value === 'object' && value !== null ? value.constructor.name : typeof value;
  const seen = new Set<string | undefined>();
  for (const row of rows)
    for (const [name, value] of Object.entries(row))
      if (value !== null) {
        seen.add(name);
        expect(kinds.get(name), name).toMatch(
          { Array: /^readonly \(.*\)\[\]$/, Map: /^ReadonlyMap</, Object: /^\{/ }[classOf(value)] ??
            new RegExp(`\\b${classOf(value)}\\b`),
        );
      }
  expect([...kinds.keys()].filter((name) => !seen.has(name))).toEqual(['lower case', 'TRACE']);
});

test('every scalar type has a type here', () => {
  const fields = (
    described[0] as { sourceDescriptions: { name: string; fields: { schema: { type: string } }[] }[] }
  ).sourceDescriptions.find(({ name }) => name === 'EVERY')?.fields;
  const used = new Set(fields?.map(({ schema }) => schema.type));
  expect(Object.keys(scalars).filter((kind) => !used.has(kind))).toEqual([]);
});

test('what cannot be read is reported', async () => {
  mkdirSync(join(folder, 'empty'));
  const fails = async (...args: string[]) => {
    const error = await types(...args).catch((thrown: unknown) => thrown);
    const { code, stderr } = error as { code: number; stderr: string };
    return `${code} ${stderr}`;
  };
  expect(await fails('--data', 'empty')).toMatch(/^1 .*empty is not a data directory of Millrace\n/);
  expect(await fails('--data', 'empty', '--server', url)).toMatch(/^1 .*cannot both be given/);
  expect(await fails('--server', 'http://127.0.0.1:9')).toMatch(/^2 .*no server could be reached/);
  expect(await fails('--server', url, '--out', join('missing', 'rows.ts'))).toMatch(/^1 .*cannot be written/);
});
