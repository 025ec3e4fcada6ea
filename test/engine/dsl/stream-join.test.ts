/** Joins of two streams by the DSL, by the scripts and tables that Kafka Streams is tried with. */

import { describe, expect, expectTypeOf, test } from 'vitest';
import { planPartitions, serdes, type Topology } from '../../../engine/index.ts';
import { JoinWindows, type KStream, StreamsBuilder } from '../../../engine/public.ts';
import { dashed, orderedScript, play, texts } from './join-script.ts';

const { string } = serdes;
const day = 24 * 60 * 60 * 1000;
const tenSeconds = JoinWindows.ofTimeDifferenceAndGrace(10_000, day);

type Kind = 'join' | 'leftJoin' | 'outerJoin';

const joined = (kind: Kind, windows: JoinWindows, rekey = false): Topology => {
  const builder = new StreamsBuilder();
  const again = (stream: KStream<string, string>): KStream<string, string> =>
    rekey ? stream.map((key, value) => [key, value], texts) : stream;
  const left = again(builder.stream('left', texts));
  const right = again(builder.stream('right', texts));
  const result =
    kind === 'join'
      ? left.join(right, dashed, windows, { value: string })
      : kind === 'leftJoin'
        ? left.leftJoin(right, dashed, windows, { value: string })
        : left.outerJoin(right, dashed, windows, { value: string });
  result.to('out');
  return builder.build();
};

const matched = `
  L - @1
  R - @2
  L A @3
  R a @4 => A-a@4
  L B @5 => B-a@5
  R b @6 => A-b@6 B-b@6
  L - @7
  R - @8
  L C @9 => C-a@9 C-b@9
  R c @10 => A-c@10 B-c@10 C-c@10
  R - @11
  L - @12
  R - @13
  R d @14 => A-d@14 B-d@14 C-d@14
  L D @15 => D-a@15 D-b@15 D-c@15 D-d@15`;

describe.each([false, true])('the script in order, repartitioned: %s', (rekey) => {
  test('inner', () => {
    expect(play(joined('join', tenSeconds, rekey), orderedScript)).toBe(`${matched}
  L E @16 without key
  R e @17 without key`);
  });

  test('left: a left record without a key comes out at once', () => {
    expect(play(joined('leftJoin', tenSeconds, rekey), orderedScript)).toBe(`${matched}
  L E @16 without key => -:E-null@16
  R e @17 without key`);
  });

  test('outer: both do', () => {
    expect(play(joined('outerJoin', tenSeconds, rekey), orderedScript)).toBe(`${matched}
  L E @16 without key => -:E-null@16
  R e @17 without key => -:null-e@17`);
  });
});

test('a join of a join', () => {
  const builder = new StreamsBuilder();
  const left = builder.stream('left', texts);
  const right = builder.stream('right', texts);
  left.join(right, dashed, tenSeconds, { value: string }).join(right, dashed, tenSeconds, { value: string }).to('out');
  expect(play(builder.build(), orderedScript)).toBe(`
  L - @1
  R - @2
  L A @3
  R a @4 => A-a-a@4
  L B @5 => B-a-a@5
  R b @6 => A-b-a@6 B-b-a@6 A-a-b@6 B-a-b@6 A-b-b@6 B-b-b@6
  L - @7
  R - @8
  L C @9 => C-a-a@9 C-a-b@9 C-b-a@9 C-b-b@9
  R c @10 => A-c-a@10 A-c-b@10 B-c-a@10 B-c-b@10 C-c-a@10 C-c-b@10 A-a-c@10 B-a-c@10 A-b-c@10 B-b-c@10 C-a-c@10 C-b-c@10 A-c-c@10 B-c-c@10 C-c-c@10
  R - @11
  L - @12
  R - @13
  R d @14 => A-d-a@14 A-d-b@14 A-d-c@14 B-d-a@14 B-d-b@14 B-d-c@14 C-d-a@14 C-d-b@14 C-d-c@14 A-a-d@14 B-a-d@14 A-b-d@14 B-b-d@14 C-a-d@14 C-b-d@14 A-c-d@14 B-c-d@14 C-c-d@14 A-d-d@14 B-d-d@14 C-d-d@14
  L D @15 => D-a-a@15 D-a-b@15 D-a-c@15 D-a-d@15 D-b-a@15 D-b-b@15 D-b-c@15 D-b-d@15 D-c-a@15 D-c-b@15 D-c-c@15 D-c-d@15 D-d-a@15 D-d-b@15 D-d-c@15 D-d-d@15
  L E @16 without key
  R e @17 without key`);
});

describe('a record comes out alone once, and only if it met none until its window had closed', () => {
  const noGrace = JoinWindows.ofTimeDifferenceWithNoGrace(100);

  test('not before (KAFKA-10847), and before the results of the record that closes its window', () => {
    expect(
      play(
        joined('leftJoin', noGrace),
        `
  L A @0 of a
  L B @50 of b
  R x @100 of a
  L C @60 of c
  R y @150 of b
  R z @161 of z`,
      ),
    ).toBe(`
  L A @0 of a
  L B @50 of b
  R x @100 of a => a:A-x@100
  L C @60 of c
  R y @150 of b => b:B-y@150
  R z @161 of z => c:C-null@60`);
  });

  test('each side by its own bound, where they differ (KAFKA-13721, KAFKA-15417)', () => {
    const later = noGrace.before(0);
    expect(
      play(
        joined('outerJoin', later),
        `
  L A @0 of a
  R b @0 of b
  R c @1 of c
  R x @100 of a
  L D @101 of d`,
      ),
    ).toBe(`
  L A @0 of a
  R b @0 of b
  R c @1 of c => b:null-b@0
  R x @100 of a => c:null-c@1 a:A-x@100
  L D @101 of d`);
    const earlier = noGrace.after(0);
    expect(
      play(
        joined('leftJoin', earlier),
        `
  L A @100 of a
  R x @100 of a
  L B @101 of b
  R y @102 of y
  R z @50 of c
  L C @150 of c`,
      ),
    ).toBe(`
  L A @100 of a
  R x @100 of a => a:A-x@100
  L B @101 of b
  R y @102 of y => b:B-null@101
  R z @50 of c
  L C @150 of c => c:C-z@150`);
  });

  test('nor when it comes out of order, within the grace (KAFKA-19536)', () => {
    const windows = JoinWindows.ofTimeDifferenceAndGrace(10, 30);
    expect(
      play(
        joined('outerJoin', windows),
        `
  L A @100 of a
  L B @80 of b
  R y @85 of b
  L C @80 of c
  R v @70 of v
  R z @121 of z`,
      ),
    ).toBe(`
  L A @100 of a
  L B @80 of b
  R y @85 of b => b:B-y@85
  L C @80 of c
  R v @70 of v
  R z @121 of z => v:null-v@70 c:C-null@80`);
  });

  test('and what comes after its window and the grace comes out at once, and is late', () => {
    expect(
      play(
        joined('leftJoin', noGrace),
        `
  R x @500 of x
  L A @399 of a
  L B @100 of x
  R a @399 of a`,
      ),
    ).toBe(`
  R x @500 of x
  L A @399 of a => a:A-null@399
  L B @100 of x => x:B-null@100
  R a @399 of a`);
  });
});

describe('with itself', () => {
  const script = `
  L - @1
  L A @2
  L B @3
  L - @4
  L C @5
  L - @6
  L D @7`;

  const self = (windows: JoinWindows): Topology => {
    const builder = new StreamsBuilder();
    const stream = builder.stream('left', texts);
    stream.join(stream, dashed, windows, { value: string }).to('out');
    return builder.build();
  };

  test('each record meets itself, and every other one twice', () => {
    expect(play(self(tenSeconds), script)).toBe(`
  L - @1
  L A @2 => A-A@2
  L B @3 => B-A@3 A-B@3 B-B@3
  L - @4
  L C @5 => C-A@5 C-B@5 A-C@5 B-C@5 C-C@5
  L - @6
  L D @7 => D-A@7 D-B@7 D-C@7 A-D@7 B-D@7 C-D@7 D-D@7`);
  });

  test('its records are kept once', () => {
    expect(self(tenSeconds).stores.map(({ name }) => name)).toEqual(['KSTREAM-JOINTHIS-0000000003-store']);
  });

  /** The same by two sources of one topic, and two stores. */
  const twice = (windows: JoinWindows): Topology => {
    const builder = new StreamsBuilder();
    builder.stream('left', texts).join(builder.stream('left', texts), dashed, windows, { value: string }).to('out');
    return builder.build();
  };

  test.each([
    JoinWindows.ofTimeDifferenceWithNoGrace(100),
    JoinWindows.ofTimeDifferenceAndGrace(11_000, 10_000),
    JoinWindows.ofTimeDifferenceWithNoGrace(10_000),
    JoinWindows.ofTimeDifferenceWithNoGrace(10_000).before(0),
    JoinWindows.ofTimeDifferenceWithNoGrace(10_000).after(-2_000),
  ])('it is the inner join of two equal streams: %j', (windows) => {
    const outOfOrder = `
  L A1 @0
  L A2 @9999
  L B1 @11000 of b
  L A3 @13000
  L A4 @15000
  L C1 @16000 of c
  L A5 @30000
  L A6 @6000
  L A7 @30000
  L B2 @11000 of b`;
    const results = play(self(windows), outOfOrder);
    expect(results).toBe(play(twice(windows), outOfOrder));
    expect(results).toContain('=>');
  });
});

test('nodes and stores have the names of Kafka Streams', () => {
  const names = (kind: Kind): string[] => joined(kind, tenSeconds).stores.map(({ name }) => name);
  expect(names('join')).toEqual(['KSTREAM-JOINTHIS-0000000004-store', 'KSTREAM-JOINOTHER-0000000005-store']);
  expect(names('leftJoin')).toEqual([
    'KSTREAM-JOINTHIS-0000000004-store',
    'KSTREAM-OUTEROTHER-0000000005-store',
    'KSTREAM-OUTERSHARED-0000000004-store',
  ]);
  expect(names('outerJoin')).toEqual([
    'KSTREAM-OUTERTHIS-0000000004-store',
    'KSTREAM-OUTEROTHER-0000000005-store',
    'KSTREAM-OUTERSHARED-0000000004-store',
  ]);
  const builder = new StreamsBuilder();
  const left = builder.stream('left', texts).selectKey((key) => key, { key: string });
  const right = builder.stream('right', texts).selectKey((key) => key, { key: string });
  left.leftJoin(right, dashed, tenSeconds, { name: 'meet', store: 'met' });
  const topology = builder.build();
  expect(topology.stores.map(({ name }) => name)).toEqual([
    'met-this-join-store',
    'met-outer-other-join-store',
    'met-left-shared-join-store',
  ]);
  expect(topology.repartitions.map(({ topic }) => topic)).toEqual(['meet-left-repartition', 'meet-right-repartition']);
  expect(topology.nodes.map(({ name }) => name)).toContain('meet-merge');
});

test('sides with different numbers of partitions are not joined', () => {
  const counts = (topic: string): number => (topic === 'left' ? 2 : 3);
  expect(() => planPartitions(joined('join', tenSeconds), counts)).toThrow(
    expect.objectContaining({ code: 'TOPOLOGY_NOT_COPARTITIONED' }),
  );
  expect(() => planPartitions(joined('join', tenSeconds, true), counts)).not.toThrow();
});

test('a window that makes no sense is refused', () => {
  const refused = (make: () => JoinWindows): void =>
    expect(make).toThrow(expect.objectContaining({ code: 'DSL_WINDOW_INVALID' }));
  refused(() => JoinWindows.ofTimeDifferenceWithNoGrace(-1));
  refused(() => JoinWindows.ofTimeDifferenceAndGrace(1, -1));
  refused(() => JoinWindows.ofTimeDifferenceWithNoGrace(1.5));
  refused(() => JoinWindows.ofTimeDifferenceWithNoGrace(5).before(-6));
  expect(JoinWindows.ofTimeDifferenceWithNoGrace(5).after(7).before(-6)).toMatchObject({ beforeMs: -6, afterMs: 7 });
});

test('a side without a serde is refused', () => {
  const builder = new StreamsBuilder();
  const left = builder.stream('left', texts).mapValues((value) => value?.length ?? 0);
  expect(() => left.join(builder.stream('right', texts), (n, text) => `${n}${text}`, tenSeconds)).toThrow(
    expect.objectContaining({ code: 'DSL_SERDE_MISSING' }),
  );
});

test('types follow from the streams; keys of other types do not join', () => {
  const builder = new StreamsBuilder();
  const orders = builder.stream('orders', { key: string, value: serdes.json<{ id: number }>() });
  const payments = builder.stream('payments', { key: string, value: serdes.int32 });
  const inner = orders.join(payments, (order, paid, key) => ({ id: order.id, paid, key }), tenSeconds);
  expectTypeOf(inner).toEqualTypeOf<KStream<string, { id: number; paid: number; key: string }>>();
  const outer = orders.outerJoin(payments, (order, paid) => [order, paid] as const, tenSeconds);
  expectTypeOf(outer).toEqualTypeOf<KStream<string, readonly [{ id: number } | null, number | null]>>();
  const numbers = builder.stream('numbers', { key: serdes.int32, value: string });
  // @ts-expect-error: the keys are of different types
  expectTypeOf(() => orders.join(numbers, () => null, tenSeconds)).toBeFunction();
});
