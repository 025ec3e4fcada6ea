/**
 * Claim: a store of a million keys is restored from its changelog as fast as the plainest reader reads as many records:
 * counts by key, whose local state was deleted; from the start of the topology until it runs.
 */

import { serdes, type Topology } from '../engine/index.ts';
import { StreamsBuilder } from '../engine/public.ts';
import { type Millrace, open } from '../millrace.ts';
import { measureBase } from './base.ts';
import type { Claim, Round, Variant } from './claim.ts';
import { narrow } from './records.ts';
import { withDataDirectory } from './sql-path.ts';

const RECORDS_PER_CALL = 10_000;

const keyOf = (i: number): Uint8Array => {
  const key = new Uint8Array(8);
  new DataView(key.buffer).setBigInt64(0, BigInt(i));
  return key;
};

/** Each record has a key of its own. */
const fill = async (millrace: Millrace, records: number): Promise<void> => {
  await millrace.log.createTopic({ name: 'source', partitions: 1 });
  for (let from = 0; from < records; from += RECORDS_PER_CALL) {
    const length = Math.min(RECORDS_PER_CALL, records - from);
    const made = Array.from({ length }, (_, i) => ({ ...narrow.record(from + i, records), key: keyOf(from + i) }));
    await millrace.produce('source', made, { acks: 'append' });
  }
};

const counting = (): Topology => {
  const builder = new StreamsBuilder();
  builder.stream('source', { key: serdes.bytes, value: serdes.bytes }).groupByKey().count({ store: 'counts' });
  return builder.build();
};

const run = ({ records, rounds }: Variant): Promise<Round[]> =>
  withDataDirectory(async (data) => {
    const millrace = await open({ data, workers: 0 });
    try {
      await fill(millrace, records);
      const segments = await millrace.partitionDirectory('source', 0);
      let streams = await millrace.streams({ id: 'counts', topology: counting() });
      await streams.awaitIdle();
      const measured: Round[] = [];
      for (let round = 0; round <= rounds; round++) {
        await streams.close();
        await streams.cleanUp();
        const topology = counting();
        const before = measureBase(segments);
        const started = performance.now();
        streams = await millrace.streams({ id: 'counts', topology });
        const elapsedMs = performance.now() - started;
        const after = measureBase(segments);
        await streams.awaitIdle();
        const counts = streams.store({ name: 'counts', key: serdes.bytes, value: serdes.int64 });
        for (const key of [0, records >> 1, records - 1])
          if ((await counts.get(keyOf(key))) !== 1) throw new Error(`the count of the key ${key} was not restored`);
        if (round > 0) measured.push({ value: records / (elapsedMs / 1000), base: (before + after) / 2 });
      }
      await streams.close();
      return measured;
    } finally {
      await millrace.close();
    }
  });

export const restore: Claim = {
  name: 'restore',
  about: 'a store of 1e6 keys from its changelog, after its local state was deleted',
  unit: 'records/s',
  asked: { atLeast: 1 },
  cores: 1,
  variants: false,
  run,
};
