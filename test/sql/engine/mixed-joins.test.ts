/** A join over several partitions whose sides have keys in different formats gives the rows of a plain look-up. */

import { afterEach, expect, test } from 'vitest';
import { closeWorlds, openWorld, rowsOf } from '../support/world.ts';

afterEach(closeWorlds);

const partitions = 3;
const formats = ['KAFKA', 'JSON'];

test.each(formats.flatMap((s) => formats.map((t) => [s, t] as const)))(
  'stream %s, table %s',
  async (streamFormat, tableFormat) => {
    const { engine } = await openWorld();
    const source = (format: string, topic: string): string =>
      `WITH (KAFKA_TOPIC='${topic}', PARTITIONS=${partitions}, VALUE_FORMAT='JSON', KEY_FORMAT='${format}')`;
    await engine.execute(`
      SET 'auto.offset.reset' = 'earliest';
      CREATE STREAM s (k BIGINT KEY, g BIGINT, v INT) ${source(streamFormat, 's')};
      CREATE TABLE t (id BIGINT PRIMARY KEY, n INT) ${source(tableFormat, 't')};
      CREATE TABLE u (id BIGINT PRIMARY KEY, n INT) ${source(streamFormat, 'u')};
      CREATE STREAM by_key AS SELECT s.k, v, t.n AS n FROM s JOIN t ON s.k = t.id;
      CREATE STREAM by_column AS SELECT s.g, v, t.n AS n FROM s LEFT JOIN t ON s.g = t.id;
      CREATE STREAM both AS SELECT t.id, v, t.n AS n, u.n AS m FROM s JOIN t ON s.g = t.id LEFT JOIN u ON s.g = u.id;
      CREATE TABLE sums AS SELECT t.id, SUM(v) AS total FROM s JOIN t ON s.g = t.id GROUP BY t.id;`);
    const ids = Array.from({ length: 40 }, (_, id) => id);
    const known = ids.filter((id) => id % 3 > 0);
    await (await engine.inserter('t')).insert(known.map((id) => ({ id, n: id * 10 })));
    await (await engine.inserter('u')).insert(ids.filter((id) => id % 2 === 0).map((id) => ({ id, n: id * 100 })));
    await engine.awaitIdle();
    const rows = ids.map((id) => ({ k: id, g: (id * 7) % 40, v: id }));
    await (await engine.inserter('s')).insert([...rows, { k: 1, g: null, v: 99 }]);
    await engine.awaitIdle();
    const n = (id: number): number | null => (id % 3 > 0 ? id * 10 : null);
    const sorted = async (sql: string): Promise<string[]> => (await rowsOf(engine, sql)).map(String).sort();
    const text = (wanted: readonly unknown[][]): string[] => wanted.map(String).sort();

    expect(await sorted('SELECT * FROM by_key;')).toEqual(
      text([...rows.filter(({ k }) => n(k) !== null).map(({ k, v }) => [k, v, n(k)]), [1, 99, 10]]),
    );
    expect(await sorted('SELECT * FROM by_column;')).toEqual(
      text([...rows.map(({ g, v }) => [g, v, n(g)]), [null, 99, null]]),
    );
    expect(await sorted('SELECT * FROM both;')).toEqual(
      text(rows.filter(({ g }) => n(g) !== null).map(({ g, v }) => [g, v, n(g), g % 2 === 0 ? g * 100 : null])),
    );
    expect(await sorted('SELECT * FROM sums;')).toEqual(
      text(rows.filter(({ g }) => n(g) !== null).map(({ g, v }) => [g, v])),
    );
    expect(await rowsOf(engine, `SELECT total FROM sums WHERE id = ${rows[1]?.g};`)).toEqual([[1]]);
  },
);
