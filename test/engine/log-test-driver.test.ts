/** The same tests on the test driver and on a real log. */

import { openTestDriver } from 'millrace';
import {
  JoinWindows,
  type RecordErrorPolicies,
  SessionWindows,
  StreamsBuilder,
  serdes,
  sessionWindowed,
  type Topology,
  TopologyTestDriver,
} from 'millrace/engine';
import { describe, expect, test } from 'vitest';

const { int64, string } = serdes;
const texts = { key: string, value: string };

interface Options {
  readonly onError?: RecordErrorPolicies;
}

const drivers = {
  'the test driver': (topology: Topology, options: Options = {}) =>
    Promise.resolve(new TopologyTestDriver(topology, options)),
  'a real log': (topology: Topology, options: Options = {}) => openTestDriver({ topology, ...options }),
};

describe.each(Object.entries(drivers))('on %s', (_, open) => {
  test('a record that a function has failed on is left out where that is the policy', async () => {
    const builder = new StreamsBuilder();
    const noBad = (_key: string | null, value: string | null): boolean => {
      if (value === 'bad') throw new Error('a bad value');
      return true;
    };
    builder.stream('in', texts).filter(noBad).to('out');
    const driver = await open(builder.build(), { onError: { processing: 'continue' } });
    await driver.input('in', texts).pipeText(`
      a: good
      b: bad
      c: better`);
    expect(await driver.output('out', texts).readValues()).toEqual(['good', 'better']);
    await driver.close();
  });

  test('words are counted behind a repartition', async () => {
    const builder = new StreamsBuilder();
    builder
      .stream('lines', texts)
      .flatMapValues((line) => line?.split(' ') ?? [], { value: string })
      .groupBy((_key, word) => word, { key: string })
      .count()
      .toStream()
      .to('counted');
    const driver = await open(builder.build());
    const input = driver.input('lines', texts, { startMs: 10, advanceMs: 5 });
    await input.pipeText(`
      -: the mill
      -: the race @7`);
    await input.pipe('x', 'mill');
    const output = driver.output('counted', { key: string, value: int64 });
    expect(await output.readText()).toBe('the: 1 @10\nmill: 1 @10\nthe: 2 @10\nrace: 1 @7\nmill: 2 @15');
    expect(await output.readText()).toBe('');
    await input.pipeAll([{ value: 'a' }, { value: 'a' }]);
    expect(await output.readTable()).toEqual(new Map([['a', 2]]));
    await driver.close();
  });

  test('streams are joined, and sessions merged', async () => {
    const builder = new StreamsBuilder();
    const left = builder.stream('left', texts);
    left
      .leftJoin(
        builder.stream('right', texts),
        (a, b) => `${a}${b ?? ''}`,
        JoinWindows.ofTimeDifferenceWithNoGrace(5),
        {
          value: string,
        },
      )
      .to('joined');
    left.groupByKey().windowedBy(SessionWindows.ofInactivityGapWithNoGrace(5)).count().toStream().to('sessions');
    const driver = await open(builder.build());
    await driver.input('left', texts).pipe('k', 'a', 1);
    await driver.input('right', texts).pipe('k', 'b', 3);
    await driver.input('left', texts).pipe('k', 'c', 6);
    await driver.input('left', texts).pipe('k', 'd', 20);
    await driver.input('left', texts).pipe('k', 'e', 40);
    expect(await driver.output('joined', texts).readText()).toBe('k: ab @3\nk: cb @6\nk: d @20');
    const sessions = driver.output('sessions', { key: sessionWindowed(string), value: int64 });
    expect(await sessions.readText()).toBe(
      'k@[1,1]: 1 @1\nk@[1,1]: - @1\nk@[1,6]: 2 @6\nk@[20,20]: 1 @20\nk@[40,40]: 1 @40',
    );
    await driver.close();
  });
});
