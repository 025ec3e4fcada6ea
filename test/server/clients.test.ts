/** The three clients of ksqlDB on npm, unmodified, by the first examples of their READMEs: connect, list, create,
 *  insert, pull, push, terminate. Their published types do not fit how they export, so what is used of them is typed
 *  here. */

import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningServer, startServer } from '../../server/index.ts';
import { until } from '../support/until.ts';

const require = createRequire(import.meta.url);

let directory: string;
let server: RunningServer;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-clients-'));
  server = await startServer({ data: join(directory, 'data'), port: 0, logLevel: 'silent', workers: 0 });
  await server.millrace.engine.execute(
    `CREATE STREAM words (word VARCHAR) WITH (kafka_topic='words', partitions=1, value_format='JSON');
     CREATE TABLE counts AS SELECT word, COUNT(*) AS n FROM words GROUP BY word;`,
  );
});

afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

type Fields = Readonly<Record<string, unknown>>;

interface Response<Data> {
  readonly status: number;
  readonly error?: Fields;
  readonly data?: Data;
}

interface Rows {
  readonly metadata?: { readonly queryId?: string; readonly columnNames: readonly string[] };
  readonly rows?: readonly Fields[];
}

test('ksqldb-client: the examples of its README', async () => {
  interface Client {
    connect(): Promise<void>;
    disconnect(): Promise<void>;
    listStreams(): Promise<readonly Fields[]>;
    listTables(): Promise<readonly Fields[]>;
    listTopics(): Promise<readonly Fields[]>;
    listQueries(): Promise<readonly Fields[]>;
    describeSource(name: string): Promise<Fields>;
    executeStatement(sql: string, options?: Fields): Promise<Response<Rows>>;
    insertInto(target: string, row: Fields): Promise<Response<Rows>>;
    query(sql: string, options?: Fields): Promise<Response<Rows>>;
    streamQuery(sql: string, take: (data: Rows) => void, options?: Fields): Promise<Response<Rows>>;
    terminatePushQuery(id: string): Promise<Response<Rows>>;
  }
  const KsqldbClient = require('ksqldb-client') as new (options: Fields) => Client;
  const client = new KsqldbClient({ host: 'http://127.0.0.1', port: Number(new URL(server.url).port) });
  await client.connect();

  expect(await client.listStreams()).toMatchObject([{ name: 'WORDS', type: 'STREAM', topic: 'words' }]);
  expect(await client.listTables()).toMatchObject([{ name: 'COUNTS' }]);
  expect((await client.listTopics()).map(({ name }) => name)).toContain('words');
  expect(await client.listQueries()).toMatchObject([{ queryType: 'PERSISTENT' }]);
  expect(await client.describeSource('words')).toMatchObject({ name: 'WORDS' });

  const variables = { sessionVariables: { NAME: 'shout', WORD: 'tree' } };
  const created = await client.executeStatement(
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the session
    "CREATE STREAM ${NAME} (word VARCHAR) WITH (kafka_topic='${NAME}', partitions=1, value_format='JSON');",
    variables,
  );
  expect(created).toMatchObject({ status: 200, data: { rows: [{ '@type': 'currentStatus' }] } });

  const pushed: Rows[] = [];
  const pushing = client.streamQuery('SELECT * FROM words EMIT CHANGES;', (data) => void pushed.push(data));
  await until(() => pushed.length > 0);
  expect(await client.insertInto('words', { word: 'tree' })).toMatchObject({
    status: 200,
    data: { rows: [{ status: 'ok', seq: 0 }] },
  });
  expect(await client.insertInto('words', { nothing: 1 })).toMatchObject({ error: { status: 'error' } });
  // Many rows at once, of more bytes than the client's window has: the client reads one row from each frame.
  const many = Array.from({ length: 5000 }, (_, i) => ({ word: `the word number ${i}` }));
  await server.millrace.engine.insert('words', many);
  await until(() => pushed.length === 5002);
  expect(pushed.slice(1).flatMap(({ rows }) => rows ?? [])).toEqual([
    { WORD: 'tree' },
    ...many.map(({ word }) => ({ WORD: word })),
  ]);

  await server.millrace.awaitIdle();
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the session
  const pulled = await client.query("SELECT * FROM counts WHERE word IN ('${WORD}');", variables);
  expect(pulled).toMatchObject({ status: 200, data: { rows: [{ WORD: 'tree', N: 1 }] } });
  expect(await client.query('SELECT *;')).toMatchObject({ status: 400, error: { error_code: 40001 } });

  const id = pushed[0]?.metadata?.queryId ?? '';
  expect(await client.terminatePushQuery(id)).toMatchObject({ status: 200 });
  expect(await pushing).toMatchObject({ status: 200 });
  expect(await client.terminatePushQuery('unknown')).toMatchObject({ status: 400, error: { error_code: 40000 } });
  expect(await client.executeStatement('DROP STREAM IF EXISTS shout;')).toMatchObject({ status: 200 });
  await client.disconnect();
});

test('ksqldb-client-node: a session, pull queries of more than its window, a push query, an error', async () => {
  interface QueryStream extends AsyncIterable<readonly Fields[]> {
    readonly queryId?: string;
    readonly columnNames?: readonly string[];
    readonly columnTypes?: readonly string[];
  }
  interface Session {
    queryStream(query: { readonly sql: string; readonly sessionVariables?: Fields }): QueryStream;
    destroy(): void;
  }
  const { KsqlDbClient } = require('ksqldb-client-node') as {
    readonly KsqlDbClient: new (options: Fields) => { session(): Session };
  };
  await server.millrace.engine.execute(
    `CREATE STREAM many (id BIGINT KEY, text VARCHAR) WITH (kafka_topic='many', partitions=1, value_format='JSON');`,
  );
  const rows = Array.from({ length: 20_000 }, (_, id) => ({ id, text: `${id} - ü` }));
  await server.millrace.engine.insert('many', rows);
  const session = new KsqlDbClient({ url: server.url }).session();
  // Also where the client takes its time over what it has received, and its window stays closed meanwhile.
  for (const pauseMs of [0, 10]) {
    const pull = session.queryStream({ sql: 'SELECT id, text FROM many;' });
    const pulled: Fields[] = [];
    for await (const some of pull) {
      pulled.push(...some);
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    expect(pulled).toEqual(rows.map(({ id, text }) => ({ ID: id, TEXT: text })));
    expect([pull.columnNames, pull.columnTypes]).toEqual([
      ['ID', 'TEXT'],
      ['BIGINT', 'STRING'],
    ]);
  }

  const push = session.queryStream({ sql: 'SELECT text FROM many EMIT CHANGES LIMIT 2;' });
  const pushed: Fields[] = [];
  const pushing = (async () => {
    for await (const some of push) pushed.push(...some);
  })();
  await until(() => push.queryId !== undefined);
  await server.millrace.engine.insert('many', [
    { id: 1, text: 'a' },
    { id: 2, text: 'b' },
  ]);
  await pushing;
  expect(pushed).toEqual([{ TEXT: 'a' }, { TEXT: 'b' }]);

  const wrong = session.queryStream({ sql: 'SELECT * FROM nothing;' });
  await expect(
    (async () => {
      for await (const _ of wrong);
    })(),
  ).rejects.toMatchObject({ errorCode: 40001 });
  session.destroy();
});

test('ksqldb-rx-client: info, health, statements, and a query as an observable', async () => {
  interface Client {
    getInfo(): Promise<Fields>;
    getHealthcheck(): Promise<Fields>;
    listStreams(): Promise<Fields>;
    listTables(): Promise<Fields>;
    listStreamsExtended(): Promise<Fields>;
    statement(sql: string, options?: Fields): Promise<readonly Fields[]>;
    queryStream(query: { readonly sql: string }): {
      subscribe(observer: { next(row: Fields): void; complete(): void; error(fault: unknown): void }): unknown;
    };
    close(): void;
  }
  const { KsqlDBClient } = require('ksqldb-rx-client') as { readonly KsqlDBClient: new (url: string) => Client };
  const client = new KsqlDBClient(server.url);
  expect(await client.getInfo()).toMatchObject({ KsqlServerInfo: { serverStatus: 'RUNNING' } });
  expect(await client.getHealthcheck()).toMatchObject({ isHealthy: true });
  const [created] = await client.statement(
    `CREATE STREAM rx (id BIGINT KEY, text VARCHAR) WITH (kafka_topic='rx', partitions=1, value_format='JSON');`,
  );
  expect(created).toMatchObject({ '@type': 'currentStatus', commandStatus: { status: 'SUCCESS' } });
  expect(await client.listStreams()).toMatchObject({ '@type': 'streams' });
  expect(await client.listTables()).toMatchObject({ '@type': 'tables' });
  expect(await client.listStreamsExtended()).toMatchObject({ '@type': 'source_descriptions' });
  await client.statement(`INSERT INTO rx (id, text) VALUES (7, 'seven');`);
  const rows: Fields[] = [];
  await new Promise<void>((complete, error) => {
    client.queryStream({ sql: 'SELECT * FROM rx;' }).subscribe({ next: (row) => void rows.push(row), complete, error });
  });
  expect(rows).toEqual([{ ID: 7, TEXT: 'seven' }]);
  client.close();
});
