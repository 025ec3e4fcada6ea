/**
 * A client of Confluent's Schema Registry on npm, unmodified, against the server: it registers schemas, writes records
 * with them that SQL reads, with versions too that came after the query was made, and reads what SQL has written.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningServer, startServer } from '../../server/index.ts';

let directory: string;
let server: RunningServer;
let client: SchemaRegistry;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-registry-client-'));
  server = await startServer({ data: join(directory, 'data'), port: 0, logLevel: 'silent', workers: 1 });
  // Schemas of Kafka Connect's form have keywords of their own.
  client = new SchemaRegistry({ host: server.url, retry: { retries: 0 } }, { [SchemaType.JSON]: { strict: false } });
});

afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

const avro = (...fields: readonly object[]): string =>
  JSON.stringify({
    type: 'record',
    name: 'Order',
    namespace: 'shop',
    fields: [{ name: 'id', type: 'int' }, ...fields],
  });
const json = (more: object): string =>
  JSON.stringify({ type: 'object', properties: { id: { type: 'integer' }, ...more }, additionalProperties: false });
const proto = (more: string): string => `syntax = "proto3"; package shop; message Order { int32 id = 1; ${more} }`;

interface Form {
  readonly type: SchemaType.AVRO | SchemaType.JSON | SchemaType.PROTOBUF;
  readonly format: string;
  readonly first: string;
  readonly second: string;
  readonly broken: string;
}

describe.each<Form>([
  {
    type: SchemaType.AVRO,
    format: 'AVRO',
    first: avro(),
    second: avro({ name: 'note', type: 'string', default: '' }),
    broken: avro().replace('int', 'string'),
  },
  {
    type: SchemaType.JSON,
    format: 'JSON_SR',
    first: json({}),
    second: json({ note: { type: 'string' } }),
    broken: json({ id: { type: 'string' } }),
  },
  {
    type: SchemaType.PROTOBUF,
    format: 'PROTOBUF',
    first: proto(''),
    second: proto('string note = 2;'),
    broken: proto('').replace('int32', 'string'),
  },
])('$format', ({ type, format, first, second, broken }) => {
  const [topic, copy] = [`orders_${format}`, `COPY_${format}`];
  const subject = `${topic}-value`;
  const produce = async (id: number, ...orders: readonly object[]): Promise<void> => {
    const values = await Promise.all(
      orders.map(async (order) => {
        const bytes = await client.encode(id, order);
        // This client leaves out the place of the message in its schema, which others write: 0 for the first.
        return type === SchemaType.PROTOBUF
          ? Buffer.concat([bytes.subarray(0, 5), Buffer.of(0), bytes.subarray(5)])
          : bytes;
      }),
    );
    await server.millrace.produce(
      topic,
      values.map((value) => ({ key: null, value })),
    );
  };

  test('records of a version that is registered after the query was made are read', async () => {
    const { id } = await client.register({ type, schema: first }, { subject });
    expect(await client.getLatestSchemaId(subject)).toBe(id);
    expect(await client.getRegistryId(subject, 1)).toBe(id);
    await server.millrace.sql(`
      SET 'auto.offset.reset' = 'earliest';
      CREATE STREAM ${topic} WITH (KAFKA_TOPIC='${topic}', PARTITIONS=1, VALUE_FORMAT='${format}');
      CREATE STREAM ${copy} AS SELECT id, id * 2 AS twice FROM ${topic};`);
    await produce(id, { id: 1 }, { id: 2 });
    await server.millrace.awaitIdle();
    const later = await client.register({ type, schema: second }, { subject });
    expect(later.id).not.toBe(id);
    await produce(later.id, { id: 3, note: 'late' });
    await produce(id, { id: 4 });
    await server.millrace.awaitIdle();
    expect(await server.millrace.query(`SELECT * FROM ${copy};`)).toEqual(
      [1, 2, 3, 4].map((n) => ({ ID: n, TWICE: n * 2 })),
    );
  });

  test('records that SQL has written are read by the client', async () => {
    const read: unknown[] = [];
    for await (const { value } of server.millrace.consume(copy, { from: 'earliest' })) {
      const order = (await client.decode(Buffer.from(value as Uint8Array))) as { readonly TWICE: unknown };
      read.push(Number(order.TWICE));
      if (read.length === 4) break;
    }
    expect(read).toEqual([2, 4, 6, 8]);
  });

  test('a schema that does not fit is refused', async () => {
    await expect(client.register({ type, schema: broken }, { subject })).rejects.toThrow('not compatible');
    await expect(client.register({ type, schema: '{' }, { subject })).rejects.toThrow();
    await expect(client.getSchema(99)).rejects.toThrow('Schema 99 not found');
    await expect(client.getLatestSchemaId('nothing')).rejects.toThrow(`Subject 'nothing' not found.`);
  });

  test('a new subject gets the level that is asked for', async () => {
    const other = `${topic}-other`;
    await client.register({ type, schema: first }, { subject: other, compatibility: COMPATIBILITY.NONE });
    await client.register({ type, schema: broken }, { subject: other, compatibility: COMPATIBILITY.NONE });
    expect(await server.millrace.engine.registry.level(other)).toBe('NONE');
  });
});
