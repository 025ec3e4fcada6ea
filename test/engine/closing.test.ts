/**
 * Final results, however they are asked for: the last update of each window that has closed, each window once, in the
 * order in which they close; and the same for every cut into transactions. The updates themselves are compared with a
 * recomputation elsewhere (`operators/`).
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { serdes, type Topology } from '../../engine/index.ts';
import {
  BufferConfig,
  type EmitStrategy,
  type KTable,
  SessionWindows,
  SlidingWindows,
  StreamsBuilder,
  Suppressed,
  TimeWindows,
  type Windowed,
} from '../../engine/public.ts';
import { TopologyTestDriver } from '../../engine/test-driver.ts';

const { string } = serdes;
const texts = { key: string, value: string };

interface Event {
  readonly key: string;
  readonly time: number;
  /** It has a header. */
  readonly marked?: boolean;
}

/** `closesAfter`: a window closes when stream time reaches its end and that. */
interface Kind {
  readonly name: string;
  readonly closesAfter: (graceMs: number) => number;
  readonly table: (builder: StreamsBuilder, graceMs: number, emit: EmitStrategy) => KTable<Windowed<string>, string>;
}

/** The texts of the records' times, in the order in which they came. */
const collected = { value: string };
const add = (_key: string, value: string | null, all: string): string => `${all}+${value}`;

const timed =
  (windows: (graceMs: number) => TimeWindows | SlidingWindows): Kind['table'] =>
  (builder, graceMs, emit) =>
    builder
      .stream('in', texts)
      .groupByKey()
      .windowedBy(windows(graceMs))
      .emitStrategy(emit)
      .aggregate<string>(() => '', add, collected);

const kinds: readonly Kind[] = [
  {
    name: 'tumbling',
    closesAfter: (graceMs) => graceMs,
    table: timed((graceMs) => TimeWindows.ofSizeAndGrace(3, graceMs)),
  },
  {
    name: 'hopping',
    closesAfter: (graceMs) => graceMs,
    table: timed((graceMs) => TimeWindows.ofSizeAndGrace(4, graceMs).advanceBy(2)),
  },
  {
    name: 'sliding',
    closesAfter: (graceMs) => graceMs + 1,
    table: timed((graceMs) => SlidingWindows.ofTimeDifferenceAndGrace(2, graceMs)),
  },
  {
    name: 'session',
    closesAfter: (graceMs) => 2 + graceMs + 1,
    table: (builder, graceMs, emit) =>
      builder
        .stream('in', texts)
        .groupByKey()
        .windowedBy(SessionWindows.ofInactivityGapAndGrace(2, graceMs))
        .emitStrategy(emit)
        .aggregate<string>(
          () => '',
          add,
          (_key, a, b) => `${a}${b}`,
          collected,
        ),
  },
];

const written = (table: KTable<Windowed<string>, string>, topic: string): void =>
  table
    .toStream()
    .map((key, value) => [`${key?.key}@${key?.start}-${key?.end}`, value], texts)
    .to(topic);

/** Updates to `raw`; final results to `closed`, by the strategy of the aggregate, and to `suppressed`. */
const topologyOf = ({ table }: Kind, graceMs: number): Topology => {
  const builder = new StreamsBuilder();
  const updates = table(builder, graceMs, 'on window update');
  written(updates, 'raw');
  written(updates.suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded())), 'suppressed');
  written(table(builder, graceMs, 'on window close'), 'closed');
  return builder.build();
};

/** Runs the events, each batch of them committed by itself. */
const played = (topology: Topology, batches: readonly (readonly Event[])[]): Record<string, string[]> => {
  const driver = new TopologyTestDriver(topology);
  const input = driver.input('in', texts);
  for (const batch of batches)
    input.pipeAll(batch.map(({ key, time }) => ({ key, value: String(time), timestamp: time })));
  const lines = (topic: string): string[] =>
    driver
      .output(topic, texts)
      .readAll()
      .map(({ key, value, timestamp }) => `${key}: ${value ?? '-'} @${timestamp}`);
  const outputs = { raw: lines('raw'), closed: lines('closed'), suppressed: lines('suppressed') };
  driver.close();
  return outputs;
};

/** What has to come: of each window that has closed the last update, in the order of closing, key and start. */
const expected = (raw: readonly string[], events: readonly Event[], closesAfter: number): string[] => {
  const last = new Map<string, string>();
  for (const line of raw) last.set(line.slice(0, line.indexOf(':')), line);
  const time = Math.max(...events.map((event) => event.time));
  return [...last]
    .map(([window, line]) => {
      const [, key = '', start = '', end = ''] = /^(.*)@(\d+)-(\d+)$/.exec(window) ?? [];
      return { line, key, start: Number(start), closesAt: Number(end) + closesAfter };
    })
    .filter(({ line, closesAt }) => closesAt <= time && !line.includes(': -'))
    .sort((a, b) => a.closesAt - b.closesAt || (a.key < b.key ? -1 : a.key > b.key ? 1 : a.start - b.start))
    .map(({ line }) => line);
};

const permutations = <T>(of: readonly T[]): T[][] =>
  of.length === 0 ? [[]] : of.flatMap((first, i) => permutations(of.toSpliced(i, 1)).map((rest) => [first, ...rest]));

/** The events, cut behind each one whose bit is set. */
const cut = (events: readonly Event[], cuts: number): Event[][] => {
  const batches: Event[][] = [[]];
  events.forEach((event, i) => {
    batches.at(-1)?.push(event);
    if (cuts & (1 << i) && i + 1 < events.length) batches.push([]);
  });
  return batches;
};

const check = (kind: Kind, graceMs: number, topology: Topology, events: readonly Event[], cuts: number): void => {
  const { raw, closed, suppressed } = played(topology, cut(events, cuts));
  const where = `${JSON.stringify(events)} cut at ${cuts.toString(2)}`;
  const wanted = expected(raw ?? [], events, kind.closesAfter(graceMs));
  expect(closed, where).toEqual(wanted);
  expect(suppressed, where).toEqual(wanted);
};

describe.each(kinds)('$name windows', (kind) => {
  test.each([0, 1, 3])('with a grace of %i ms, all orders of five events', (graceMs) => {
    const topology = topologyOf(kind, graceMs);
    const events = [0, 2, 3, 5, 9].map((time, i) => ({ key: i === 1 ? 'b' : 'a', time }));
    permutations(events).forEach((order, i) => check(kind, graceMs, topology, order, i % 32));
  });

  test('any events', () => {
    const topologies = [0, 1, 2, 3, 4].map((graceMs) => topologyOf(kind, graceMs));
    const event = fc.record({ key: fc.constantFrom('a', 'b'), time: fc.nat(20) });
    fc.assert(
      fc.property(
        fc.nat(4),
        fc.array(event, { minLength: 1, maxLength: 14 }),
        fc.nat(2 ** 14 - 1),
        (graceMs, events, cuts) => check(kind, graceMs, topologies[graceMs] as Topology, events, cuts),
      ),
      { numRuns: 150 },
    );
  }, 60_000);
});

test('rows of an aggregate are held back as those of a table that is made of them, their headers too', () => {
  const event = fc.record({ key: fc.constantFrom('a', 'b'), time: fc.nat(20), marked: fc.boolean() });
  const history = fc.array(event, { minLength: 1, maxLength: 14 });
  const final = Suppressed.untilWindowCloses(BufferConfig.unbounded());
  const topologies = kinds.slice(0, 2).map(({ table }) => {
    const builder = new StreamsBuilder();
    const updates = table(builder, 1, 'on window update');
    written(updates.suppress(final), 'own');
    written(updates.mapValues((row) => row, { value: string }).suppress(final), 'mapped');
    return builder.build();
  });
  let marks = 0;
  const check = (topology: Topology, events: readonly Event[], cuts: number): void => {
    const driver = new TopologyTestDriver(topology);
    const input = driver.input('in', texts);
    for (const batch of cut(events, cuts)) {
      input.pipeAll(
        batch.map(({ key, time, marked }) => ({
          ...{ key, value: String(time), timestamp: time },
          ...(marked && { headers: [{ key: 'mark', value: Uint8Array.of(time) }] }),
        })),
      );
    }
    const [own, mapped] = ['own', 'mapped'].map((topic) => driver.output(topic, texts).readAll());
    driver.close();
    marks += own?.filter(({ headers }) => headers.length > 0).length ?? 0;
    expect(own).toEqual(mapped?.map((record) => ({ ...record })));
  };
  // Headers from the first event on, or only behind a few others.
  for (const from of [0, 4, 20]) {
    fc.assert(
      fc.property(history, fc.nat(2 ** 14 - 1), fc.nat(1), (events, cuts, kind) => {
        const marked = events.map((each, i) => ({ ...each, marked: each.marked && i >= from }));
        check(topologies[kind] as Topology, marked, cuts);
      }),
      { numRuns: 100 },
    );
  }
  expect(marks).toBeGreaterThan(10);
});

test('all orders of six events', () => {
  const kind = kinds[0] as Kind;
  const topology = topologyOf(kind, 1);
  const events = [0, 1, 3, 4, 6, 11].map((time) => ({ key: 'a', time }));
  permutations(events).forEach((order, i) => check(kind, 1, topology, order, i % 64));
});
