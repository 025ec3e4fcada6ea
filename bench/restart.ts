/**
 * Claim: SIGKILL under load with a million keys of state; from the next spawn to the first right answer of a pull
 * query.
 *
 * Rows arrive over HTTP: first one for each of a million keys, then more for some of them while the kill comes. The
 * answer is right when a key that was touched once only, and one that was touched last of all acknowledged rows, both
 * have the count they must have.
 */

import type { Claim, Round } from './claim.ts';
import { firstRow, insertRows, post } from './http-load.ts';
import { BenchServer } from './server-process.ts';
import { withDataDirectory } from './sql-path.ts';

const KEYS = 1_000_000;
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

const countOf = async (url: string, key: number): Promise<number | undefined> =>
  (await firstRow(url, `SELECT c FROM counts WHERE id = ${key};`))?.[0] as number | undefined;

const insert = (url: string, count: number, key: (i: number) => number): Promise<void> =>
  insertRows(url, 'clicks', count, (i) => `{"ID":${key(i)},"N":1}`);
