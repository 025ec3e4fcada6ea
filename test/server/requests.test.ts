/** Requests and their answers, as tables: statuses, media types, methods, and the shapes of rows. */

import { mkdtempSync, rmSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningServer, startServer } from '../../server/index.ts';

let directory: string;
let server: RunningServer;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-requests-'));
  server = await startServer({
    data: join(directory, 'data'),
    port: 0,
    logLevel: 'silent',
    workers: 0,
    limits: { maxBodyBytes: 10_000 },
  });
  await server.millrace.sql(
    `SET 'auto.offset.reset' = 'earliest';
     CREATE STREAM words (word VARCHAR KEY, n INT) WITH (kafka_topic='words', partitions=1, value_format='JSON');
     CREATE TABLE counts AS SELECT word, COUNT(*) AS n FROM words GROUP BY word;`,
  );
  await server.millrace.insert('words', [
    { word: 'tree', n: 1 },
    { word: 'sea', n: 2 },
  ]);
  await server.millrace.awaitIdle();
});

afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

interface Call {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const overHttp1 = (path: string, { method = 'POST', headers = {}, body = '' }: Call): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const outgoing = request(new URL(path, server.url), { method, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    outgoing.on('error', reject).end(body);
  });

const overHttp2 = (path: string, { method = 'POST', headers = {}, body = '' }: Call): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const session = connect(server.url);
    const endStream = body === '';
    const stream = session.request({ ':path': path, ':method': method, ...headers }, { endStream });
    let text = '';
    let answer: Omit<Answer, 'text'> = { status: 0, headers: {} };
    stream.setEncoding('utf8').on('data', (part: string) => (text += part));
    stream.on('response', (got) => (answer = { status: got[':status'] ?? 0, headers: got as IncomingHttpHeaders }));
    stream.on('end', () => {
      session.destroy();
      resolve({ ...answer, text });
    });
    stream.on('error', reject);
    if (!endStream) stream.end(body);
  });

const versions = [
  ['HTTP/1.1', overHttp1],
  ['HTTP/2', overHttp2],
] as const;

const json = 'application/json';
const ksql = 'application/vnd.ksql.v1+json';
const delimited = 'application/vnd.ksqlapi.delimited.v1';
const protobuf = 'application/vnd.ksql.v1+protobuf';
const text = 'text/plain; charset=utf-8';

const statement = JSON.stringify({ ksql: 'SHOW STREAMS;' });
const select = 'SELECT word, n FROM words;';
const query = JSON.stringify({ ksql: select });
const queryStream = JSON.stringify({ sql: select });
const print = JSON.stringify({ sql: `PRINT words FROM BEGINNING LIMIT 1;` });
const rows = '{"target":"words"}\n{"word":"moon","n":"x"}\n';

describe.each(versions)('over %s', (_, call) => {
  test.each<[path: string, accept: string, body: string, expected: string | 406]>([
    ['/ksql', '', statement, ksql],
    ['/ksql', '*/*', statement, ksql],
    ['/ksql', json, statement, json],
    ['/ksql', `${json}, ${ksql}`, statement, json],
    ['/ksql', `${json};q=0.5, ${ksql}`, statement, ksql],
    ['/ksql', `${ksql};q=0, application/*`, statement, json],
    ['/ksql', 'text/html', statement, 406],
    ['/ksql', `${json};q=0`, statement, 406],
    ['/query', '', query, ksql],
    ['/query', json, query, json],
    ['/query', `${protobuf}, ${ksql};q=0.1`, query, ksql],
    ['/query', protobuf, query, 406],
    ['/query-stream', '', queryStream, delimited],
    ['/query-stream', delimited, queryStream, delimited],
    ['/query-stream', ksql, queryStream, ksql],
    ['/query-stream', 'Application/JSON; charset=utf-8', queryStream, json],
    ['/query-stream', 'application/*', queryStream, delimited],
    ['/query-stream', protobuf, queryStream, 406],
    ['/query-stream', 'text/plain', queryStream, 406],
    ['/query-stream', 'text/plain', print, text],
    ['/query-stream', delimited, print, text],
    ['/inserts-stream', '', rows, delimited],
    ['/inserts-stream', json, rows, json],
    ['/inserts-stream', 'text/plain', rows, 406],
  ])('POST %s, Accept %j: %s is answered with %s', async (path, accept, body, expected) => {
    const headers = { 'content-type': json, ...(accept === '' ? {} : { accept }) };
    const answer = await call(path, { headers, body });
    if (expected === 406) {
      expect(answer.status).toBe(406);
      expect(JSON.parse(answer.text)).toMatchObject({ '@type': 'generic_error', error_code: 40600 });
      return;
    }
    expect([answer.status, answer.headers['content-type']?.replace('; charset=utf-8', '')]).toEqual([
      200,
      expected.replace('; charset=utf-8', ''),
    ]);
  });

  test.each<[method: string, path: string, call: Call, status: number, holds: string]>([
    ['GET', '/', {}, 307, ''],
    ['GET', '/info', {}, 200, '"serverStatus":"RUNNING"'],
    ['GET', '/info', { headers: { accept: 'text/html,*/*;q=0.8' } }, 200, '"serverStatus":"RUNNING"'],
    ['GET', '/info', { headers: { accept: 'text/html' } }, 406, '"error_code":40600'],
    ['GET', '/healthcheck', {}, 200, '"isHealthy":true'],
    ['GET', '/is_valid_property/auto.offset.reset', {}, 200, 'true'],
    ['GET', '/is_valid_property/ksql.streams.auto.offset.reset', {}, 200, 'true'],
    ['GET', '/is_valid_property/no.such.property', {}, 400, '"error_code":40001'],
    ['GET', `/is_valid_property/${'x'.repeat(300)}`, {}, 400, '"error_code":40001'],
    ['GET', "/is_valid_property/a'b%3B", {}, 400, '"error_code":40001'],
    ['HEAD', '/info', {}, 200, ''],
    ['HEAD', '/ksql', {}, 405, ''],
    ['OPTIONS', '/ksql', {}, 204, ''],
    ['OPTIONS', '/nowhere', {}, 404, '"error_code":40400'],
    ['GET', '/ksql', {}, 405, '"error_code":40500'],
    ['GET', '/query-stream', {}, 405, 'the methods of this path are POST'],
    ['DELETE', '/status/stream/WORDS/create', {}, 405, 'are GET, HEAD'],
    ['PATCH', '/subjects/a/versions', {}, 405, 'are DELETE, GET'],
    ['POST', '/info', { headers: { 'content-type': json } }, 405, '"error_code":40500'],
    ['POST', '/nowhere', { headers: { 'content-type': json } }, 404, '/nowhere'],
    ['POST', '/ksql', { headers: { 'content-type': 'text/plain' }, body: statement }, 415, '"error_code":41500'],
    ['POST', '/query', { headers: { 'content-type': 'text/xml' }, body: query }, 415, '"error_code":41500'],
    ['POST', '/query-stream', { body: queryStream }, 415, 'no content type'],
    ['POST', '/ksql', { headers: { 'content-type': ksql }, body: statement }, 200, '"@type":"streams"'],
    ['POST', '/query', { headers: { 'content-type': json }, body: '{}' }, 400, '\\"ksql\\"'],
    ['POST', '/query', { headers: { 'content-type': json }, body: '' }, 400, 'not JSON'],
    ['POST', '/query', { headers: { 'content-type': json }, body: statement }, 400, '"error_code":40001'],
    ['POST', '/ksql', { headers: { 'content-type': json }, body: query }, 400, '/query-stream'],
    ['POST', '/ksql', { headers: { 'content-type': json }, body: ' '.repeat(20_000) }, 413, '"error_code":41300'],
    ['POST', '/query', { headers: { 'content-type': json }, body: ' '.repeat(20_000) }, 413, '10000 bytes'],
    ['POST', '/query-stream', { headers: { 'content-type': json }, body: ' '.repeat(20_000) }, 413, '10000 bytes'],
    ['POST', '/close-query', { headers: { 'content-type': json }, body: '{"queryId":"x"}' }, 400, '"error_code":40000'],
  ])('%s %s %j: %d', async (method, path, given, status, holds) => {
    const answer = await call(path, { ...given, method });
    expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(holds)]);
    if (status === 405 || (method === 'OPTIONS' && status === 204)) expect(answer.headers['allow']).toBeTruthy();
    if (method === 'HEAD') expect(answer.text).toBe('');
  });

  test('/query: a pull query is one JSON array of a header and rows', async () => {
    const answer = await call('/query', {
      headers: { 'content-type': json },
      body: JSON.stringify({ ksql: `SELECT * FROM counts WHERE word = 'tree';` }),
    });
    expect(JSON.parse(answer.text)).toEqual([
      { header: { queryId: expect.any(String) as unknown, schema: '`WORD` STRING KEY, `N` BIGINT' } },
      { row: { columns: ['tree', 1] } },
    ]);
  });

  test('/query: a push query is the same with plain columns, and a last message at its limit', async () => {
    const answer = await call('/query', {
      headers: { 'content-type': json },
      body: JSON.stringify({
        ksql: 'SELECT word, n FROM words EMIT CHANGES LIMIT 2;',
        streamsProperties: { 'ksql.streams.auto.offset.reset': 'earliest' },
      }),
    });
    expect(JSON.parse(answer.text)).toEqual([
      { header: { queryId: expect.any(String) as unknown, schema: '`WORD` STRING, `N` INTEGER' } },
      { row: { columns: ['tree', 1] } },
      { row: { columns: ['sea', 2] } },
      { finalMessage: 'Limit Reached' },
    ]);
  });

  test('rows that leave a table are sent in the shape that has a mark for them', async () => {
    await server.millrace.sql(
      `CREATE TABLE kept (id BIGINT PRIMARY KEY, n INT) WITH (kafka_topic='kept', partitions=1, value_format='JSON');`,
    );
    const key = (id: number): Uint8Array => new Uint8Array([0, 0, 0, 0, 0, 0, 0, id]);
    const value = new TextEncoder().encode('{"n":1}');
    await server.millrace.produce('kept', [
      { key: key(1), value },
      { key: key(1), value: null },
      { key: key(2), value },
    ]);
    const properties = { 'auto.offset.reset': 'earliest' };
    const sql = (limit: number): string => `SELECT n, id FROM kept EMIT CHANGES LIMIT ${limit};`;
    const query = JSON.stringify({ ksql: sql(3), streamsProperties: properties });
    const stream = (limit: number): string => JSON.stringify({ sql: sql(limit), properties });
    const answers = [
      await call('/query', { headers: { 'content-type': json }, body: query }),
      await call('/query-stream', { headers: { 'content-type': json, accept: ksql }, body: stream(3) }),
      await call('/query-stream', { headers: { 'content-type': json }, body: stream(2) }),
    ].map(({ text }) => text);
    await server.millrace.sql('DROP TABLE kept DELETE TOPIC;');
    for (const text of answers.slice(0, 2)) {
      expect(JSON.parse(text)).toEqual([
        { header: { queryId: expect.any(String) as unknown, schema: '`N` INTEGER, `ID` BIGINT' } },
        { row: { columns: [1, 1] } },
        { row: { columns: [null, 1], tombstone: true } },
        { row: { columns: [1, 2] } },
        { finalMessage: 'Limit Reached' },
      ]);
    }
    expect(answers[2]?.split('\n').slice(1, -1)).toEqual(['[1,1]', '[1,2]']);
  });

  test('/query has variables, and its faults name what is wrong', async () => {
    const ask = (body: object): Promise<Answer> =>
      call('/query', { headers: { 'content-type': json }, body: JSON.stringify(body) });
    const answer = await ask({
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the session
      ksql: "SELECT n FROM counts WHERE word = '${WORD}';",
      sessionVariables: { WORD: 'sea' },
    });
    expect(JSON.parse(answer.text)).toMatchObject([{}, { row: { columns: [1] } }]);
    const wrong = await ask({ ksql: 'SELECT nothing FROM counts;' });
    expect([wrong.status, JSON.parse(wrong.text)]).toMatchObject([
      400,
      { '@type': 'statement_error', error_code: 40001 },
    ]);
    const unknown = await ask({ ksql: select, streamsProperties: { 'no.such.property': 1 } });
    expect(unknown.status).toBe(400);
  });
});
