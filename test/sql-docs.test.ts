/** The pages about the language: the statements of a page run one after the other, and each answer that it shows is the
 *  one that the statements above it got last. `MILLRACE_UPDATE_GOLDEN=1` writes the answers into the pages; the
 *  difference is to be reviewed. */

import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { builtInFunctions, type FunctionRegistry, loadModule } from '../sql/index.ts';
import { answerTo, type InForce, statementsOf } from './scripts/run-script.ts';
import { closeWorlds, openWorld } from './sql/support/world.ts';

afterEach(closeWorlds);

const home = join(import.meta.dirname, '..');
const update = process.env['MILLRACE_UPDATE_GOLDEN'] === '1';
const pages = globSync('docs/sql/**/*.md', { cwd: home }).sort();
const read = (page: string): string => readFileSync(join(home, page), 'utf8');

/** A module of functions that the page shows. */
const moduleCode = /```js\n(export default .*?)```/gs;

const functionsOf = async (text: string): Promise<FunctionRegistry> => {
  const functions = builtInFunctions();
  for (const [, code = ''] of text.matchAll(moduleCode)) {
    functions.addModule(await loadModule(`data:text/javascript,${encodeURIComponent(code)}`));
  }
  return functions;
};

const example = /```sql\n(.*?)```(?:\n\nanswers\n\n```text\n(.*?)\n```)?/gs;

/** The page with the answers that its statements get. Queries of its programs are accepted too, and show deletions
 *  where the program asks for them. */
const answered = async (text: string): Promise<string> => {
  const processingLog = 'millrace_processing_log';
  const world = await openWorld({ engine: { functions: await functionsOf(text) }, runtime: { processingLog } });
  await world.log.createTopic({ name: processingLog, partitions: 1 });
  const inForce: InForce = { properties: {}, variables: {} };
  const parts: string[] = [];
  let end = 0;
  for (const found of text.matchAll(example)) {
    const [whole, sql = '', shown] = found;
    const answers: string[] = [];
    for (const statement of statementsOf(sql)) answers.push(await answerTo(world, statement, inForce));
    const last = shown === undefined ? '' : `\n\nanswers\n\n\`\`\`text\n${answers.pop()?.trimEnd()}\n\`\`\``;
    for (const answer of answers) expect(answer, sql).not.toMatch(/^[A-Z]+_[A-Z_]+(?: at \d+:\d+)?: /);
    parts.push(text.slice(end, found.index), `\`\`\`sql\n${sql}\`\`\`${last}`);
    end = found.index + whole.length;
  }
  for (const [, code = ''] of text.matchAll(/```ts\n(.*?)```/gs)) {
    for (const [, , sql = ''] of code.matchAll(/(['"])(SELECT [^?:]*?;)\1/g)) {
      const handle = await world.engine.query(sql, { deletions: true });
      expect(handle.deletions ?? false, sql).toBe(code.includes('deletions: true'));
      await handle.close();
    }
  }
  return parts.join('') + text.slice(end);
};

/** A list of what there is: it has no example of its own. */
const withoutExamples = new Set(['docs/sql/coming-from-ksqldb.md']);

describe.each(pages)('%s', (page) => {
  test('its statements are accepted, and answer what it shows', async () => {
    expect(/```sql\n/.test(read(page))).toBe(!withoutExamples.has(page));
    const found = await answered(read(page));
    if (update) writeFileSync(join(home, page), found);
    expect(found).toBe(read(page));
  });

  test('its links lead to pages', () => {
    for (const [, target = ''] of read(page).matchAll(/\]\(([\w./-]+)(?:#[\w-]+)?\)/g)) {
      expect(existsSync(join(home, dirname(page), target)), target).toBe(true);
    }
  });

  test('the errors that it names are listed', () => {
    const listed = new Set([...read('docs/errors.md').matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code));
    const named = [...read(page).matchAll(/`(SQL_[A-Z_]+)`/g)].map(([, code]) => code);
    expect(named.filter((code) => !listed.has(code))).toEqual([]);
  });
});

test('the defaults of windows are those that their page lists', async () => {
  const hour = 3_600_000;
  const { engine } = await openWorld();
  await engine.execute(
    "CREATE STREAM taps (who VARCHAR KEY, path VARCHAR) WITH (kafka_topic='taps', partitions=1, value_format='JSON');",
  );
  const row = /^\| `(\w+ \([^`]+\))`(?:, `(EMIT FINAL)`)? \| (\d+) hours? \| (\d+) hours? \|$/gm;
  const rows = [...read('docs/sql/windows-and-time.md').matchAll(row)];
  expect(rows.length).toBe(6);
  for (const [, window, emit = 'EMIT CHANGES', grace, kept] of rows) {
    const select = `SELECT who, COUNT(*) AS taps FROM taps WINDOW ${window} GROUP BY who ${emit}`;
    const explained = JSON.stringify(await engine.execute(`EXPLAIN ${select};`));
    expect(explained, window).toContain(`kept ${Number(kept) * hour} ms, grace ${Number(grace) * hour} ms`);
  }
});
