/** How long a query that is drained again and again waits between its commits. */

import { expect, test } from 'vitest';
import { ManualClock } from '../../../base/index.ts';
import { CommitCoordinator } from '../../../engine/runtime/commit-coordinator.ts';
import { noCounters } from '../../../engine/runtime/observer.ts';
import type { FromHost, ToHost } from '../../../engine/runtime/protocol.ts';
import { SubTopologyGraph } from '../../../engine/runtime/watermarks.ts';
import type { Producer } from '../../../storage/index.ts';

const run = 1;
const noTimes = { due: Number.POSITIVE_INFINITY, time: Number.NEGATIVE_INFINITY, inputs: [], outputs: [] };

/** A query with one host, whose records arrive as soon as it may read them: it is drained again and again. */
class DrainedQuery {
  readonly clock = new ManualClock();
  readonly #coordinator: CommitCoordinator;
  #offset = 0;
  /** How long each commit takes. */
  readonly #commitMs: number[];
  /** Between the end of a commit and the beginning of the next. */
  readonly waits: number[] = [];
  #ended: number | undefined;

  constructor(commitMs: readonly number[]) {
    this.#commitMs = [...commitMs];
    this.#coordinator = new CommitCoordinator({
      run,
      group: 'query',
      producer: this.#producer(),
      hosts: new Map([[0, (message: ToHost) => this.#receive(message)]]),
      positions: [],
      clock: this.clock,
      timers: this.clock,
      commitIntervalMs: 1000,
      listener: { committed: () => {}, aborted: () => {}, ended: () => {}, changed: () => {} },
      times: {
        graph: new SubTopologyGraph([], 'query', []),
        boundOf: () => undefined,
        stableEnd: async () => 0,
      },
    });
  }

  #producer(): Producer {
    return {
      producerId: 1,
      epoch: 0,
      append: () => Promise.reject(new Error('nothing is appended')),
      begin: () => {},
      sendOffsets: async () => {},
      commit: () => new Promise((resolve) => void this.clock.after(this.#commitMs.shift() ?? 0, resolve)),
      abort: async () => 'aborted',
      close: async () => {},
    };
  }

  #receive(message: ToHost): void {
    if (message.kind === 'prepare') {
      if (this.#ended !== undefined) this.waits.push(this.clock.monotonic() - this.#ended);
      const positions = [{ topic: 'input', partition: 0, offset: ++this.#offset }];
      this.#send({ kind: 'prepared', run, positions, records: 1, ...noTimes });
    } else if (message.kind === 'committed') {
      this.#ended = this.clock.monotonic();
      this.arrive();
    }
  }

  #send(message: FromHost): void {
    queueMicrotask(() => this.#coordinator.receive(0, message));
  }

  /** Records arrive, and are processed at once. */
  arrive(): void {
    this.#send({
      kind: 'progress',
      run,
      pending: true,
      drained: true,
      mayLast: true,
      behind: false,
      tasks: 1,
      positions: [],
      counters: noCounters,
    });
  }

  async commits(count: number): Promise<readonly number[]> {
    this.arrive();
    while (this.waits.length < count) {
      await new Promise((resolve) => setImmediate(resolve));
      this.clock.advanceToNext();
    }
    return this.waits;
  }
}

test('a query that is drained again and again waits twice the time that its commits take', async () => {
  expect(await new DrainedQuery([3, 3, 3, 3, 3]).commits(4)).toEqual([6, 6, 6, 6]);
});

test('a single slow commit does not make the next one wait longer', async () => {
  expect(await new DrainedQuery([3, 3, 40, 3, 3, 3]).commits(5)).toEqual([6, 6, 6, 6, 6]);
});

test('where commits have become slow the next ones wait longer', async () => {
  expect(await new DrainedQuery([3, 3, 3, 20, 20, 20, 20, 20]).commits(7)).toEqual([6, 6, 6, 6, 6, 40, 40]);
});
