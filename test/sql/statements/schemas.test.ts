/** Schemas of sources: columns from a registry, schemas that statements register, the ids that records are written
 *  with; over restarts, and in worker threads as on the main one. */

import { afterEach, describe, expect, test } from 'vitest';
import { ManualClock, Random, utf8Bytes } from '../../../base/index.ts';
import { LocalRegistry, type SqlEngine, TopicStore } from '../../../sql/index.ts';
import type { SchemaText } from '../../../sql/registry/schema.ts';
import { consumeRecords, type Log, openMemoryLog, produceRecords } from '../../../storage/index.ts';
import { closeWorlds, openWorld, rowsOf, topicOf, type World } from '../support/world.ts';

afterEach(closeWorlds);

const json = (properties: object, more: object = {}): SchemaText => ({
  type: 'JSON',
  schema: JSON.stringify({ type: 'object', properties, ...more }),
});

const person = json({ id: { type: 'integer' }, name: { type: 'string' } });

const open = async (log?: Log): Promise<World & { readonly registry: LocalRegistry }> => {
  const own = log ?? (await openMemoryLog({ clock: new ManualClock(1_000_000), random: new Random(7) }));
  const registry = new LocalRegistry(new TopicStore(own, () => 1));
  const world = await openWorld({ log: own, engine: { registry } });
  return Object.assign(world, { registry });
};

const faultOf = async (engine: SqlEngine, sql: string): Promise<string> =>
  engine.execute(sql).then(
    () => 'no fault',
    (error: { code: string; message: string; hint?: string }) => `${error.code}: ${error.message}`,
  );

/** Keys and values of a topic: the id of the schema, then the data; `-` for null. */
const framedOf = async (log: Log, topic: string): Promise<string[]> => {
  const show = (bytes: Uint8Array | null): string =>
    bytes === null
      ? '-'
      : `#${new DataView(bytes.buffer, bytes.byteOffset).getInt32(1)}${new TextDecoder().decode(bytes.subarray(5))}`;
  const found: string[] = [];
  for await (const { key, value } of consumeRecords(log, topic, { untilEnd: true })) {
    found.push(`${show(key)} ${show(value)}`);
  }
  return found;
};

const schemaOf = async (engine: SqlEngine, name: string): Promise<string> => {
  const [answer] = await engine.execute(`DESCRIBE ${name};`);
  const { sourceDescription } = answer as unknown as {
    sourceDescription: { fields: { name: string; schema: { type: string }; type?: string }[] };
  };
  return sourceDescription.fields
    .map(({ name: field, schema, type }) => `${field} ${schema.type}${type === undefined ? '' : ` ${type}`}`)
    .join(', ');
};

test('ALTER registers the schema with the new columns, and rows are written with it', async () => {
  const { engine, log, registry } = await open();
  await engine.execute("CREATE STREAM s (a INT, c INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON_SR', PARTITIONS=1);");
  // Under BACKWARD an open object cannot get a property.
  await registry.setLevel('FORWARD', 's-value');
  await engine.execute('ALTER STREAM s ADD COLUMN b INT;');
  expect(await registry.versions('s-value')).toEqual([1, 2]);
  const { id } = (await registry.latest('s-value')) ?? { id: -1 };
  await engine.execute('INSERT INTO s VALUES (1, 2, 3);');
  expect(await framedOf(log, 's')).toEqual([`- #${id}{"A":1,"C":2,"B":3}`]);
});

test('ALTER that the registry does not take is refused, with its reason; the source can still be written', async () => {
  const { engine, log } = await open();
  await engine.execute("CREATE STREAM s (a INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON_SR', PARTITIONS=1);");
  await expect(engine.execute('ALTER STREAM s ADD COLUMN b INT;')).rejects.toMatchObject({
    code: 'SQL_SCHEMA_INCOMPATIBLE',
    message: expect.stringMatching(/"s-value", whose versions it is not compatible with: .*B/) as string,
    hint: 'Change the compatibility of the subject first.',
  });
  await engine.execute('INSERT INTO s VALUES (1);');
  expect(await framedOf(log, 's')).toEqual(['- #1{"A":1}']);
});

test('ALTER of a source that can be read only is accepted: its topic may have the column', async () => {
  const { engine, log, registry } = await open();
  await log.createTopic({ name: 't', partitions: 1 });
  await registry.register('t-value', person);
  await engine.execute("CREATE STREAM s (id BIGINT, other INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON_SR');");
  await engine.execute('ALTER STREAM s ADD COLUMN more INT;');
  expect(await schemaOf(engine, 's')).toBe('ID BIGINT, OTHER INTEGER, MORE INTEGER');
});

describe('columns that a statement does not declare', () => {
  test('come from the last version of the subject, in upper case', async () => {
    const { engine, log, registry } = await open();
    await log.createTopic({ name: 't', partitions: 1 });
    await registry.register('t-value', person);
    await registry.register('t-key', { type: 'JSON', schema: '{"type":"string"}' });
    await engine.execute(`CREATE STREAM s WITH (KAFKA_TOPIC='t', FORMAT='JSON_SR');`);
    expect(await schemaOf(engine, 's')).toBe('ROWKEY STRING KEY, ID BIGINT, NAME STRING');
    await engine.execute(`CREATE TABLE p WITH (KAFKA_TOPIC='t', FORMAT='JSON_SR');`);
    expect(await schemaOf(engine, 'p')).toContain('ROWKEY STRING KEY');
    await engine.execute(`INSERT INTO s (rowkey, id, name) VALUES ('k', 1, 'Ann');`);
    expect(await framedOf(log, 't')).toEqual(['#2"k" #1{"id":1,"name":"Ann"}']);
    expect(await rowsOf(engine, 'SELECT * FROM s;')).toEqual([['k', 1, 'Ann']]);
  });

  test('keep their names with a schema id, and are written with that schema', async () => {
    const { engine, log, registry } = await open();
    const { id } = await registry.register('people', person);
    await engine.execute(
      `CREATE STREAM s (k INT KEY) WITH (KAFKA_TOPIC='t', PARTITIONS=1, FORMAT='JSON_SR', VALUE_SCHEMA_ID=${id});`,
    );
    expect(await schemaOf(engine, 's')).toBe('K INTEGER KEY, id BIGINT, name STRING');
    await engine.execute("INSERT INTO s (k, `id`, `name`) VALUES (1, 2, 'Bob');");
    expect(await framedOf(log, 't')).toEqual(['#21 #1{"id":2,"name":"Bob"}']);
    expect((await registry.latest('t-value'))?.id).toBe(id);
  });

  test('of a bare value are called ROWVAL, where the statement asks for that', async () => {
    const { engine, log, registry } = await open();
    await log.createTopic({ name: 't', partitions: 1 });
    await registry.register('t-value', { type: 'JSON', schema: '{"type":"number"}' });
    expect(await faultOf(engine, `CREATE STREAM s (k INT KEY) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON_SR');`)).toBe(
      'SQL_SCHEMA_UNUSABLE: the value schema of the topic "t" cannot be used: columns cannot be taken from the JSON Schema: it is the schema of a bare value',
    );
    await engine.execute(
      `CREATE STREAM s (k INT KEY) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON_SR', WRAP_SINGLE_VALUE=false);`,
    );
    expect(await schemaOf(engine, 's')).toBe('K INTEGER KEY, ROWVAL DOUBLE');
  });

  test('are an error where there is no schema, or one of another type', async () => {
    const { engine, log, registry } = await open();
    await log.createTopic({ name: 't', partitions: 1 });
    const create = `CREATE STREAM s (k INT KEY) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON_SR');`;
    expect(await faultOf(engine, create)).toBe(
      'SQL_UNKNOWN_SCHEMA: there is no value schema of the topic "t": the registry has no subject "t-value"',
    );
    await registry.register('t-value', { type: 'AVRO', schema: '"int"' });
    expect(await faultOf(engine, create)).toContain('SQL_SCHEMA_TYPE');
    expect(
      await faultOf(
        engine,
        `CREATE STREAM s (k INT KEY, v INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON_SR', VALUE_SCHEMA_ID=1);`,
      ),
    ).toContain('SQL_PROPERTY_CONFLICT');
  });
});

describe('schemas that statements register', () => {
  test('are those of their columns; records are written with their ids, over a restart', async () => {
    const { engine, log, registry, runtime, stop } = await open();
    await engine.execute(`
      SET 'auto.offset.reset' = 'earliest';
      CREATE STREAM s (k INT KEY, a INT, b STRING) WITH (KAFKA_TOPIC='s', PARTITIONS=1, FORMAT='JSON_SR');
      INSERT INTO s VALUES (1, 2, 'x');
      CREATE STREAM t AS SELECT k, a + 1 AS c FROM s;
      CREATE STREAM u WITH (VALUE_FORMAT='JSON') AS SELECT * FROM t;`);
    await runtime.awaitIdle();
    expect(await registry.subjects()).toEqual(['T-key', 'T-value', 'U-key', 's-key', 's-value']);
    expect((await registry.byId(2))?.schema).toBe(
      '{"type":"object","properties":{"A":{"connect.index":0,"oneOf":[{"type":"null"},{"type":"integer","connect.type":"int32"}]},"B":{"connect.index":1,"oneOf":[{"type":"null"},{"type":"string"}]}}}',
    );
    expect(await framedOf(log, 's')).toEqual(['#11 #2{"A":2,"B":"x"}']);
    expect(await framedOf(log, 'T')).toEqual(['#11 #3{"C":3}']);
    await stop();
    const again = await open(log);
    await again.engine.execute(`INSERT INTO s VALUES (1, 5, 'y');`);
    await again.runtime.awaitIdle();
    expect(await framedOf(log, 'T')).toEqual(['#11 #3{"C":3}', '#11 #3{"C":6}']);
    expect(await again.registry.versions('T-value')).toEqual([1]);
  });

  test('an aggregate with a struct as its state can be written as DELIMITED, but not read from it', async () => {
    const { engine, log, runtime } = await open();
    await engine.execute(`
      SET 'auto.offset.reset' = 'earliest';
      CREATE STREAM s (k INT KEY, a INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');
      INSERT INTO s VALUES (1, 2);
      INSERT INTO s VALUES (1, 4);
      CREATE TABLE t WITH (FORMAT='DELIMITED') AS SELECT k, AVG(a) AS a FROM s GROUP BY k;`);
    await runtime.awaitIdle();
    expect((await topicOf(log, 'T')).at(-1)).toBe('1=3.0');
    await engine.execute(
      `CREATE STREAM d (k INT KEY, a INT) WITH (KAFKA_TOPIC='d', PARTITIONS=1, VALUE_FORMAT='DELIMITED');
       CREATE TABLE u AS SELECT k, COUNT(*) AS n, SUM(a) AS s, MIN(a) AS m FROM d GROUP BY k;`,
    );
    for (const call of ['AVG(a)', 'COLLECT_LIST(a)', 'COUNT_DISTINCT(a)', 'STDDEV_SAMP(a)', 'SUM_LIST(ARRAY[a])']) {
      expect(
        await faultOf(engine, `CREATE TABLE v WITH (VALUE_FORMAT='JSON') AS SELECT k, ${call} AS x FROM d GROUP BY k;`),
      ).toMatch(/^SQL_FORMAT_TYPE: .* DELIMITED/);
    }
  });

  test('are not made for keys without columns', async () => {
    const { engine, log, runtime } = await open();
    await engine.execute(`
      SET 'auto.offset.reset' = 'earliest';
      CREATE STREAM s (a INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');
      INSERT INTO s VALUES (2);
      CREATE STREAM t WITH (KEY_FORMAT='AVRO') AS SELECT a FROM s;
      CREATE STREAM u WITH (KEY_FORMAT='PROTOBUF') AS SELECT a FROM s;
      CREATE STREAM v WITH (KEY_FORMAT='JSON_SR') AS SELECT a FROM t;`);
    await runtime.awaitIdle();
    for (const topic of ['T', 'U', 'V']) expect(await topicOf(log, topic)).toEqual(['-={"A":2}']);
  });

  test('of a key are not needed for one that is NULL', async () => {
    const { engine, log, runtime } = await open();
    await engine.execute(`
      SET 'auto.offset.reset' = 'earliest';
      CREATE STREAM s (k INT KEY, a BOOLEAN) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON');
      INSERT INTO s VALUES (1, NULL);
      CREATE STREAM t WITH (KEY_FORMAT='AVRO') AS SELECT a, k FROM s PARTITION BY a;
      CREATE STREAM u WITH (KEY_FORMAT='PROTOBUF') AS SELECT a, k FROM s PARTITION BY a;`);
    await runtime.awaitIdle();
    for (const topic of ['T', 'U']) expect(await topicOf(log, topic)).toEqual(['-={"K":1}']);
  });

  test('maps in JSON_SR are lists of entries, unless the schema has them as objects', async () => {
    const { engine, log, registry } = await open();
    await engine.execute(`
      CREATE STREAM s (k INT KEY, m MAP<STRING, INT>) WITH (KAFKA_TOPIC='s', PARTITIONS=1, FORMAT='JSON_SR');
      INSERT INTO s VALUES (1, MAP('a' := 1, 'b' := NULL));
      CREATE STREAM t WITH (KAFKA_TOPIC='s', FORMAT='JSON_SR');`);
    expect(await framedOf(log, 's')).toEqual(['#11 #2{"M":[{"key":"a","value":1},{"key":"b","value":null}]}']);
    expect((await registry.byId(2))?.schema).toContain('"items":{"type":"object","properties":{"key":');
    expect(await schemaOf(engine, 't')).toBe('ROWKEY INTEGER KEY, M MAP');
    expect(await rowsOf(engine, 'SELECT m FROM t;')).toEqual([
      [
        new Map([
          ['a', 1],
          ['b', null],
        ]),
      ],
    ]);
    const objects = json({ M: { type: 'object', additionalProperties: { type: 'integer' }, 'connect.type': 'map' } });
    await log.createTopic({ name: 'u', partitions: 1 });
    await registry.register('u-value', objects);
    await engine.execute(`
      CREATE STREAM u WITH (KAFKA_TOPIC='u', KEY_FORMAT='NONE', VALUE_FORMAT='JSON_SR');
      INSERT INTO u VALUES (MAP('a' := 1));`);
    expect((await framedOf(log, 'u'))[0]).toContain('{"M":{"a":1}}');
  });

  test('a source whose columns do not fit the registered schema can be read only', async () => {
    const { engine, log, registry } = await open();
    await log.createTopic({ name: 't', partitions: 1 });
    await registry.register('t-value', person);
    await registry.setLevel('FULL', 't-value');
    await engine.execute(
      `CREATE STREAM s (k INT KEY, id BIGINT) WITH (KAFKA_TOPIC='t', KEY_FORMAT='KAFKA', VALUE_FORMAT='JSON_SR');`,
    );
    await engine.execute('INSERT INTO s VALUES (1, 2);');
    expect((await topicOf(log, 't'))[0]).toContain('{"id":2}');
    await engine.execute(`CREATE STREAM u (k INT KEY, other STRING) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON_SR');`);
    expect(await registry.versions('t-value')).toEqual([1]);
    expect(await faultOf(engine, `INSERT INTO u VALUES (1, 'x');`)).toContain('"U" can be read only');
  });

  test('stand in a topic that statements can read only', async () => {
    const { engine } = await open();
    await engine.execute(`CREATE STREAM s (a INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON_SR', PARTITIONS=1);`);
    await engine.execute(
      `CREATE STREAM all_schemas (subject STRING, id INT) WITH (KAFKA_TOPIC='_schemas', VALUE_FORMAT='JSON');`,
    );
    expect(await rowsOf(engine, 'SELECT * FROM all_schemas;')).toEqual([['s-value', 1]]);
    expect(await faultOf(engine, `INSERT INTO all_schemas VALUES ('x', 1);`)).toContain('SQL_READ_ONLY');
  });

  test('are deleted with their topic', async () => {
    const { engine, registry } = await open();
    await engine.execute(`
      CREATE STREAM s (k INT KEY, a INT) WITH (KAFKA_TOPIC='s', PARTITIONS=1, FORMAT='JSON_SR');
      DROP STREAM s DELETE TOPIC;`);
    expect(await registry.subjects()).toEqual([]);
  });

  test('records of other schemas are read by the names of the columns; other bytes are left out', async () => {
    const { engine, log, runtime } = await open();
    await engine.execute(`
      SET 'auto.offset.reset' = 'earliest';
      CREATE STREAM s (k INT KEY, a INT, b STRING) WITH (KAFKA_TOPIC='s', PARTITIONS=1, VALUE_FORMAT='JSON_SR');
      CREATE STREAM t WITH (VALUE_FORMAT='JSON') AS SELECT * FROM s;`);
    const producer = await log.producer();
    const value = (text: string) => ({ key: null, value: utf8Bytes(text), timestamp: 1 });
    const frame = '\0\0\0\0\x07';
    await produceRecords(
      log,
      producer,
      's',
      [value(`${frame}{"b":"x","z":1}`), value('{"a":1}'), value(`${frame}null`)],
      {
        acks: 'durable',
        now: 1,
      },
    );
    await producer.close();
    await runtime.awaitIdle();
    expect(await rowsOf(engine, 'SELECT a, b FROM t;')).toEqual([[null, 'x']]);
    const [query] = await engine.queries();
    expect(query?.dropped).toEqual({ deserialization: 1 });
  });
});

/** Each definition holds the next one twice. */
const nested: Readonly<Record<string, (levels: number) => SchemaText>> = {
  JSON_SR: (levels) => {
    const next = (i: number): object => ({ $ref: `#/definitions/d${i + 1}` });
    const last = { type: 'object', properties: { x: { type: 'integer' } } };
    const definitions = Array.from({ length: levels }, (_, i): [string, object] => [
      `d${i}`,
      { type: 'object', properties: { a: next(i), b: next(i) } },
    ]);
    return json({ a: next(-1) }, { definitions: Object.fromEntries([...definitions, [`d${levels}`, last]]) });
  },
  AVRO: (levels) => {
    let schema: object = { type: 'record', name: `R${levels}`, fields: [{ name: 'x', type: 'int' }] };
    for (let i = levels - 1; i >= 0; i--) {
      const fields = [
        { name: 'a', type: schema },
        { name: 'b', type: `R${i + 1}` },
      ];
      schema = { type: 'record', name: `R${i}`, fields };
    }
    return { type: 'AVRO', schema: JSON.stringify(schema) };
  },
  PROTOBUF: (levels) => {
    const messages = Array.from({ length: levels }, (_, i) => `message M${i} { M${i + 1} a = 1; M${i + 1} b = 2; }`);
    const last = `message M${levels} { int32 x = 1; }`;
    return { type: 'PROTOBUF', schema: ['syntax = "proto3";', ...messages, last].join('\n') };
  },
};

test.each(Object.entries(nested))(
  'columns cannot be taken from a schema whose definitions hold each other many times: %s',
  async (format, make) => {
    const { engine, registry } = await open();
    await registry.register('s-value', make(40));
    const name = format === 'PROTOBUF' ? ", VALUE_SCHEMA_FULL_NAME='M0'" : '';
    expect(
      await faultOf(engine, `CREATE STREAM s WITH (KAFKA_TOPIC='s', VALUE_FORMAT='${format}', PARTITIONS=1${name});`),
    ).toMatch(/^SQL_TYPE_TOO_LARGE: .*: a type has more than 100000 parts/);
  },
);
