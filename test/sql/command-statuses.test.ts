import { expect, test } from 'vitest';
import { ManualClock } from '../../base/index.ts';
import { CommandStatuses, keptStatuses, outcomeOf } from '../../sql/command-statuses.ts';

const created = { commandId: 'stream/`S`/create', message: 'Stream created', queryId: null };

test('a command is EXECUTING until what it starts has started, then SUCCESS with what is left to do', () => {
  const statuses = new CommandStatuses(new ManualClock());
  statuses.logged(4, created);
  expect(statuses.all.get('stream/`S`/create')).toMatchObject({ status: 'EXECUTING' });
  statuses.ran(4, created, ['the query Q does not run yet']);
  expect(statuses.all.get('stream/`S`/create')).toMatchObject({
    status: 'SUCCESS',
    message: 'Stream created; the query Q does not run yet',
  });
});

test('of several commands with one id the last one counts, whichever has run first', () => {
  const statuses = new CommandStatuses(new ManualClock());
  statuses.logged(4, created);
  statuses.logged(5, created);
  statuses.failed(5, created, 'there is no topic');
  statuses.ran(4, created);
  expect(statuses.all.get('stream/`S`/create')).toMatchObject({ status: 'ERROR', message: 'there is no topic' });
});

test('who waits for a number goes on when that command has run, or when the time is over', async () => {
  const clock = new ManualClock();
  const statuses = new CommandStatuses(clock);
  expect(await statuses.hasRun(-1, 1000)).toBe(true);
  const third = statuses.hasRun(2, 1000);
  statuses.logged(0, created);
  statuses.ran(0, created);
  expect(await statuses.hasRun(0, 1000)).toBe(true);
  // A later one has run before it.
  statuses.logged(2, created);
  statuses.logged(3, created);
  statuses.ran(3, created);
  let known: boolean | undefined;
  void third.then((ran) => (known = ran));
  await Promise.resolve();
  expect(known).toBeUndefined();
  statuses.ran(2, created);
  expect(await third).toBe(true);
  const never = statuses.hasRun(9, 1000);
  clock.advance(1000);
  expect(await never).toBe(false);
});

test('only so many statuses are kept: the oldest goes first, and none of a command that is under way', async () => {
  const statuses = new CommandStatuses(new ManualClock());
  const named = (name: string) => ({ ...created, commandId: `stream/${name}/create` });
  statuses.logged(0, named('slow'));
  const waiting = statuses.hasRun(0, 1000);
  for (let number = 1; number <= keptStatuses + 100; number++) {
    statuses.logged(number, named(`s${number}`));
    statuses.ran(number, named(`s${number}`));
    // The first stream is made again: its status is a new one.
    if (number === 150) statuses.ran(number, named('s1'));
  }
  expect(statuses.all.size).toBe(keptStatuses);
  expect(statuses.all.get('stream/slow/create')).toMatchObject({ status: 'EXECUTING' });
  expect(['s1', 's2', 's101', 's102', 's103'].map((name) => statuses.all.has(`stream/${name}/create`))).toEqual([
    true,
    false,
    false,
    false,
    true,
  ]);
  statuses.ran(0, named('slow'));
  expect(await waiting).toBe(true);
  expect(statuses.all.get('stream/slow/create')).toMatchObject({ status: 'SUCCESS' });
});

test('an entry without an outcome, or with one that cannot be read, has none', () => {
  expect(outcomeOf({ outcome: created })).toEqual(created);
  for (const entry of [undefined, {}, { outcome: null }, { outcome: { commandId: 1 } }, { outcome: 'x' }])
    expect(outcomeOf(entry)).toBeUndefined();
});
