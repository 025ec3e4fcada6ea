/** A scan of a view shows rows of one commit, while the view's query goes on. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { open } from '../../../millrace.ts';

const keys = 6000;

test.each([0, 1])(
  'counts of keys that are inserted in turn never differ by more than one, %i workers',
  async (workers) => {
    const data = mkdtempSync(join(tmpdir(), 'millrace-scan-'));
    const millrace = await open({ data, workers, commitIntervalMs: 2 });
    try {
      await millrace.sql(`
      CREATE STREAM s (k VARCHAR KEY, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
      CREATE TABLE counts AS SELECT k, COUNT(*) AS n FROM s GROUP BY k;`);
      const round = Array.from({ length: keys }, (_, i) => ({ k: `k${i}`, v: i }));
      await millrace.insert('s', round);
      await millrace.awaitIdle();
      let stopped = false;
      const inserting = (async () => {
        while (!stopped) await millrace.insert('s', round);
      })();
      try {
        let changed = 0;
        let before = 0;
        // The scans see different commits.
        while (changed < 8) {
          await new Promise((resolve) => setTimeout(resolve, 5));
          const counts = (await millrace.query('SELECT n FROM counts;')).map(({ N }) => N as number);
          expect(counts).toHaveLength(keys);
          expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
          const sum = counts.reduce((a, b) => a + b, 0);
          expect(sum).toBeGreaterThanOrEqual(before);
          if (sum > before) changed++;
          before = sum;
        }
      } finally {
        stopped = true;
        await inserting;
      }
    } finally {
      await millrace.close();
      rmSync(data, { recursive: true, force: true });
    }
  },
);
