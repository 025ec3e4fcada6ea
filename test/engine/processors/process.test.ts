/** The Processor API: what a processor sees, what it may do, and what becomes of what it forwards and stores. */

import { describe, expect, expectTypeOf, test } from 'vitest';
import { serdes, sink, source, Topology } from '../../../engine/index.ts';
import {
  type FixedKeyContext,
  type FixedKeyProcessor,
  type FixedKeyRecord,
  type KStream,
  type Processor,
  type ProcessorContext,
  type ProcessorRecord,
  process,
  RecordHeaders,
  Stores,
  StreamsBuilder,
} from '../../../engine/public.ts';
import { TopologyTestDriver } from '../../../engine/test-driver.ts';

const { int64, string } = serdes;
const texts = { key: string, value: string };

/** Pipes `key: value @time` lines to the topic `in`, and shows what came out in the same form. */
const play = (topology: Topology, lines: readonly string[], output = 'out'): string[] => {
  const driver = new TopologyTestDriver(topology);
  const input = driver.input('in', texts);
  for (const line of lines) {
    const [, key = '', value = '', time = '0'] = /^(\S+): (.*?)(?: @(\d+))?$/.exec(line) ?? [];
    input.pipe(key === '-' ? null : key, value === '-' ? null : value, Number(time));
  }
  const shown = shownOf(driver, output);
  driver.close();
  return shown;
};

const shownOf = (driver: TopologyTestDriver, output: string): string[] =>
  driver
    .output(output, texts)
    .readAll()
    .map(({ key, value, timestamp }) => `${key ?? '-'}: ${value ?? '-'} @${timestamp}`);

/** A topology with one processor between `in` and `out`. */
const withProcessor = (add: (stream: KStream<string, string>) => KStream<string, string>): Topology => {
  const builder = new StreamsBuilder();
  add(builder.stream('in', texts)).to('out', { value: string });
  return builder.build();
};

describe('process', () => {
  test('sees key, value, time and headers, null keys and values included, and forwards none, one or several', () => {
    const topology = withProcessor((stream) =>
      stream.process<string>((context) => ({
        process({ key, value, timestamp }) {
          for (let i = 0; i < Number(value ?? 1); i++)
            context.forward({ key, value: `${key} ${i}`, timestamp: timestamp + i });
        },
      })),
    );
    expect(play(topology, ['a: 2 @5', 'b: 0 @6', '-: 1 @7', 'c: - @8'])).toEqual([
      'a: a 0 @5',
      'a: a 1 @6',
      '-: null 0 @7',
      'c: c 0 @8',
    ]);
  });

  test('a record that is forwarded without time and headers has those of the record in hand', () => {
    const topology = withProcessor((stream) =>
      stream.process<string>((context) => ({ process: ({ key }) => context.forward({ key, value: 'x' }) })),
    );
    const driver = new TopologyTestDriver(topology);
    const headers = [{ key: 'h', value: Uint8Array.of(1) }];
    driver.pipe('in', [{ key: null, value: Uint8Array.of(65), timestamp: 9, headers }]);
    expect(driver.output('out', texts).read()).toMatchObject({ value: 'x', timestamp: 9, headers });
  });

  test('headers can be read, replaced and left out', () => {
    const seen: string[] = [];
    const topology = withProcessor((stream) =>
      stream.process<string>((context) => ({
        process(record) {
          const { headers } = record;
          seen.push(`${[...headers].map(({ key }) => key).join(',')}/${headers.size}/${headers.last('a')?.value?.[0]}`);
          context.forward({ ...record, headers: headers.without('a').with('b', null) });
          context.forward({ ...record, headers: RecordHeaders.empty });
        },
      })),
    );
    const driver = new TopologyTestDriver(topology);
    const given = [1, 2].map((value) => ({ key: 'a', value: Uint8Array.of(value) }));
    driver.pipe('in', [{ value: Uint8Array.of(65), headers: given }, { value: Uint8Array.of(65) }]);
    expect(seen).toEqual(['a,a/2/2', '/0/undefined']);
    const out = driver.output('out', texts).readAll();
    expect(out.map(({ headers }) => headers)).toEqual([
      [{ key: 'b', value: null }],
      [],
      [{ key: 'b', value: null }],
      [],
    ]);
  });

  test('a kept record stays as it was', () => {
    let kept: ProcessorRecord<string, string> | undefined;
    const topology = withProcessor((stream) =>
      stream.process<string>((context) => ({
        process(record) {
          if (kept !== undefined) context.forward(kept);
          kept = record;
        },
      })),
    );
    const driver = new TopologyTestDriver(topology);
    for (const name of ['a', 'b', 'c']) {
      const bytes = new TextEncoder().encode(name);
      driver.pipe('in', [{ key: bytes, value: bytes, headers: [{ key: name, value: bytes }] }]);
    }
    const out = driver.output('out', texts).readAll();
    expect(out.map(({ key, value, headers }) => `${key} ${value} ${headers[0]?.key}`)).toEqual(['a a a', 'b b b']);
  });

  test('forwards to all children, or to the one that is named', () => {
    const builder = new StreamsBuilder();
    const parted = builder.stream('in', texts).process<string>((context) => ({
      process(record) {
        if (record.value === 'all') context.forward(record);
        else context.forward(record, record.value === 'left' ? 'left' : 'right');
      },
    }));
    parted.mapValues((value) => `l ${value}`, { name: 'left', value: string }).to('left-out');
    parted.mapValues((value) => `r ${value}`, { name: 'right', value: string }).to('right-out');
    const lines = ['a: all', 'b: left', 'c: other'];
    const topology = builder.build();
    expect(play(topology, lines, 'left-out')).toEqual(['a: l all @0', 'b: l left @0']);
    expect(play(topology, lines, 'right-out')).toEqual(['a: r all @0', 'c: r other @0']);
  });

  test('what it forwards several times has each time its own time; the record in hand keeps its own', () => {
    const builder = new StreamsBuilder();
    const parted = builder.stream('in', texts).process<string>((context) => ({
      process(record) {
        context.forward(record);
        context.forward({ ...record, timestamp: record.timestamp + 5 }, 'first');
        context.forward(record, 'second');
        context.forward({ ...record, timestamp: record.timestamp + 2 });
      },
    }));
    parted
      .process<string>((context) => ({ process: (record) => context.forward(record) }), { name: 'first' })
      .to('first-out', texts);
    parted
      .process<string>(
        (context) => ({ process: (record) => context.forward({ ...record, timestamp: record.timestamp + 10 }) }),
        { name: 'second' },
      )
      .to('second-out', texts);
    const topology = builder.build();
    expect(play(topology, ['a: x @10', 'b: y @20'], 'first-out')).toEqual([
      ...['a: x @10', 'a: x @15', 'a: x @12'],
      ...['b: y @20', 'b: y @25', 'b: y @22'],
    ]);
    expect(play(topology, ['a: x @10', 'b: y @20'], 'second-out')).toEqual([
      ...['a: x @20', 'a: x @20', 'a: x @22'],
      ...['b: y @30', 'b: y @30', 'b: y @32'],
    ]);
  });

  test('what it writes to a topic that it reads comes after what it has forwarded besides', () => {
    const builder = new StreamsBuilder();
    const parted = builder.stream('in', texts).process<string>((context) => ({
      process(record) {
        if (record.value?.startsWith('again ') === false)
          context.forward({ ...record, value: `again ${record.value}` }, 'again');
        context.forward(record, 'out');
      },
    }));
    parted.filter(() => true, { name: 'again' }).to('in', texts);
    parted.filter(() => true, { name: 'out' }).to('out', texts);
    expect(play(builder.build(), ['a: x @3'])).toEqual(['a: x @3', 'a: again x @3']);
  });

  test('its stream time is that of the records that reach it, its punctuators go by that of the task', () => {
    const builder = new StreamsBuilder();
    builder
      .stream('in', texts)
      .filter((_key, value) => value !== 'left out')
      .process<string>((context) => {
        context.schedule(10, 'stream time', (time) => {
          context.forward({ key: 'tick', value: `${context.currentStreamTimeMs()}`, timestamp: time });
        });
        return {
          process: (record) => context.forward({ ...record, value: `${context.currentStreamTimeMs()}` }),
        };
      })
      .to('out', texts);
    expect(play(builder.build(), ['a: x @5', 'a: left out @25', 'a: y @7'])).toEqual([
      'a: 5 @5',
      'tick: 5 @5',
      'tick: 5 @25',
      'a: 7 @7',
    ]);
  });

  test('what a punctuator puts into a store is late by the time of the processor, not by its own', () => {
    const prices = Stores.versioned('prices', string, string, { historyMs: 100 });
    const builder = new StreamsBuilder();
    builder
      .stream('in', texts)
      .filter((_key, value) => value !== 'left out')
      .process<string, readonly [typeof prices]>(
        (context) => {
          const store = context.getStateStore(prices);
          context.schedule(1000, 'stream time', (time) => {
            if (time > 5) context.forward({ key: 'tick', value: `${store.put('b', 'late', 6)}` });
          });
          return {
            process: (record) => context.forward({ ...record, value: `${store.put('a', record.value, 6)}` }),
          };
        },
        { stores: [prices], value: string },
      )
      .to('out');
    const lines = ['a: x @5', 'a: left out @2000', 'a: y @7'];
    expect(play(builder.build(), lines)).toEqual(['a: true @5', 'tick: true @2000', 'a: true @7']);
  });

  test('knows application, task, place of the record, stream time and the clock of the driver', () => {
    const seen: unknown[] = [];
    const topology = withProcessor((stream) =>
      stream.process<string>((context) => {
        seen.push([context.applicationId, context.taskId, context.recordMetadata(), context.currentStreamTimeMs()]);
        return {
          process() {
            seen.push([context.recordMetadata(), context.currentStreamTimeMs(), context.currentSystemTimeMs()]);
          },
        };
      }),
    );
    const driver = new TopologyTestDriver(topology, { applicationId: 'app', now: 77 });
    for (const timestamp of [30, 10, 40]) driver.pipe('in', [{ value: Uint8Array.of(65), timestamp }]);
    expect(seen).toEqual([
      ['app', '0_0', undefined, -1],
      [{ topic: 'in', partition: 0, offset: 0 }, 30, 77],
      [{ topic: 'in', partition: 0, offset: 1 }, 30, 77],
      [{ topic: 'in', partition: 0, offset: 2 }, 40, 77],
    ]);
  });

  test('a class with init, process and close', () => {
    const calls: string[] = [];
    class Upper implements Processor<string, string, string, string> {
      #context: ProcessorContext<string, string> | undefined;
      init(context: ProcessorContext<string, string>): void {
        calls.push('init');
        this.#context = context;
      }
      process(record: ProcessorRecord<string, string>): void {
        calls.push(`process ${record.value}`);
        this.#context?.forward({ ...record, value: record.value?.toUpperCase() ?? null });
      }
      close(): void {
        calls.push('close');
      }
    }
    expect(
      play(
        withProcessor((stream) => stream.process(() => new Upper())),
        ['a: x'],
      ),
    ).toEqual(['a: X @0']);
    expect(calls).toEqual(['init', 'process x', 'close']);
  });

  test('a new key has its own serde, and what follows by key is brought together by it', () => {
    const builder = new StreamsBuilder();
    const rekeyed = builder.stream('in', texts).process(
      (context: ProcessorContext<number | bigint, string>) => ({
        process: (record: ProcessorRecord<string, string>) =>
          context.forward({ ...record, key: record.value?.length ?? 0 }),
      }),
      { key: int64, value: string },
    );
    expectTypeOf(rekeyed).toEqualTypeOf<KStream<number | bigint, string>>();
    rekeyed.groupByKey().count({ store: 'counts' }).toStream().to('out');
    const topology = builder.build();
    expect(topology.describe()).toContain('counts-repartition');
    const driver = new TopologyTestDriver(topology);
    const input = driver.input('in', texts);
    for (const value of ['x', 'yy', 'z']) input.pipe('k', value);
    expect(
      driver
        .output('out', { key: int64, value: int64 })
        .readAll()
        .map(({ key, value }) => [key, value]),
    ).toEqual([
      [1, 1],
      [2, 1],
      [1, 2],
    ]);
  });

  test('punctuators forward with their own time and see no record', () => {
    const topology = withProcessor((stream) =>
      stream.process<string>((context) => {
        let count = 0;
        context.schedule(10, 'stream time', (time) => {
          context.forward({ key: 'stream', value: `${count} ${context.recordMetadata()?.offset} ${time}` });
        });
        const cancel = context.schedule(100, 'wall clock', (time) => {
          context.forward({ key: 'wall', value: `${count}`, timestamp: time });
          cancel();
        });
        return {
          process() {
            count++;
          },
        };
      }),
    );
    const driver = new TopologyTestDriver(topology, { now: 1000 });
    const input = driver.input('in', texts);
    for (const time of [1, 5, 12, 45]) input.pipe('a', 'x', time);
    driver.advanceWallClock(99);
    driver.advanceWallClock(1);
    driver.advanceWallClock(1000);
    expect(shownOf(driver, 'out')).toEqual([
      'stream: 1 undefined 1 @1',
      'stream: 3 undefined 12 @12',
      'stream: 4 undefined 45 @45',
      'wall: 4 @1100',
    ]);
  });

  test('a supplier makes a processor, and each time another one', () => {
    const made: Processor<string, string, string, string> = { process: () => undefined };
    const start = (add: (stream: KStream<string, string>) => KStream<string, string>, partitions: number): unknown => {
      try {
        new TopologyTestDriver(withProcessor(add), { partitions }).close();
      } catch (error) {
        return error;
      }
      return undefined;
    };
    const shared = {
      message: expect.stringMatching(/^the node .* failed.*: the supplier of a processor has answered one that it had/),
      cause: { code: 'PROCESSOR_SHARED' },
    };
    const none = {
      message: expect.stringMatching(/^the node .* failed.*: the supplier of .* has made null$/),
      cause: { code: 'PROCESSOR_INVALID' },
    };
    // For one task it is called once.
    expect(start((stream) => stream.process(() => made), 1)).toBe(undefined);
    expect(start((stream) => stream.process(() => made), 2)).toMatchObject(shared);
    expect(start((stream) => stream.processValues<string>(() => made as never), 2)).toMatchObject(shared);
    expect(start((stream) => stream.process<string>(() => null as never), 1)).toMatchObject(none);
    expect(start((stream) => stream.processValues<string>(() => null as never), 1)).toMatchObject(none);
    expect(
      start(
        (stream) =>
          stream
            .toTable()
            .transformValues<string>(() => null as never)
            .toStream(),
        1,
      ),
    ).toMatchObject(none);
  });

  test('methods of a processor that are async are refused: a task would not wait for them', () => {
    for (const processor of [{ process: async () => {} }, { init: async () => {}, process: () => {} }])
      expect(() =>
        play(
          withProcessor((stream) => stream.process(() => ({ ...processor }))),
          [],
        ),
      ).toThrow(/the method (process|init) of a processor cannot be async/);
  });

  test('what does not fit is an error that says so', () => {
    const failing = (work: (context: ProcessorContext<string, string>) => void, how = {}): unknown => {
      const topology = withProcessor((stream) =>
        stream.process((context: ProcessorContext<string, string>) => ({ process: () => work(context) }), how),
      );
      try {
        play(topology, ['a: x']);
      } catch (error) {
        return error;
      }
      return undefined;
    };
    const place = 'the node "KSTREAM-PROCESSOR-0000000001" failed on the record in/0 offset 0 (task 0_0): ';
    expect(failing((context) => context.forward({ key: 'a', value: 'b', timestamp: -1 }))).toMatchObject({
      code: 'PROCESSING_FAILED',
      message: `${place}a record cannot be forwarded with the timestamp -1`,
      cause: { code: 'PROCESSOR_FORWARD_INVALID' },
    });
    expect(failing((context) => context.forward({ key: 'a', value: 'b' }, 'nobody'))).toMatchObject({
      message: 'the node "KSTREAM-PROCESSOR-0000000001" has no child "nobody"',
    });
    expect(failing((context) => context.getStateStore('nothing'))).toMatchObject({
      message: `${place}the processor is not connected to a store "nothing"`,
    });
    expect(failing((context) => context.schedule(10, 'wall clock', () => undefined))).toMatchObject({
      cause: { code: 'PROCESSOR_SCHEDULE_INVALID' },
    });
    expect(failing((context) => context.schedule(10, 'wall clock', () => undefined), { schedules: true })).toBe(
      undefined,
    );
    const refused = (everyMs: number, type: unknown, callback: unknown): unknown =>
      failing((context) => context.schedule(everyMs, type as 'wall clock', callback as () => void), {
        schedules: true,
      });
    for (const [error, message] of [
      [refused(0, 'wall clock', () => undefined), 'a punctuator cannot be called every 0 ms'],
      [refused(10, 'WALL_CLOCK_TIME', () => undefined), 'a punctuator cannot go by "WALL_CLOCK_TIME"'],
      [refused(10, 'wall clock', undefined), 'a punctuator is a function, not undefined'],
      [refused(10, 'wall clock', async () => {}), 'a punctuator cannot be async'],
    ] as const)
      expect(error).toMatchObject({ cause: { code: 'PROCESSOR_SCHEDULE_INVALID', message } });
    expect(() =>
      play(
        withProcessor((stream) =>
          stream.process((context: ProcessorContext<string, string>) => {
            context.forward({ key: 'a', value: 'b' });
            return { process: () => undefined };
          }),
        ),
        [],
      ),
    ).toThrow('the node "KSTREAM-PROCESSOR-0000000001" failed (task 0_0): a record is forwarded outside of process');
  });
});

describe('processValues', () => {
  test('keeps the key, so that grouping needs no repartition', () => {
    const builder = new StreamsBuilder();
    const twice = builder.stream('in', texts).processValues<number | bigint>(
      (context) => ({
        process(record) {
          context.forward(record.withValue(record.value?.length ?? 0));
          context.forward(record.withValue(0).withTimestamp(99));
        },
      }),
      { value: int64 },
    );
    twice.groupByKey().count({ store: 'counts' }).toStream().to('out');
    const topology = builder.build();
    expect(topology.describe()).not.toContain('repartition');
    const driver = new TopologyTestDriver(topology);
    driver.input('in', texts).pipe('a', 'xyz', 5);
    expect(driver.output('out', { key: string, value: int64 }).readAll()).toMatchObject([
      { key: 'a', value: 1, timestamp: 5 },
      { key: 'a', value: 2, timestamp: 99 },
    ]);
  });

  test('a record that was kept is forwarded later, by a punctuator too', () => {
    class Later implements FixedKeyProcessor<string, string, string> {
      #held: FixedKeyRecord<string, string>[] = [];
      init(context: FixedKeyContext<string, string>): void {
        context.schedule(1000, 'wall clock', () => {
          for (const record of this.#held) context.forward(record.withValue(`late ${record.value}`));
          this.#held = [];
        });
      }
      process(record: FixedKeyRecord<string, string>): void {
        this.#held.push(record);
      }
    }
    const builder = new StreamsBuilder();
    builder
      .stream('in', texts)
      .processValues(() => new Later(), { value: string })
      .to('out');
    const driver = new TopologyTestDriver(builder.build());
    const input = driver.input('in', texts);
    input.pipe('a', '1', 5);
    input.pipe('b', '2', 6);
    driver.advanceWallClock(1000);
    expect(shownOf(driver, 'out')).toEqual(['a: late 1 @5', 'b: late 2 @6']);
  });

  test('no record with another key can be made', () => {
    const builder = new StreamsBuilder();
    builder.stream('in', texts).processValues<string>((context) => ({
      process(record) {
        // @ts-expect-error: it is not a record that was received
        context.forward({ key: 'other', value: record.value, timestamp: record.timestamp, headers: record.headers });
      },
    }));
    expect(() => play(builder.build(), ['a: x'])).toThrow(
      'a processor that keeps the key forwards records that it was given',
    );
  });
});

describe('stores', () => {
  test('are typed by their builder, or by its name', () => {
    const seen = Stores.keyValue('seen', string, int64);
    const topology = withProcessor((stream) =>
      stream.process(
        (context: ProcessorContext<string, string, typeof seen>) => {
          const store = context.getStateStore('seen');
          expectTypeOf(store.get('a')).toEqualTypeOf<number | bigint | undefined>();
          expect(context.getStateStore(seen)).toBe(store);
          return {
            process(record: ProcessorRecord<string, string>) {
              if (record.key === null || store.get(record.key) !== undefined) return;
              store.put(record.key, record.timestamp);
              context.forward(record);
            },
          };
        },
        { stores: [seen] },
      ),
    );
    expect(play(topology, ['a: 1', 'b: 2', 'a: 3', '-: 4'])).toEqual(['a: 1 @0', 'b: 2 @0']);
  });

  test('of one processor: each record sees what those before it have put', () => {
    const uses = Stores.keyValue('uses', int64, int64);
    const builder = new StreamsBuilder();
    const numbers = { key: int64, value: int64 };
    builder
      .stream('in', numbers)
      .process<number | bigint, readonly [typeof uses]>(
        (context) => {
          const store = context.getStateStore(uses);
          return {
            process({ key, value }) {
              const row = Number(key);
              let used = Number(store.get(row) ?? 0);
              for (let i = 0; i < 3; i++) context.forward({ key: row + i, value: Number(value) + used++ });
              store.put(row, used);
            },
          };
        },
        { stores: [uses], value: int64 },
      )
      .to('out');
    const driver = new TopologyTestDriver(builder.build());
    driver.input('in', numbers).pipeText(`
      1: 1
      2: 2
      2: 1
      2: 3
      1: 3`);
    const lines = driver.output('out', numbers).readText().split('\n');
    expect(lines).toEqual([
      ...['1: 1', '2: 2', '3: 3'],
      ...['2: 2', '3: 3', '4: 4'],
      ...['2: 4', '3: 5', '4: 6'],
      ...['2: 9', '3: 10', '4: 11'],
      ...['1: 6', '2: 7', '3: 8'],
    ]);
  });

  test('the stores of a supplier written in place are known by name', () => {
    const seen = Stores.keyValue('seen', string, int64);
    const builder = new StreamsBuilder();
    builder.stream('in', texts).process<string, readonly [typeof seen]>(
      (context) => {
        const store = context.getStateStore('seen');
        expectTypeOf(store.get('a')).toEqualTypeOf<number | bigint | undefined>();
        // @ts-expect-error: there is no such store
        expect(() => context.getStateStore('other')).toThrow('not connected to a store "other"');
        return { process: () => undefined };
      },
      { stores: [seen] },
    );
    play(builder.build(), ['a: 1'], 'in');
  });

  test('one store is shared by several processors, of hand-built topologies too', () => {
    const last = Stores.keyValue('last', string, string);
    const topology = new Topology()
      .addSource('numbers', { topic: 'numbers', kind: 'stream', supplier: source(texts) })
      .addSource('questions', { topic: 'questions', kind: 'stream', supplier: source(texts) })
      .addProcessor(
        'keep',
        process<string, string, never, typeof last>(
          (context) => ({
            process: ({ key, value }) => context.getStateStore(last).put(key ?? '', value),
          }),
          { key: string, stores: [last] },
        ),
        ['numbers'],
      )
      .addProcessor(
        'ask',
        process<string, string, string, typeof last>(
          (context) => ({
            process: (record) =>
              context.forward({ ...record, value: context.getStateStore('last').get(record.key ?? '') ?? '?' }),
          }),
          { key: string, stores: [last] },
        ),
        ['questions'],
      )
      .addSink('out', { topic: 'out', parents: ['ask'], supplier: sink({ topic: 'out', value: string }) });
    expect(topology.subTopologies().length).toBe(1);
    const driver = new TopologyTestDriver(topology);
    const numbers = driver.input('numbers', texts);
    const questions = driver.input('questions', texts);
    questions.pipe('a', '');
    numbers.pipe('a', '1');
    questions.pipe('a', '');
    numbers.pipe('a', null);
    questions.pipe('a', '');
    expect(shownOf(driver, 'out')).toEqual(['a: ? @0', 'a: 1 @0', 'a: ? @0']);
  });

  test('a processor reads the rows that a table keeps', () => {
    const counts = Stores.timestampedKeyValue('counts', string, int64);
    const builder = new StreamsBuilder();
    const stream = builder.stream('in', texts);
    stream.groupByKey().count({ store: 'counts' });
    stream
      .process<string, readonly [typeof counts]>(
        (context) => ({
          process(record) {
            const { value, timestamp } = context.getStateStore(counts).get(record.key ?? '') ?? {};
            context.forward({ ...record, value: `${value}@${timestamp}` });
          },
        }),
        { stores: [counts] },
      )
      .to('out', { value: string });
    expect(play(builder.build(), ['a: x @5', 'b: x @6', 'a: x @3'])).toEqual(['a: 1@5 @5', 'b: 1@6 @6', 'a: 2@5 @3']);
  });
});
