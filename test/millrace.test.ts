/** The library, as a program that imports it sees it: every call, its errors, and what closing does to what is still
 *  open. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Millrace, type MillraceEvent, type OpenOptions, open, StreamsBuilder, serdes } from 'millrace';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

let folder: string;
let data: string;
const opened: Millrace[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-library-'));
  data = join(folder, 'data');
});

afterEach(async () => {
  for (const millrace of opened.splice(0)) await millrace.close();
  rmSync(folder, { recursive: true, force: true });
});

const openHere = async (options: Partial<OpenOptions> = {}): Promise<Millrace> => {
  const millrace = await open({ data, ...options });
  opened.push(millrace);
  return millrace;
};

const definitions = `
  CREATE STREAM clicks (page VARCHAR KEY, ms BIGINT) WITH (kafka_topic='clicks', partitions=4, value_format='JSON');
  SET 'auto.offset.reset' = 'earliest';
  CREATE TABLE by_page AS SELECT page, COUNT(*) AS n, SUM(ms) AS total FROM clicks GROUP BY page;`;

const pages = ['/', '/docs', '/blog'];

const clicks = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({
    key: pages[(from + i) % pages.length] as string,
    value: `{"MS":${from + i}}`,
  }));

/** Does what is to be done, and gives the error that must come of it. */
const faultOf = (run: () => Promise<unknown>): Promise<{ code?: string; message: string; hint?: string }> =>
  run().then(
    () => ({ message: 'no fault' }),
    (error: { code?: string; message: string; hint?: string }) => error,
  );

const text = new TextDecoder();

describe('statements and pull queries', () => {
  test('rows are objects in the types of the program', async () => {
    const millrace = await openHere();
    await millrace.sql(`
      CREATE STREAM things (id BIGINT KEY, moment TIMESTAMP, tags ARRAY<VARCHAR>, sizes MAP<VARCHAR, INT>, place STRUCT<city VARCHAR, \`__proto__\` INT>,
        \`__proto__\` VARCHAR, constructor BOOLEAN) WITH (kafka_topic='things', partitions=1, value_format='JSON');
      INSERT INTO things VALUES (9007199254740993, '2020-02-29T00:00:00', ARRAY['a', 'b'], MAP('s' := 1), STRUCT(city := 'Ulm', \`__proto__\` := 7), 'own', true);
      INSERT INTO things (id) VALUES (2);`);
    const [first, second] = await millrace.query('SELECT * FROM things;');
    expect(Object.entries(first ?? {})).toEqual([
      ['ID', 9007199254740993n],
      ['MOMENT', new Date(Date.UTC(2020, 1, 29))],
      ['TAGS', ['a', 'b']],
      ['SIZES', new Map([['s', 1]])],
      [
        'PLACE',
        Object.fromEntries([
          ['CITY', 'Ulm'],
          ['__proto__', 7],
        ]),
      ],
      ['__proto__', 'own'],
      ['CONSTRUCTOR', true],
    ]);
    expect(Object.getPrototypeOf(first)).toBe(Object.prototype);
    expect(Object.values(second ?? {})).toEqual([2, null, null, null, null, null, null]);
  });

  test('a fault names the place, and a query for the wrong call names the right one', async () => {
    const millrace = await openHere();
    await millrace.sql(definitions);
    expect(await faultOf(() => millrace.sql('CREATE STREAM x AS SELECT page, mss FROM clicks;'))).toMatchObject({
      code: 'SQL_UNKNOWN_COLUMN',
      at: { line: 1, column: 33 },
      hint: 'Did you mean "MS"?',
    });
    expect(await faultOf(() => millrace.sql('SELECT * FROM by_page;'))).toMatchObject({ code: 'SQL_QUERY_NOT_HERE' });
    expect(await faultOf(() => millrace.query('SELECT * FROM clicks EMIT CHANGES;'))).toMatchObject({
      code: 'SQL_PUSH_QUERY',
      hint: expect.stringContaining('subscribe()'),
    });
    expect(await faultOf(() => millrace.query('SELECT * FROM nothing;'))).toMatchObject({ code: 'SQL_UNKNOWN_SOURCE' });
    expect(await faultOf(() => millrace.subscribe('SELECT nothing FROM clicks EMIT CHANGES;').next())).toMatchObject({
      code: 'SQL_UNKNOWN_COLUMN',
    });
  });

  test.each([0, 2])('with %i workers, tables are those of a plain count, also after a restart', async (workers) => {
    let millrace = await openHere({ workers, commitIntervalMs: 20 });
    await millrace.sql(definitions);
    await millrace.produce('clicks', clicks(0, 3_000));
    await millrace.awaitIdle();
    await millrace.close();
    millrace = await openHere({ workers, commitIntervalMs: 20 });
    await millrace.produce('clicks', clicks(3_000, 6_000));
    await millrace.awaitIdle();
    const sums = pages.map((page, i) => {
      const own = Array.from({ length: 2_000 }, (_, n) => n * pages.length + i);
      return { PAGE: page, N: 2_000, TOTAL: own.reduce((a, b) => a + b, 0) };
    });
    expect(await millrace.query(`SELECT * FROM by_page WHERE page = '/docs';`)).toEqual([sums[1]]);
    const all = await millrace.query('SELECT * FROM by_page;');
    expect(new Set(all.map((row) => JSON.stringify(row)))).toEqual(new Set(sums.map((row) => JSON.stringify(row))));
  });
});

describe('subscribe', () => {
  test('gives rows as they come, and leaving the loop ends the query', async () => {
    const millrace = await openHere();
    await millrace.sql(definitions);
    await millrace.produce('clicks', clicks(0, 5));
    const seen: unknown[] = [];
    const options = { properties: { 'auto.offset.reset': 'earliest' } };
    for await (const row of millrace.subscribe('SELECT ms FROM clicks EMIT CHANGES;', options)) {
      seen.push(row['MS']);
      if (seen.length === 5) break;
    }
    expect(seen.toSorted()).toEqual([0, 1, 2, 3, 4]);
    const [shown] = await millrace.sql('SHOW QUERIES;');
    expect(shown).toMatchObject({ queries: [{ queryType: 'PERSISTENT' }] });
  });

  test.each([0, 1])(
    'shows deletions where they are asked for, so that a program can keep the table, %i workers',
    async (workers) => {
      const millrace = await openHere({ workers });
      await millrace.sql(
        `CREATE TABLE prices (item VARCHAR PRIMARY KEY, price INT)
         WITH (kafka_topic='prices', partitions=1, value_format='JSON');`,
      );
      const price = (item: string, text: string | null) => ({
        key: item,
        value: text === null ? null : `{"PRICE":${text}}`,
      });
      await millrace.produce('prices', [
        price('lamp', '20'),
        price('desk', '150'),
        price('lamp', null),
        price('sofa', '900'),
      ]);
      const view = new Map<unknown, unknown>();
      const deleted: unknown[] = [];
      const options = { deletions: true, properties: { 'auto.offset.reset': 'earliest' } } as const;
      for await (const change of millrace.subscribe<{ ITEM: string }>('SELECT * FROM prices EMIT CHANGES;', options)) {
        if (change.deleted) deleted.push(change.row);
        if (change.deleted) view.delete(change.row.ITEM);
        else view.set(change.row.ITEM, change.row);
        if (view.has('sofa')) break;
      }
      expect(deleted).toEqual([{ ITEM: 'lamp', PRICE: null }]);
      expect([...view.values()]).toEqual([
        { ITEM: 'desk', PRICE: 150 },
        { ITEM: 'sofa', PRICE: 900 },
      ]);
    },
  );

  test('whether its elements are rows or changes is known where it is written', async () => {
    const millrace = await openHere();
    const options: { readonly deletions: boolean } = { deletions: true };
    // @ts-expect-error It may be either.
    await millrace.subscribe('SELECT 1;', options).return?.();
  });

  test('what is not taken is not lost, and holds nobody', async () => {
    const millrace = await openHere();
    await millrace.sql(definitions);
    const rows = millrace.subscribe('SELECT ms FROM clicks EMIT CHANGES;', {
      properties: { 'auto.offset.reset': 'earliest' },
    });
    await millrace.produce('clicks', clicks(0, 1));
    expect((await rows.next()).done).toBe(false);
    // Far more than is kept ready for one that does not take its rows; the neighbour counts on meanwhile.
    const many = 60_000;
    for (let from = 1; from < many; from += 10_000)
      await millrace.produce('clicks', clicks(from, Math.min(many, from + 10_000)));
    const counted = async (): Promise<number> =>
      (await millrace.query('SELECT n FROM by_page;')).reduce((sum, { N }) => sum + (N as number), 0);
    while ((await counted()) < many) await new Promise((resolve) => setTimeout(resolve, 20));
    const seen = new Set<unknown>([0]);
    for await (const { MS } of rows) {
      seen.add(MS);
      if (seen.size === many) break;
    }
    expect(seen.size).toBe(many);
  });

  test('a subscription that waits can be ended from elsewhere', async () => {
    const millrace = await openHere();
    await millrace.sql(definitions);
    const rows = millrace.subscribe('SELECT ms FROM clicks EMIT CHANGES;');
    const waiting = rows.next();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await rows.return?.()).toEqual({ done: true, value: undefined });
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect((await rows.next()).done).toBe(true);
  });

  test('closing ends subscriptions and consumers that wait', async () => {
    const millrace = await openHere();
    await millrace.sql(definitions);
    const waiting = millrace.subscribe('SELECT ms FROM clicks EMIT CHANGES;').next();
    const consuming = millrace.consume('clicks').next();
    const ends = Promise.all(
      [waiting, consuming].map((one) =>
        one.then(
          ({ done }) => done === true,
          () => true,
        ),
      ),
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    await millrace.close();
    expect(await ends).toEqual([true, true]);
    await millrace.close();
    expect(await faultOf(() => millrace.sql('SHOW STREAMS;'))).not.toMatchObject({ message: 'no fault' });
    expect(await faultOf(() => millrace.produce('clicks', clicks(0, 1)))).not.toMatchObject({ message: 'no fault' });
  });
});

describe('produce and consume', () => {
  test('records keep key, value, time and headers; null is a tombstone', async () => {
    const millrace = await openHere();
    await millrace.sql(definitions);
    await millrace.produce('clicks', [
      { key: 'a', value: '{"MS":1}', timestamp: 77, partition: 2, headers: [{ key: 'h', value: new Uint8Array([1]) }] },
      { key: null, value: null, partition: 2 },
    ]);
    const found = [];
    for await (const record of millrace.consume('clicks', { untilEnd: true })) found.push(record);
    expect(found).toMatchObject([
      { topic: 'clicks', partition: 2, offset: 0, timestamp: 77, headers: [{ key: 'h' }] },
      { topic: 'clicks', partition: 2, offset: 1, key: null, value: null },
    ]);
    expect(text.decode(found[0]?.key ?? undefined)).toBe('a');
  });

  test('a group goes on where it stood, after a restart too, and others begin for themselves', async () => {
    let millrace = await openHere();
    await millrace.sql(`CREATE STREAM s (v INT) WITH (kafka_topic='s', partitions=1, value_format='JSON');`);
    await millrace.produce(
      's',
      Array.from({ length: 10 }, (_, i) => ({ value: `${i}` })),
    );
    const take = async (count: number, group?: string): Promise<string[]> => {
      const values: string[] = [];
      const options = { untilEnd: true, ...(group === undefined ? {} : { group }) };
      for await (const { value } of millrace.consume('s', options)) {
        if (values.length === count) break;
        values.push(text.decode(value ?? undefined));
      }
      return values;
    };
    expect(await take(4, 'readers')).toEqual(['0', '1', '2', '3']);
    await millrace.close();
    millrace = await openHere();
    expect(await take(100, 'readers')).toEqual(['4', '5', '6', '7', '8', '9']);
    expect(await take(2, 'others')).toEqual(['0', '1']);
    expect(await take(1)).toEqual(['0']);
  });

  test('the header that queries keep for themselves is neither seen nor written', async () => {
    const millrace = await openHere();
    await millrace.sql(`
      CREATE STREAM clicks (page VARCHAR KEY, ms BIGINT) WITH (kafka_topic='clicks', partitions=4, value_format='JSON');
      CREATE STREAM copied WITH (kafka_topic='copied', partitions=1) AS SELECT * FROM clicks;`);
    const headers = [{ key: 'trace', value: new Uint8Array([1]) }];
    const clock = 1_700_000_000_000;
    // The second record comes behind its time: queries note that beside it.
    for (const timestamp of [clock, clock - 60_000])
      await millrace.produce('clicks', [{ key: '/', value: '{"MS":1}', timestamp, headers }]);
    await millrace.awaitIdle();
    const seen = [];
    for await (const { timestamp, headers: of } of millrace.consume('copied', { untilEnd: true }))
      seen.push([timestamp, of]);
    expect(seen).toEqual([
      [clock, headers],
      [clock - 60_000, headers],
    ]);
    expect(
      await faultOf(() =>
        millrace.produce('clicks', [{ value: 'x', headers: [{ key: 'millrace.time', value: null }] }]),
      ),
    ).toMatchObject({ code: 'HEADER_RESERVED' });
  });

  test('what cannot be written is refused by name, and the rest goes on', async () => {
    const millrace = await openHere();
    await millrace.sql(definitions);
    expect(await faultOf(() => millrace.produce('click', [{ value: 'x' }]))).toMatchObject({
      code: 'TOPIC_UNKNOWN',
      message: expect.stringContaining('"click"'),
    });
    expect(await faultOf(() => millrace.consume('click').next())).toMatchObject({ code: 'TOPIC_UNKNOWN' });
    expect(await faultOf(() => millrace.produce('clicks', [{ value: 'x', partition: 4 }]))).toMatchObject({
      code: 'PARTITION_UNKNOWN',
    });
    for (const record of [
      {},
      { value: 5 },
      { value: { a: 1 } },
      { key: 5, value: 'x' },
      { value: 'x', timestamp: 1.5 },
    ])
      expect(await faultOf(() => millrace.produce('clicks', [record as { value: string }]))).toMatchObject({
        code: 'RECORD_INVALID',
      });
    const large = await faultOf(() => millrace.produce('clicks', [{ key: '/', value: 'x'.repeat(1_100_000) }]));
    expect(large.message).toMatch(/max\.message\.bytes|larger/);
    expect(large.hint).toContain('max.message.bytes');
    expect(await faultOf(() => millrace.produce('_millrace-statements', [{ value: 'x' }]))).toMatchObject({
      code: 'SQL_READ_ONLY',
    });
    expect(await faultOf(() => millrace.partitionDirectory('click', 0))).toMatchObject({ code: 'TOPIC_UNKNOWN' });
    await millrace.produce('clicks', clicks(0, 1));
    await millrace.awaitIdle();
    expect(await millrace.query(`SELECT n FROM by_page WHERE page = '/';`)).toEqual([{ N: 1 }]);
  });
});

describe('streams', () => {
  const wordCount = () => {
    const builder = new StreamsBuilder();
    builder
      .stream('words', { key: serdes.string, value: serdes.string })
      .groupBy((_, word) => word, { key: serdes.string, value: serdes.string })
      .count({ name: 'counts' })
      .toStream()
      .mapValues(String)
      .to('counted', { value: serdes.string });
    return builder.build();
  };

  test('a topology runs, stops, and goes on with its state after a restart', async () => {
    const run = async (words: readonly string[]): Promise<void> => {
      const millrace = await openHere();
      await millrace.sql(`
        CREATE STREAM IF NOT EXISTS words (w VARCHAR) WITH (kafka_topic='words', partitions=2, value_format='KAFKA');
        CREATE STREAM IF NOT EXISTS counted (w VARCHAR KEY, n VARCHAR) WITH (kafka_topic='counted', partitions=1, value_format='KAFKA');`);
      const streams = await millrace.streams({ id: 'word-count', topology: wordCount() });
      await millrace.produce(
        'words',
        words.map((value) => ({ value })),
      );
      await millrace.awaitIdle();
      await streams.close();
      await millrace.produce('words', [{ value: 'between' }]);
      await millrace.close();
    };
    await run(['a', 'b', 'a']);
    await run(['b', 'a']);
    const millrace = await openHere();
    const counts: string[] = [];
    for await (const { key, value } of millrace.consume('counted', { untilEnd: true }))
      counts.push(`${text.decode(key ?? undefined)}=${text.decode(value ?? undefined)}`);
    expect(counts.toSorted()).toEqual(['a=1', 'a=2', 'a=3', 'b=1', 'b=2', 'between=1']);
  });

  test('an id that runs already, and a topic that does not exist, are said', async () => {
    const millrace = await openHere();
    expect(await faultOf(() => millrace.streams({ id: 'w', topology: wordCount() }))).toMatchObject({
      code: expect.stringMatching(/TOPIC/),
      message: expect.stringContaining('words'),
    });
    await millrace.sql(`
      CREATE STREAM words (w VARCHAR) WITH (kafka_topic='words', partitions=1, value_format='KAFKA');
      CREATE STREAM counted (w VARCHAR KEY, n VARCHAR) WITH (kafka_topic='counted', partitions=1, value_format='KAFKA');`);
    await millrace.streams({ id: 'w', topology: wordCount() });
    expect(await faultOf(() => millrace.streams({ id: 'w', topology: wordCount() }))).toMatchObject({
      code: 'QUERY_EXISTS',
    });
  });
});

describe('open', () => {
  test('a directory that is open, here or elsewhere, is refused, and the one that has it goes on', async () => {
    const millrace = await openHere();
    expect(await faultOf(() => open({ data }))).toMatchObject({
      code: 'DATA_DIR_LOCKED',
      message: expect.stringContaining(data),
    });
    await millrace.sql(definitions);
    await millrace.close();
    await (await openHere()).close();
  });

  test('options that make no sense are refused', async () => {
    expect(await faultOf(() => open({ data, workers: -1 }))).toMatchObject({ code: 'WORKERS_INVALID' });
    expect(await faultOf(() => open({ data, workers: 1.5 }))).toMatchObject({ code: 'WORKERS_INVALID' });
    expect(await faultOf(() => open({ data: '' }))).toMatchObject({ code: 'DATA_DIR_MISSING' });
    for (const commitIntervalMs of [-1, 0, Number.NaN, 1e9])
      expect(await faultOf(() => open({ data, commitIntervalMs }))).toMatchObject({ code: 'COMMIT_INTERVAL_INVALID' });
    for (const stateMemoryBytes of [-1, 0, 1000, Number.NaN])
      expect(await faultOf(() => open({ data, stateMemoryBytes }))).toMatchObject({ code: 'STATE_MEMORY_INVALID' });
    for (const bytes of [-1, 0, 1000, Number.NaN])
      for (const push of [{ bytesInAll: bytes }, { bytesPerQuery: bytes }])
        expect(await faultOf(() => open({ data, push }))).toMatchObject({ code: 'PUSH_MEMORY_INVALID' });
    await (await openHere()).close();
  });

  test('events tell what queries do, and never hold records', async () => {
    const events: MillraceEvent[] = [];
    const millrace = await openHere({ onEvent: (event) => events.push(event) });
    await millrace.sql(definitions);
    await millrace.produce('clicks', [{ key: 'p', value: 'secret, and no JSON' }]);
    await millrace.awaitIdle();
    expect(events).toContainEqual({ level: 'info', queryId: 'CTAS_BY_PAGE_1', message: 'query running' });
    expect(JSON.stringify(events)).not.toContain('secret');
    const bad = [];
    for await (const { value } of millrace.consume('millrace_processing_log', { untilEnd: true }))
      bad.push(JSON.parse(text.decode(value ?? undefined)));
    expect(bad).toMatchObject([{ query: 'CTAS_BY_PAGE_1', reason: 'deserialization', topic: 'clicks', offset: 0 }]);
  });
});

describe('typed topics', () => {
  const { int32, json, string } = serdes;

  test('records are produced and consumed by the serdes of the topic', async () => {
    const millrace = await openHere();
    const orders = await millrace.topic('orders', { key: string, value: json<{ n: number }>(), partitions: 2 });
    const position = await orders.produce([
      { key: 'a', value: { n: 1 }, timestamp: 5, partition: 1, headers: [{ key: 'h', value: null }] },
      { value: null, partition: 1 },
    ]);
    expect(position).toEqual([{ topic: 'orders', partition: 1, offset: 2 }]);
    const seen = [];
    for await (const record of orders.consume({ untilEnd: true })) seen.push(record);
    expect(seen).toMatchObject([
      { key: 'a', value: { n: 1 }, timestamp: 5, partition: 1, offset: 0, headers: [{ key: 'h' }] },
      { key: null, value: null, offset: 1 },
    ]);
    expect((await millrace.log.describeTopic('orders'))?.partitions).toBe(2);
  });

  test('a topic that exists is taken as it is, or not at all', async () => {
    const millrace = await openHere();
    await millrace.topic('numbers', { key: string, value: int32, partitions: 3 });
    await millrace.topic('numbers', { key: string, value: int32 });
    await expect(millrace.topic('numbers', { key: string, value: int32, partitions: 2 })).rejects.toMatchObject({
      code: 'TOPIC_PARTITIONS_DIFFER',
    });
  });

  test('what a serde refuses is an error that names the record; nothing is appended', async () => {
    const millrace = await openHere();
    const numbers = await millrace.topic('numbers', { key: string, value: int32 });
    await expect(numbers.produce([{ value: 1 }, { value: 1.5 }])).rejects.toThrow('the value of record 1');
    await millrace.produce('numbers', [{ value: 'text' }, { value: 'more' }]);
    const texts = await millrace.topic('numbers', { key: string, value: string });
    const values = [];
    for await (const { value } of texts.consume({ untilEnd: true })) values.push(value);
    expect(values).toEqual(['text', 'more']);
    await millrace.produce('numbers', [{ value: 'a longer text' }]);
    await expect(
      (async () => {
        for await (const { offset } of numbers.consume({ untilEnd: true })) values.push(String(offset));
      })(),
    ).rejects.toMatchObject({ code: 'RECORD_UNREADABLE' });
  });
});
