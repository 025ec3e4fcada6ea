/** Claim: the join of two streams in SQL, over the records of `stream-stream-join.ts`, is at most a tenth slower than
 *  that in the DSL, although it reads columns of JSON and writes JSON. Both are run in turn. */

import { open } from '../millrace.ts';
import type { Claim, Round, Variant } from './claim.ts';
import { narrow } from './records.ts';
import { timeStatement, withDataDirectory } from './sql-path.ts';
import { sideRecord, streamStreamJoin, WITHIN_MS } from './stream-stream-join.ts';

const RECORDS_PER_CALL = 10_000;

const run = ({ records, rounds }: Variant, directory: string): Promise<Round[]> =>
  withMillrace(directory, async (millrace) => {
    for (const [side, topic] of ['left', 'right'].entries()) {
      await millrace.sql(
        `CREATE STREAM \`${topic}\` (${narrow.columns}) WITH (kafka_topic = '${topic}', partitions = 1, value_format = 'JSON');`,
      );
      const record = sideRecord(side);
      for (let from = 0; from < records / 2; from += RECORDS_PER_CALL) {
        const length = Math.min(RECORDS_PER_CALL, records / 2 - from);
        await millrace.produce(
          topic,
          Array.from({ length }, (_, i) => record(from + i)),
          { acks: 'append' },
        );
      }
    }
    const measured: Round[] = [];
    for (let round = 0; round <= rounds; round++) {
      const sink = `sink_${round}`;
      const elapsedMs = await timeStatement(
        millrace,
        `CREATE STREAM ${sink} AS SELECT l."k" AS "k", l."id" AS "id", l."amount" AS "amount", r."amount" AS "other"
           FROM \`left\` l JOIN \`right\` r WITHIN ${WITHIN_MS} MILLISECONDS GRACE PERIOD 0 SECONDS ON l."k" = r."k";`,
      );
      const { end } = await millrace.log.offsets({ topic: sink.toUpperCase(), partition: 0 });
      if (end < Math.max(0, records - 2 * WITHIN_MS) * 0.95)
        throw new Error(`only ${end} rows came out: the query did not do its work`);
      await millrace.sql(`DROP STREAM ${sink} DELETE TOPIC;`);
      if (round > 0) measured.push({ value: records / (elapsedMs / 1000) });
    }
    return measured;
  });

const withMillrace = async <T>(
  directory: string,
  use: (millrace: Awaited<ReturnType<typeof open>>) => Promise<T>,
): Promise<T> => {
  const millrace = await open({ data: directory, workers: 0 });
  try {
    return await use(millrace);
  } finally {
    await millrace.close();
  }
};

export const streamStreamJoinSql: Claim = {
  name: 'stream-stream-join-sql',
  about: 'the same join in SQL, over columns of JSON / in the DSL, over text',
  unit: 'records/s',
  asked: { atLeast: 0.9 },
  cores: 1,
  variants: false,
  run: (variant) => withDataDirectory((directory) => run(variant, directory)),
  baseline: {
    cores: 1,
    // The rate alone: what it is compared with here is not BASE.
    run: async (variant) => (await streamStreamJoin.run(variant)).map(({ value }) => ({ value })),
  },
};
