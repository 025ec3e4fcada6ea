/** `millrace sql` as a script sees it: a real process, against a server of canned answers. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FakeServer, header, unknownColumn } from './fake-server.ts';

const main = join(import.meta.dirname, '..', '..', 'cli', 'main.ts');
const server = new FakeServer();
const folder = mkdtempSync(join(tmpdir(), 'millrace-cli-'));
let url = '';

beforeAll(async () => {
  url = await server
    .on('SELECT * FROM users', { rows: [header({ ID: 'BIGINT', NAME: 'STRING' }), '[1,"Anna"]', '[22,"数据"]'] })
    .on('SELECT naem FROM users', {
      error: {
        ...unknownColumn,
        millrace: { code: 'SQL_UNKNOWN_COLUMN', at: { line: 1, column: 8, offset: 7, length: 4 } },
      },
    })
    .on('SELECT\n  naem FROM users', { error: unknownColumn })
    .on('SELECT a +, b FROM WHERE', {
      error: {
        ...unknownColumn,
        message: 'expected an expression, found ","',
        millrace: {
          code: 'SQL_SYNTAX',
          at: { line: 1, column: 11, offset: 10, length: 1 },
          faults: [
            {
              code: 'SQL_SYNTAX',
              message: 'expected a name, found "WHERE". Write a source.',
              hint: 'Write a source.',
              at: { line: 1, column: 20, offset: 19, length: 5 },
            },
          ],
        },
      },
    })
    .on('SELECT late FROM users', {
      rows: [
        header({ LATE: 'INTEGER' }),
        '[1]',
        JSON.stringify({ '@type': 'generic_error', error_code: 50000, message: 'the disk is gone' }),
      ],
    })
    .on('SELECT broken FROM users', (response) => {
      response.write(`${header({ A: 'INTEGER' })}\n[1]\n`, () => response.destroy());
    })
    .on('SELECT * FROM endless EMIT CHANGES', async (response) => {
      const closed = once(response, 'close');
      response.write(`${header({ ID: 'BIGINT' })}\n`);
      for (let id = 0; !response.destroyed; id++) {
        if (!response.write(`[${id}]\n`)) await Promise.race([new Promise((go) => response.once('drain', go)), closed]);
      }
    })
    .on('SELECT * FROM silent EMIT CHANGES', (response) => {
      response.write(`${header({ ID: 'BIGINT' })}\n[1]\n`);
    })
    .on('PRINT users', (response) => {
      response.end('Key format: KAFKA_STRING\nrowtime: \u0007, key: a\n');
    })
    .on('SHOW STREAMS', [
      {
        '@type': 'streams',
        statementText: 'SHOW STREAMS;',
        warnings: [],
        streams: [
          { type: 'STREAM', name: 'USERS', topic: 'users', keyFormat: 'KAFKA', valueFormat: 'JSON', isWindowed: false },
        ],
      },
    ])
    .on('DROP STREAM IF EXISTS x', [
      { '@type': 'warning_entity', statementText: '', warnings: [], message: 'X does not exist' },
    ])
    .on('CREATE STREAM s AS SELECT * FROM users', [
      {
        '@type': 'currentStatus',
        statementText: '',
        warnings: [{ message: 'it is late' }],
        commandId: 'stream/`S`/create',
        commandStatus: { status: 'SUCCESS', message: 'Stream created', queryId: 'CSAS_S_1' },
      },
    ])
    .start();
});

afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

interface Result {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function millrace(args: readonly string[], input?: string): Promise<Result> {
  const child = spawn(process.execPath, [main, ...args], { env: { ...process.env, NO_COLOR: '1' } });
  child.stdin.end(input ?? '');
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, out, err };
}

const lines = (...all: readonly string[]): string => all.map((line) => `${line}\n`).join('');

describe('data goes to standard output', () => {
  const users = lines(' ID | NAME', '----+------', '  1 | Anna', ' 22 | 数据');

  test('as an aligned table', async () => {
    expect(await millrace(['sql', url, '-e', 'SELECT * FROM users;'])).toEqual({ code: 0, out: users, err: '' });
  });

  test('as one JSON object a line', async () => {
    expect(await millrace(['sql', '--server', url, '-o', 'json', '-e', 'SELECT * FROM users'])).toEqual({
      code: 0,
      out: lines('{"ID":1,"NAME":"Anna"}', '{"ID":22,"NAME":"数据"}'),
      err: '',
    });
  });

  test('and what is only to be known goes to standard error', async () => {
    const script = 'CREATE STREAM s AS SELECT * FROM users; DROP STREAM IF EXISTS x; SHOW STREAMS;';
    // They are one request.
    server.on(
      script.slice(0, -1),
      script.split(/; ?/).flatMap((statement) => server.entitiesOf(statement)),
    );
    expect(await millrace(['sql', url, '-e', script])).toEqual({
      code: 0,
      out: lines(
        ' Name  | Topic | Key format | Value format | Windowed',
        '-------+-------+------------+--------------+----------',
        ' USERS | users | KAFKA      | JSON         | false',
      ),
      err: lines('warning: it is late', 'Stream created: S (query CSAS_S_1)', 'warning: X does not exist'),
    });
  });

  test('why a query that runs does nothing stands below the queries', async () => {
    const query = (id: string, millrace: object): object => ({
      id,
      queryType: 'PERSISTENT',
      state: 'RUNNING',
      millrace,
    });
    const queries = [
      query('CTAS_A_1', { dropped: {} }),
      query('CTAS_B_2', { dropped: {}, error: 'no space is left on the device of /data' }),
    ];
    server.on('SHOW QUERIES', [{ '@type': 'queries', statementText: '', warnings: [], queries }]);
    const { out, err } = await millrace(['sql', url, '-e', 'SHOW QUERIES;']);
    expect(out).toContain('CTAS_B_2');
    expect(err).toBe(lines('CTAS_B_2: no space is left on the device of /data'));
  });

  test('statements may come from a file or from a pipe', async () => {
    const file = join(folder, 'users.sql');
    writeFileSync(file, '-- all of them\nSELECT * FROM users;\n');
    expect((await millrace(['sql', url, '-f', file])).out).toBe(users);
    expect((await millrace(['sql', url, '-f', '-'], 'SELECT * FROM users;')).out).toBe(users);
    expect((await millrace(['sql', url], 'SELECT * FROM users;')).out).toBe(users);
  });
});

describe('what SET sets holds for the statements behind it', () => {
  test('and goes with each of them', async () => {
    server.asked.length = 0;
    await millrace([
      'sql',
      url,
      '-e',
      "SET 'a.b' = 'it''s'; SELECT * FROM users; SHOW STREAMS; UNSET 'a.b'; SELECT * FROM users;",
    ]);
    expect(server.asked).toEqual([
      { path: '/ksql', body: { ksql: "SET 'a.b' = 'it''s';", streamsProperties: {}, sessionVariables: {} } },
      {
        path: '/query-stream',
        body: { sql: 'SELECT * FROM users;', properties: { 'a.b': "it's" }, sessionVariables: {} },
      },
      {
        path: '/ksql',
        body: { ksql: "SHOW STREAMS; UNSET 'a.b';", streamsProperties: { 'a.b': "it's" }, sessionVariables: {} },
      },
      { path: '/query-stream', body: { sql: 'SELECT * FROM users;', properties: {}, sessionVariables: {} } },
    ]);
  });
});

describe('what DEFINE defines holds for the statements behind it', () => {
  test('and a value may hold another one', async () => {
    server.asked.length = 0;
    await millrace(['sql', url, '-e', "DEFINE A = 'x'; PRINT users; DEFINE b = '${a}''y'; UNDEFINE a; PRINT users;"]);
    // Whether there are variables is a property of the server: it is asked where one is used.
    expect(server.asked.map(({ body }) => [body['ksql'] ?? body['sql'], body['sessionVariables']])).toEqual([
      ["DEFINE A = 'x';", {}],
      ['PRINT users;', { a: 'x' }],
      ["DEFINE b = '${a}''y'; UNDEFINE a;", { a: 'x' }],
      ['SHOW PROPERTIES;', { a: 'x' }],
      ['PRINT users;', { b: "x'y" }],
    ]);
  });
});

describe('variables that are switched off', () => {
  const on = (value: string): void => {
    const entity = { '@type': 'properties', properties: [{ name: 'ksql.variable.substitution.enable', value }] };
    server.on('SHOW PROPERTIES', [entity]);
  };

  test('stay as they are written, in what SET and DEFINE keep too', async () => {
    on('false');
    try {
      const script = "DEFINE a = 'x'; SET 'p' = '${a}'; DEFINE b = '${a}'; PRINT users;";
      await millrace(['sql', url, '-e', script]);
      expect(server.asked.at(-1)?.body).toMatchObject({
        properties: { p: '${a}' },
        sessionVariables: { a: 'x', b: '${a}' },
      });
    } finally {
      on('true');
    }
  });
});

test('a value of SET may hold a variable', async () => {
  server.asked.length = 0;
  await millrace(['sql', url, '-e', "DEFINE a = 'it''s'; SET 'p' = '${a} late'; PRINT users;"]);
  expect(server.asked.at(-1)?.body['streamsProperties'] ?? server.asked.at(-1)?.body['properties']).toEqual({
    p: "it's late",
  });
});

describe('RUN SCRIPT', () => {
  const script = (name: string, content: string): string => {
    const file = join(folder, name);
    writeFileSync(file, content);
    return file;
  };

  test('runs a file; a name within it is one beside it', async () => {
    script('inner.sql', "SET 'a' = 'b'; SHOW STREAMS;");
    const outer = script('outer.sql', "RUN SCRIPT 'inner.sql'; SHOW STREAMS;");
    server.asked.length = 0;
    expect((await millrace(['sql', url, '-e', `RUN SCRIPT '${outer}';`])).code).toBe(0);
    expect(server.asked.map(({ body }) => [body['ksql'], body['streamsProperties']])).toEqual([
      ["SET 'a' = 'b'; SHOW STREAMS;", {}],
      ['SHOW STREAMS;', { a: 'b' }],
    ]);
  });

  test('an error has the place in its file, and ends all of them', async () => {
    script('bad.sql', '\n  SELECT naem FROM users; SHOW STREAMS;');
    const outer = script('runs-bad.sql', "RUN SCRIPT 'bad.sql'; SHOW STREAMS;");
    server.asked.length = 0;
    const { code, err } = await millrace(['sql', url, '-f', outer]);
    expect(code).toBe(3);
    expect(err).toContain(`  at ${join(folder, 'bad.sql')}:2:10`);
    expect(server.asked).toHaveLength(1);
  });

  test('a script that runs itself, or is not there, is a usage fault', async () => {
    const loop = script('loop.sql', "RUN SCRIPT 'loop.sql';");
    expect(await millrace(['sql', url, '-f', loop])).toMatchObject({
      code: 1,
      err: expect.stringContaining('16 scripts are running within one another'),
    });
    expect(await millrace(['sql', url, '-e', "RUN SCRIPT 'nowhere.sql';"])).toMatchObject({
      code: 1,
      err: expect.stringContaining('the script nowhere.sql cannot be read: there is no such file'),
    });
  });
});

test('the lines of PRINT are shown as they come', async () => {
  expect(await millrace(['sql', url, '-e', 'PRINT users;'])).toMatchObject({
    code: 0,
    out: lines('Key format: KAFKA_STRING', 'rowtime: \\u0007, key: a'),
  });
});

describe('exit code 3: a statement failed', () => {
  test('the place is marked, and what comes behind does not run', async () => {
    server.asked.length = 0;
    expect(await millrace(['sql', url, '-e', 'SELECT naem FROM users; SHOW STREAMS;'])).toEqual({
      code: 3,
      out: '',
      err: lines(
        'error SQL_UNKNOWN_COLUMN: column "NAEM" does not exist in stream "USERS" Did you mean "NAME"?',
        '  at line 1, column 8',
        '  SELECT naem FROM users',
        '         ^^^^',
      ),
    });
    expect(server.asked).toHaveLength(1);
  });

  test('each fault is shown with its place', async () => {
    expect((await millrace(['sql', url, '-e', 'SELECT a +, b FROM WHERE;'])).err).toBe(
      lines(
        'error SQL_SYNTAX: expected an expression, found ","',
        '  at line 1, column 11',
        '  SELECT a +, b FROM WHERE',
        '            ^',
        'error SQL_SYNTAX: expected a name, found "WHERE".',
        '  at line 1, column 20',
        '  SELECT a +, b FROM WHERE',
        '                     ^^^^^',
        'hint: Write a source.',
      ),
    );
  });

  test('in a file the place is the file’s, and the hint stands by itself', async () => {
    const file = join(folder, 'bad.sql');
    writeFileSync(file, 'SHOW STREAMS;\n\n  SELECT\n  naem FROM users;\n');
    const { code, err } = await millrace(['sql', url, '-f', file]);
    expect(code).toBe(3);
    expect(err).toBe(
      lines(
        'error SQL_UNKNOWN_COLUMN: column "NAEM" does not exist in stream "USERS"',
        `  at ${file}:4:3`,
        '    naem FROM users',
        '    ^^^^',
        'hint: Did you mean "NAME"?',
      ),
    );
  });

  test('the statements of a script up to a query are one request: all their faults are shown, with their places', async () => {
    const file = join(folder, 'two-bad.sql');
    const text = '-- First\nSHOW STREAM;\n\n  SHOW TABLE;';
    const fault = (line: number, column: number): object => ({
      code: 'SQL_SYNTAX',
      message: `line ${line}`,
      at: { line, column, offset: 0, length: 4 },
    });
    server.on(text.slice(9).replace(/;$/, ''), {
      error: {
        '@type': 'statement_error',
        error_code: 40001,
        message: 'line 1',
        millrace: { ...fault(1, 6), faults: [fault(3, 8)] } as never,
      },
    });
    writeFileSync(file, `${text}\nSELECT * FROM users;`);
    const { code, err } = await millrace(['sql', url, '-f', file]);
    expect(code).toBe(3);
    expect(err).toContain(`line 1\n  at ${file}:2:6\n  SHOW STREAM;`);
    expect(err).toContain(`line 3\n  at ${file}:4:8\n    SHOW TABLE`);
  });

  test('what ran of a script is shown before the statement that failed, and that one is named', async () => {
    server.on('SHOW STREAMS; DROP STREAM x', {
      error: {
        '@type': 'statement_error',
        error_code: 40001,
        message: 'x is read',
        statementText: 'DROP STREAM x;',
        entities: [{ '@type': 'warning_entity', statementText: '', warnings: [], message: 'ran' }] as never,
      },
    });
    const { err } = await millrace(['sql', url, '-e', 'SHOW STREAMS; DROP STREAM x;']);
    expect(err).toMatch(/ran[^]*x is read\n {2}at line 1, column 15/);
  });

  test('a query that fails on the way has shown its rows before', async () => {
    expect(await millrace(['sql', url, '-e', 'SELECT late FROM users;'])).toEqual({
      code: 3,
      out: lines(' LATE', '------', '    1'),
      err: lines('error 50000: the disk is gone'),
    });
  });
});

describe('exit code 2: no connection', () => {
  test('when nothing listens', async () => {
    const { code, out, err } = await millrace(['sql', 'http://127.0.0.1:1', '-e', 'SHOW STREAMS;']);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('error: no server could be reached at http://127.0.0.1:1: nothing listens there\n');
    expect(err).toContain('hint: Start one with "millrace server"');
  });

  test('when the connection breaks in the middle of a result', async () => {
    const { code, out, err } = await millrace(['sql', url, '-e', 'SELECT broken FROM users;']);
    expect({ code, out }).toEqual({ code: 2, out: lines(' A', '---', ' 1') });
    expect(err).toContain('error: the connection to the server broke\n');
  });
});

describe('exit code 1: the command line is wrong', () => {
  test.each([
    [['frob'], "error: unknown command 'frob'"],
    [['sql', '-o', 'xml'], 'Allowed choices are table, json.'],
    [['sql', '-e', 'a', '-f', 'b'], 'error: both -e and -f were given'],
    [['sql', '-f', '/no/such/file'], 'error: the script /no/such/file cannot be read: there is no such file'],
    [['sql', 'ftp://x', '-e', 'a'], 'error: "ftp://x" is not the address of a server'],
    [['server', '--port', '99999'], 'Give a number from 0 to 65535.'],
  ])('%j', async (args, sentence) => {
    const { code, err } = await millrace(args);
    expect(code).toBe(1);
    expect(err).toContain(sentence);
  });

  test('asking for help or the version is no error', async () => {
    expect(await millrace(['--version'])).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+/) });
    expect(await millrace(['sql', '--help'])).toMatchObject({ code: 0, err: '' });
  });

  test('help ends without a word when nobody reads it', async () => {
    const child = spawn(process.execPath, [main, 'server', '--help']);
    child.stdout.destroy();
    const errors = text(child.stderr);
    await once(child, 'close');
    expect(await errors).toBe('');
    expect(child.exitCode).toBe(0);
  });
});

describe('a query without end', () => {
  test('stops without a word when nobody reads any more', async () => {
    const left = server.left;
    const child = spawn(process.execPath, [main, 'sql', url, '-e', 'SELECT * FROM endless EMIT CHANGES;']);
    const errors = text(child.stderr);
    for await (const _ of child.stdout) break;
    child.stdout.destroy();
    await once(child, 'close');
    expect(child.exitCode).toBe(0);
    expect(await errors).toBe('');
    expect(server.left).toBe(left + 1);
  });

  test('shows rows as they come, and ends with Ctrl-C', async () => {
    const child = spawn(process.execPath, [main, 'sql', url, '-e', 'SELECT * FROM silent EMIT CHANGES;']);
    child.stdout.setEncoding('utf8');
    let seen = '';
    for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
      seen += String(chunk);
      if (seen.includes('1')) break;
    }
    expect(seen).toBe(lines(' ID', '----', '  1'));
    child.kill('SIGINT');
    child.stdout.resume();
    await once(child, 'close');
    expect(child.exitCode).toBe(130);
  });
});
