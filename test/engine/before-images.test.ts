/** Before-images by edge: the row before a change is sent where a child asks for it, and only there. */

import { expect, test } from 'vitest';
import { readUtf8 } from '../../base/index.ts';
import {
  type BeforeUse,
  type OperatorSupplier,
  serdes,
  source,
  Topology,
  tableFilter,
  tableMapValues,
  tableSource,
  unknown,
} from '../../engine/index.ts';
import { StreamsBuilder } from '../../engine/public.ts';
import { TopologyTestDriver } from '../../engine/test-driver.ts';

const { float64, string } = serdes;

/** A table of a topic, kept in a store of its name. */
const addTable = (topology: Topology, name: string): Topology =>
  topology
    .addSource(`${name}-source`, { topic: name, kind: 'table', supplier: source({ value: float64 }) })
    .addStore({ name, kind: 'key-value' })
    .addProcessor(name, tableSource({ store: name, row: float64 }), [`${name}-source`], { stores: [name] });

/** Notes what comes as `node key before>after`. */
const seeing =
  (node: string, lines: string[]): OperatorSupplier<number, never> =>
  () => ({
    process({ keyBytes, keyStart, keyEnd, before, value }) {
      lines.push(`${node} ${readUtf8(keyBytes, keyStart, keyEnd)} ${before === unknown ? '?' : before}>${value}`);
    },
  });

const double = tableMapValues((row: number) => row * 2);

/** The nodes that send the row before, as the description of the topology names them. */
const sendersOf = (topology: Topology): string[] =>
  topology
    .description()
    .subTopologies.flatMap(({ nodes }) => nodes)
    .filter((node) => node.kind === 'processor' && node.sendsBefore)
    .map(({ name }) => name);

test('each node sends the row before only where a child asks for it, also through nodes that pass it on', () => {
  const lines: string[] = [];
  const topology = addTable(addTable(new Topology(), 'asked'), 'spared')
    .addProcessor('doubled', double, ['asked'], { before: 'passed on' })
    .addProcessor(
      'large',
      tableFilter((row: number) => row > 10),
      ['doubled'],
      { before: 'needed' },
    )
    .addProcessor('end of large', seeing('large', lines), ['large'])
    .addProcessor('also doubled', double, ['asked'], { before: 'passed on' })
    .addProcessor('end of doubled', seeing('doubled', lines), ['also doubled'])
    .addProcessor('spared doubled', double, ['spared'], { before: 'passed on' })
    .addProcessor('end of spared', seeing('spared', lines), ['spared doubled']);
  const senders = topology.subTopologies().flatMap(({ beforeSenders }) => [...beforeSenders]);
  expect(senders.sort()).toEqual(['asked', 'doubled']);
  expect(sendersOf(topology)).toEqual(['asked', 'doubled']);

  const driver = new TopologyTestDriver(topology);
  const inputs = ['asked', 'spared'].map((topic) => driver.input(topic, { key: string, value: float64 }));
  for (const value of [3, 7, 4]) for (const input of inputs) input.pipe('a', value);
  expect(lines).toEqual([
    'doubled a ?>6',
    'spared a ?>6',
    'large a null>14',
    'doubled a ?>14',
    'spared a ?>14',
    'large a 14>null',
    'doubled a ?>8',
    'spared a ?>8',
  ]);
});

test.each<[BeforeUse | undefined, string]>([
  [undefined, 'which declared that it is not'],
  ['passed on', 'which declared that it is passed on'],
])('a node that needs the row before and declares %s is an error when its task is made', (declared, message) => {
  const topology = addTable(new Topology(), 'table').addProcessor(
    'filter',
    tableFilter(() => true),
    ['table'],
    declared === undefined ? {} : { before: declared },
  );
  expect(() => {
    const driver = new TopologyTestDriver(topology);
    driver.input('table', { key: string, value: float64 }).pipe('a', 1);
  }).toThrow(`the row before is needed by the node filter, ${message}`);
});

test('a table of the DSL is kept, and sends the row before, where a filter stands above it', () => {
  const builder = new StreamsBuilder();
  const table = builder.table('t', { key: string, value: float64 });
  table.toStream().to('plain');
  expect(sendersOf(builder.build())).toEqual([]);
  table
    .mapValues((row) => row + 1, { value: float64 })
    .filter((_key, row) => row > 0)
    .toStream()
    .to('filtered');
  expect(sendersOf(builder.build())[0]).toMatch(/^KTABLE-SOURCE-/);
});
