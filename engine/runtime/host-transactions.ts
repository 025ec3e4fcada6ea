/**
 * What a host does for the transactions of its runs, as the commit coordinator asks for it: flush, commit, roll back.
 *
 * A task that is to be suspended stands still behind the next of these: then nothing of it is uncommitted.
 */

import { assert } from '../../base/index.ts';
import type { HostParts } from './host-options.ts';
import type { HostedRun } from './hosted-run.ts';
import type { PartitionPosition } from './partition-position.ts';
import type { TaskReading } from './task-reading.ts';
import type { InputTime, LowWatermarks, OutputTime } from './watermarks.ts';

export class HostTransactions {
  readonly #host: HostParts;
  readonly #reading: TaskReading;

  constructor(host: HostParts, reading: TaskReading) {
    this.#host = host;
    this.#reading = reading;
  }

  /** Flushes the tasks, which moves their stream time on to `passed` at least, and answers how far they have read. */
  prepare(run: HostedRun, passed: number | undefined): void {
    if (run.phase !== 'running' && run.phase !== 'holding') return;
    run.prepareWaits = undefined;
    if ([...run.topics.values()].includes('asked')) {
      run.prepareWaits = { passed };
      run.phase = 'holding';
      return;
    }
    run.phase = 'prepared';
    const positions: PartitionPosition[] = [];
    const inputs: InputTime[] = [];
    const outputs: OutputTime[] = [];
    let records = 0;
    let due = Number.POSITIVE_INFINITY;
    let time = Number.NEGATIVE_INFINITY;
    for (const { task, phase } of run.tasks) {
      if (phase === 'opening') continue;
      if (phase === 'suspended') {
        // What it has not read holds back windows of the others.
        inputs.push(...task.inputTimes());
        outputs.push(...task.outputTimes());
        continue;
      }
      if (run.byWallClock) task.setClock(this.#host.options.clock.now());
      // While it is paused records may wait that it has not seen.
      const commit = task.flush(run.paused ? undefined : passed);
      due = Math.min(due, commit.due);
      time = Math.max(time, commit.time);
      positions.push(...commit.positions);
      inputs.push(...commit.inputs);
      outputs.push(...commit.outputs);
      records += commit.records;
    }
    run.processingLog?.flush();
    run.deadLetters?.flush();
    this.#host.options.post({ kind: 'prepared', run: run.id, positions, records, due, time, inputs, outputs });
  }

  committed(run: HostedRun, changelog: readonly PartitionPosition[], low: LowWatermarks | undefined): void {
    assert(run.phase === 'prepared', `committed in phase ${run.phase}`);
    for (const { task } of run.transactional) {
      const offsets = new Map<string, number>();
      for (const { topic, partition, offset } of changelog)
        if (partition === task.partition) offsets.set(topic, offset);
      task.commit(offsets);
      if (low !== undefined) task.setLow(low);
    }
    run.pending = false;
    run.commitAsked = false;
    forgetMissing(run);
    run.commits++;
    this.#suspend(run);
    this.#reading.askRepartitionEndsAgain(run);
    run.phase = 'running';
  }

  rollback(run: HostedRun, positions: readonly PartitionPosition[]): void {
    run.processingLog?.discard();
    run.deadLetters?.discard();
    run.pending = false;
    run.commitAsked = false;
    run.prepareWaits = undefined;
    forgetMissing(run);
    for (const hosted of run.transactional) {
      const { task } = hosted;
      task.rollback(positions.filter(({ partition }) => partition === task.partition));
      this.#reading.seek(hosted);
    }
    this.#suspend(run);
    // Other hosts may still be rolling back: it steps again when the coordinator sends `go`.
    run.phase = 'ready';
    this.#host.options.post({ kind: 'rolled back', run: run.id });
  }

  #suspend(run: HostedRun): void {
    for (const hosted of run.tasks) {
      if (hosted.phase !== 'suspending') continue;
      hosted.phase = 'suspended';
      this.#reading.unsubscribe(hosted);
      hosted.task.releaseBlocks();
      this.#host.options.post({ kind: 'task suspended', run: run.id, task: hosted.task.id });
    }
  }
}

/** A topic that was missing may be there in the next transaction. */
const forgetMissing = ({ topics }: HostedRun): void => {
  for (const [topic, known] of topics) if (known === 'missing') topics.set(topic, 'was missing');
};
