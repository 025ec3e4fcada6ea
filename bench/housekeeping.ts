/**
 * Claim: compaction of a changelog and of a result topic, under full load on the same core, costs at most a tenth of
 * count-sum.
 *
 * Two statements like count-sum's alternately, one with the log's housekeeping and one without, in one process. The
 * first counts until the last record is committed *and* everything that is due is compacted: work that is put off is
 * not saved. What is counted is processor time of the whole process, which other work on the machine disturbs less than
 * a clock.
 */

import { setTimeout as after } from 'node:timers/promises';
import { open } from '../millrace.ts';
import type { FileLog } from '../storage/file-log/index.ts';
import type { Claim, Round } from './claim.ts';
import { countSumStatement } from './count-sum.ts';
import { schemas } from './records.ts';
import { createSource, fill, timeStatement, withDataDirectory } from './sql-path.ts';

export const housekeeping: Claim = {
  name: 'housekeeping',
  about: 'count-sum with compaction until all is compacted, over count-sum without',
  unit: 'records/cpu s',
  asked: { atLeast: 0.9 },
  cores: 1,
  variants: false,
  run: ({ records, rounds, schema: name }) =>
    withDataDirectory(async (directory) => {
      const schema = schemas[name];
      const millrace = await open({ data: directory, workers: 0 });
      const log = millrace.log as FileLog;
      try {
        await millrace.sql(createSource(schema, 'source', 1));
        await fill(millrace, 'source', schema, records, 100_000);
        const rate = async (sink: string, on: boolean): Promise<number> => {
          log.housekeeping.suspended = !on;
          const started = process.cpuUsage();
          await timeStatement(millrace, countSumStatement(sink));
          await atRest();
          if (on) await log.housekeeping.run();
          const { user, system } = process.cpuUsage(started);
          log.housekeeping.suspended = true;
          await millrace.sql(`DROP TABLE ${sink} DELETE TOPIC;`);
          return records / ((user + system) / 1e6);
        };
        await rate('warm_up', true);
        const measured: Round[] = [];
        for (let round = 0; round < rounds; round++) {
          const { runs } = log.housekeeping.totals;
          const before = await rate(`before_${round}`, false);
          const value = await rate(`sink_${round}`, true);
          const after = await rate(`after_${round}`, false);
          if (log.housekeeping.totals.runs === runs) throw new Error('nothing was compacted');
          measured.push({ value, base: (before + after) / 2 });
        }
        return measured;
      } finally {
        await millrace.close();
      }
    }),
};

/** Resolves when the process hardly uses the processor any more. Waiting takes no processor time. */
const atRest = async (): Promise<void> => {
  for (;;) {
    const before = process.cpuUsage();
    await after(300);
    const { user, system } = process.cpuUsage(before);
    if (user + system < 10_000) return;
  }
};
