/**
 * Checkpoints of a host's stores: written when they are due, one after another for each run, beside the stepping.
 *
 * They are looked at after each commit, and every second for runs that are idle. A run whose checkpoints cannot keep up
 * is held until they have, so that what a restart has to replay stays bounded. A checkpoint that cannot be written at
 * all holds nothing back.
 */

import { messageOf } from '../../base/index.ts';
import { recordsBetween } from '../stores/checkpoint.ts';
import type { MemoryBudget } from '../stores/memory-budget.ts';
import type { CheckpointPace, StateStore } from '../stores/state-store.ts';
import type { HostParts } from './host-options.ts';
import type { HostedRun, HostedTask } from './hosted-run.ts';
import { mostReplayed } from './restore.ts';
import type { Shards } from './shards.ts';

/** How often idle stores are asked whether a checkpoint is due. */
const lookEveryMs = 1000;

export class Checkpointer {
  readonly #host: HostParts;
  readonly #memory: MemoryBudget;
  readonly #shards: Shards | undefined;
  #cancelLook: (() => void) | undefined;

  constructor(host: HostParts, memory: MemoryBudget, shards: Shards | undefined) {
    this.#host = host;
    this.#memory = memory;
    this.#shards = shards;
  }

  close(): void {
    this.#cancelLook?.();
  }

  /** Begins what is due of a run. Throws what a store could not read: it is of no more use then. */
  look(run: HostedRun): void {
    const { clock, timers } = this.#host.options;
    const nowMs = clock.monotonic();
    for (const hosted of run.transactional) {
      const { task, shard } = hosted;
      if (shard?.kv.failure !== undefined) continue;
      for (const { store, changelog } of task.stores) {
        if (changelog === undefined || !store.checkpointDue(nowMs)) continue;
        run.checkpointsRunning++;
        run.checkpointing = run.checkpointing.then(async () => {
          await this.write(hosted, store, changelog);
          run.checkpointsRunning--;
          this.#boundReplay(run);
        });
      }
    }
    this.#boundReplay(run);
    this.#cancelLook ??= timers.after(lookEveryMs, () => {
      this.#cancelLook = undefined;
      this.#lookAtAll();
    });
  }

  #lookAtAll(): void {
    const healthy = [...this.#host.runs.values()].filter((run) => !run.over && run.phase !== 'assigning');
    const due = healthy.some((run) =>
      run.tasks.some(({ task }) => task.stores.some(({ store }) => store.stats.dueRecords > 0)),
    );
    if (!due) return;
    for (const run of healthy) {
      try {
        this.look(run);
      } catch (error) {
        this.#host.fail(run, error);
      }
    }
  }

  /** Holds a run whose checkpoints cannot keep up. */
  #boundReplay(run: HostedRun): void {
    const before = run.aheadOfCheckpoint;
    // What cannot leave memory before the checkpoint has come to its end must not grow meanwhile.
    const short = this.#memory.excess > this.#memory.limitBytes / 4;
    const ahead = (store: StateStore): boolean =>
      store.stats.dueRecords > mostReplayed || (short && store.stats.dueEntries > 0);
    run.aheadOfCheckpoint =
      run.checkpointsRunning > 0 &&
      run.tasks.some(({ task }) => task.stores.some(({ store, changelog }) => changelog !== undefined && ahead(store)));
    if (before && !run.aheadOfCheckpoint) this.#host.wake();
  }

  /** A checkpoint rests until something waits for it: the end of the run, a task that moves, another store of the
   *  run. */
  #paceOf(hosted: HostedTask): CheckpointPace {
    const { run } = hosted;
    const { timers } = this.#host.options;
    return {
      urgent: () =>
        run.over ||
        run.aheadOfCheckpoint ||
        !run.tasks.includes(hosted) ||
        run.tasks.some(
          ({ task, phase }) =>
            phase === 'suspended' || task.stores.some(({ store }) => store.stats.dueRecords >= recordsBetween),
        ),
      rest: (ms) => new Promise((resolve) => timers.after(ms, resolve)),
    };
  }

  /** Writes one checkpoint; a failure is noted, and damage ends the run. */
  async write(hosted: HostedTask, store: StateStore, topic: string): Promise<void> {
    const { run, task, shard } = hosted;
    const { id: taskId, partition } = task;
    const former = shard?.kv.failure;
    try {
      await store.checkpoint(this.#paceOf(hosted));
      const { position: offset } = store.stats;
      if (offset === undefined) return;
      this.#host.options.post({ kind: 'checkpointed', run: run.id, changelog: { topic, partition, offset } });
    } catch (error) {
      const why = messageOf(error);
      if (shard !== undefined && shard.kv.failure !== undefined) this.#shards?.failed(shard);
      // A failure of the shard is reported once, and not for each store in it.
      if (former === undefined) this.#host.note(run, { about: 'checkpoint failed', store: store.name, taskId, why });
      if (store.damage !== undefined) this.#host.fail(run, error);
    }
  }
}
