/**
 * A client that puts the rows of a push query into a map by their key, and takes deleted ones out, has the table: for
 * queries of every kind that a table comes from.
 */

import { afterEach, expect, test } from 'vitest';
import { Random } from '../../../base/index.ts';
import type { SqlEngine, Value } from '../../../sql/index.ts';
import { produceRecords } from '../../../storage/index.ts';
import { closeWorlds, openWorld, rowsOf } from '../support/world.ts';

afterEach(closeWorlds);

const sources = (keyFormat: string): string => `
  CREATE TABLE a (id VARCHAR PRIMARY KEY, ref VARCHAR, n INT)
    WITH (KAFKA_TOPIC='a', KEY_FORMAT='${keyFormat}', VALUE_FORMAT='JSON', PARTITIONS=2);
  CREATE TABLE b (id VARCHAR PRIMARY KEY, n INT)
    WITH (KAFKA_TOPIC='b', KEY_FORMAT='${keyFormat}', VALUE_FORMAT='JSON', PARTITIONS=2);
  CREATE STREAM s (id VARCHAR KEY, word VARCHAR, n INT)
    WITH (KAFKA_TOPIC='s', KEY_FORMAT='${keyFormat}', VALUE_FORMAT='JSON', PARTITIONS=2);
  CREATE TABLE made WITH (KEY_FORMAT='JSON') AS SELECT word, id, COUNT(*) AS c, SUM(n) AS n FROM s GROUP BY word, id HAVING SUM(n) < 9;
  CREATE TABLE windowed AS SELECT word, COUNT(*) AS c, SUM(n) AS n FROM s
    WINDOW TUMBLING (SIZE 10 MILLISECONDS) GROUP BY word HAVING SUM(n) < 6;`;

/** The SELECT, and which of its columns are the key. */
const queries: readonly (readonly [select: string, keys: readonly string[]])[] = [
  ['SELECT * FROM a', ['ID']],
  ['SELECT n, id AS k, ref FROM a WHERE n > 3', ['K']],
  ["SELECT n + 1 AS m, id FROM a WHERE ref <> 'x'", ['ID']],
  ['SELECT a.id AS k, a.n AS n, b.n AS m FROM a JOIN b ON a.id = b.id', ['K']],
  ['SELECT b.n AS m, a.id AS k, a.n AS n FROM a LEFT JOIN b ON a.id = b.id WHERE a.n > 2', ['K']],
  ['SELECT ROWKEY AS k, a.n AS n, b.n AS m FROM a FULL OUTER JOIN b ON a.id = b.id', ['K']],
  ['SELECT b.n AS m, a.id AS k FROM a JOIN b ON a.ref = b.id', ['K']],
  ['SELECT b.n AS m, a.ref AS r, a.id AS k FROM a LEFT JOIN b ON a.ref = b.id WHERE a.n > 1', ['K']],
  ['SELECT ref, COUNT(*) AS c, SUM(n) AS m FROM a GROUP BY ref HAVING COUNT(*) < 3', ['REF']],
  ['SELECT word, id, COUNT(*) AS c FROM s GROUP BY word, id HAVING COUNT(*) < 4', ['WORD', 'ID']],
  ['SELECT id, COUNT(*) AS c, word FROM s GROUP BY word, id HAVING COUNT(*) < 4', ['WORD', 'ID']],
  ['SELECT COUNT(*) AS c, n % 3 AS third FROM s GROUP BY n % 3 HAVING COUNT(*) < 5', ['THIRD']],
  ['SELECT c, n, id, word FROM made WHERE n > 2', ['WORD', 'ID']],
  ['SELECT * FROM windowed', ['WORD', 'WINDOWSTART', 'WINDOWEND']],
  ['SELECT n, WINDOWEND AS e, word AS w, WINDOWSTART AS b FROM windowed WHERE n > 1', ['W', 'B', 'E']],
  [
    `SELECT WINDOWSTART AS b, word, SUM(n) AS m, WINDOWEND AS e FROM s WINDOW HOPPING (SIZE 20 MILLISECONDS,
       ADVANCE BY 10 MILLISECONDS) GROUP BY word HAVING SUM(n) < 9`,
    ['WORD', 'B', 'E'],
  ],
  [
    `SELECT word, WINDOWSTART AS b, COUNT(*) AS c, WINDOWEND AS e FROM s WINDOW SESSION (4 MILLISECONDS) GROUP BY word`,
    ['WORD', 'B', 'E'],
  ],
];

interface Message {
  readonly topic: 'a' | 'b' | 's';
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>> | null;
  readonly timestamp: number;
}

const history = (random: Random, count: number): readonly Message[] =>
  Array.from({ length: count }, (_, i): Message => {
    const key = (): string => `k${random.below(4)}`;
    const word = (): string | null => ['x', 'y', 'z', null][random.below(4)] ?? null;
    const topic = (['a', 'b', 's', 's'] as const)[random.below(4)] ?? 's';
    const value = { ref: topic === 's' ? undefined : key(), word: word(), n: random.below(6) };
    const isGone = topic !== 's' && random.below(3) === 0;
    return {
      topic,
      key: key(),
      value: isGone ? null : value,
      timestamp: 100 + i - random.below(topic === 's' ? 8 : 1),
    };
  });

/** The rows of a push query until no more come. */
const follow = async (engine: SqlEngine, sql: string) => {
  const handle = await engine.query(sql, { properties: { 'auto.offset.reset': 'earliest' }, deletions: true });
  const rows: (readonly Value[])[] = [];
  const done = (async () => {
    for await (const batch of handle.rows()) rows.push(...batch.map((row) => [...row]));
  })();
  return {
    columns: handle.columns.map(({ name }) => name),
    rows,
    async close() {
      await handle.close();
      await done;
    },
  };
};

test.each(['KAFKA', 'JSON'])(
  'rows by their keys, without those that are deleted, are the table: keys as %s',
  async (format) => {
    for (let seed = 1; seed <= 2; seed++) {
      const random = new Random(seed);
      const { engine, log, stop } = await openWorld();
      await engine.execute(sources(format), { properties: { 'auto.offset.reset': 'earliest' } });
      await engine.execute(
        queries
          .map(([select], i) =>
            /FROM windowed/.test(select) ? '' : `CREATE TABLE r${i} WITH (KEY_FORMAT='JSON') AS ${select};`,
          )
          .join('\n'),
        { properties: { 'auto.offset.reset': 'earliest' } },
      );
      const pushes = await Promise.all(queries.map(([select]) => follow(engine, `${select} EMIT CHANGES;`)));
      const producer = await log.producer();
      for (const { topic, key, value, timestamp } of history(random, 120)) {
        const record = {
          key: format === 'JSON' ? JSON.stringify(key) : key,
          value: value === null ? null : JSON.stringify(value),
          timestamp,
        };
        await produceRecords(log, producer, topic, [record], { acks: 'append', now: 0 });
      }
      await engine.awaitIdle();
      const text = (all: Iterable<readonly Value[]>): string[] =>
        Array.from(all, (row) => JSON.stringify(row)).toSorted();
      for (const [i, { columns, rows }] of pushes.entries()) {
        const [select, keys] = queries[i] as (typeof queries)[number];
        const names = columns.map((name) => `\`${name}\``).join(', ');
        const table = await rowsOf(engine, /FROM windowed/.test(select) ? `${select};` : `SELECT ${names} FROM r${i};`);
        const shown = (): string[] => {
          const view = new Map<string, readonly Value[]>();
          for (const row of rows) {
            const key = JSON.stringify(keys.map((name) => row[columns.indexOf(name)]));
            if (row.at(-1) === true) view.delete(key);
            else view.set(key, row.slice(0, -1));
          }
          return text(view.values());
        };
        // The last rows may still be on their way: a push query goes at the pace of its client.
        await expect.poll(shown, { message: `${select} (seed ${seed})` }).toEqual(text(table));
        for (const row of rows.filter((one) => one.at(-1) === true)) {
          expect(
            row.slice(0, -1).map((value, at) => (keys.includes(columns[at] as string) ? null : value)),
            select,
          ).toEqual(columns.map(() => null));
        }
      }
      await Promise.all(pushes.map((push) => push.close()));
      await stop();
    }
  },
);
