/** Both commands together: a real server in its own process, and the terminal against it. */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';

const main = join(import.meta.dirname, '..', '..', 'cli', 'main.ts');
const folder = mkdtempSync(join(tmpdir(), 'millrace-cli-server-'));
const compiled = join(folder, 'compiled');
const environment = { ...process.env, NO_COLOR: '1', NODE_COMPILE_CACHE: compiled };

let server: ChildProcessWithoutNullStreams;
let said = '';
let url = '';

beforeAll(async () => {
  // 4 GiB are more bytes than 32 bits can count.
  server = start([
    '--data',
    join(folder, 'data'),
    '--port',
    '0',
    '--push-memory',
    '4096',
    '--set',
    'auto.offset.reset=earliest',
  ]);
  server.stderr.on('data', (chunk) => {
    said += String(chunk);
  });
  while (url === '' && server.exitCode === null) {
    url = /listens at (\S+),/.exec(said)?.[1] ?? '';
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(url, said).not.toBe('');
});

afterAll(async () => {
  if (server.exitCode === null) {
    server.kill('SIGKILL');
    await once(server, 'close');
  }
  rmSync(folder, { recursive: true });
});

const start = (args: readonly string[]): ChildProcessWithoutNullStreams =>
  spawn(process.execPath, [main, 'server', '--log-level', 'error', ...args], { env: environment });

interface Result {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function finished(child: ChildProcessWithoutNullStreams): Promise<Result> {
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, out, err };
}

const sql = (...args: readonly string[]): Promise<Result> =>
  finished(spawn(process.execPath, [main, 'sql', url, ...args], { env: environment }));

test('a server keeps what was compiled while it runs: it may be killed', async () => {
  const files = (): number => (existsSync(compiled) ? readdirSync(compiled, { recursive: true }).length : 0);
  while (files() < 200) await new Promise((resolve) => setTimeout(resolve, 50));
});

const lines = (...all: readonly string[]): string => all.map((line) => `${line}\n`).join('');

test('a script creates, fills and asks', async () => {
  const { code, out, err } = await sql(
    '-e',
    `CREATE STREAM flights (id BIGINT KEY, origin VARCHAR, delay INTEGER)
       WITH (kafka_topic='flights', partitions=1, value_format='JSON');
     INSERT INTO flights VALUES (1, 'ATL', 12);
     INSERT INTO flights VALUES (9007199254740993, '東京', NULL);
     SELECT id, origin, delay FROM flights;`,
  );
  expect(err).toMatch(/FLIGHTS/);
  expect(out).toBe(
    lines(
      '               ID | ORIGIN | DELAY',
      '------------------+--------+-------',
      '                1 | ATL    |    12',
      ' 9007199254740993 | 東京   |  NULL',
    ),
  );
  expect(code).toBe(0);
});

test('a push query ends at its limit; it begins where --set has it', async () => {
  const script = 'SELECT id, delay * 2 AS twice FROM flights EMIT CHANGES LIMIT 2;';
  expect(await sql('-o', 'json', '-e', script)).toEqual({
    code: 0,
    out: lines('{"ID":1,"TWICE":24}', '{"ID":9007199254740993,"TWICE":null}'),
    err: '',
  });
});

test('a push query shows each row when it comes, not with the next one', async () => {
  const query = "SET 'auto.offset.reset' = 'earliest'; SELECT id FROM flights WHERE delay = 77 EMIT CHANGES;";
  const child = spawn(process.execPath, [main, 'sql', url, '-o', 'json', '-e', query], { env: environment });
  const first = once(child.stdout, 'data');
  await sql('-e', "INSERT INTO flights VALUES (7, 'BOS', 77);");
  expect(String((await first)[0])).toBe('{"ID":7}\n');
  child.kill('SIGINT');
  await once(child, 'close');
  expect(child.exitCode).toBe(130);
});

test('a variable in what SET and DEFINE keep is replaced, unless variables are switched off', async () => {
  const { code, out } = await sql(
    '-o',
    'json',
    '-e',
    `DEFINE a = 'x'; DEFINE b = '\${a}y';
     SELECT id FROM flights WHERE id = 1;
     SET 'ksql.variable.substitution.enable' = 'false'; DEFINE c = '\${a}y';
     SELECT id FROM flights WHERE id = 1;
     SHOW VARIABLES;`,
  );
  expect(code).toBe(0);
  const shown = JSON.parse(out.trimEnd().split('\n').at(-1) ?? '');
  expect(shown.variables).toEqual([
    { name: 'a', value: 'x' },
    { name: 'b', value: 'xy' },
    { name: 'c', value: '${a}y' },
  ]);
});

test('the server names the place of an error, and the terminal marks it', async () => {
  const { code, out, err } = await sql('-e', 'SHOW STREAMS;\nSELECT id,\n  dleay FROM flights;');
  expect(code).toBe(3);
  expect(out).toContain('FLIGHTS');
  expect(err).toContain('  at line 3, column 3\n    dleay FROM flights\n    ^^^^^\n');
  expect(err).toMatch(/hint: .*DELAY/);
});

test('descriptions, lists and plans are shown', async () => {
  const { code, out } = await sql(
    '-e',
    'DESCRIBE flights; SHOW TOPICS; SHOW QUERIES; SHOW FUNCTIONS; EXPLAIN SELECT id FROM flights EMIT CHANGES;',
  );
  expect(code).toBe(0);
  expect(out).toMatch(/^Stream +FLIGHTS$/m);
  expect(out).toMatch(/^ DELAY +\| INTEGER/m);
  expect(out).toMatch(/^ flights +\| +1$/m);
  expect(out).toMatch(/^ Id +\| Kind +\| State/m);
  expect(out).toMatch(/^ COUNT +\| AGGREGATE/m);
  expect(out).toMatch(/^Plan$/m);
});

test('a port that is taken and a directory that is in use are said plainly', async () => {
  const port = new URL(url).port;
  const taken = await finished(start(['--data', join(folder, 'other'), '--port', port]));
  expect(taken.code).toBe(1);
  expect(taken.err).toContain(`error: port ${port} on 127.0.0.1 is in use by another process\nhint: `);
  const locked = await finished(start(['--data', join(folder, 'data'), '--port', '0']));
  expect(locked.code).toBe(1);
  expect(locked.err).toMatch(/^error: .*in use|^error: .*lock/m);
});

test('the server stops cleanly when it is told to', async () => {
  server.kill('SIGTERM');
  await once(server, 'close');
  expect(server.exitCode).toBe(0);
  expect(said).toMatch(/Stopping\.\n$/);
});

test('a server that was killed says at its next start what that left, and one that stopped cleanly has nothing to say', async () => {
  const data = ['--data', join(folder, 'killed'), '--port', '0'];
  const startOf = async (): Promise<{ child: ChildProcessWithoutNullStreams; heard: string }> => {
    const child = start(data);
    let heard = '';
    child.stderr.on('data', (chunk) => {
      heard += String(chunk);
    });
    while (!heard.includes('listens at') && child.exitCode === null)
      await new Promise((resolve) => setTimeout(resolve, 5));
    return { child, heard };
  };
  const first = await startOf();
  expect(first.heard).toMatch(/^Millrace listens at/);
  first.child.kill('SIGKILL');
  await once(first.child, 'close');
  const second = await startOf();
  expect(second.heard).toMatch(
    /^The last run did not end cleanly: \d+ partitions checked in \d+ ms\.\nMillrace listens at/,
  );
  second.child.kill('SIGINT');
  await once(second.child, 'close');
  expect(second.child.exitCode).toBe(0);
  const third = await startOf();
  expect(third.heard).toMatch(/^Millrace listens at/);
  third.child.kill('SIGTERM');
  await once(third.child, 'close');
});
