/** The prompt, with keys pressed by the test. */

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Client } from '../../cli/client.ts';
import { joinLines, readHistory, writeHistory } from '../../cli/history.ts';
import { runPrompt } from '../../cli/prompt.ts';
import { Session } from '../../cli/session.ts';
import { Terminal } from '../../cli/terminal.ts';
import { FakeServer, header, unknownColumn } from './fake-server.ts';

const ctrlC = '\u0003';
const ctrlD = '\u0004';
const up = '\u001b[A';

let server: FakeServer;
let folder: string;
let input: PassThrough;
let shown: string;
let ended: Promise<number>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-prompt-'));
  server = new FakeServer()
    .on('SELECT *\nFROM users', { rows: [header({ ID: 'BIGINT' }), '[1]'] })
    .on('SELECT naem FROM users', { error: { ...unknownColumn, millrace: { code: 'SQL_UNKNOWN_COLUMN' } } })
    .on('SELECT * FROM silent EMIT CHANGES', (response) => {
      response.write(`${header({ ID: 'BIGINT' })}\n[7]\n`);
    });
  const url = await server.start();
  input = new PassThrough();
  const output = new PassThrough();
  shown = '';
  output.on('data', (chunk) => {
    shown += String(chunk);
  });
  const terminal = new Terminal(output, output);
  const session = new Session({ client: new Client(new URL(url)), terminal, output: 'table', interactive: true });
  ended = runPrompt(session, terminal, { input, output, historyFile: join(folder, 'history') });
});

afterEach(async () => {
  input.end();
  await ended;
  await server.stop();
  rmSync(folder, { recursive: true });
});

/** Waits until a text is shown behind what was shown before. */
async function shows(text: string | RegExp): Promise<void> {
  const found = (): boolean => (typeof text === 'string' ? shown.includes(text) : text.test(shown));
  while (!found()) await new Promise((resolve) => setTimeout(resolve, 5));
  shown = '';
}

test('a statement goes over lines until its semicolon', async () => {
  await shows('millrace> ');
  input.write('SELECT *\r');
  await shows('       -> ');
  input.write('FROM users;\r');
  await shows(/ID\n----\n {2}1\n1 row in [\d.]+ s\n/);
  expect(server.asked.map(({ body }) => body['sql'])).toEqual(['SELECT *\nFROM users;']);
});

test('a statement that fails is told, and the prompt goes on', async () => {
  input.write('SELECT naem FROM users; SHOW STREAMS;\r');
  await shows('error SQL_UNKNOWN_COLUMN');
  input.write('SHOW TABLES;\r');
  await shows('Done.');
  expect(server.asked.map(({ body }) => body['sql'] ?? body['ksql'])).toEqual([
    'SELECT naem FROM users;',
    'SHOW TABLES;',
  ]);
});

test('what a script has set before the statement that failed holds at the prompt', async () => {
  const script = (name: string, statements: string): string => {
    const file = join(folder, name);
    writeFileSync(file, `${statements};`);
    return file;
  };
  const planned = "SET 'a' = '1';\nDEFINE b = '2'; DROP STREAM x; SET 'c' = '3'";
  const at = { line: 2, column: 17, offset: 0 };
  server.on(planned, { error: { ...unknownColumn, millrace: { code: 'SQL_UNKNOWN_SOURCE', at } } });
  const ran = "UNSET 'a'; SET 'd' = '4'; DROP STREAM y; SET 'e' = '5'";
  server.on(ran, { error: { ...unknownColumn, statementText: 'DROP STREAM y;' } });
  const last = (): unknown => server.asked.at(-1)?.body;
  await shows('millrace> ');
  input.write(`RUN SCRIPT '${script('planned.sql', planned)}';\r`);
  await shows(/error[^]*> /);
  input.write('SELECT naem FROM users;\r');
  await shows(/error[^]*> /);
  expect(last()).toMatchObject({ properties: { a: '1' }, sessionVariables: { b: '2' } });
  input.write(`RUN SCRIPT '${script('ran.sql', ran)}';\r`);
  await shows(/error[^]*> /);
  input.write('SELECT naem FROM users;\r');
  await shows(/error[^]*> /);
  expect(last()).toMatchObject({ properties: { d: '4' }, sessionVariables: { b: '2' } });
});

test('Tab completes the word, with the lines before it in mind', async () => {
  server.on('SELECT *\nFROM us', (response) => {
    response.end(JSON.stringify({ from: 14, to: 16, items: [{ text: 'users', kind: 'source' }] }));
  });
  await shows('millrace> ');
  input.write('SELECT *\r');
  await shows('       -> ');
  input.write('FROM us\t');
  await shows('users');
  input.write(';\r');
  await shows(/1 row in/);
});

test('Ctrl-C ends the query that runs', async () => {
  input.write('SELECT * FROM silent EMIT CHANGES;\r');
  await shows('  7\n');
  input.write(ctrlC);
  await shows(/1 row in/);
  expect(server.left).toBe(1);
});

test('Ctrl-C throws away what was typed', async () => {
  input.write('SELECT\r');
  await shows('       -> ');
  input.write('something');
  await shows('something');
  input.write(ctrlC);
  await shows('^C');
  input.write('SHOW TABLES;\r');
  await shows('Done.');
  expect(server.asked.map(({ body }) => body['ksql'])).toEqual(['SHOW TABLES;']);
});

test('Ctrl-C drops the lines that wait behind the query that runs', async () => {
  input.write('SELECT * FROM silent EMIT CHANGES;\rSHOW STREAMS;\rSHOW TABLES;\r');
  await shows('  7\n');
  input.write(ctrlC);
  await shows(/1 row in [^]*millrace> /);
  input.write('SHOW TOPICS;\r');
  await shows('Done.');
  expect(server.asked.map(({ body }) => body['ksql'])).toEqual([undefined, 'SHOW TOPICS;']);
});

test.each(['exit', 'quit;', '\\q', 'QUIT'])('%s leaves', async (word) => {
  input.write(`${word}\r`);
  expect(await ended).toBe(0);
});

test('Ctrl-D leaves, and ends the line of the prompt', async () => {
  await shows('millrace> ');
  input.write(ctrlD);
  expect(await ended).toBe(0);
  expect(shown).toMatch(/\n$/);
});

test('a command of another terminal is answered at once', async () => {
  input.write('\\d orders\r');
  await shows('There is no command \\d. "help" shows what there is.');
  input.write('SHOW TABLES;\r');
  await shows('Done.');
});

test('help helps', async () => {
  input.write('help\r');
  await shows('A statement ends with a semicolon');
});

test('lines that are pasted while a statement runs wait for their turn', async () => {
  input.write('SHOW STREAMS;\rSHOW TABLES;\rSHOW TOPICS;\r');
  await shows(/Done\.[^]*Done\.[^]*Done\./);
  expect(server.asked.map(({ body }) => body['ksql'])).toEqual(['SHOW STREAMS;', 'SHOW TABLES;', 'SHOW TOPICS;']);
});

test('a statement is remembered as one line, which comes back with the arrow up', async () => {
  input.write('SELECT *\rFROM users;\r');
  await shows(/1 row in [^]*millrace> /);
  input.write(up);
  await shows('SELECT * FROM users;');
  input.write(ctrlC);
  await shows('^C');
  const file = join(folder, 'history');
  expect(readFileSync(file, 'utf8')).toBe('SELECT * FROM users;\n');
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('history is kept newest last, at most a thousand, and never fails', () => {
  const file = join(folder, 'other', 'history');
  writeHistory(file, ['newest', 'two\nlines', 'oldest', ...Array.from({ length: 2000 }, (_, index) => `${index}`)]);
  const kept = readHistory(file);
  expect(kept.slice(0, 3)).toEqual(['newest', 'oldest', '0']);
  expect(kept).toHaveLength(999);
  expect(readHistory(folder)).toEqual([]);
  expect(() => writeHistory(folder, ['x'])).not.toThrow();
});

test('lines with a comment are not joined, since it would swallow the rest', () => {
  expect(joinLines(['SELECT * -- all', 'FROM users;'])).toBeUndefined();
  expect(joinLines(['SELECT *', '  FROM users;'])).toBe('SELECT *   FROM users;');
});
