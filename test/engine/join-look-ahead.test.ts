/** A join of streams whose stores look ahead sends what one without does: blocks come by turns, their memory is used
 *  again, and transactions are rolled back. */

import { expect, test } from 'vitest';
import { Random } from '../../base/index.ts';
import { BlockPool, type PartitionPosition, serdes, Task } from '../../engine/index.ts';
import { JoinWindows, StreamsBuilder } from '../../engine/public.ts';
import { createStore } from '../../engine/stores/store-kinds.ts';
import { decodeBatch, encodeBatch, nextOffsetOf, RecordColumns, stampBatch } from '../../storage/index.ts';

const topics = ['left', 'right'] as const;
const { string } = serdes;
const shown = (bytes: Uint8Array | null): string => new TextDecoder().decode(bytes ?? undefined);

interface Batch {
  readonly bytes: Uint8Array;
  readonly baseOffset: number;
}

/** Batches of 1 to 90 records with some of 30 keys, about one record a millisecond. */
const batchesOf = (random: Random, name: string, count: number): Batch[] => {
  const batches: Batch[] = [];
  let offset = 0;
  let time = 1_000;
  for (let i = 0; i < count; i++) {
    const records = Array.from({ length: 1 + random.below(random.chance(0.3) ? 2 : 90) }, () => {
      time += random.below(3);
      const key = new TextEncoder().encode(`key ${random.below(30) + 10}`);
      return { key, value: new TextEncoder().encode(`${name}${offset}`), timestamp: time - random.below(4) };
    });
    const bytes = encodeBatch(records);
    stampBatch(bytes, { baseOffset: offset, producerId: -1, epoch: -1, baseSequence: -1, transactional: false });
    batches.push({ bytes, baseOffset: offset });
    offset += records.length;
  }
  return batches;
};

/** All that a task sends in the transactions that are committed. */
const joined = (seed: number, lookAheadFrom: number): string[] => {
  const random = new Random(seed);
  const builder = new StreamsBuilder();
  const rows = { key: string, value: string };
  builder
    .stream('left', rows)
    .join(builder.stream('right', rows), (a, b) => `${a}+${b}`, JoinWindows.ofTimeDifferenceWithNoGrace(20), {
      value: string,
    })
    .to('out');
  const [subTopology] = builder.build().subTopologies();
  if (subTopology === undefined) throw new Error('nothing to run');
  const open: string[] = [];
  const sent: string[] = [];
  const columns = new RecordColumns();
  const task = new Task({
    subTopology,
    applicationId: 'app',
    partition: 0,
    stores: (spec) => createStore(spec, { kv: undefined, storeId: 0, lookAheadFrom }),
    outputs: () => ({ partitions: 1, maxBatchBytes: 1 << 20 }),
    outbox: {
      batch(topic, _partition, bytes) {
        if (topic !== 'out') return;
        columns.reset(bytes);
        decodeBatch(bytes, 0, columns, 0);
        for (let row = 0; row < columns.count; row++) {
          const { key, value, timestamp } = columns.record(row);
          open.push(`${shown(key)}:${shown(value)}@${timestamp}`);
        }
      },
    },
    drops: { drop() {} },
  });

  const blocks = new BlockPool();
  const batches = new Map<string, Batch[]>(topics.map((topic) => [topic, batchesOf(random, topic.slice(0, 1), 60)]));
  const memories = new Map(topics.map((topic) => [topic as string, { bytes: new Uint8Array(16_384), lent: false }]));
  /** One block of each topic at a time, all of them in the same memory. */
  const feed = (): void => {
    for (const input of task.inputs) {
      const memory = memories.get(input.topic);
      const all = batches.get(input.topic) ?? [];
      if (memory === undefined || memory.lent) continue;
      const next = all.find(({ bytes }) => nextOffsetOf(bytes, 0) > input.fetchOffset);
      const end = nextOffsetOf((all.at(-1) as Batch).bytes, 0);
      if (next === undefined) {
        task.sawEnd(input.index, end, end);
        continue;
      }
      memory.bytes.set(next.bytes);
      memory.lent = true;
      const release = (): void => {
        memory.lent = false;
      };
      const { bytes } = memory;
      const nextOffset = nextOffsetOf(next.bytes, 0);
      const offsets = { start: 0, stable: end, end };
      const chunk = { topic: input.topic, partition: 0, bytes, batches: [0], nextOffset, release, offsets };
      task.offer(input.index, blocks.decode(chunk, input.fetchOffset), end);
    }
  };

  let committed: readonly PartitionPosition[] = task.inputs.map(({ topic, partition }) => ({
    topic,
    partition,
    offset: 0,
  }));
  task.start(committed);
  for (let position = 1; !task.drained; position++) {
    for (let round = random.below(12); round >= 0; round--) {
      feed();
      task.step(1 + random.below(150));
    }
    if (random.chance(0.2)) task.rollback(committed);
    else {
      committed = task.flush().positions;
      task.commit(new Map(task.stores.map(({ changelog }) => [changelog as string, position * 10_000])));
      sent.push(...open);
    }
    open.length = 0;
  }
  return sent;
};

test.each([1, 2, 3, 4, 5, 6])('what is looked up ahead changes no result (seed %i)', (seed) => {
  const plain = joined(seed, Number.POSITIVE_INFINITY);
  expect(plain.length).toBeGreaterThan(500);
  expect(joined(seed, 0)).toEqual(plain);
});
