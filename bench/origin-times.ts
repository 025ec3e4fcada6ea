/**
 * Claim: origin times (`engine/origin-time.ts`) where they cost most, on records that are all out of order, make
 * writing a repartition's batches and reading them back at most 2.5 times as dear as without.
 *
 * Writer and reader only: what encodes records into batches, decodes them and removes their headers, in one process.
 * Records in order get a header on the first one of a batch only, which is lost in the noise. Of each round the least
 * of many passes counts.
 */

import { BufferPool, ByteWriter } from '../base/index.ts';
import { installNative } from '../base/node/index.ts';
import { BlockPool, StreamRecord, takeHeaders } from '../engine/index.ts';
import { RecordOrigin } from '../engine/origin-time.ts';
import { PartitionedWriter } from '../engine/runtime/partitioned-writer.ts';
import { nextOffsetOf, stampBatch } from '../storage/index.ts';
import type { Claim } from './claim.ts';

const RECORDS = 20_000;
const PASSES = 40;
const PARTITIONS = 4;
const DISORDER_MS = 5000;

const key = new Uint8Array(8);
const value = new Uint8Array(60);

/** Nanoseconds per record of the fastest pass. */
const fastest = (tasks: number): number => {
  const buffers = new BufferPool();
  const blocks = new BlockPool();
  const record = new StreamRecord<never>();
  const scratch = new ByteWriter(64);
  let batches: Uint8Array[] = [];
  const writer = new PartitionedWriter({
    topic: 'repartition',
    output: { partitions: PARTITIONS, maxBatchBytes: 1 << 20 },
    outbox: { batch: (_topic, _partition, bytes) => batches.push(bytes) },
    buffers,
    origins: { current: new RecordOrigin(), tasks, ownTime: false, repartition: true },
  });
  let leastMs = Number.POSITIVE_INFINITY;
  for (let pass = 0; pass < PASSES; pass++) {
    const started = performance.now();
    for (let i = 0; i < RECORDS; i++) {
      const timestamp = 1_700_000_000_000 + (pass * RECORDS + i) * 5 - ((i * 7919) % DISORDER_MS);
      writer.append(i % PARTITIONS, key, 0, key.length, value, 0, value.length, timestamp);
    }
    writer.handOver();
    writer.commit();
    for (const bytes of batches) {
      stampBatch(bytes, { baseOffset: 0, producerId: -1, epoch: -1, baseSequence: -1, transactional: false });
      const end = nextOffsetOf(bytes, 0);
      const offsets = { start: 0, stable: end, end };
      const release = (): void => buffers.give(bytes);
      const block = blocks.decode(
        { topic: 'repartition', partition: 0, bytes, batches: [0], nextOffset: end, offsets, release },
        0,
      );
      const { columns } = block;
      if (block.carriesTimes)
        for (let row = 0; row < columns.count; row++)
          takeHeaders(record, columns.bytes, columns.headersAt[row] as number, scratch);
      block.release();
    }
    leastMs = Math.min(leastMs, performance.now() - started);
    batches = [];
  }
  return (leastMs * 1e6) / RECORDS;
};

export const originTimes: Claim = {
  name: 'origin-times',
  about: 'writing and reading a repartition with every record out of order, with origin times / without',
  unit: 'ns/record',
  asked: { atMost: 2.5 },
  cores: 1,
  variants: false,
  async run({ rounds }) {
    installNative();
    const measured = [];
    for (let round = 0; round <= rounds; round++) {
      const base = fastest(1);
      const value = fastest(PARTITIONS);
      if (round > 0) measured.push({ value, base });
    }
    return measured;
  },
};
