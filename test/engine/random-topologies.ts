/**
 * Topologies and histories drawn at random: chains of the DSL's operators over two streams and two tables, all of
 * texts. The same seed makes the same ones.
 */

import type { Random } from '../../base/index.ts';
import { serdes, type Topology } from '../../engine/index.ts';
import {
  BufferConfig,
  JoinWindows,
  type KStream,
  type KTable,
  SessionWindows,
  SlidingWindows,
  StreamsBuilder,
  Suppressed,
  TimeWindows,
  type Windowed,
} from '../../engine/public.ts';

const { string } = serdes;
export const texts = { key: string, value: string };
const kept = { value: string };

type Stream = KStream<string, string>;
type Table = KTable<string, string>;

export interface Drawn {
  readonly topology: Topology;
  /** The operators in words, for a failing seed. */
  readonly steps: readonly string[];
  readonly outputs: readonly string[];
}

const pick = <T>(random: Random, all: readonly T[]): T => all[random.below(all.length)] as T;
const together = (a: string | null, b: string | null): string => `${a ?? '-'}${b ?? '-'}`.slice(-24);

/** What follows from a stream of windowed results. */
const byText = (stream: KStream<Windowed<string>, string>): Stream =>
  stream.map((key, value) => [key === null ? null : `${key.key}@${key.start}-${key.end}`, value], texts);

/** `rekeys`: also with operators that change keys, and so with repartitions. */
export const drawTopology = (random: Random, { rekeys }: { readonly rekeys: boolean }): Drawn => {
  const builder = new StreamsBuilder();
  const streams: Stream[] = [builder.stream('a', texts), builder.stream('b', texts)];
  const tables: Table[] = [builder.table('t', texts), builder.table('u', texts)];
  const outputs: string[] = [];
  const steps: string[] = [];
  const stream = (): Stream => pick(random, streams);
  const table = (): Table => pick(random, tables);
  const close = (): 'on window update' | 'on window close' =>
    random.chance(0.5) ? 'on window update' : 'on window close';
  const grace = (): number => random.below(8);
  // With a key of windows the stream is a leaf, unless keys may change.
  const leaf = (results: Stream, name: string): void => {
    if (rekeys && random.chance(0.5)) streams.push(results);
    else {
      const topic = `out-${outputs.length}`;
      outputs.push(topic);
      results.to(topic);
      steps.push(`${name} to ${topic}`);
    }
  };
  const add = (a: string, b: string): string => together(a, b);

  const operators: Readonly<Record<string, () => void>> = {
    filter: () => streams.push(stream().filter((_key, value) => (value?.length ?? 0) % 3 !== 1)),
    filterNot: () => streams.push(stream().filterNot((key) => key === 'k3')),
    mapValues: () =>
      streams.push(stream().mapValues((value) => (value === null ? null : `m${value}`.slice(-20)), kept)),
    flatMapValues: () => streams.push(stream().flatMapValues((value) => [value, `${value}!`.slice(-20)], kept)),
    merge: () => streams.push(stream().merge(stream())),
    toTable: () => tables.push(stream().toTable()),
    reduce: () => tables.push(stream().groupByKey().reduce(add)),
    aggregate: () =>
      tables.push(
        stream()
          .groupByKey()
          .aggregate(
            () => '',
            (_key, value, all) => (value === 'c' ? null : together(all, value)),
            kept,
          ),
      ),
    cogroup: () =>
      tables.push(
        stream()
          // Two streams whose keys have changed need repartitions of two names.
          .groupByKey({ name: `left-${steps.length}` })
          .cogroup<string>((_key, value, all) => together(all, value))
          .cogroup(stream().groupByKey({ name: `right-${steps.length}` }), (_key, value, all) => together(value, all))
          .aggregate(() => '', kept),
      ),
    tumbling: () =>
      leaf(
        byText(
          stream()
            .groupByKey()
            .windowedBy(TimeWindows.ofSizeAndGrace(10, grace()))
            .emitStrategy(close())
            .reduce(add)
            .toStream(),
        ),
        'tumbling',
      ),
    hopping: () =>
      leaf(
        byText(
          stream()
            .groupByKey()
            .windowedBy(TimeWindows.ofSizeAndGrace(10, grace()).advanceBy(4))
            .emitStrategy(close())
            .reduce(add)
            .toStream(),
        ),
        'hopping',
      ),
    sliding: () =>
      leaf(
        byText(
          stream()
            .groupByKey()
            .windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(6, grace()))
            .emitStrategy(close())
            .reduce(add)
            .toStream(),
        ),
        'sliding',
      ),
    session: () =>
      leaf(
        byText(
          stream()
            .groupByKey()
            .windowedBy(SessionWindows.ofInactivityGapAndGrace(4, grace()))
            .emitStrategy(close())
            .reduce(add)
            .toStream(),
        ),
        'session',
      ),
    suppressed: () =>
      leaf(
        byText(
          stream()
            .groupByKey()
            .windowedBy(TimeWindows.ofSizeAndGrace(8, grace()))
            .reduce(add)
            .suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded()))
            .toStream(),
        ),
        'suppressed',
      ),
    joinTable: () => streams.push(stream().join(table(), together, kept)),
    leftJoinTable: () => streams.push(stream().leftJoin(table(), together, kept)),
    joinStream: () =>
      streams.push(
        stream().join(stream(), together, JoinWindows.ofTimeDifferenceAndGrace(5, grace()), {
          ...kept,
          left: string,
          right: string,
        }),
      ),
    leftJoinStream: () =>
      leaf(
        stream().leftJoin(stream(), together, JoinWindows.ofTimeDifferenceAndGrace(5, grace()), {
          ...kept,
          left: string,
          right: string,
        }),
        'left join of streams',
      ),
    outerJoinStream: () =>
      leaf(
        stream().outerJoin(stream(), together, JoinWindows.ofTimeDifferenceAndGrace(3, grace()), {
          ...kept,
          left: string,
          right: string,
        }),
        'outer join of streams',
      ),
    filterTable: () => tables.push(table().filter((_key, value) => value.length % 3 !== 1)),
    mapTable: () => tables.push(table().mapValues((value) => `v${value}`.slice(-20), kept)),
    joinTables: () => tables.push(table().join(table(), together, kept)),
    leftJoinTables: () => tables.push(table().leftJoin(table(), together, kept)),
    outerJoinTables: () => tables.push(table().outerJoin(table(), together, kept)),
    toStream: () => streams.push(table().toStream()),
    ...(rekeys && {
      selectKey: () => streams.push(stream().selectKey((_key, value) => value?.slice(-1) ?? null, { key: string })),
      groupBy: () =>
        tables.push(
          stream()
            .groupBy((_key, value) => value?.slice(-1) ?? null, { key: string, value: string })
            .reduce(add),
        ),
      repartition: () => streams.push(stream().repartition({ value: string })),
      groupTable: () =>
        tables.push(
          table()
            .groupBy((key, value) => [value.slice(-1), key], texts)
            .aggregate<string>(
              () => '',
              (_key, value, all) => together(all, value),
              (_key, value, all) => all.replace(value, ''),
              kept,
            ),
        ),
      foreignKey: () => tables.push(table().leftJoin(table(), (value) => `k${value.length % 4}`, together, kept)),
    }),
  };
  const names = Object.keys(operators);
  const count = 2 + random.below(6);
  for (let i = 0; i < count; i++) {
    const name = pick(random, names);
    steps.push(name);
    operators[name]?.();
  }
  for (const results of [...streams.slice(2), ...tables.slice(2).map((one) => one.toStream())]) {
    const topic = `out-${outputs.length}`;
    outputs.push(topic);
    results.to(topic, { value: string });
  }
  return { topology: builder.build(), steps, outputs };
};

export interface Event {
  readonly topic: 'a' | 'b' | 't' | 'u';
  readonly key: string | null;
  readonly value: string | null;
  readonly timestamp: number;
}

export const drawHistory = (random: Random, count: number): Event[] => {
  let time = 20;
  return Array.from({ length: count }, () => {
    time += random.chance(0.05) ? 30 : random.below(4);
    return {
      topic: pick(random, ['a', 'a', 'b', 't', 'u'] as const),
      key: random.chance(0.03) ? null : `k${random.below(4)}`,
      value: random.chance(0.1) ? null : pick(random, ['a', 'b', 'c', 'dd', 'eee']),
      timestamp: Math.max(0, time - (random.chance(0.3) ? random.below(20) : 0)),
    };
  });
};
