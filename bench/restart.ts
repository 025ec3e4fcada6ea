/**
 * Claim: SIGKILL under load with a million keys of state; from the next spawn to the first right answer of a pull query.
 *
 * Rows arrive over HTTP: first one for each of a million keys, then more for some of them while the kill comes. The answer is right when a key that
 * was touched once only, and one that was touched last of all acknowledged rows, both have the count they must have.
 */

import { request } from 'node:http';
import type { Claim, Round } from './claim.ts';
import { BenchServer } from './server-process.ts';
import { withDataDirectory } from './sql-path.ts';

const KEYS = 1_000_000;
const ROWS_PER_WRITE = 2_000;
const UNDER_LOAD_ROWS = 50_000;

export const restart: Claim = {
  name: 'restart',
  about: 'SIGKILL under load with 1e6 keys of state; spawn to the first right pull answer',
  unit: 'ms',
  asked: { atMost: 1000 },
  cores: 2,
  variants: false,
  run: ({ rounds }) =>
    withDataDirectory(async (data) => {
      const server = new BenchServer(data);
      try {
        return await measure(server, rounds);
      } finally {
        await server.stop('SIGKILL');
      }
    }),
};

const measure = async (server: BenchServer, rounds: number): Promise<Round[]> => {
  await server.start();
  await post(server.url, '/ksql', {
    ksql: `CREATE STREAM clicks (id BIGINT KEY, n INTEGER) WITH (kafka_topic='clicks', partitions=1, value_format='JSON');
               CREATE TABLE counts AS SELECT id, COUNT(*) AS c, SUM(n) AS s FROM clicks GROUP BY id;`,
    streamsProperties: { 'auto.offset.reset': 'earliest' },
  });
  await insert(server.url, KEYS, (i) => i);
  await until(async () => (await countOf(server.url, KEYS - 1)) === 1);
  const measured: Round[] = [];
  for (let round = 0; round < rounds; round++) {
    // Every round counts one key more; the kill comes while further rows are on their way.
    await insert(server.url, 1, () => round);
    await until(async () => (await countOf(server.url, round)) === 2);
    const load = insert(server.url, UNDER_LOAD_ROWS, (i) => 1000 + (i % 100_000)).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 300));
    await server.stop('SIGKILL');
    await load;
    const value = await server.start(
      async (url) => (await countOf(url, round)) === 2 && (await countOf(url, KEYS - 1)) === 1,
    );
    measured.push({ value });
  }
  return measured;
};

const until = async (condition: () => Promise<boolean>): Promise<void> => {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50));
};

const post = async (url: string, path: string, body: unknown): Promise<string> => {
  const response = await fetch(url + path, { method: 'POST', body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
};

const countOf = async (url: string, key: number): Promise<number | undefined> => {
  const [, row] = (await post(url, '/query-stream', { sql: `SELECT c FROM counts WHERE id = ${key};` }))
    .trim()
    .split('\n');
  return row === undefined ? undefined : (JSON.parse(row) as number[])[0];
};

/** Sends rows over one request; resolves when all are acknowledged. */
const insert = (url: string, count: number, key: (i: number) => number): Promise<void> =>
  new Promise((resolve, reject) => {
    const outgoing = request(`${url}/inserts-stream`, { method: 'POST' }, (response) => {
      let acknowledged = 0;
      let rest = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        const lines = (rest + part).split('\n');
        rest = lines.pop() ?? '';
        acknowledged += lines.filter((line) => line.includes('"ok"')).length;
      });
      response
        .on('error', reject)
        .on('end', () => (acknowledged === count ? resolve() : reject(new Error(`${acknowledged} of ${count} rows`))));
    });
    outgoing.on('error', reject);
    outgoing.write('{"target":"clicks"}\n');
    let next = 0;
    const write = (): void => {
      while (next < count) {
        let lines = '';
        for (const end = Math.min(count, next + ROWS_PER_WRITE); next < end; next++)
          lines += `{"ID":${key(next)},"N":1}\n`;
        if (!outgoing.write(lines)) {
          outgoing.once('drain', write);
          return;
        }
      }
      outgoing.end();
    };
    write();
  });
