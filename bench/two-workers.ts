/**
 * Claim: count and sum over two partitions with two workers, against the same with one worker, both with the same two
 * cores free. The baseline runs in a process of its own right before each round: the runner pairs them. The calling
 * thread, which writes the log, takes part of a core in both, so that two cores cannot give twice the rate.
 */

import { open } from '../millrace.ts';
import type { Claim, Round, Variant } from './claim.ts';
import { countSumStatement } from './count-sum.ts';
import { schemas } from './records.ts';
import { createSource, fill, timeStatement, withDataDirectory } from './sql-path.ts';

const KEYS = 100_000;

const runWith =
  (workers: number) =>
  ({ schema: name, records, rounds }: Variant): Promise<Round[]> =>
    withDataDirectory(async (data) => {
      const schema = schemas[name];
      const millrace = await open({ data, workers });
      try {
        await millrace.sql(createSource(schema, 'source', 2));
        await fill(millrace, 'source', schema, records, KEYS);
        const measured: Round[] = [];
        for (let round = 0; round <= rounds; round++) {
          const elapsedMs = await timeStatement(millrace, countSumStatement(`sink_${round}`));
          await millrace.sql(`DROP TABLE sink_${round} DELETE TOPIC;`);
          if (round > 0) measured.push({ value: records / (elapsedMs / 1000) });
        }
        return measured;
      } finally {
        await millrace.close();
      }
    });

export const twoWorkers: Claim = {
  name: 'two-workers',
  about: 'count-sum over two partitions: two workers / one worker, each on two cores',
  unit: 'records/s',
  asked: { atLeast: 1.4 },
  cores: 2,
  variants: false,
  baseline: { cores: 2, run: runWith(1) },
  run: runWith(2),
};
