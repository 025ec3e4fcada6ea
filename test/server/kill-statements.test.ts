/** Each statement's effect is the same after SIGKILL as before: real process, real files. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { rows } from '../../examples/demo/client.ts';
import { freePort, Server } from '../../examples/demo/server.ts';

const post = async (url: URL, ksql: string, sessionVariables = {}): Promise<unknown[]> => {
  const response = await fetch(new URL('/ksql', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ksql, sessionVariables, streamsProperties: { 'auto.offset.reset': 'earliest' } }),
  });
  const answer = await response.json();
  if (response.status !== 200) throw new Error(JSON.stringify(answer));
  return answer as unknown[];
};

/** What SHOW and DESCRIBE show, once all queries run. */
const shown = async (url: URL): Promise<string> => {
  for (;;) {
    const answers = await post(url, 'SHOW QUERIES; SHOW TYPES; DESCRIBE STREAMS; DESCRIBE TABLES; SHOW ALL TOPICS;');
    const text = JSON.stringify(answers);
    if (!text.includes('"RESTORING"')) return text;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

const totals = async (url: URL): Promise<unknown[]> => {
  const found: unknown[] = [];
  for await (const row of rows(url, 'SELECT k, total FROM sums;')) found.push(row);
  return found;
};

const until = async (url: URL, expected: unknown[]): Promise<void> => {
  await expect.poll(() => totals(url)).toEqual(expected);
};

test('what statements did is there after a kill', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-kill-'));
  const server = new Server({ dataDirectory: directory, port: await freePort() });
  const again = async (): Promise<void> => {
    await server.kill();
    await server.start();
  };
  try {
    await server.start();
    const { url } = server;
    await post(
      url,
      `CREATE TYPE address AS STRUCT<street VARCHAR, zip INT>;
       CREATE STREAM \${name} (k VARCHAR KEY, v INT, home address) WITH (KAFKA_TOPIC='\${name}', VALUE_FORMAT='JSON', PARTITIONS=1);
       ALTER STREAM s ADD COLUMN w BIGINT;
       CREATE TABLE sums AS SELECT k, SUM(v) AS total FROM s GROUP BY k;
       CREATE SOURCE TABLE kept (k VARCHAR PRIMARY KEY, total INT) WITH (KAFKA_TOPIC='SUMS', VALUE_FORMAT='JSON');`,
      { name: 's' },
    );
    await post(url, "INSERT INTO s (k, v) VALUES ('a', 1);");
    await until(url, [['a', 1]]);
    const before = await shown(url);
    await again();
    expect(await shown(url)).toBe(before);

    await post(url, 'CREATE OR REPLACE TABLE sums AS SELECT k, SUM(v) AS total FROM s WHERE v > 5 GROUP BY k;');
    await again();
    await post(url, "INSERT INTO s (k, v) VALUES ('a', 2); INSERT INTO s (k, v) VALUES ('a', 10);");
    await until(url, [['a', 11]]);

    await post(url, 'PAUSE CTAS_SUMS_3;');
    await again();
    await post(url, "INSERT INTO s (k, v) VALUES ('a', 100);");
    expect(await shown(url)).toContain('"state":"PAUSED"');
    expect(await totals(url)).toEqual([['a', 11]]);
    await post(url, 'RESUME ALL;');
    await again();
    await until(url, [['a', 111]]);
    const kept = async (): Promise<unknown[]> => {
      const found: unknown[] = [];
      for await (const row of rows(url, "SELECT total FROM kept WHERE k = 'a';")) found.push(row);
      return found;
    };
    await expect.poll(kept).toEqual([[111]]);
    await post(url, 'DROP TABLE kept; TERMINATE ALL; DROP TYPE address;');
    await again();
    expect(await post(url, 'SHOW QUERIES; SHOW TYPES; DESCRIBE s;')).toMatchObject([
      { queries: [] },
      { types: {} },
      { sourceDescription: { fields: [{ name: 'K' }, { name: 'V' }, { name: 'HOME' }, { name: 'W' }] } },
    ]);
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true });
  }
});
