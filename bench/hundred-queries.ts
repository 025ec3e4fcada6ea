/**
 * Claim: a hundred filters over one topic, each passing one record in a hundred, cost at most twenty-five times the CPU
 * of one such filter.
 *
 * CPU of the whole process, per record read, from the first record appended to the last commit, less what appending
 * alone costs (on topics that nobody reads: the mean of before and after). The queries exist before the first record. A
 * round in which one filter seems to cost nothing says nothing, and is measured again.
 */

import { type Millrace, open } from '../millrace.ts';
import type { Claim, Round, Variant } from './claim.ts';
import { schemas } from './records.ts';
import { createSource, fill, withDataDirectory } from './sql-path.ts';

const KEYS = 100_000;

const cpuMs = async (work: () => Promise<void>): Promise<number> => {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
};

/** A number of queries over the source, of which each selects something under a condition. */
export interface Queries {
  readonly queries: number;
  select(i: number): { readonly items: string; readonly condition: string };
}

/** The CPU of some queries per record, against that of others. */
export const compareQueries = (
  { schema: name, records, rounds }: Variant,
  sides: { readonly value: Queries; readonly base: Queries },
): Promise<Round[]> =>
  withDataDirectory(async (data) => {
    const schema = schemas[name];
    const millrace = await open({ data, workers: 0 });
    const append = (topic: string): Promise<void> => fill(millrace, topic, schema, records, KEYS);
    try {
      const measured: Round[] = [];
      for (let round = 0; measured.length < rounds; round++) {
        if (round > rounds + mostLost) throw new Error('appending takes too unlike a time to be taken off');
        const before = await appending(millrace, { source: `before_${round}`, schema, append });
        const base = await filters(millrace, { source: `base_${round}`, ...sides.base, schema, append });
        const value = await filters(millrace, { source: `value_${round}`, ...sides.value, schema, append });
        const after = await appending(millrace, { source: `after_${round}`, schema, append });
        const perRecord = (ms: number): number => ((ms - (before + after) / 2) * 1e6) / records;
        if (round > 0 && perRecord(base) > 0) measured.push({ value: perRecord(value), base: perRecord(base) });
      }
      return measured;
    } finally {
      await millrace.close();
    }
  });

/** Rounds that may have to be measured again. */
const mostLost = 3;

interface Filled {
  readonly source: string;
  readonly schema: (typeof schemas)[keyof typeof schemas];
  append(topic: string): Promise<void>;
}

type Filters = Filled & Queries;

/** The CPU of appending to a topic that nobody reads, in ms. */
const appending = async (millrace: Millrace, { source, schema, append }: Filled): Promise<number> => {
  await millrace.sql(createSource(schema, source, 1));
  const spent = await cpuMs(() => append(source));
  await millrace.sql(`DROP STREAM ${source} DELETE TOPIC;`);
  return spent;
};

/** Creates the filters, appends the records, waits for the last commit; answers the CPU of the latter two in ms. */
const filters = async (millrace: Millrace, { source, queries, select, schema, append }: Filters): Promise<number> => {
  await millrace.sql(createSource(schema, source, 1));
  for (let i = 0; i < queries; i++) {
    const { items, condition } = select(i);
    await millrace.sql(`CREATE STREAM ${source}_${i} AS SELECT ${items} FROM ${source} WHERE ${condition};`, {
      properties: { 'auto.offset.reset': 'earliest' },
    });
  }
  const spent = await cpuMs(async () => {
    await append(source);
    await millrace.awaitIdle();
  });
  for (let i = 0; i < queries; i++) await millrace.sql(`DROP STREAM ${source}_${i} DELETE TOPIC;`);
  await millrace.sql(`DROP STREAM ${source} DELETE TOPIC;`);
  return spent;
};

/** Amounts are spread evenly from 100 to just below 1000: a band of 9 passes one in a hundred. */
export const inBand = (i: number): string => `"amount" >= ${100 + i * 9}e0 AND "amount" < ${109 + i * 9}e0`;

const select: Queries['select'] = (i) => ({ items: '"k", "id", "amount"', condition: inBand(i) });

export const hundredQueries: Claim = {
  name: 'hundred-queries',
  about: 'a hundred filters that pass 1 % each over one topic; CPU per record / one such filter',
  unit: 'ns/record',
  asked: { atMost: 25 },
  cores: 1,
  variants: false,
  run: (variant) => compareQueries(variant, { value: { queries: 100, select }, base: { queries: 1, select } }),
};
