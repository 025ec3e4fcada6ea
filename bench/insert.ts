/** Claim: `insert` of 1,000,000 typed rows from a program, checked, encoded, and durable, in calls of 10,000 rows. */

import { open } from '../millrace.ts';
import type { Claim } from './claim.ts';
import { withDataDirectory } from './sql-path.ts';

const rowsInAll = 1_000_000;
const rowsPerCall = 10_000;
/** Calls under way at once. */
const calls = 4;

const columns = 'id BIGINT KEY, customer VARCHAR, amount DOUBLE, placed TIMESTAMP, urgent BOOLEAN';

export const insert: Claim = {
  name: 'insert',
  about:
    '1,000,000 typed rows of five columns by millrace.insert, JSON values, 4 partitions, until they are on the disk',
  unit: 'rows/s',
  asked: { atLeast: 300_000 },
  cores: 1,
  variants: false,
  async run({ rounds }) {
    const rows = Array.from({ length: rowsInAll }, (_, id) => ({
      id,
      customer: `customer-${id % 5000}`,
      amount: (id % 10_000) / 100,
      placed: 1_700_000_000_000 + id,
      urgent: id % 7 === 0,
    }));
    const measured = [];
    for (let round = 0; round <= rounds; round++) {
      const value = await withDataDirectory(async (data) => {
        const millrace = await open({ data });
        await millrace.sql(
          `CREATE STREAM orders (${columns}) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', PARTITIONS=4);`,
        );
        const started = performance.now();
        let next = 0;
        const worker = async (): Promise<void> => {
          while (next < rowsInAll) {
            const from = next;
            next += rowsPerCall;
            await millrace.insert('orders', rows.slice(from, from + rowsPerCall));
          }
        };
        await Promise.all(Array.from({ length: calls }, worker));
        const seconds = (performance.now() - started) / 1000;
        await millrace.close();
        return rowsInAll / seconds;
      });
      // The first round warms up.
      if (round > 0) measured.push({ value });
    }
    return measured;
  },
};
