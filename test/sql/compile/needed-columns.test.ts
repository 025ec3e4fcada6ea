/** What a query needs of its sources, for each kind of join and each format: which columns are read, which conditions
 *  are tried right behind a source, what is worked out when the query is planned. */

import { describe, expect, test } from 'vitest';
import { ByteWriter, useGeneratedCode } from '../../../base/index.ts';
import { TopologyTestDriver } from '../../../engine/test-driver.ts';
import { type FormatOptions, ScanVectors, scanned } from '../../../sql/formats/format.ts';
import { knownFormats } from '../../../sql/formats/index.ts';
import { WriterSchemas } from '../../../sql/formats/writer-schemas.ts';
import { builtInFunctions, compileTopology, printPlan, ScanRegistry } from '../../../sql/index.ts';
import type { Column } from '../../../sql/types/schema.ts';
import { planAll } from '../support/planning.ts';

const functions = builtInFunctions();

/** Collects the slots that scans ask for, by topic. */
class AskedColumns extends ScanRegistry {
  readonly asked: Record<string, readonly number[]> = {};

  override want(view: string, slots: readonly number[]): () => void {
    this.asked[view.split('/')[0] as string] = slots;
    return super.want(view, slots);
  }
}

/** The plan as text, and the slots that are read of each topic. */
const plannedOf = (text: string): { readonly plan: string; readonly asked: AskedColumns['asked'] } => {
  const planned = planAll(text);
  if (planned.kind !== 'command' || planned.command.kind !== 'create-as') throw new Error('a query was expected');
  const { plan } = planned.command.query;
  const scans = new AskedColumns();
  const topology = compileTopology(plan, { functions, context: { now: () => 0, random: () => 0 }, scans });
  new TopologyTestDriver(topology, { applicationId: 'query' }).close();
  return { plan: printPlan(plan.root), asked: scans.asked };
};

const columns = 'unused VARCHAR, used INT, other INT, tested INT, last VARCHAR';
const source = (kind: 'STREAM' | 'TABLE', name: string): string =>
  `CREATE ${kind} ${name} (id INT ${kind === 'TABLE' ? 'PRIMARY ' : ''}KEY, ${columns})
    WITH (KAFKA_TOPIC='${name}', VALUE_FORMAT='JSON', PARTITIONS=1);`;
const sources = [source('STREAM', 'l'), source('STREAM', 'r'), source('TABLE', 'tl'), source('TABLE', 'tr')].join('');

const hour = 'WITHIN 1 HOUR ON a.id = b.id';
const grace = 'WITHIN 1 HOUR GRACE PERIOD 1 HOUR ON a.id = b.id';

/** `before`: the sides whose condition is tried before the join. */
const joins: readonly [from: string, kind: 'STREAM' | 'TABLE', before: string][] = [
  [`l a JOIN r b ${hour}`, 'STREAM', 'AB'],
  [`l a LEFT JOIN r b ${hour}`, 'STREAM', 'A'],
  [`l a RIGHT JOIN r b ${hour}`, 'STREAM', 'B'],
  [`l a FULL OUTER JOIN r b ${hour}`, 'STREAM', ''],
  [`l a JOIN r b ${grace}`, 'STREAM', ''],
  ['l a JOIN tr b ON a.id = b.id', 'STREAM', 'A'],
  ['l a LEFT JOIN tr b ON a.id = b.id', 'STREAM', 'A'],
  ['tl a JOIN tr b ON a.id = b.id', 'TABLE', ''],
  ['tl a LEFT JOIN tr b ON a.id = b.id', 'TABLE', ''],
  ['tl a RIGHT JOIN tr b ON a.id = b.id', 'TABLE', ''],
  ['tl a FULL OUTER JOIN tr b ON a.id = b.id', 'TABLE', ''],
  ['tl a JOIN tr b ON a.other = b.id', 'TABLE', ''],
  ['tl a LEFT JOIN tr b ON a.other = b.id', 'TABLE', ''],
];

test.each(joins)('%s', (from, kind, before) => {
  const key = from.includes('FULL') ? 'ROWKEY' : from.includes('RIGHT') ? 'b.id' : 'a.id';
  const { plan, asked } = plannedOf(
    `${sources} CREATE ${kind} joined AS SELECT ${key}, a.used, b.used FROM ${from} WHERE a.tested > 1 + 1 AND b.tested < 2 * 3;`,
  );
  const [left, right] = kind === 'TABLE' ? ['tl', 'tr'] : ['l', from.includes('tr b') ? 'tr' : 'r'];
  expect(asked).toEqual({ [left as string]: from.includes('other') ? [1, 2, 3] : [1, 3], [right as string]: [1, 3] });
  expect(plan).not.toMatch(/1 \+ 1|2 \* 3/);
  const lines = plan.split('\n').map((line) => line.trim());
  const join = lines.findIndex((line) => /^\[\w+\] \w*[jJ]oin /.test(line));
  expect(join).toBeGreaterThan(0);
  const below = lines.slice(join).filter((line) => line.includes('ilter'));
  expect(
    [
      below.some((line) => line.includes('TESTED > 2')) ? 'A' : '',
      below.some((line) => line.includes('TESTED < 6')) ? 'B' : '',
    ].join(''),
  ).toBe(before);
  // A condition stands once.
  expect(plan.match(/TESTED > 2/g)).toHaveLength(1);
  expect(plan.match(/TESTED < 6/g)).toHaveLength(1);
});

const several = knownFormats().filter((format) => format.columns === 'many' && format.sides.includes('value'));

test('formats of several columns are checked', () => {
  expect(several.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['AVRO', 'DELIMITED', 'JSON', 'JSON_SR', 'PROTOBUF']),
  );
});

describe.each(several.map((format) => [format.name, format] as const))('%s', (_, format) => {
  const read: readonly Column[] = [
    { name: 'UNUSED', type: { kind: 'STRING' } },
    { name: 'USED', type: { kind: 'INTEGER' } },
    { name: 'NUMBER', type: { kind: 'DOUBLE' } },
    { name: 'LAST', type: { kind: 'STRING' } },
  ];

  test.each([true, false])('makes values of the columns only that are read; generated code: %s', async (generated) => {
    const { schemas } = format;
    await schemas?.load?.();
    const unread: FormatOptions = { side: 'value', wrapped: true, properties: {} };
    const options: FormatOptions =
      schemas === undefined
        ? unread
        : {
            ...unread,
            schema: {
              id: 7,
              type: schemas.type,
              schema: schemas.schemaOf(read, { ...unread, source: 'S' }),
              definitions: [],
            },
            writers: new WriterSchemas(() => Promise.resolve(undefined)),
          };
    const out = new ByteWriter(64);
    format.writer(read, options).write(['some text', 42, 1.5, 'more'], out);
    useGeneratedCode(generated);
    try {
      const vectors = new ScanVectors(read.length, [1]);
      vectors.reset(1);
      const scanner = format.scanner(read, options, [1]);
      scanner.scan(out.slice(), Int32Array.of(0), Int32Array.of(out.length), 0, 1, vectors);
      expect(vectors.errors.get(0)).toBeUndefined();
      expect(vectors.status[0]).toBe(scanned.row);
      expect(vectors.vectors.map((values) => values[0])).toEqual([undefined, 42, undefined, undefined]);
    } finally {
      useGeneratedCode(true);
    }
  });
});
