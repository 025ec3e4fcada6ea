/**
 * What queries share of their first steps changes nothing of what each of them writes, and is worked out once.
 *
 * A query among others is compared with the same query by itself, record by record, without a log
 * (`../support/running.ts`).
 */

import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { define } from '../../../sql/functions/define.ts';
import {
  builtInFunctions,
  EvaluationError,
  type FunctionRegistry,
  ScanRegistry,
  type SqlEngineOptions,
} from '../../../sql/index.ts';
import { consumeRecords, type Log, type Producer, produceRecords } from '../../../storage/index.ts';
import { runSql, type Sent, shown } from '../support/running.ts';
import { closeWorlds, openWorld, type World } from '../support/world.ts';

afterEach(closeWorlds);

const columns = 'qty INT, note VARCHAR, flag BOOLEAN, parts ARRAY<INT>, seen VARCHAR';

const sources = `
  CREATE STREAM plain (id BIGINT KEY, ${columns}) WITH (KAFKA_TOPIC='events', VALUE_FORMAT='JSON', PARTITIONS=1);
  CREATE STREAM timed (id BIGINT KEY, ${columns}) WITH (KAFKA_TOPIC='events', VALUE_FORMAT='JSON',
    TIMESTAMP='seen', TIMESTAMP_FORMAT='yyyy-MM-dd');
  CREATE TABLE kept (id BIGINT PRIMARY KEY, ${columns}) WITH (KAFKA_TOPIC='events', VALUE_FORMAT='JSON');`;

/** Some hold seldom, some fail for some records, some have parts that fail; the last ones are never shared. */
const conditions = [
  'qty > 2',
  'qty > 2 AND note IS NOT NULL',
  '10 / qty > 3',
  'flag',
  'flag AND qty < 9',
  'flag AND qty > 2',
  'qty > 2 AND flag',
  'COALESCE(CAST(note AS INT), 0) < 8',
  "note LIKE 'l%'",
  "note <> '7'",
  "note = 'lamp' AND qty > 2",
  'qty > 2 OR RANDOM() < 0',
  'id > 2 AND qty > 2',
  'seen IS NULL',
  'note IS NULL',
];

const items = [
  'UCASE(note) AS a',
  'qty * 2 AS b',
  '10 / qty AS c',
  'CAST(note AS INT) + 1 AS d',
  'ARRAY[CAST(note AS INT), qty] AS e',
  'TRANSFORM(parts, x => x + qty) AS f',
  'note AS g',
  'UCASE(seen) AS i',
  'ROWTIME AS h',
];

interface Asked {
  readonly kind: 'stream' | 'table' | 'groups' | 'join';
  readonly source: 'plain' | 'timed';
  readonly condition: number | undefined;
  readonly items: readonly number[];
}

const statementOf = ({ kind, source, condition, items: picked }: Asked, name: string): string => {
  const where = condition === undefined ? '' : ` WHERE ${conditions[condition] as string}`;
  const list = picked.map((i) => items[i] as string).join(', ');
  switch (kind) {
    case 'stream':
      return `CREATE STREAM ${name} AS SELECT id, ${list} FROM ${source}${where};`;
    case 'table':
      return `CREATE TABLE ${name} AS SELECT id, ${list} FROM kept${where};`;
    case 'groups':
      return `CREATE TABLE ${name} AS SELECT UCASE(note) AS k, COUNT(*) AS n, SUM(qty * 2) AS s, MAX(10 / qty) AS m
        FROM ${source}${where} GROUP BY UCASE(note);`;
    case 'join':
      return `CREATE STREAM ${name} AS SELECT a.id, UCASE(a.note) AS x, b.qty AS y FROM plain a
        JOIN timed b WITHIN 1 HOUR ON a.id = b.id
        WHERE a.qty > 2${condition === undefined ? '' : ` AND a.note LIKE '${'l%7%'.slice(0, condition)}' AND 10 / b.qty > 1`};`;
  }
};

// Few of each, so that queries are often alike.
const asked: fc.Arbitrary<Asked> = fc.record({
  kind: fc.constantFrom('stream', 'stream', 'table', 'groups', 'join'),
  source: fc.constantFrom('plain', 'timed'),
  condition: fc.option(fc.nat({ max: conditions.length - 1 }), { nil: undefined, freq: 6 }),
  items: fc.uniqueArray(fc.nat({ max: items.length - 1 }), { minLength: 1, maxLength: 4 }),
});

const value = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .record(
        {
          QTY: fc.oneof({ weight: 8, arbitrary: fc.nat({ max: 9 }) }, fc.constantFrom(null, 'bad')),
          NOTE: fc.oneof({ weight: 8, arbitrary: fc.constantFrom('lamp', '7', '12', null) }, fc.constant([])),
          FLAG: fc.constantFrom(true, true, false, null),
          PARTS: fc.oneof({ weight: 8, arbitrary: fc.array(fc.nat({ max: 3 }), { maxLength: 2 }) }, fc.constant('bad')),
          SEEN: fc.constantFrom('2024-01-01', '2024-01-02', '2024-02-30', 'never', null),
        },
        { requiredKeys: ['QTY', 'NOTE'] },
      )
      .map((each) => JSON.stringify(each)),
  },
  fc.constantFrom(null, 'null', '{"QTY":', '[]'),
);

const key = fc.oneof(
  { weight: 8, arbitrary: fc.nat({ max: 4 }).map((n) => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, n)) },
  fc.constantFrom(null, Uint8Array.of(1, 2, 3)),
);

type Act =
  | { readonly do: 'send'; readonly records: readonly (readonly [Uint8Array | null, string | null])[] }
  | { readonly do: 'start' | 'pause' | 'resume' | 'end'; readonly query: number }
  | { readonly do: 'wait' };

const most = 5;

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('send'),
      records: fc.array(fc.tuple(key, value), { minLength: 1, maxLength: 12 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('start', 'start', 'pause', 'resume', 'end'),
      query: fc.nat({ max: most - 1 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait') }) },
);

const linesOf = async (log: Log, topic: string): Promise<string[]> => {
  const found: string[] = [];
  for await (const { key: bytes, value: text, timestamp } of consumeRecords(log, topic, { untilEnd: true })) {
    found.push(`${shown(bytes)} ${shown(text)} @${timestamp}`);
  }
  return found;
};

/** What each query has left out, as `reason: detail`. */
const dropsOf = async (log: Log): Promise<Map<string, string[]>> => {
  const drops = new Map<string, string[]>();
  for await (const record of consumeRecords(log, 'left_out', { untilEnd: true })) {
    const { query, reason, detail } = JSON.parse(new TextDecoder().decode(record.value ?? undefined)) as Record<
      'query' | 'reason' | 'detail',
      string
    >;
    drops.set(query, [...(drops.get(query) ?? []), `${reason}: ${detail}`]);
  }
  return drops;
};

const openEvents = async (engine: Partial<SqlEngineOptions> = {}): Promise<World & { readonly producer: Producer }> => {
  const world = await openWorld({
    runtime: { processingLog: 'left_out' },
    engine,
  });
  await world.log.createTopic({ name: 'left_out', partitions: 1 });
  await world.engine.execute(sources);
  return { ...world, producer: await world.log.producer() };
};

test('a query among others writes and leaves out what it does by itself', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(asked, { minLength: 2, maxLength: most }),
      fc.array(act, { minLength: 4, maxLength: 30 }),
      async (queries, acts) => {
        const { engine, log, producer, stop } = await openEvents();
        const sent: Sent[] = [];
        const ids = new Map<number, string>();
        const paused = new Set<number>();
        const ended = new Set<number>();
        const start = async (query: number): Promise<void> => {
          const before = new Set((await engine.queries()).map(({ id }) => id));
          await engine.execute(statementOf(queries[query] as Asked, `q${query}`), {
            properties: { 'auto.offset.reset': 'earliest' },
          });
          const made = (await engine.queries()).find(({ id }) => !before.has(id));
          ids.set(query, made?.id as string);
        };
        for (const each of [...queries.keys()].slice(0, 2)) await start(each);
        for (const each of acts) {
          if (each.do === 'send') {
            const records = each.records.map(([k, v], i) => ({ key: k, value: v, timestamp: sent.length + i }));
            await produceRecords(log, producer, 'events', records, { acks: 'durable', now: 0 });
            for (const { key: k, value: v, timestamp } of records) sent.push(['events', k, v, timestamp]);
          } else if (each.do === 'wait') await engine.awaitIdle();
          else if (each.query < queries.length && !ended.has(each.query)) {
            const { query } = each;
            const id = ids.get(query);
            if (each.do === 'start' && id === undefined) await start(query);
            if (id === undefined) continue;
            if (each.do === 'pause' && !paused.has(query)) {
              await engine.execute(`PAUSE ${id};`);
              paused.add(query);
            }
            if (each.do === 'resume' && paused.delete(query)) await engine.execute(`RESUME ${id};`);
            if (each.do === 'end') {
              await engine.execute(`TERMINATE ${id};`);
              ended.add(query);
            }
          }
        }
        for (const query of paused) if (!ended.has(query)) await engine.execute(`RESUME ${ids.get(query)};`);
        await engine.awaitIdle();
        const drops = await dropsOf(log);
        for (const [query, id] of ids) {
          const one = queries[query] as Asked;
          const alone = runSql(`${sources}${statementOf(one, `q${query}`)}`, sent);
          const lines = await linesOf(log, `Q${query}`);
          const left = drops.get(id) ?? [];
          const all = alone.lines(`Q${query}`, 'times');
          if (!ended.has(query)) {
            expect(lines).toEqual(all);
            expect(left.toSorted()).toEqual(alone.drops.toSorted());
          } else {
            expect(lines).toEqual(all.slice(0, lines.length));
            if (one.kind !== 'groups') expect(left).toEqual(alone.drops.slice(0, left.length));
          }
        }
        await producer.close();
        await stop();
      },
    ),
    { numRuns: 60 },
  );
});

/** The built-in functions, and COUNTED, which counts its calls and fails for texts that begin with "bad". */
const withCounted = (): { readonly functions: FunctionRegistry; calls: number } => {
  const counted = { functions: builtInFunctions(), calls: 0 };
  counted.functions.add(
    define({
      signature: 'COUNTED(STRING) -> STRING',
      doc: 'The text.',
      nulls: 'own',
      examples: [["COUNTED('a')", "'a'"]],
      body: (text: string | null) => {
        counted.calls++;
        if (text?.startsWith('bad') === true) throw new EvaluationError('the text is bad');
        return text;
      },
    }),
  );
  return counted;
};

const send = (log: Log, producer: Producer, values: readonly unknown[]) =>
  produceRecords(
    log,
    producer,
    'events',
    values.map((each) => ({ key: null, value: JSON.stringify(each) })),
    { acks: 'durable', now: 0 },
  );

const notes = (count: number, note: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => ({ QTY: i % 10, NOTE: note(i) }));

test('a condition and an expression that several queries begin with are evaluated once for each record', async () => {
  const counted = withCounted();
  const scans = new ScanRegistry();
  const { engine, log, producer } = await openEvents({ functions: counted.functions, scans });
  const names = Array.from({ length: 10 }, (_, i) => `q${i}`);
  for (const name of names) {
    await engine.execute(`CREATE STREAM ${name} AS SELECT id, COUNTED(note) AS ${name} FROM plain WHERE qty < 5;`);
  }
  await send(
    log,
    producer,
    notes(100, () => 'a'),
  );
  await engine.awaitIdle();
  // Of records that pass.
  expect(counted.calls).toBe(50);
  for (const name of names) expect(await linesOf(log, name.toUpperCase())).toHaveLength(50);

  counted.calls = 0;
  await engine.execute('TERMINATE ALL;');
  for (const name of names) {
    await engine.execute(`CREATE TABLE ${name}_2 AS SELECT COUNTED(note) AS k, COUNT(*) AS n FROM plain
      WHERE COUNTED(note) = 'a' GROUP BY COUNTED(note);`);
  }
  await send(
    log,
    producer,
    notes(100, (i) => (i % 4 === 0 ? 'b' : 'a')),
  );
  await engine.awaitIdle();
  expect(counted.calls).toBe(100 + 75);
  expect(scans.steps.size).toBe(1);
  await engine.execute('TERMINATE ALL;');
  expect(scans.steps.size).toBe(0);
  await producer.close();
});

test('a query that reads alone evaluates what it would by itself', async () => {
  const counted = withCounted();
  const { engine, log, producer } = await openEvents({ functions: counted.functions });
  const of = (name: string) =>
    `CREATE STREAM ${name} AS SELECT id, note FROM plain WHERE qty < 5 AND COUNTED(note) = 'a';`;
  await engine.execute(of('one'));
  await send(
    log,
    producer,
    notes(100, () => 'a'),
  );
  await engine.awaitIdle();
  expect(counted.calls).toBe(50);
  // The second one reads the same records by itself, then both read on together.
  await engine.execute(of('two'), { properties: { 'auto.offset.reset': 'earliest' } });
  await engine.awaitIdle();
  expect(counted.calls).toBe(100);
  await send(
    log,
    producer,
    notes(100, () => 'a'),
  );
  await engine.awaitIdle();
  expect(counted.calls).toBe(150);
  // One is paused, and reads later.
  await engine.execute('PAUSE CSAS_ONE_3;');
  await send(
    log,
    producer,
    notes(100, () => 'a'),
  );
  await engine.awaitIdle();
  expect(await linesOf(log, 'TWO')).toHaveLength(150);
  await engine.execute('TERMINATE CSAS_TWO_4; RESUME CSAS_ONE_3;');
  await engine.awaitIdle();
  expect(await linesOf(log, 'ONE')).toHaveLength(150);
  await producer.close();
});

test('what fails is evaluated, and noted, by each query', async () => {
  const counted = withCounted();
  const { engine, log, producer } = await openEvents({ functions: counted.functions });
  await engine.execute(`
    CREATE STREAM one AS SELECT id, COUNTED(note) AS a FROM plain WHERE 10 / qty > 1;
    CREATE STREAM two AS SELECT id, COUNTED(note) AS b, qty FROM plain WHERE 10 / qty > 1;`);
  await send(log, producer, [
    { QTY: 1, NOTE: 'good' },
    { QTY: 0, NOTE: 'good' },
    { QTY: 2, NOTE: 'bad' },
  ]);
  await engine.awaitIdle();
  expect(counted.calls).toBe(1 + 2);
  const drops = await dropsOf(log);
  const failed = [
    'processing: the record is left out: ((10 / QTY) > 1) failed: division by zero',
    (name: string) => `processing: the column "${name}" is NULL: COUNTED(NOTE) failed: the text is bad`,
  ] as const;
  expect(drops.get('CSAS_ONE_3')).toEqual([failed[0], failed[1]('A')]);
  expect(drops.get('CSAS_TWO_4')).toEqual([failed[0], failed[1]('B')]);
  await producer.close();
});

test('what is random is made by each query', async () => {
  const { engine, log, producer } = await openEvents();
  await engine.execute(`
    CREATE STREAM one AS SELECT id, UUID() AS u FROM plain;
    CREATE STREAM two AS SELECT id, UUID() AS u FROM plain;`);
  await send(
    log,
    producer,
    notes(3, () => 'a'),
  );
  await engine.awaitIdle();
  expect(new Set([...(await linesOf(log, 'ONE')), ...(await linesOf(log, 'TWO'))]).size).toBe(6);
  await producer.close();
});

test('one that is replaced, and one that fails, leave the other as it is', async () => {
  const { engine, log, producer } = await openEvents();
  await engine.execute('CREATE STREAM strict AS SELECT id, UCASE(note) AS n FROM timed WHERE qty > 2;', {
    properties: { 'ksql.timestamp.throw.on.invalid': 'true' },
  });
  await engine.execute(`
    CREATE STREAM one AS SELECT id, UCASE(note) AS n FROM timed WHERE qty > 2;
    CREATE STREAM two AS SELECT id, UCASE(note) AS n FROM timed WHERE qty > 2;`);
  const rows = (text: string) => notes(10, () => text).map((row) => ({ ...row, SEEN: '2024-01-01' }));
  await send(log, producer, rows('a'));
  await engine.awaitIdle();
  await engine.execute('CREATE OR REPLACE STREAM two AS SELECT id, UCASE(note) AS n FROM timed WHERE qty > 5;');
  await send(log, producer, rows('b'));
  await engine.awaitIdle();
  await send(log, producer, [{ QTY: 9, NOTE: 'c', SEEN: 'never' }, ...rows('d')]);
  await expect.poll(async () => (await engine.queries())[0]?.state).toBe('ERROR');
  await expect.poll(async () => (await linesOf(log, 'ONE')).length).toBe(21);
  await expect.poll(async () => (await linesOf(log, 'TWO')).length).toBe(7 + 4 + 4);
  expect(await linesOf(log, 'STRICT')).toHaveLength(14);
  const drops = await dropsOf(log);
  expect([...drops.keys()].toSorted()).toEqual(['CSAS_ONE_4', 'CSAS_TWO_5']);
  for (const left of drops.values()) expect(left).toHaveLength(1);
  await producer.close();
});

test('EXPLAIN names what a query shares, and with which queries', async () => {
  const { engine } = await openEvents();
  await engine.execute(`
    CREATE STREAM one AS SELECT id, UCASE(note) AS a, qty FROM timed WHERE qty > 2;
    CREATE STREAM two AS SELECT id, UCASE(note) AS b FROM timed t WHERE t.qty > 2 AND t.flag;
    CREATE STREAM three AS SELECT id, note FROM timed WHERE qty > 2 AND flag AND note > 'a';
    CREATE STREAM four AS SELECT id, UCASE(note) AS a FROM plain WHERE qty > 2 AND RANDOM() < 1;`);
  const sharedOf = async (statement: string): Promise<string | undefined> => {
    const [result] = await engine.execute(statement);
    if (result?.kind !== 'queryDescription') throw new Error('EXPLAIN describes a query');
    return result.queryDescription.executionPlan.split('Shared on each thread\n')[1];
  };
  expect(await sharedOf('EXPLAIN CSAS_ONE_3;')).toBe(
    `TIMED: WHERE (QTY > 2) with CSAS_TWO_4, CSAS_THREE_5, CSAS_FOUR_6
TIMED: the event time with CSAS_TWO_4, CSAS_THREE_5
TIMED: UCASE(NOTE) with CSAS_TWO_4, CSAS_FOUR_6
`,
  );
  expect(await sharedOf('EXPLAIN CSAS_TWO_4;')).toBe(
    `TIMED: WHERE (QTY > 2) with CSAS_ONE_3, CSAS_FOUR_6
TIMED: WHERE (QTY > 2) AND FLAG with CSAS_THREE_5
TIMED: the event time with CSAS_ONE_3, CSAS_THREE_5
TIMED: UCASE(NOTE) with CSAS_ONE_3, CSAS_FOUR_6
`,
  );
  expect(await sharedOf('EXPLAIN SELECT UCASE(note) FROM plain WHERE qty > 1 EMIT CHANGES;')).toBe(
    `PLAIN: UCASE(NOTE) with CSAS_ONE_3, CSAS_TWO_4, CSAS_FOUR_6
`,
  );
  expect(await sharedOf('EXPLAIN SELECT note FROM plain EMIT CHANGES;')).toBeUndefined();
});
