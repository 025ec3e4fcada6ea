/**
 * Claim: counts whose state is ten times larger than the memory it may use, keys uniform, keep up with a hundred
 * thousand records a second on one core: nearly each record looks up its key on the disk, and nearly each look-up makes
 * another entry leave memory.
 *
 * First every key is counted once, which is not measured. An entry takes 44 bytes, and its share of the hash slots 8 or
 * more.
 */

import { serdes, type Topology } from '../engine/index.ts';
import { StreamsBuilder } from '../engine/public.ts';
import { type Millrace, open } from '../millrace.ts';
import type { Claim, Round, Variant } from './claim.ts';
import { type BenchRecord, narrow } from './records.ts';
import { withDataDirectory } from './sql-path.ts';

const RECORDS_PER_CALL = 10_000;
const STATE_BYTES_PER_KEY = 60;

const keyOf = (i: number): Uint8Array => {
  const key = new Uint8Array(8);
  new DataView(key.buffer).setBigInt64(0, BigInt(i));
  return key;
};

const produce = async (millrace: Millrace, count: number, record: (i: number) => BenchRecord): Promise<void> => {
  for (let from = 0; from < count; from += RECORDS_PER_CALL) {
    const length = Math.min(RECORDS_PER_CALL, count - from);
    const records = Array.from({ length }, (_, i) => record(from + i));
    await millrace.produce('source', records, { acks: 'append' });
  }
};

const counting = (): Topology => {
  const builder = new StreamsBuilder();
  builder
    .stream('source', { key: serdes.bytes, value: serdes.bytes })
    .groupByKey()
    .count({ store: 'counts' })
    .toStream()
    .to('counted');
  return builder.build();
};

const run = ({ records: keys, rounds }: Variant): Promise<Round[]> =>
  withDataDirectory(async (data) => {
    const stateMemoryBytes = Math.floor((keys * STATE_BYTES_PER_KEY) / 10);
    const millrace = await open({ data, workers: 0, stateMemoryBytes });
    try {
      for (const name of ['source', 'counted']) await millrace.log.createTopic({ name, partitions: 1 });
      const first = { ...narrow.record(0, keys) };
      await produce(millrace, keys, (i) => ({ ...first, key: keyOf(i) }));
      const streams = await millrace.streams({ id: 'counts', topology: counting() });
      await streams.awaitIdle();
      const measured: Round[] = [];
      const updates = Math.ceil(keys / 3);
      for (let round = 0; round <= rounds; round++) {
        streams.pause();
        await produce(millrace, updates, (i) => narrow.record(round * updates + i, keys));
        const started = performance.now();
        streams.resume();
        await streams.awaitIdle();
        const elapsedMs = performance.now() - started;
        if (round > 0) measured.push({ value: updates / (elapsedMs / 1000) });
      }
      const { end } = await millrace.log.offsets({ topic: 'counted', partition: 0 });
      if (end < keys + updates * (rounds + 1)) throw new Error(`only ${end} counts came out`);
      await streams.close();
      return measured;
    } finally {
      await millrace.close();
    }
  });

export const spill: Claim = {
  name: 'spill',
  about: 'counts by uniform keys, state ten times larger than its memory limit',
  unit: 'records/s',
  asked: { atLeast: 100_000 },
  cores: 1,
  variants: false,
  run,
};
