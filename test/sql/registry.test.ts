/** The registry of schemas: ids, versions, deletions, levels; the same after its topic is read again. */

import { describe, expect, test } from 'vitest';
import { ManualClock, Random } from '../../base/index.ts';
import { bareColumnName } from '../../sql/formats/format.ts';
import { LocalRegistry, TopicStore } from '../../sql/index.ts';
import { type RegistryRecord, recordOf, wireOf } from '../../sql/registry/records.ts';
import type { SchemaText } from '../../sql/registry/schema.ts';
import { openMemoryLog, produceRecords } from '../../storage/index.ts';
import { topicOf } from './support/world.ts';

const avro = (name: string): SchemaText => ({
  type: 'AVRO',
  schema: `{"type":"record","name":"${name}","fields":[{"name":"A","type":["null","int"],"default":null}]}`,
});

const faultOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no fault',
    (error: { code: number; message: string }) => `${error.code}: ${error.message}`,
  );

test('an id stands for a schema, whatever its subjects; a version for a place in one', async () => {
  const registry = new LocalRegistry();
  await registry.setLevel('NONE');
  expect(await registry.register('a-value', avro('X'))).toEqual({ id: 1, version: 1 });
  expect(await registry.register('a-value', avro('X'))).toEqual({ id: 1, version: 1 });
  expect(await registry.register('b-value', avro('Y'))).toEqual({ id: 2, version: 1 });
  expect(await registry.register('a-value', avro('Y'))).toEqual({ id: 2, version: 2 });
  expect(await registry.register('b-value', avro('X'))).toEqual({ id: 1, version: 2 });
  expect(await registry.subjects()).toEqual(['a-value', 'b-value']);
  expect(await registry.versions('a-value')).toEqual([1, 2]);
  expect((await registry.latest('a-value'))?.id).toBe(2);
  expect((await registry.byId(1))?.schema).toBe(avro('X').schema);
  expect(await registry.byId(3)).toBeUndefined();
});

describe('what was soft-deleted', () => {
  test('is not found any more but by its id, and its numbers are not given again', async () => {
    const registry = new LocalRegistry();
    await registry.setLevel('NONE');
    await registry.register('s', avro('X'));
    await registry.register('s', avro('Y'));
    expect(await faultOf(registry.deleteSubject('s', { permanent: true }))).toBe(
      '40405: the subject "s" was not deleted first before it is deleted for good',
    );
    expect(await registry.deleteSubject('s')).toEqual([1, 2]);
    expect(await faultOf(registry.deleteSubject('s'))).toContain('40404');
    expect(await registry.latest('s')).toBeUndefined();
    expect(await registry.subjects()).toEqual([]);
    expect(await registry.subjects({ deleted: true })).toEqual(['s']);
    expect((await registry.byId(2))?.schema).toBe(avro('Y').schema);
    expect(await registry.register('s', avro('Y'))).toEqual({ id: 2, version: 3 });
    await registry.deleteSubject('s');
    expect(await registry.deleteSubject('s', { permanent: true })).toEqual([1, 2, 3]);
    expect(await registry.register('s', avro('Z'))).toEqual({ id: 3, version: 1 });
  });
});

/** What compaction leaves of a registry's records. */
const compactedStore = () => {
  const kept = new Map<string, string | null>();
  return {
    read: async () => Array.from(kept, ([key, value]) => recordOf({ key, value }) ?? []).flat(),
    append: async (records: readonly RegistryRecord[]) => {
      for (const { key, value } of records.map(wireOf)) {
        kept.delete(key);
        if (value !== null) kept.set(key, value);
      }
    },
    close: async () => undefined,
  };
};

test.for([
  ['a subject', (registry: LocalRegistry) => registry.deleteSubject('s', { permanent: true })],
  ['a version', (registry: LocalRegistry) => registry.deleteVersion('s', 2, { permanent: true })],
] as const)(
  'the ids of %s that is gone for good are not given to other schemas after compaction and a restart',
  async ([, deleteForGood]) => {
    const store = compactedStore();
    const registry = new LocalRegistry(store);
    await registry.setLevel('NONE');
    await registry.register('s', avro('X'));
    await registry.register('s', avro('Y'));
    await registry.deleteSubject('s');
    await deleteForGood(registry);
    const again = new LocalRegistry(store);
    expect(await again.byId(2)).toBeUndefined();
    expect((await again.register('s', avro('Z'))).id).toBe(3);
  },
);

test('everything is there again when the topic is read, in the wire form of Confluent', async () => {
  const log = await openMemoryLog({ clock: new ManualClock(1), random: new Random(1) });
  const registry = new LocalRegistry(new TopicStore(log, () => 1));
  expect(await log.describeTopic('_schemas')).toBeUndefined();
  await registry.register('s', { ...avro('X'), schema: '"int"' });
  await registry.setLevel('NONE', 's');
  await registry.register('s', { ...avro('X'), schema: '"string"' });
  await registry.deleteVersion('s', 1);
  await registry.setMode('READONLY', 's');
  await registry.close();
  expect(await topicOf(log, '_schemas')).toEqual([
    '{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}={"subject":"s","version":1,"id":1,"schema":"\\"int\\"","deleted":false}',
    '{"keytype":"CONFIG","subject":"s","magic":0}={"compatibilityLevel":"NONE"}',
    '{"keytype":"SCHEMA","subject":"s","version":2,"magic":1}={"subject":"s","version":2,"id":2,"schema":"\\"string\\"","deleted":false}',
    '{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}={"subject":"s","version":1,"id":1,"schema":"\\"int\\"","deleted":true}',
    '{"keytype":"MODE","subject":"s","magic":0}={"mode":"READONLY"}',
  ]);
  const again = new LocalRegistry(new TopicStore(log, () => 1));
  expect(await again.versions('s')).toEqual([2]);
  expect(await again.level('s')).toBe('NONE');
  expect(await again.mode('s')).toBe('READONLY');
  await again.setMode(undefined, 's');
  expect((await again.byId(1))?.schema).toBe('"int"');
  expect(await again.register('s', avro('X'))).toEqual({ id: 3, version: 3 });
  await again.close();
});

test('columns of bare values have a name of their own', () => {
  expect([bareColumnName('key'), bareColumnName('value')]).toEqual(['ROWKEY', 'ROWVAL']);
});

test('records that are not of the form are left out', async () => {
  const log = await openMemoryLog({ clock: new ManualClock(1), random: new Random(1) });
  const registry = new LocalRegistry(new TopicStore(log, () => 1));
  await registry.register('s', avro('X'));
  await registry.close();
  const producer = await log.producer();
  const bytes = (text: string) => new TextEncoder().encode(text);
  const records = [
    { key: bytes('{'), value: bytes('x') },
    { key: bytes('{"keytype":"SCHEMA","subject":"s","version":2}'), value: bytes('{}') },
    { key: bytes('{"keytype":"NOOP","magic":0}'), value: null },
    { key: null, value: bytes('x') },
  ];
  await produceRecords(log, producer, '_schemas', records, { acks: 'durable', now: 1 });
  await producer.close();
  const again = new LocalRegistry(new TopicStore(log, () => 1));
  expect(await again.versions('s')).toEqual([1]);
  await again.close();
});

/** A schema whose only property leads around a circle of so many definitions. */
const circle = (length: number): string =>
  JSON.stringify({
    $ref: '#/definitions/d0',
    definitions: Object.fromEntries(
      Array.from({ length }, (_, i) => [`d${i}`, { items: { $ref: `#/definitions/d${(i + 1) % length}` } }]),
    ),
  });

test('schemas whose comparison goes too deep are refused, and the registry goes on', async () => {
  const registry = new LocalRegistry();
  await registry.register('s', { type: 'JSON', schema: circle(997) });
  expect(await faultOf(registry.register('s', { type: 'JSON', schema: circle(991) }))).toBe(
    '42201: the schemas refer to themselves, or have alternatives, in too many ways to be compared',
  );
  expect(await registry.register('s', { type: 'JSON', schema: circle(1) })).toEqual({ id: 2, version: 2 });
});
