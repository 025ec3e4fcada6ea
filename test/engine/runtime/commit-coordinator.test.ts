/** When a transaction ends: by time, by what is left to read. */

import { expect, test } from 'vitest';
import { ManualClock } from '../../../base/index.ts';
import { CommitCoordinator } from '../../../engine/runtime/commit-coordinator.ts';
import { noCounters } from '../../../engine/runtime/observer.ts';
import type { ToHost } from '../../../engine/runtime/protocol.ts';
import { SubTopologyGraph } from '../../../engine/runtime/watermarks.ts';
import type { Producer } from '../../../storage/index.ts';

const idle = async (): Promise<undefined> => undefined;

const producer: Producer = {
  producerId: 1,
  epoch: 0,
  append: async () => ({ baseOffset: 0, nextOffset: 1 }),
  begin: () => {},
  sendOffsets: idle,
  commit: idle,
  abort: async () => 'aborted',
  close: idle,
};

const noTimes = {
  due: Number.POSITIVE_INFINITY,
  time: Number.NEGATIVE_INFINITY,
  inputs: [],
  outputs: [],
} as const;

/** A coordinator whose hosts answer at once; `commits` are the times of its commits. */
const coordinatorOf = (hosts: number, { expires = false } = {}) => {
  const clock = new ManualClock();
  const commits: number[] = [];
  const answer = (id: number) => (message: ToHost) => {
    if (message.kind !== 'prepare') return;
    coordinator.receive(id, { kind: 'prepared', run: 1, positions: [], records: 1, ...noTimes });
  };
  const coordinator: CommitCoordinator = new CommitCoordinator({
    run: 1,
    group: 'g',
    producer,
    hosts: new Map(Array.from({ length: hosts }, (_, id) => [id, answer(id)])),
    positions: [],
    clock,
    timers: clock,
    commitIntervalMs: 100,
    expires,
    listener: {
      committed: () => void commits.push(clock.monotonic()),
      aborted: () => {},
      ended: () => {},
      changed: () => {},
    },
    times: {
      graph: new SubTopologyGraph([], 'app', []),
      boundOf: () => undefined,
      stableEnd: async () => 0,
    },
  });
  return {
    commits,
    removeHost: (host: number) => coordinator.removeHost(host),
    reports(host: number, { pending = true, behind = false, mayLast = true, drained = false }): void {
      coordinator.receive(host, {
        kind: 'progress',
        run: 1,
        pending,
        drained,
        mayLast,
        behind,
        tasks: 1,
        positions: [],
        counters: noCounters,
      });
    },
    async pass(ms: number): Promise<void> {
      for (let passed = 0; passed < ms; passed += 50) {
        clock.advance(50);
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
};

test('a transaction ends after one interval', async () => {
  const { commits, reports, pass } = coordinatorOf(1);
  reports(0, { behind: false });
  await pass(450);
  expect(commits).toEqual([100]);
});

test('a transaction of a query that is far behind ends after twenty intervals', async () => {
  const { commits, reports, pass } = coordinatorOf(1);
  reports(0, { behind: true });
  await pass(3000);
  expect(commits).toEqual([2000]);
});

test('a transaction of a query with windows ends after five intervals, however far it is behind', async () => {
  const { commits, reports, pass } = coordinatorOf(1, { expires: true });
  reports(0, { behind: true });
  await pass(3000);
  expect(commits).toEqual([500]);
});

test('a transaction has one interval more when the query is not far behind any more', async () => {
  const { commits, reports, pass } = coordinatorOf(1);
  reports(0, { behind: true });
  await pass(250);
  reports(0, { behind: false });
  await pass(450);
  expect(commits).toEqual([400]);
});

test('it ends at once when what was left has been read', async () => {
  const { commits, reports, pass } = coordinatorOf(1);
  reports(0, { behind: true });
  await pass(250);
  reports(0, { behind: false });
  await pass(50);
  reports(0, { drained: true });
  await pass(450);
  expect(commits).toEqual([350]);
});

test('it has one interval more behind the twenty, too', async () => {
  const { commits, reports, pass } = coordinatorOf(1);
  reports(0, { behind: true });
  await pass(1950);
  reports(0, { behind: false });
  await pass(450);
  expect(commits).toEqual([2100]);
});

test('a transaction that must not last ends with its interval', async () => {
  const { commits, reports, pass } = coordinatorOf(1);
  reports(0, { behind: true });
  await pass(250);
  reports(0, { behind: false, mayLast: false });
  await pass(450);
  expect(commits).toEqual([300]);
});

test('one host that is not behind is enough to end the transaction, unless it has nothing to commit', async () => {
  const two = coordinatorOf(2);
  two.reports(0, { behind: true });
  two.reports(1, { behind: false });
  await two.pass(450);
  expect(two.commits).toEqual([100]);

  const one = coordinatorOf(2);
  one.reports(0, { behind: true });
  one.reports(1, { pending: false, behind: false });
  await one.pass(3000);
  expect(one.commits).toEqual([2000]);
});

test('a transaction ends at once when only a host that goes had something left to read', async () => {
  const { commits, reports, pass, removeHost } = coordinatorOf(2);
  reports(0, { drained: true });
  reports(1, { pending: false });
  removeHost(1);
  await pass(50);
  expect(commits).toHaveLength(1);
});
