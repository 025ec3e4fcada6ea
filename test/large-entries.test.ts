/** A group that outgrows what a changelog record may have: the update is refused and reported, the group keeps its last
 *  value, and the stream goes on. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open, PROCESSING_LOG_TOPIC } from 'millrace';
import { expect, test } from 'vitest';

test('a list that grows beyond 16 MiB keeps its last value; other groups and later rows are counted', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-large-'));
  const millrace = await open({ data: join(folder, 'data') });
  try {
    await millrace.sql(`
      CREATE STREAM notes (who VARCHAR KEY, text VARCHAR) WITH (kafka_topic='notes', partitions=1, value_format='JSON');
      SET 'auto.offset.reset' = 'earliest';
      CREATE TABLE lists AS SELECT who, COLLECT_LIST(text) AS texts, COUNT(*) AS n FROM notes GROUP BY who;`);
    const long = (i: number) => ({ key: 'talker', value: JSON.stringify({ TEXT: String(i).padEnd(1_000_000, '.') }) });
    for (let i = 0; i < 20; i++) {
      await millrace.produce('notes', [long(i), { key: 'other', value: '{"TEXT":"x"}' }]);
    }
    await millrace.produce('notes', [{ key: 'talker', value: '{"TEXT":"short"}' }]);
    await millrace.awaitIdle();
    const rows = await millrace.query(
      "SELECT who, ARRAY_LENGTH(texts) AS length, n FROM lists WHERE who IN ('talker', 'other');",
    );
    expect(rows.find(({ WHO }) => WHO === 'other')).toEqual({ WHO: 'other', LENGTH: 20, N: 20 });
    // Sixteen long texts fit; the short one still did.
    expect(rows.find(({ WHO }) => WHO === 'talker')).toEqual({ WHO: 'talker', LENGTH: 17, N: 17 });
    const [status] = await millrace.engine.queries();
    expect(status?.state).toBe('RUNNING');
    expect(status?.dropped).toMatchObject({ serialization: expect.any(Number) });
    const reported: { detail: string; key: string; offset: number }[] = [];
    for await (const { value } of millrace.consume(PROCESSING_LOG_TOPIC, { from: 'earliest' })) {
      const row = JSON.parse(new TextDecoder().decode(value as Uint8Array)) as (typeof reported)[number];
      if (row.detail.includes('more than an entry of the store')) reported.push(row);
      if (reported.length === 4) break;
    }
    expect(reported.map(({ key, offset }) => [Buffer.from(key, 'base64').toString(), offset])).toEqual(
      [16, 17, 18, 19].map((i) => ['talker', i * 2]),
    );
    expect(reported[0]?.detail).toMatch(/^the new value takes 17\d{6} bytes, .* the former one stays$/);
  } finally {
    await millrace.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
