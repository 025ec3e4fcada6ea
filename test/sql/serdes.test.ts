/** Serdes of Avro and Protocol Buffers for topologies: alone, and with SQL on the other side. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'millrace';
import { type Serde, SerdeError, serdes } from 'millrace/engine';
import { avro, protobuf } from 'millrace/formats';
import { describe, expect, test } from 'vitest';
import { ByteWriter, toHex } from '../../base/index.ts';
import { LocalRegistry } from '../../sql/registry/local-registry.ts';

const bytesOf = <T>(serde: Serde<T>, value: T): Uint8Array => {
  const out = new ByteWriter(1);
  serde.write(value, out);
  return out.slice();
};

const readBack = <T>(serde: Serde<T>, bytes: Uint8Array): T => {
  const padded = new Uint8Array(bytes.length + 5).fill(2);
  padded.set(bytes, 3);
  return serde.read(padded, 3, 3 + bytes.length);
};

interface Order {
  readonly id: number | bigint;
  readonly item: string;
  readonly parts: readonly string[];
  readonly sizes: ReadonlyMap<string, number>;
}

const order: Order = { id: 2n ** 60n, item: 'désk', parts: ['a', 'b'], sizes: new Map([['x', 1]]) };

const texts = {
  avro: JSON.stringify({
    type: 'record',
    name: 'Order',
    fields: [
      { name: 'id', type: 'long' },
      { name: 'item', type: 'string' },
      { name: 'parts', type: { type: 'array', items: 'string' } },
      { name: 'sizes', type: { type: 'map', values: 'int' } },
    ],
  }),
  protobuf:
    'syntax = "proto3"; message Order { int64 id = 1; string item = 2; repeated string parts = 3; map<string, int32> sizes = 4; }',
};

describe.each([
  ['avro', avro],
  ['protobuf', protobuf],
] as const)('%s', (name, make) => {
  test('objects are read back, with a registry and without', async () => {
    const bare = await make<Order>(texts[name]);
    expect(readBack(bare, bytesOf(bare, order))).toEqual(order);
    const registry = new LocalRegistry();
    const framed = await make<Order>(texts[name], { registry, subject: 'orders-value' });
    expect(readBack(framed, bytesOf(framed, order))).toEqual(order);
    expect(toHex(bytesOf(framed, order))).toMatch(/^0000000001/);
    expect((await registry.latest('orders-value'))?.schema).toBe(texts[name]);
  });

  test('a text that is no schema is refused when the serde is made', async () => {
    await expect(make('{"type":')).rejects.toThrow('schema');
  });

  test('values and bytes that do not fit are refused', async () => {
    const serde = await make<Order>(texts[name], { registry: new LocalRegistry(), subject: 's' });
    const wrong = { ...order, item: 7 as unknown as string };
    expect(() => bytesOf(serde, wrong)).toThrow(SerdeError);
    expect(() => bytesOf(serde, { ...order, more: 1 } as Order)).toThrow('no field "more"');
    expect(() => readBack(serde, Uint8Array.of(1, 2))).toThrow(SerdeError);
    expect(() => readBack(serde, Uint8Array.of(0, 0, 0, 0, 9, 2))).toThrow('there is no schema with the id 9');
  });
});

test('a record of an older version of the subject is read; what it has not is null', async () => {
  const registry = new LocalRegistry();
  const record = (...fields: object[]) => JSON.stringify({ type: 'record', name: 'R', fields });
  const a = { name: 'a', type: 'int' };
  const b = { name: 'b', type: ['null', 'string'], default: null };
  const older = await avro<{ a: number }>(record(a), { registry, subject: 's' });
  const newer = await avro<{ a: number; b: string | null }>(record(a, b), { registry, subject: 's' });
  expect(readBack(newer, bytesOf(older, { a: 1 }))).toEqual({ a: 1, b: null });
});

test.each(['AVRO', 'PROTOBUF'])('%s: SQL reads what a serde wrote, and a serde what SQL wrote', async (format) => {
  const data = mkdtempSync(join(tmpdir(), 'millrace-serdes-'));
  const millrace = await open({ data, workers: 0 });
  try {
    await millrace.sql(
      `CREATE STREAM s (k STRING KEY, id BIGINT, tags ARRAY<STRING>, counts MAP<STRING, INT>, place STRUCT<x DOUBLE>)
         WITH (kafka_topic = 's', partitions = 1, value_format = '${format}');`,
    );
    const subject = 's-value';
    const { registry } = millrace.engine;
    const schema = (await registry.latest(subject))?.schema ?? '';
    const make = format === 'AVRO' ? avro : protobuf;
    const value = await make<object>(schema, { registry, subject });
    const topic = await millrace.topic('s', { key: serdes.string, value });
    const first = { ID: 1, TAGS: ['t'], COUNTS: new Map([['a', 2]]), PLACE: { X: 1.5 } };
    await topic.produce([{ key: 'dsl', value: first }]);
    await millrace.insert('s', [{ K: 'sql', ...first, ID: 2 }]);
    expect(await registry.versions(subject)).toEqual([1]);
    const rows = await millrace.query('SELECT * FROM s;');
    expect(rows).toEqual([
      { K: 'dsl', ...first },
      { K: 'sql', ...first, ID: 2 },
    ]);
    const read: unknown[] = [];
    for await (const record of topic.consume({ untilEnd: true })) read.push([record.key, record.value]);
    expect(read).toEqual([
      ['dsl', first],
      ['sql', { ...first, ID: 2 }],
    ]);
  } finally {
    await millrace.close();
    rmSync(data, { recursive: true, force: true });
  }
});
