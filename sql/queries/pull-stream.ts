/**
 * Pull queries on streams: the topic from its beginning to its end at the time when the query began, filtered and
 * projected. Where the condition bounds ROWTIME or ROWOFFSET, reading starts at the first record in range, by the
 * log's time index. Where retention deletes records before they are read, reading goes on at the topic's new start.
 *
 * It is the fused scan of a persistent query, run outside of a task, over the committed records. Only a batch is held
 * at a time: nothing is read that is not taken. A batch may be empty, where no record of it fits.
 */

import { assert } from '../../base/index.ts';
import { BlockPool, type StreamRecord } from '../../engine/index.ts';
import { chunksOrThrow, type Log } from '../../storage/index.ts';
import type { AnalyzedQuery } from '../analyze/query.ts';
import type { Catalog } from '../catalog.ts';
import type { CompileEnvironment } from '../compile/environment.ts';
import { compileTopology } from '../compile/topology.ts';
import { allSteps, type Step } from '../plan/plan.ts';
import { planQuery } from '../plan/planner.ts';
import type { Row } from '../types/value.ts';
import { accessText } from './access.ts';
import { silentContext } from './materialized.ts';
import type { PullStep, Rows } from './pull/step.ts';
import { isEmpty, streamRangeOf } from './stream-range.ts';

const fetchBytes = 1 << 20;

const hasTimestampColumn = (step: Step): boolean => step.kind === 'streamSource' && step.timestamp !== undefined;

export const pullStream = (
  analyzed: AnalyzedQuery,
  catalog: Catalog,
  environment: CompileEnvironment,
  log: Log,
): PullStep => {
  const { physical, logical } = planQuery(analyzed.plan, { catalog });
  const range = streamRangeOf(logical);
  // With a TIMESTAMP column ROWTIME is not the record's own time, by which the log finds records.
  const byTime = Number.isFinite(range.fromMs) && !allSteps(physical.root).some(hasTimestampColumn);
  const topology = compileTopology(physical, environment);
  // Rows are taken from the scan: a node behind it would be left out.
  const [node, ...behind] = topology.nodes;
  assert(
    node?.node === 'source' && behind.every((one) => one.node === 'sink'),
    'the steps of a pull query over a stream are fused into its scan',
  );
  const limit = analyzed.limit ?? Number.POSITIVE_INFINITY;

  const rows = async function* (): Rows {
    if (limit <= 0 || isEmpty(range)) return;
    let found: Row[] = [];
    const take = (record: StreamRecord<unknown>): void => {
      const row = record.value as Row | null;
      if (row !== null) found.push(row.slice());
    };
    const blocks = new BlockPool();
    const partitions = (await log.describeTopic(node.topic))?.partitions ?? 0;
    const ends: number[] = [];
    for (let partition = 0; partition < partitions; partition++) {
      const { stable } = await log.offsets({ topic: node.topic, partition });
      ends.push(Math.min(stable, range.toOffset + 1));
    }
    /** Where reading begins. */
    const startOf = async (partition: number): Promise<number> => {
      const target = { topic: node.topic, partition };
      const from = Math.max((await log.offsets(target)).start, range.fromOffset);
      if (!byTime) return from;
      return Math.max(from, (await log.offsetForTime(target, range.fromMs))?.offset ?? Number.POSITIVE_INFINITY);
    };
    let left = limit;
    const reader = log.reader();
    const source = node.supplier(silentContext, take);
    try {
      for (let partition = 0; partition < partitions; partition++) {
        const end = ends[partition] as number;
        let offset = await startOf(partition);
        while (offset < end) {
          const request = { topic: node.topic, partition, offset, isolation: { kind: 'committed' } } as const;
          const fetched = await reader.fetch([request], { maxBytesPerPartition: fetchBytes, maxWaitMs: 0 });
          const [failure] = fetched.failures;
          if (failure?.error.code === 'LOG_OFFSET_OUT_OF_RANGE') {
            const { start } = await log.offsets(request);
            if (start <= offset) throw failure.error;
            // Retention has deleted what was to be read next.
            offset = start;
            continue;
          }
          const [chunk] = chunksOrThrow(fetched);
          if (chunk === undefined) break;
          const block = blocks.decode(chunk, offset);
          offset = block.nextOffset;
          const { columns } = block;
          let rows = columns.count;
          while (rows > 0 && (columns.offset[rows - 1] as number) >= end) rows--;
          found = [];
          source.run(block, 0, rows);
          block.release();
          const batch = found.length > left ? found.slice(0, left) : found;
          left -= batch.length;
          // Empty ones too: a client that has left is noticed between batches.
          yield batch;
          if (left <= 0) return;
        }
      }
    } finally {
      source.close?.();
      reader.close();
    }
  };
  return { text: accessText(analyzed), inputs: [], rows };
};
