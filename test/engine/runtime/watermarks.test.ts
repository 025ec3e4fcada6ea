import { expect, test } from 'vitest';
import {
  peek,
  repartitionSink,
  repartitionSource,
  type SubTopology,
  serdes,
  sink,
  source,
  Topology,
} from '../../../engine/index.ts';
import { type InputTime, type OutputTime, SubTopologyGraph, timedSources } from '../../../engine/runtime/watermarks.ts';

const { string } = serdes;
const NONE = Number.POSITIVE_INFINITY;
const NEVER = Number.NEGATIVE_INFINITY;

/** in -> r -> out: two sub-topologies. */
const graph = new SubTopologyGraph(
  new Topology()
    .addSource('in', { topic: 'in', kind: 'stream', supplier: source({ value: string }) })
    .addRepartition('r', {
      parents: ['in'],
      sink: repartitionSink<string>({ name: 'r', value: string }),
      source: repartitionSource<string>({ value: string }),
    })
    .addSink('out', { topic: 'out', parents: ['r'], supplier: sink({ topic: 'out', value: string }) })
    .subTopologies(),
  'app',
  [2, 2],
);

/** Inputs of the first piece, then of the second: a time, `read` behind it where nothing is left. */
const inputs = (first: readonly [number, 'read'?][], second: readonly [number, 'read'?][]): InputTime[] =>
  [first, second].flatMap((of, subTopology) =>
    of.map(([time, read], partition) => ({
      subTopology,
      topic: subTopology === 0 ? 'in' : 'app-r-repartition',
      partition,
      position: 0,
      time,
      known: Number.NEGATIVE_INFINITY,
      carried: subTopology === 1,
      drained: read === 'read',
    })),
  );

const lows = (
  first: readonly [number, 'read'?][],
  second: readonly [number, 'read'?][],
  others = (_topic: string): number | undefined => undefined,
): readonly number[] => graph.measure(inputs(first, second), [], others).low.subTopologies;

test('a piece is as far as the slowest of its inputs that has something left, and of those who write them', () => {
  expect(lows([[100], [50]], [[40], [30]])).toEqual([50, 30]);
  expect(lows([[100], [50]], [[40], [30, 'read']])).toEqual([50, 40]);
  expect(
    lows(
      [[100], [50]],
      [
        [40, 'read'],
        [30, 'read'],
      ],
    ),
  ).toEqual([50, 50]);
  expect(lows([[100], [50]], [[400], [300]])).toEqual([50, 50]);
});

test('what is read to its end holds nothing back; where all is, the largest time read counts', () => {
  expect(lows([[100], [50, 'read']], [[40, 'read']])).toEqual([100, 100]);
  expect(
    lows(
      [
        [100, 'read'],
        [50, 'read'],
      ],
      [[40]],
    ),
  ).toEqual([100, 40]);
  expect(
    lows(
      [
        [100, 'read'],
        [50, 'read'],
      ],
      [[40, 'read']],
    ),
  ).toEqual([100, 100]);
});

test('what has not said anything yet may bring anything', () => {
  expect(lows([[100], [NEVER]], [[40, 'read']])).toEqual([NEVER, NEVER]);
  expect(lows([[100], [NEVER, 'read']], [[40]])).toEqual([100, 40]);
  expect(lows([[NEVER, 'read']], [[NEVER, 'read']])).toEqual([NEVER, NEVER]);
});

test('other queries that write a source topic hold back, and are told how far this one is', () => {
  expect(lows([[100, 'read']], [[40, 'read']], () => 70)).toEqual([70, 70]);
  expect(lows([[100, 'read']], [[40, 'read']], () => NEVER)).toEqual([NEVER, NEVER]);
  expect(graph.measure(inputs([[100]], [[40]]), [], () => undefined).boundOf('out')).toBe(40);
  expect(graph.measure(inputs([[100, 'read']], [[40, 'read']]), [], () => undefined).boundOf('out')).toBe(NONE);
  expect(graph.measure(inputs([[100]], [[40]]), [], () => undefined).boundOf('another')).toBe(NONE);
});

test('origins are mixed behind a piece of several tasks, and where other queries mix them', () => {
  const mixed = (others: number | undefined, carried = false) =>
    graph.measure(
      inputs([[100]], [[40]]).map((input) => ({ ...input, carried })),
      [],
      () => others,
    ).low.mixed;
  expect(mixed(undefined)).toEqual([false, true]);
  expect(mixed(NONE)).toEqual([true, true]);
  expect(mixed(undefined, true)).toEqual([true, true]);
});

test('an output with timestamps of its own is as far as the slowest task that writes it', () => {
  const out = (time: number, idle = false): OutputTime => ({ subTopology: 1, topic: 'out', time, idle });
  const measured = (...outputs: OutputTime[]) => graph.measure(inputs([[100]], [[40]]), outputs, () => undefined);
  expect(measured(out(7), out(9)).low.ownTimes).toEqual(new Map([['out', 7]]));
  expect(measured(out(7, true), out(9)).boundOf('out')).toBe(9);
  expect(measured(out(7, true), out(9, true)).low.ownTimes).toEqual(new Map([['out', 9]]));
  expect(measured(out(7, true), out(9, true)).boundOf('out')).toBe(NONE);
});

test('a table that a stream is joined with holds nothing back, whoever writes it', () => {
  const topology = (kind: 'stream' | 'table'): Topology =>
    new Topology()
      .addSource('in', { topic: 'in', kind, supplier: source({ value: string }) })
      .addSource('dim', { topic: 'dim', kind: 'table', supplier: source({ value: string }) })
      .addProcessor(
        'join',
        peek<string>(() => {}),
        ['in', 'dim'],
      )
      .addSink('out', { topic: 'out', parents: ['join'], supplier: sink({ topic: 'out', value: string }) });
  const low = (kind: 'stream' | 'table') =>
    new SubTopologyGraph(topology(kind).subTopologies(), 'app', [2]).measure(inputs([[100]], []), [], (topic) =>
      topic === 'dim' ? 7 : undefined,
    ).low;
  expect(low('stream')).toMatchObject({ subTopologies: [100], mixed: [false] });
  expect(low('table')).toMatchObject({ subTopologies: [7], mixed: [true] });
  const timed = (kind: 'stream' | 'table') =>
    timedSources(topology(kind).subTopologies()[0] as SubTopology).map(({ topic }) => topic);
  expect(timed('stream')).toEqual(['in']);
  expect(timed('table')).toEqual(['in', 'dim']);
});
