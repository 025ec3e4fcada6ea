/**
 * Damage to the state directory between two runs: whatever happens to LevelDB's files, views and what is computed from
 * them afterwards are those of an undisturbed run, since a damaged store is rebuilt from its changelog; and it is said.
 */

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Millrace, open } from 'millrace';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Random } from '../base/index.ts';

const definitions = `
  CREATE STREAM clicks (page VARCHAR KEY, ms BIGINT) WITH (kafka_topic='clicks', partitions=2, value_format='JSON');
  SET 'auto.offset.reset' = 'earliest';
  CREATE TABLE by_page AS SELECT page, COUNT(*) AS n, SUM(ms) AS total FROM clicks GROUP BY page;
  CREATE TABLE by_minute AS SELECT page, COUNT(*) AS n FROM clicks WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY page;`;

const pages = 1_500;
const rows = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({
    key: `/page/${(from + i) % pages}`,
    value: `{"MS":${from + i}}`,
    timestamp: (from + i) * 20,
  }));

type Views = { readonly byPage: string[]; readonly byMinute: string[] };

/** What the views hold; a query whose state is just being rebuilt is asked again. */
const viewsOf = async (millrace: Millrace): Promise<Views> => {
  const all = async (text: string): Promise<string[]> => {
    for (let tries = 0; ; tries++) {
      try {
        return (await millrace.query(text)).map((row) => JSON.stringify(row)).sort();
      } catch (error) {
        if ((error as { code?: string }).code !== 'QUERY_NOT_RUNNING' || tries > 100) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  };
  return { byPage: await all('SELECT * FROM by_page;'), byMinute: await all('SELECT * FROM by_minute;') };
};

let folder: string;
let pristine: string;
let before: Views;
let after: Views;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-damage-'));
  pristine = join(folder, 'pristine');
  // The second run begins with what the first one left in the write-ahead log, and makes table files of it.
  for (const [from, to] of [
    [0, 5_000],
    [5_000, 6_000],
  ] as const) {
    const millrace = await open({ data: pristine });
    if (from === 0) await millrace.sql(definitions);
    await millrace.produce('clicks', rows(from, to));
    await millrace.awaitIdle();
    before = await viewsOf(millrace);
    await millrace.close();
  }
  const undisturbed = join(folder, 'undisturbed');
  cpSync(pristine, undisturbed, { recursive: true });
  const millrace = await open({ data: undisturbed });
  await millrace.produce('clicks', rows(6_000, 8_000));
  await millrace.awaitIdle();
  after = await viewsOf(millrace);
  await millrace.close();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const databaseFiles = (data: string, pattern: RegExp): string[] =>
  readdirSync(join(data, 'state'))
    .filter((name) => name.startsWith('shard-'))
    .flatMap((shard) => readdirSync(join(data, 'state', shard)).map((file) => join(data, 'state', shard, file)))
    .filter((file) => pattern.test(file) && statSync(file).size > 0)
    .sort();

const flipBit = (file: string, random: Random): void => {
  const bytes = readFileSync(file);
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
  writeFileSync(file, bytes);
};

const removeAll = (data: string, pattern: RegExp): void => {
  for (const file of databaseFiles(data, pattern)) rmSync(file);
};

/** Damages a copy of the data, starts on it, and compares; answers with what was said of it. */
const startAfter = async (name: string, damage: (data: string) => void, workers = 0): Promise<string[]> => {
  const data = join(folder, name);
  cpSync(pristine, data, { recursive: true });
  damage(data);
  const said: string[] = [];
  const millrace = await open({
    data,
    workers,
    onEvent: ({ level, message }) => level !== 'info' && said.push(message),
  });
  try {
    expect(await viewsOf(millrace), `${name}: ${said.join('; ')}`).toEqual(before);
    await millrace.produce('clicks', rows(6_000, 8_000));
    await millrace.awaitIdle();
    expect(await viewsOf(millrace), `${name}, and on: ${said.join('; ')}`).toEqual(after);
    const rebuilt = said.filter((message) => /rebuilt from/.test(message));
    expect(millrace.engine.state.damage.map(({ message }) => message)).toEqual(rebuilt);
  } finally {
    await millrace.close();
  }
  rmSync(data, { recursive: true });
  return said;
};

test('an undamaged state is not rebuilt', async () => {
  expect(await startAfter('sound', () => {})).toEqual([]);
});

test.each([1, 2, 3, 4])('single flipped bits cost time, never an answer (seed %i)', async (seed) => {
  const random = new Random(seed);
  let found = 0;
  for (let round = 0; round < 10; round++) {
    let file = '';
    const said = await startAfter(`flip-${seed}-${round}`, (data) => {
      const files = databaseFiles(data, /\.(ldb|log)$|MANIFEST|CURRENT/);
      file = files[random.below(files.length)] as string;
      flipBit(file, random);
    });
    if (said.length > 0) found++;
    for (const message of said) expect(message, file).toMatch(/damage|retrying|rebuilt/);
  }
  expect(found).toBeGreaterThan(0);
});

test('what worker threads find damaged is told as well', async () => {
  const said = await startAfter('workers', (data) => removeAll(data, /CURRENT$/), 2);
  const shards = said.filter((message) => message.startsWith('shard '));
  expect(shards.length).toBeGreaterThan(0);
  for (const message of shards)
    expect(message).toMatch(/is damaged, .* CURRENT is missing; it is kept in .*quarantine/);
});

const losses: Record<string, (data: string, random: Random) => void> = {
  'CURRENT removed': (data) => removeAll(data, /CURRENT$/),
  'MANIFEST removed': (data) => removeAll(data, /MANIFEST/),
  'a table file removed': (data, random) => {
    const files = databaseFiles(data, /\.ldb$/);
    rmSync(files[random.below(files.length)] as string);
  },
  'all table files removed': (data) => removeAll(data, /\.ldb$/),
  'the write-ahead logs removed': (data) => removeAll(data, /\.log$/),
  'the state removed': (data) => rmSync(join(data, 'state'), { recursive: true }),
  'a file truncated': (data, random) => {
    const files = databaseFiles(data, /\.(ldb|log)$|MANIFEST|CURRENT/);
    const file = files[random.below(files.length)] as string;
    truncateSync(file, random.below(statSync(file).size));
  },
  'every file truncated to half': (data) => {
    for (const file of databaseFiles(data, /\.(ldb|log)$|MANIFEST/)) truncateSync(file, statSync(file).size >> 1);
  },
  'a file of zeros': (data, random) => {
    const files = databaseFiles(data, /\.(ldb|log)$|MANIFEST/);
    const file = files[random.below(files.length)] as string;
    writeFileSync(file, new Uint8Array(statSync(file).size));
  },
};

test.each(Object.keys(losses))('%s costs time, never an answer', async (name) => {
  for (let seed = 1; seed <= 3; seed++) {
    await startAfter(`${name}-${seed}`, (data) => losses[name]?.(data, new Random(seed)));
  }
});
