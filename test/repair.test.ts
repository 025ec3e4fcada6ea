/**
 * What is gone from a data directory is an error of the queries concerned, never a wrong number; `repair` leads out of
 * it in two ways.
 *
 * Each case runs two queries over a real directory, ends the process (cleanly, or as SIGKILL leaves it), takes
 * something away, starts again, sees what the one query says while the other one goes on, repairs, and sees the right
 * numbers.
 */

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { type Millrace, open, type Position, repair } from 'millrace';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FileError, type OpenFile } from '../base/index.ts';
import { nodeFiles, systemClock, systemRandom } from '../base/node/index.ts';
import { openFileLog } from '../storage/file-log/index.ts';
import { produceRecords } from '../storage/index.ts';

let folder: string;
let data: string;
const opened: Millrace[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-repair-'));
  data = join(folder, 'data');
});

afterEach(async () => {
  vi.restoreAllMocks();
  for (const millrace of opened.splice(0)) await millrace.close();
  rmSync(folder, { recursive: true, force: true });
});

const openHere = async (): Promise<Millrace> => {
  const millrace = await open({ data });
  opened.push(millrace);
  return millrace;
};

const close = async (millrace: Millrace): Promise<void> => {
  opened.splice(opened.indexOf(millrace), 1);
  await millrace.close();
};

const definitions = `
  CREATE STREAM clicks (id INT KEY, page VARCHAR) WITH (kafka_topic='clicks', partitions=1, value_format='JSON');
  CREATE STREAM visits (id INT KEY, page VARCHAR) WITH (kafka_topic='visits', partitions=1, value_format='JSON');
  SET 'auto.offset.reset' = 'earliest';
  CREATE TABLE counted AS SELECT page, COUNT(*) AS n FROM clicks GROUP BY page;
  CREATE TABLE neighbour AS SELECT page, COUNT(*) AS n FROM visits GROUP BY page;`;

const query = 'CTAS_COUNTED_2';
const internal = (name: string): string => `_millrace-query_${query}-Aggregate-${name}`;

const rows = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ key: null, value: `{"PAGE":"/${i % 10}"}`, partition: 0 }));

const produce = (millrace: Millrace, topic: string, count: number): Promise<Position> =>
  millrace.produce(topic, rows(count));

/** Rows that a table has counted, all its groups together. */
const counted = async (millrace: Millrace, table: string): Promise<number> =>
  (await millrace.query(`SELECT n FROM ${table};`)).reduce((sum, { N }) => sum + (N as number), 0);

/** The directory of a topic, found as a person would: by the name in its description. */
const directoryOf = (topic: string): string => {
  const topics = join(data, 'topics');
  for (const id of readdirSync(topics)) {
    const description = join(topics, id, 'topic.json');
    if (existsSync(description) && JSON.parse(readFileSync(description, 'utf8')).name === topic)
      return join(topics, id);
  }
  throw new Error(`there is no topic ${topic}`);
};

const remove = (path: string): void => {
  expect(existsSync(path), path).toBe(true);
  rmSync(path, { recursive: true });
};

/** 3,000 rows each, counted. `kill` leaves the directory as a SIGKILL at that moment does. */
const ran = async (end: 'close' | 'kill'): Promise<void> => {
  const millrace = await openHere();
  await millrace.sql(definitions);
  for (const topic of ['clicks', 'visits']) await produce(millrace, topic, 3000);
  await millrace.awaitIdle();
  expect([await counted(millrace, 'counted'), await counted(millrace, 'neighbour')]).toEqual([3000, 3000]);
  if (end === 'kill') cpSync(data, join(folder, 'killed'), { recursive: true });
  await close(millrace);
  if (end === 'kill') {
    rmSync(data, { recursive: true });
    cpSync(join(folder, 'killed'), data, { recursive: true });
    rmSync(join(data, 'lock'), { force: true, recursive: true });
  }
};

interface Case {
  readonly gone: string;
  readonly damage: () => void | Promise<void>;
  readonly code: string;
  readonly says: RegExp;
  /** What `--accept-loss` takes. */
  readonly topic: string;
  /** Rows counted when the loss was accepted, and when the query was reset. 3,000 were counted before; 1,000 came after
   *  the damage. */
  readonly accepted: number | { readonly close: number; readonly kill: number };
  readonly reset: number;
  /** The neighbour is concerned as well. */
  readonly everybody?: true;
}

const segment = '0'.repeat(20);

/** 1,000 rows of `clicks` that no query has read. */
const unread = async (): Promise<void> => {
  const log = await openFileLog({
    directory: data,
    files: nodeFiles,
    clock: systemClock,
    timers: systemClock,
    random: systemRandom(),
  });
  await produceRecords(log, await log.producer(), 'clicks', rows(1000), { acks: 'durable', now: 0 });
  await log.close();
};

const cases: readonly Case[] = [
  {
    gone: 'a changelog',
    damage: () => remove(directoryOf(internal('changelog'))),
    code: 'QUERY_TOPIC_MISSING',
    says: /the directory of topic ".*-changelog" is gone/,
    topic: internal('changelog'),
    accepted: 1000,
    reset: 4000,
  },
  {
    gone: 'a partition of a changelog',
    damage: () => remove(join(directoryOf(internal('changelog')), '0')),
    code: 'QUERY_RECORDS_LOST',
    says: /partition 0 of topic ".*-changelog": its directory is gone/,
    topic: internal('changelog'),
    // The checkpoint that a clean end leaves holds all of the state.
    accepted: { close: 4000, kill: 1000 },
    reset: 4000,
  },
  {
    gone: 'a repartition topic',
    damage: () => remove(directoryOf(internal('GroupBy-repartition'))),
    code: 'QUERY_TOPIC_MISSING',
    says: /the directory of topic ".*-repartition" is gone/,
    topic: internal('GroupBy-repartition'),
    accepted: 4000,
    reset: 4000,
  },
  {
    gone: 'a segment with unread rows of a source',
    damage: async () => {
      await unread();
      remove(join(directoryOf('clicks'), '0', `${segment}.log`));
    },
    code: 'QUERY_RECORDS_LOST',
    says: /partition 0 of topic "clicks": .*; offsets 0 to 3999 are lost/,
    topic: 'clicks',
    accepted: 4000,
    reset: 1000,
  },
  {
    gone: 'a partition of a source',
    damage: async () => {
      await unread();
      remove(join(directoryOf('clicks'), '0'));
    },
    code: 'QUERY_RECORDS_LOST',
    says: /partition 0 of topic "clicks": its directory is gone/,
    topic: 'clicks',
    accepted: 4000,
    reset: 1000,
  },
  {
    gone: 'what the log knows of transactions',
    damage: () => remove(join(data, 'internal', 'transactions')),
    code: 'QUERY_RECORDS_LOST',
    says: /the transaction log \(__transaction_state\): its directory is gone/,
    topic: '__transaction_state',
    accepted: 4000,
    reset: 4000,
    everybody: true,
  },
  {
    gone: 'what the log knows of committed offsets',
    damage: () => remove(join(data, 'internal', 'offsets')),
    code: 'QUERY_OFFSETS_LOST',
    says: /the committed offsets \(__consumer_offsets\): its directory is gone/,
    topic: '__consumer_offsets',
    // What came between the loss and the repair is passed over: nobody knows where reading stopped.
    accepted: 3000,
    reset: 4000,
    everybody: true,
  },
];

const runs = cases.flatMap((one) => (['close', 'kill'] as const).map((end) => ({ ...one, end })));

const states = async (millrace: Millrace) =>
  Object.fromEntries(
    (await millrace.engine.queries()).map(({ id, state, error, hint }) => [id, { state, error, hint }]),
  );

describe.each(runs)('$gone is gone after a $end', ({ damage, code, says, topic, accepted, reset, everybody, end }) => {
  /** Damages the directory, and starts twice: the query says what is missing, the neighbour counts on. */
  const damaged = async (): Promise<void> => {
    await ran(end);
    await damage();
    for (let start = 1; start <= 2; start++) {
      const millrace = await openHere();
      await produce(millrace, 'visits', 500);
      if (start === 1) await produce(millrace, 'clicks', 1000);
      await millrace.awaitIdle();
      const hint = expect.stringContaining(`repair --data DIR --accept-loss ${topic}"`);
      const failed = { state: 'ERROR', error: expect.stringMatching(says), hint };
      expect(await states(millrace)).toEqual({
        [query]: failed,
        CTAS_NEIGHBOUR_3: everybody === true ? failed : { state: 'RUNNING' },
      });
      if (everybody !== true) expect(await counted(millrace, 'neighbour')).toBe(3000 + 500 * start);
      await close(millrace);
    }
  };

  test('a reset computes the query anew', async () => {
    await damaged();
    const listed = await repair({ data });
    expect(listed.done).toEqual([]);
    const found = listed.left.queries.find(({ queryId }) => queryId === query);
    const message = expect.stringMatching(says);
    expect(found?.contradictions).toContainEqual(expect.objectContaining({ code, topic, message }));
    const resetQueries = listed.left.queries.map(({ queryId }) => queryId);
    expect((await repair({ data, resetQueries })).left.queries).toEqual([]);
    const millrace = await openHere();
    await millrace.awaitIdle();
    expect(await counted(millrace, 'counted')).toBe(reset);
    expect(await counted(millrace, 'neighbour')).toBe(4000);
    await close(millrace);
    expect((await repair({ data })).left.queries).toEqual([]);
    const again = await openHere();
    await again.awaitIdle();
    expect(await counted(again, 'counted')).toBe(reset);
  });

  test('accepting the loss goes on with what is there', async () => {
    await damaged();
    const { done, left } = await repair({ data, acceptLoss: [topic] });
    expect(done.length).toBeGreaterThan(0);
    expect(left).toEqual({ queries: [], otherDamage: [] });
    const millrace = await openHere();
    await millrace.awaitIdle();
    const expected = typeof accepted === 'number' ? accepted : accepted[end];
    expect(await counted(millrace, 'counted')).toBe(expected);
    await produce(millrace, 'clicks', 10);
    await millrace.awaitIdle();
    expect(await counted(millrace, 'counted')).toBe(expected + 10);
    await close(millrace);
    const again = await openHere();
    await again.awaitIdle();
    expect(await counted(again, 'counted')).toBe(expected + 10);
  });
});

test('a source that is gone as a whole is created again, empty, when its loss is accepted', async () => {
  await ran('close');
  remove(directoryOf('clicks'));
  const refused = await openHere();
  await refused.awaitIdle();
  expect(await states(refused)).toMatchObject({
    [query]: { state: 'ERROR', error: expect.stringMatching(/the directory of topic "clicks" is gone/) },
    CTAS_NEIGHBOUR_3: { state: 'RUNNING' },
  });
  await close(refused);
  // To compute it anew its source has to be there.
  expect((await repair({ data, resetQueries: [query] })).left.queries).toMatchObject([{ queryId: query }]);
  const { left } = await repair({ data, acceptLoss: ['clicks'] });
  expect(left).toEqual({ queries: [], otherDamage: [] });
  const millrace = await openHere();
  await produce(millrace, 'clicks', 100);
  await millrace.awaitIdle();
  expect(await counted(millrace, 'counted')).toBe(100);
});

test('a lost statement log stops the start; queries are forgotten when its loss is accepted, the topics stay', async () => {
  await ran('close');
  remove(directoryOf('_millrace-statements'));
  const refused = { code: 'STATEMENT_LOG_LOST', message: expect.stringContaining('_millrace-statements') };
  for (let start = 0; start < 2; start++) await expect(open({ data })).rejects.toMatchObject(refused);
  const listed = await repair({ data });
  expect(listed.left.otherDamage).toMatchObject([{ kind: 'topic', topic: '_millrace-statements' }]);
  const { done, left } = await repair({ data, acceptLoss: ['_millrace-statements'] });
  expect(done).toContain(`${query} is forgotten, with its state`);
  expect(left).toEqual({ queries: [], otherDamage: [] });
  const millrace = await openHere();
  expect(await states(millrace)).toEqual({});
  // The numbers of queries begin anew; what the former ones have left does not mislead them.
  await millrace.sql(
    definitions.replaceAll('partitions=1, ', '').replace('TABLE counted', "TABLE counted WITH (kafka_topic='new')"),
  );
  await millrace.awaitIdle();
  expect([await counted(millrace, 'counted'), await counted(millrace, 'neighbour')]).toEqual([3000, 3000]);
});

test('a lost description of a topic is no loss: it is known from elsewhere', async () => {
  await ran('kill');
  remove(join(directoryOf('clicks'), 'topic.json'));
  const millrace = await openHere();
  await produce(millrace, 'clicks', 1000);
  await millrace.awaitIdle();
  expect(await states(millrace)).toMatchObject({ [query]: { state: 'RUNNING' } });
  expect(await counted(millrace, 'counted')).toBe(4000);
});

test('a damaged batch that is met while reading fails the query; the loss can be accepted', async () => {
  await ran('close');
  await unread();
  const path = join(directoryOf('clicks'), '0', `${segment}.log`);
  const bytes = readFileSync(path);
  bytes[bytes.length - 10] = (bytes[bytes.length - 10] as number) ^ 1;
  writeFileSync(path, bytes);
  const refused = await openHere();
  await produce(refused, 'clicks', 100);
  const failed = async (): Promise<boolean> => (await states(refused))[query]?.state === 'ERROR';
  while (!(await failed())) await new Promise((wake) => setTimeout(wake, 10));
  expect((await states(refused))[query]?.error).toContain('the batch at offset 3000 of clicks/0 is damaged');
  await close(refused);
  expect((await repair({ data, acceptLoss: ['clicks'] })).done).toHaveLength(1);
  const millrace = await openHere();
  await millrace.awaitIdle();
  expect(await states(millrace)).toMatchObject({ [query]: { state: 'RUNNING' } });
  expect(await counted(millrace, 'counted')).toBe(3100);
});

test('a backup of the topics beside newer state is refused, and either way leads out', async () => {
  await ran('close');
  const backup = join(folder, 'backup');
  cpSync(data, backup, { recursive: true });
  const millrace = await openHere();
  await produce(millrace, 'clicks', 500);
  await millrace.awaitIdle();
  await close(millrace);
  const mixed = join(folder, 'mixed');
  for (const name of readdirSync(data)) {
    cpSync(join(name === 'state' ? data : backup, name), join(mixed, name), { recursive: true });
  }
  for (const way of ['reset', 'accept'] as const) {
    rmSync(data, { recursive: true });
    cpSync(mixed, data, { recursive: true });
    const refused = await openHere();
    await refused.awaitIdle();
    expect(await states(refused)).toMatchObject({
      [query]: {
        state: 'ERROR',
        error: expect.stringMatching(/the checkpoint of store .* was taken at offset \d+, but its changelog/),
      },
      CTAS_NEIGHBOUR_3: { state: 'RUNNING' },
    });
    await close(refused);
    const [found] = (await repair({ data })).left.queries;
    expect(found).toMatchObject({ queryId: query, contradictions: [{ code: 'QUERY_CHANGELOG_MISMATCH' }] });
    const topic = found?.contradictions[0]?.topic ?? '';
    const { left } = await repair({ data, ...(way === 'reset' ? { resetQueries: [query] } : { acceptLoss: [topic] }) });
    expect(left.queries).toEqual([]);
    const mended = await openHere();
    await mended.awaitIdle();
    expect(await counted(mended, 'counted')).toBe(3000);
    await close(mended);
  }
});

describe('the command', () => {
  const command = (...args: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['cli/main.ts', 'repair', '--data', data, ...args], {
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };

  test('lists, does what it is told, and names what it does not know', async () => {
    await ran('close');
    expect(command()).toMatchObject({ status: 0, stdout: 'Nothing is missing: every query can start.\n' });
    remove(directoryOf(internal('changelog')));
    const listed = command();
    expect(listed.status).toBe(3);
    expect(listed.stdout).toContain(`${query} cannot start:\n  QUERY_TOPIC_MISSING: the directory of topic`);
    expect(listed.stdout).toContain('--reset-query QUERY');
    expect(command('--reset-query', 'CTAS_COUNTER_2')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`Did you mean "${query}"?`),
    });
    expect(command('--accept-loss', 'clicks').stderr).toContain('nothing is missing of the topic "clicks"');
    expect(command('--reset-query', query)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining(`${query} is reset: its next start computes it again`),
    });
  });

  test('is refused while the directory is in use, and where there is none', async () => {
    expect(command()).toMatchObject({ status: 1, stderr: expect.stringContaining('is not a data directory') });
    expect(existsSync(data)).toBe(false);
    await openHere();
    expect(command()).toMatchObject({ status: 1, stderr: expect.stringContaining('is in use by') });
  });
});

/** Reads of these bytes of the file fail, until another one has its name. */
const breakSector = (path: string, from: number, to: number): void => {
  const open = nodeFiles.open.bind(nodeFiles);
  const rename = nodeFiles.rename.bind(nodeFiles);
  let replaced = false;
  vi.spyOn(nodeFiles, 'rename').mockImplementation((former, name) => {
    rename(former, name);
    replaced ||= name === path;
  });
  vi.spyOn(nodeFiles, 'open').mockImplementation((name, mode) => {
    const file = open(name, mode);
    if (name !== path || replaced) return file;
    const readAt: OpenFile['readAt'] = (into, start, length, position) => {
      if (position < to && position + length > from) throw new FileError('EIO', path, 'EIO: i/o error, read');
      return file.readAt(into, start, length, position);
    };
    return new Proxy(file, {
      get: (_, name) => {
        if (name === 'readAt') return readAt;
        const value: unknown = Reflect.get(file, name, file);
        return typeof value === 'function' ? (value.bind(file) as unknown) : value;
      },
    });
  });
};

test.each(['opened', 'offline'])(
  'a sector of a source that cannot be read costs the rows in it once the loss is accepted (%s)',
  async (how) => {
    await ran('close');
    await unread();
    const partition = join(directoryOf('clicks'), '0');
    const file = readdirSync(partition).find((name) => name.endsWith('.log')) ?? '';
    const path = join(partition, file);
    if (how === 'offline')
      for (const name of readdirSync(partition)) if (name.endsWith('.snapshot')) remove(join(partition, name));
    const { size } = statSync(path);
    breakSector(path, size - 100, size - 50);
    if (how === 'offline') {
      const millrace = await openHere();
      await millrace.awaitIdle();
      const hint = expect.stringContaining('"millrace repair --data DIR --accept-loss clicks"');
      expect(await states(millrace)).toMatchObject({ [query]: { state: 'ERROR', hint } });
      await close(millrace);
    }
    const { done, left } = await repair({ data, acceptLoss: ['clicks'] });
    const [given, lost] = [' bytes of a segment cannot be read', 'offsets 3000 to 3999 are lost'];
    expect(done).toEqual([expect.stringContaining(given), expect.stringContaining(lost)]);
    expect(left).toEqual({ queries: [], otherDamage: [] });
    expect(existsSync(join(data, 'quarantine', `1-${basename(dirname(partition))}-0-${file}`))).toBe(true);
    const millrace = await openHere();
    await produce(millrace, 'clicks', 10);
    await millrace.awaitIdle();
    expect([await counted(millrace, 'counted'), await counted(millrace, 'neighbour')]).toEqual([3010, 3000]);
  },
);
