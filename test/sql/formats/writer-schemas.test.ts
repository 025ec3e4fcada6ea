/** Records that name the schema of their writer: it is looked up before their block is scanned, in any thread. */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Random, utf8Bytes } from '../../../base/index.ts';
import { nodeFiles, systemClock } from '../../../base/node/index.ts';
import { workerThreads } from '../../../engine/runtime/worker.ts';
import { openLevelKv } from '../../../engine/stores/level-store.ts';
import { registerFormat } from '../../../sql/formats/index.ts';
import { WriterSchemas } from '../../../sql/formats/writer-schemas.ts';
import { printPlan } from '../../../sql/index.ts';
import { answerSchemas } from '../../../sql/registry/port.ts';
import { openFileLog } from '../../../storage/file-log/index.ts';
import { type Log, type ProducedRecord, produceRecords } from '../../../storage/index.ts';
import { commandOf, faultOf } from '../support/planning.ts';
import { closeWorlds, openWorld, rowsOf, type World } from '../support/world.ts';
import { framed, framedFormat, SlowRegistry } from './framed.ts';

const closing: (() => unknown)[] = [];
beforeEach(() => {
  closing.push(registerFormat(framedFormat()));
});
afterEach(async () => {
  await closeWorlds();
  for (const close of closing.splice(0).reverse()) await close();
});

const world = async (threads: number): Promise<World> => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-schemas-'));
  closing.push(() => rmSync(directory, { recursive: true, force: true }));
  const random = new Random(1);
  const clock = systemClock;
  const log = await openFileLog({
    directory: join(directory, 'log'),
    files: nodeFiles,
    clock,
    timers: systemClock,
    random,
  });
  closing.push(() => log.close());
  const state = join(directory, 'state');
  mkdirSync(state);
  const builder = import.meta.resolve('./framed-builder.ts');
  const registry = new SlowRegistry();
  const builderPort = (): MessagePort => {
    const { port1, port2 } = new MessageChannel();
    answerSchemas(port1, (id) => registry.byId(id));
    port1.unref();
    return port2;
  };
  return openWorld({
    log,
    engine: { registry },
    runtime: {
      openShard: (shard) => openLevelKv(join(state, `shard-${shard}`)),
      ...(threads > 0 && { workers: workerThreads({ count: threads, log, state, builder, builderPort }) }),
    },
  });
};

const statements = `
  SET 'auto.offset.reset' = 'earliest';
  CREATE STREAM s (k VARCHAR KEY, a VARCHAR, b VARCHAR)
    WITH (KAFKA_TOPIC='s', KEY_FORMAT='FRAMED', VALUE_FORMAT='FRAMED', VALUE_DELIMITER='|', PARTITIONS=1);
  CREATE STREAM t WITH (FORMAT='JSON') AS SELECT k, a, b FROM s WHERE a <> 'x';
  CREATE TABLE n WITH (FORMAT='JSON') AS SELECT a, COUNT(*) AS n FROM s GROUP BY a;`;

const send = async (log: Log, records: readonly ProducedRecord[]): Promise<void> => {
  const producer = await log.producer();
  await produceRecords(log, producer, 's', records, { acks: 'durable', now: 1 });
  await producer.close();
};

const record = (id: number, line: string) => ({ key: null, value: framed(id, line), timestamp: 1 });

describe.each([0, 2])('with %i worker threads', (threads) => {
  test('schemas are looked up before a block is read; a record of an unknown one is left out', async () => {
    const { engine, log, runtime } = await world(threads);
    await engine.execute(statements);
    await send(log, [record(1, 'a1|b1'), record(2, 'b2|a2'), record(9, 'c|d'), record(1, 'x|b3')]);
    await runtime.awaitIdle();
    await send(log, [record(2, 'b4|a1')]);
    await runtime.awaitIdle();
    expect(await rowsOf(engine, 'SELECT a, n FROM n;')).toEqual([
      ['a1', 2],
      ['a2', 1],
      ['x', 1],
    ]);
    expect(await rowsOf(engine, 'SELECT a, b FROM t;')).toEqual([
      ['a1', 'b1'],
      ['a2', 'b2'],
      ['a1', 'b4'],
    ]);
    const [copy] = await engine.queries();
    expect(copy?.dropped).toEqual({ deserialization: 1 });
    if (threads > 0) expect(runtime.queries()[0]?.threads).not.toContain(0);
  });

  test('a look-up that fails stops the query for a while, and says why', async () => {
    const { engine, log, runtime } = await world(threads);
    await engine.execute(statements);
    await send(log, [record(13, 'a1|b1')]);
    const why = 'what is needed to read records of s could not be fetched: the registry does not answer';
    await expect.poll(() => runtime.queries()[0]?.error?.message).toContain(why);
    await expect.poll(() => runtime.queries().map(({ state }) => state)).toContain('retrying');
  });
});

test('an id is asked for once at a time, and again only while there is no schema for it', async () => {
  const asked: number[] = [];
  const schemas = new WriterSchemas(async (id) => {
    asked.push(id);
    return id === 9 ? undefined : { id, type: 'AVRO', schema: `schema ${id}`, definitions: [] };
  });
  const bytes = new Uint8Array([...framed(1, ''), ...framed(9, ''), ...framed(1, ''), ...utf8Bytes('{"plain": 1}')]);
  const starts = Int32Array.of(0, 5, 10, 15, -1);
  const ends = Int32Array.of(5, 10, 15, bytes.length, -1);
  await Promise.all([schemas.prepare(bytes, starts, ends, 0, 5), schemas.prepare(bytes, starts, ends, 0, 5)]);
  expect(asked).toEqual([1, 9]);
  expect([schemas.get(1)?.schema, schemas.get(9)]).toEqual(['schema 1', undefined]);
  expect(schemas.prepare(bytes, starts, ends, 2, 5)).toBeUndefined();
  await schemas.prepare(bytes, starts, ends, 0, 5);
  expect(asked).toEqual([1, 9, 9]);
});

test('keys are not written in a format of a registry between steps, but are in the sink', () => {
  const command = commandOf(
    `CREATE TABLE t WITH (KEY_FORMAT='FRAMED') AS SELECT customer, COUNT(*) AS n FROM orders GROUP BY customer;
     `,
  );
  if (command.kind !== 'create-as') throw new Error('a query was expected');
  const plan = printPlan(command.query.plan.root);
  expect(plan).toContain('tableSink topic T, key FRAMED');
  expect(plan).toContain('streamGroupBy CUSTOMER AS CUSTOMER as KAFKA');
});

test("a format's properties are its own: unknown ones and wrong values are errors with their place", () => {
  const fault = (property: string): string =>
    faultOf(
      `CREATE STREAM s (a VARCHAR, b VARCHAR) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='FRAMED', PARTITIONS=1, ${property});`,
    );
  expect(fault(`VALUE_DELIMITER='|'`)).toBe('no fault');
  expect(fault(`VALUE_DELIMITER='||'`)).toBe(
    "SQL_INVALID_PROPERTY at 1:100: the property VALUE_DELIMITER takes one character, not '||'",
  );
  expect(fault(`VALUE_SCHEMA_ID=7`)).toBe(
    'SQL_PROPERTY_CONFLICT at 1:100: the format FRAMED does not take the property VALUE_SCHEMA_ID | It is for formats with a schema registry: name the columns in the statement instead.',
  );
});
