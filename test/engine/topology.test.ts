import { describe, expect, test } from 'vitest';
import { UserError } from '../../base/index.ts';
import {
  type Operator,
  partitionsOf,
  planPartitions,
  type SourceOperator,
  type StoreSpec,
  Topology,
  topicOf,
} from '../../engine/index.ts';

const source = (): SourceOperator => ({ run() {} });
const nothing = (): Operator<unknown> => ({ process() {} });
const store = (name: string): StoreSpec => ({ name, kind: 'key-value' });
const from = (topic: string, kind: 'stream' | 'table' = 'stream') => ({ topic, kind, supplier: source });
const through = (...parents: string[]) => ({ parents, sink: nothing, source });

const faultOf = (topology: Topology): string => {
  try {
    topology.validate();
  } catch (error) {
    if (error instanceof UserError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'none';
};

/** A stream that is re-keyed, joined with a table and counted behind another repartition. */
const example = (): Topology =>
  new Topology()
    .addSource('flights', from('flights'))
    .addProcessor('by-origin', nothing, ['flights'])
    .addRepartition('join', through('by-origin'))
    .addSource('airports', from('airports', 'table'))
    .addStore(store('airports-store'))
    .addProcessor('airports-table', nothing, ['airports'], { stores: ['airports-store'] })
    .addProcessor('joined', nothing, ['join'], { stores: ['airports-store'] })
    .addSink('enriched', { topic: 'enriched', parents: ['joined'], supplier: nothing })
    .addProcessor('by-state', nothing, ['joined'])
    .addRepartition('group', through('by-state'))
    .addStore(store('counts'))
    .addProcessor('count', nothing, ['group'], { stores: ['counts'] })
    .addSink('counted', { topic: 'counted', parents: ['count'], supplier: nothing });

test('a topology prints itself, cut at its repartitions', () => {
  expect(example().describe()).toBe(`Topologies:
   Sub-topology: 0
    Source: flights (topics: [flights])
      --> by-origin
    Processor: by-origin (stores: [])
      --> join-sink
      <-- flights
    Sink: join-sink (topic: join-repartition)
      <-- by-origin

   Sub-topology: 1
    Source: join (topics: [join-repartition])
      --> joined
    Source: airports (topics: [airports])
      --> airports-table
    Processor: airports-table (stores: [airports-store])
      --> none
      <-- airports
    Processor: joined (stores: [airports-store])
      --> enriched, by-state
      <-- join
    Sink: enriched (topic: enriched)
      <-- joined
    Processor: by-state (stores: [])
      --> group-sink
      <-- joined
    Sink: group-sink (topic: group-repartition)
      <-- by-state

   Sub-topology: 2
    Source: group (topics: [group-repartition])
      --> count
    Processor: count (stores: [counts])
      --> counted
      <-- group
    Sink: counted (topic: counted)
      <-- count

`);
});

test('a shared store and a shared topic hold nodes together', () => {
  const topology = example();
  expect(topology.subTopologies().map(({ stores }) => stores.map(({ name }) => name))).toEqual([
    [],
    ['airports-store'],
    ['counts'],
  ]);
  const twice = new Topology().addSource('a', from('t')).addSource('b', from('t', 'table')).addSource('c', from('u'));
  expect(twice.subTopologies().map(({ nodes }) => nodes.map(({ name }) => name))).toEqual([['a', 'b'], ['c']]);
});

test('nodes may be added before their parents', () => {
  const topology = new Topology()
    .addSink('out', { topic: 'out', parents: ['in'], supplier: nothing })
    .addSource('in', from('in'));
  expect(topology.subTopologies()[0]?.nodes.map(({ name }) => name)).toEqual(['in', 'out']);
});

test('internal topics carry the name of the application', () => {
  const [piece] = example().subTopologies();
  expect(piece?.sources.map((node) => topicOf('app', node))).toEqual(['flights']);
  expect(piece?.sinks.map((node) => topicOf('app', node))).toEqual(['app-join-repartition']);
});

test('what does not fit is named', () => {
  const base = (): Topology => new Topology().addSource('in', from('in'));
  expect(faultOf(new Topology())).toBe('TOPOLOGY_EMPTY: the topology has no source');
  expect(faultOf(base().addSource('in', from('other')))).toBe('TOPOLOGY_DUPLICATE_NAME: two nodes are called "in"');
  expect(faultOf(base().addProcessor('', nothing, ['in']))).toBe(
    'TOPOLOGY_NAME_INVALID: the name of a processor is empty',
  );
  expect(faultOf(base().addStore(store('s')).addStore(store('s')))).toBe(
    'TOPOLOGY_DUPLICATE_NAME: two stores are called "s"',
  );
  expect(
    faultOf(
      base()
        .addRepartition('r', through('in'))
        .addRepartition('r', { ...through('in'), sinkName: 'x', sourceName: 'y' }),
    ),
  ).toBe('TOPOLOGY_DUPLICATE_NAME: two repartitions are called "r"');
  expect(faultOf(base().addProcessor('p', nothing, ['nobody']))).toBe(
    'TOPOLOGY_UNKNOWN_PARENT: the node "p" names a parent "nobody" that does not exist',
  );
  expect(faultOf(base().addProcessor('p', nothing, []))).toBe('TOPOLOGY_UNKNOWN_PARENT: the node "p" has no parent');
  expect(
    faultOf(
      base()
        .addSink('out', { topic: 'out', parents: ['in'], supplier: nothing })
        .addProcessor('p', nothing, ['out']),
    ),
  ).toBe('TOPOLOGY_UNKNOWN_PARENT: the node "p" names the sink "out" as its parent');
  expect(faultOf(base().addProcessor('p', nothing, ['in'], { stores: ['s'] }))).toBe(
    'TOPOLOGY_UNKNOWN_STORE: the node "p" uses a store "s" that was not added',
  );
  expect(faultOf(base().addStore(store('s')))).toBe(
    'TOPOLOGY_UNUSED_STORE: the store "s" was added, but no node uses it',
  );
  expect(faultOf(base().addProcessor('a', nothing, ['b']).addProcessor('b', nothing, ['a']))).toBe(
    'TOPOLOGY_CYCLE: the node "a" feeds itself',
  );
  expect(faultOf(base().addProcessor('a', nothing, ['r']).addRepartition('r', through('a')))).toBe(
    'TOPOLOGY_CYCLE: the node "a" feeds itself',
  );
  expect(faultOf(base().addStore(store('a/b')))).toBe('TOPOLOGY_NAME_INVALID: "a/b" cannot name a store');
  expect(faultOf(base().addRepartition('a b', through('in')))).toBe(
    'TOPOLOGY_NAME_INVALID: "a b" cannot name a repartition',
  );
  expect(faultOf(base().addRepartition('r', { ...through('in'), partitions: 0 }))).toBe(
    'TOPOLOGY_PARTITIONS: the repartition "r" asks for 0 partitions',
  );
  expect(faultOf(base().addStore({ name: 'w', kind: 'window' }))).toBe(
    'TOPOLOGY_STORE_RETENTION: the window store "w" has no retention time',
  );
});

test('one store that is added twice is one store', () => {
  const rows = store('rows');
  const topology = new Topology()
    .addSource('in', from('in'))
    .addStore(rows)
    .addProcessor('p', nothing, ['in'], { stores: ['rows'] })
    .addStore(rows);
  expect(topology.subTopologies().map(({ stores }) => stores.map(({ name }) => name))).toEqual([['rows']]);
});

/** Published tests of the misuse of topologies (TopologyTest). */
describe('stores are connected to processors', () => {
  const topology = (): Topology =>
    new Topology()
      .addSource('in', from('in'))
      .addStore(store('rows'))
      .addProcessor('p', nothing, ['in'], { stores: ['rows'] })
      .addSink('out', { topic: 'out', parents: ['p'], supplier: nothing });

  test.each([
    ['q', 'TOPOLOGY_UNKNOWN_NODE: stores are connected to the node "q", which does not exist'],
    ['in', 'TOPOLOGY_UNKNOWN_NODE: stores are connected to the node "in", which is a source'],
    ['out', 'TOPOLOGY_UNKNOWN_NODE: stores are connected to the node "out", which is a sink'],
  ])('not to %s', (node, fault) => {
    expect(faultOf(topology().connect(node, 'rows'))).toBe(fault);
  });

  test('at least one', () => {
    expect(faultOf(topology().connect('p'))).toBe('TOPOLOGY_UNKNOWN_STORE: no store is connected to the node "p"');
    expect(faultOf(topology().connect('p', 'other'))).toBe(
      'TOPOLOGY_UNKNOWN_STORE: the node "p" uses a store "other" that was not added',
    );
  });

  test('before the processor is added, too', () => {
    const early = new Topology()
      .connect('p', 'rows')
      .addSource('in', from('in'))
      .addProcessor('p', nothing, ['in'])
      .addStore(store('rows'));
    expect(early.subTopologies()[0]?.stores.map(({ name }) => name)).toEqual(['rows']);
  });
});

describe('what is missing is named', () => {
  const missing = null as never;
  const base = (): Topology => new Topology().addSource('in', from('in'));
  test.each<readonly [string, () => Topology]>([
    ['a source needs a name', () => base().addSource(missing, from('other'))],
    ['the source "other" needs a topic', () => base().addSource('other', from(missing))],
    ['addSource: "supplier" has to be a function', () => base().addSource('s', { ...from('t'), supplier: missing })],
    ['a processor needs a name', () => base().addProcessor(missing, nothing, ['in'])],
    ['addProcessor: "supplier" has to be a function', () => base().addProcessor('p', missing, ['in'])],
    ['the processor "p" needs a list of parents', () => base().addProcessor('p', nothing, missing)],
    ['a sink needs a name', () => base().addSink(missing, { topic: 'out', parents: ['in'], supplier: nothing })],
    [
      'the sink "out" needs a topic',
      () => base().addSink('out', { topic: missing, parents: ['in'], supplier: nothing }),
    ],
    [
      'the sink "out" needs a list of parents',
      () => base().addSink('out', { topic: 'out', parents: missing, supplier: nothing }),
    ],
    [
      'addSink: "supplier" has to be a function',
      () => base().addSink('out', { topic: 'out', parents: ['in'], supplier: missing }),
    ],
    ['addStore needs a name', () => base().addStore(store(missing))],
  ])('%s', (message, make) => {
    expect(() => make().validate()).toThrow(
      expect.objectContaining({ code: 'DSL_ARGUMENT_INVALID', message: `${message}, not null` }),
    );
  });
});

test('repartitions that are read together and ask for different numbers are refused when the topology is made', () => {
  const joined = (left: number | undefined, right: number | undefined, kept = true): Topology => {
    const asking = (parent: string, partitions: number | undefined) => ({
      ...through(parent),
      ...(partitions === undefined ? {} : { partitions }),
    });
    const topology = new Topology()
      .addSource('l', from('l'))
      .addSource('r', from('r'))
      .addRepartition('left', asking('l', left))
      .addRepartition('right', asking('r', right));
    return kept
      ? topology.addStore(store('rows')).addProcessor('join', nothing, ['left', 'right'], { stores: ['rows'] })
      : topology.addProcessor('merge', nothing, ['left', 'right']);
  };
  expect(faultOf(joined(4, 2))).toBe(
    'TOPOLOGY_NOT_COPARTITIONED: "left-repartition" has 4 partitions and "right-repartition" has 2, ' +
      'but they are read together',
  );
  for (const [left, right, kept] of [
    [4, 4, true],
    [4, undefined, true],
    [4, 2, false],
  ] as const)
    expect(faultOf(joined(left, right, kept))).toBe('none');
});

const counts: Record<string, number> = { flights: 8, airports: 4, in: 3, other: 5 };
const countOf = (topic: string): number => counts[topic] ?? 1;

test('a repartition takes the number of partitions of what it is joined with, else of who writes it', () => {
  const { subTopologies, repartitions } = planPartitions(example(), countOf);
  expect(subTopologies).toEqual([8, 4, 4]);
  expect([...repartitions]).toEqual([
    ['join-repartition', 4],
    ['group-repartition', 4],
  ]);
});

test('a number asked for holds, and goes on to what follows', () => {
  const topology = new Topology()
    .addSource('in', from('in'))
    .addRepartition('a', { ...through('in'), partitions: 6 })
    .addRepartition('b', through('a'));
  expect(planPartitions(topology, countOf)).toEqual({
    subTopologies: [3, 6, 6],
    repartitions: new Map([
      ['a-repartition', 6],
      ['b-repartition', 6],
    ]),
    topics: new Map([['in', 3]]),
  });
});

test('a piece that reads repartitions of several writers takes the largest number', () => {
  const topology = new Topology()
    .addSource('in', from('in'))
    .addSource('other', from('other'))
    .addRepartition('a', through('in'))
    .addRepartition('b', through('other'))
    .addProcessor('both', nothing, ['a', 'b']);
  expect(planPartitions(topology, countOf).subTopologies).toEqual([3, 5, 5]);
});

test('topics that are read together must have the same number of partitions', () => {
  const topology = new Topology()
    .addSource('flights', from('flights'))
    .addSource('airports', from('airports', 'table'))
    .addStore(store('rows'))
    .addProcessor('join', nothing, ['flights', 'airports'], { stores: ['rows'] });
  expect(() => planPartitions(topology, countOf)).toThrow(
    '"flights" has 8 partitions and "airports" has 4, but they are read together',
  );
  const asked = new Topology()
    .addSource('airports', from('airports', 'table'))
    .addSource('in', from('in'))
    .addRepartition('r', { ...through('in'), partitions: 6 })
    .addStore(store('rows'))
    .addProcessor('join', nothing, ['r', 'airports'], { stores: ['rows'] });
  expect(() => planPartitions(asked, countOf)).toThrow(/has 4 partitions and .* has 6|has 6 partitions and .* has 4/);
});

test('streams that are merged, without state behind, may have different numbers of partitions', () => {
  const topology = new Topology()
    .addSource('flights', from('flights'))
    .addSource('airports', from('airports'))
    .addProcessor('merge', nothing, ['flights', 'airports'])
    .addRepartition('group', through('merge'));
  const plan = planPartitions(topology, countOf);
  expect(plan.subTopologies).toEqual([8, 8]);
  expect(topology.subTopologies()[0]?.sources.map((source) => partitionsOf(plan, source))).toEqual([8, 4]);
});

test.each(['', 'a b', '..', 'é'])('a topic that cannot be is refused when the topology is made: %j', (topic) => {
  const invalid = expect.objectContaining({ code: 'TOPIC_NAME_INVALID' });
  expect(() => new Topology().addSource('in', from(topic)).validate()).toThrow(invalid);
  const sink = new Topology().addSource('in', from('in')).addSink('out', { topic, parents: ['in'], supplier: nothing });
  expect(() => sink.validate()).toThrow(invalid);
});
