/** Serdes of Avro and Protocol Buffers for topologies: alone, and with SQL on the other side. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open, StreamsBuilder } from 'millrace';
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

test('records of a version that came after the serde was made are read, by a topology and by a topic', async () => {
  const data = mkdtempSync(join(tmpdir(), 'millrace-serdes-'));
  const millrace = await open({ data, workers: 0 });
  try {
    const { registry } = millrace.engine;
    const schema = (...fields: object[]) => JSON.stringify({ type: 'record', name: 'R', fields });
    const a = { name: 'a', type: 'int' };
    const subject = 'in-value';
    const first = await avro<{ a: number }>(schema(a), { registry, subject });
    const input = await millrace.topic('in', { key: serdes.string, value: first });
    const output = await millrace.topic('out', { key: serdes.string, value: serdes.json<number>() });
    const builder = new StreamsBuilder();
    builder
      .stream('in', { key: serdes.string, value: first })
      .mapValues((order) => order?.a ?? 0)
      .to('out', { key: serdes.string, value: serdes.json<number>() });
    const app = await millrace.streams({ id: 'late', topology: builder.build() });
    await input.produce([{ key: 'k', value: { a: 1 } }]);
    const second = await avro<{ a: number; b: string }>(schema(a, { name: 'b', type: 'string', default: '' }), {
      registry,
      subject,
    });
    await (await millrace.topic('in', { key: serdes.string, value: second })).produce([
      { key: 'k', value: { a: 2, b: 'new' } },
    ]);
    await input.produce([{ key: 'k', value: { a: 3 } }]);
    const seen: number[] = [];
    for await (const { value } of output.consume()) if (seen.push(value ?? 0) === 3) break;
    expect(seen).toEqual([1, 2, 3]);
    const read: unknown[] = [];
    const fresh = await millrace.topic('in', { key: serdes.string, value: first });
    for await (const { value } of fresh.consume({ untilEnd: true })) read.push(value);
    expect(read).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }]);
    // A schema that is nowhere is bad data.
    await millrace.produce('in', [{ key: null, value: Uint8Array.of(0, 0, 0, 0, 99, 2) }]);
    await input.produce([{ key: 'k', value: { a: 4 } }]);
    for await (const { value } of output.consume()) if (seen.push(value ?? 0) === 7) break;
    expect(seen.slice(3)).toEqual([1, 2, 3, 4]);
    await app.close();
  } finally {
    await millrace.close();
    rmSync(data, { recursive: true, force: true });
  }
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
