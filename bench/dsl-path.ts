/**
 * How every figure of the DSL is measured: one topology, from its start to its last commit.
 *
 * A data directory with input topics of one partition on the file log, filled before; then, for each round: BASE over
 * the segments of the first topic, the topology through the public API (exactly once, changelogs on, tasks on the
 * calling thread), the time until all is read and committed, BASE again. The round's ratio is the rate of the counted
 * records over the mean of the two. A first round warms up and is not counted; each round has names of its own.
 */

import { StreamsBuilder } from '../engine/public.ts';
import { open } from '../millrace.ts';
import { measureBase } from './base.ts';
import type { Claim, Round, Variant } from './claim.ts';
import type { BenchRecord } from './records.ts';
import { withDataDirectory } from './sql-path.ts';

export interface InputTopic {
  readonly topic: string;
  /** Of all counted records, how many lie in this topic; the rest are in the others. */
  readonly records: number;
  record(i: number): BenchRecord;
}

export interface DslPath {
  readonly name: string;
  readonly about: string;
  readonly atLeast: number;
  /** The topics that are read, the first of them for BASE too. `counted`: their records are what the rate counts. */
  inputs(records: number, variant: Variant): readonly (InputTopic & { readonly counted: boolean })[];
  /** Adds the topology; it writes to `sink`. */
  build(builder: StreamsBuilder, sink: string): void;
  /** At least so many records come out of `records`. */
  outputs(records: number): number;
}

const RECORDS_PER_CALL = 10_000;

export const dslPathClaim = (path: DslPath): Claim => ({
  name: path.name,
  about: path.about,
  unit: 'records/s',
  asked: { atLeast: path.atLeast },
  cores: 1,
  variants: false,
  run: (variant) => withDataDirectory((directory) => runPath(path, variant, directory)),
});

const runPath = async (path: DslPath, variant: Variant, directory: string): Promise<Round[]> => {
  const millrace = await open({ data: directory, workers: 0 });
  try {
    const inputs = path.inputs(variant.records, variant);
    for (const { topic, records, record } of inputs) {
      await millrace.log.createTopic({ name: topic, partitions: 1 });
      for (let from = 0; from < records; from += RECORDS_PER_CALL) {
        const length = Math.min(RECORDS_PER_CALL, records - from);
        await millrace.produce(
          topic,
          Array.from({ length }, (_, i) => record(from + i)),
          { acks: 'append' },
        );
      }
    }
    const [first] = inputs;
    if (first === undefined) throw new Error('nothing is read');
    const segments = await millrace.partitionDirectory(first.topic, 0);
    const counted = inputs.reduce((sum, input) => sum + (input.counted ? input.records : 0), 0);
    const measured: Round[] = [];
    for (let round = 0; round <= variant.rounds; round++) {
      const sink = `sink-${round}`;
      await millrace.log.createTopic({ name: sink, partitions: 1 });
      const builder = new StreamsBuilder();
      path.build(builder, sink);
      const topology = builder.build();
      const before = measureBase(segments);
      const started = performance.now();
      const streams = await millrace.streams({ id: `bench-${round}`, topology });
      await millrace.awaitIdle();
      const elapsedMs = performance.now() - started;
      const after = measureBase(segments);
      const { end } = await millrace.log.offsets({ topic: sink, partition: 0 });
      await streams.close();
      if (end < path.outputs(variant.records))
        throw new Error(`only ${end} records came out: the topology did not do its work`);
      if (round > 0) measured.push({ value: counted / (elapsedMs / 1000), base: (before + after) / 2 });
    }
    return measured;
  } finally {
    await millrace.close();
  }
};
