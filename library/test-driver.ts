/** The test driver over a log of its own, in files. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ensureTopic,
  LogTestDriver,
  type RecordErrorPolicies,
  type Topology,
  topicsOfTopology,
} from '../engine/index.ts';
import type { ConsumedRecord } from '../storage/index.ts';
import { open } from './open.ts';

export interface TestDriverOptions {
  readonly topology: Topology;
  /** Of each topic that the topology reads or writes. Default 1. */
  readonly partitions?: number;
  /** What becomes of a record that cannot be read, processed or written, as `millrace.streams` has it. */
  readonly onError?: RecordErrorPolicies;
  /** Left out: a temporary directory, which is removed at the end. */
  readonly data?: string;
}

/** Runs a topology on a log of its own, for tests: the same calls as those of the `TopologyTestDriver`, awaited. */
export const openTestDriver = async (options: TestDriverOptions): Promise<LogTestDriver> => {
  const { topology, partitions = 1, onError = {}, data = mkdtempSync(join(tmpdir(), 'millrace-test-')) } = options;
  const millrace = await open({ data, commitIntervalMs: 1 });
  const close = async (): Promise<void> => {
    await millrace.close();
    if (options.data === undefined) rmSync(data, { recursive: true, force: true });
  };
  try {
    for (const topic of topicsOfTopology(topology)) await ensureTopic(millrace.log, topic, partitions);
    const streams = await millrace.streams({ id: 'test', topology, onError });
    const consumed = (topic: string): AsyncIterable<ConsumedRecord> =>
      millrace.consume(topic, { group: 'test-output', untilEnd: true });
    return new LogTestDriver(streams, {
      produce: (topic, records) => millrace.produce(topic, records),
      consumed,
      close,
    });
  } catch (error) {
    await close();
    throw error;
  }
};
