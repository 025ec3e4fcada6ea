/**
 * Golden SQL scripts: a file of statements by theme, and what they answer.
 *
 * `name.sql` is run statement by statement against an engine on the memory log; every answer is printed as a table, a
 * line, or an error with its place, and compared with `golden/name.txt`. Before a SELECT all queries have caught up.
 * `MILLRACE_UPDATE_GOLDEN=1` writes the answers anew; the difference is to be reviewed.
 */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { closeWorlds, openWorld } from '../sql/support/world.ts';
import { answerTo, type InForce, statementsOf } from './run-script.ts';

afterEach(closeWorlds);

const directory = import.meta.dirname;
const update = process.env['MILLRACE_UPDATE_GOLDEN'] === '1';

test.each(readdirSync(directory).filter((name) => name.endsWith('.sql')))('%s answers as it did', async (name) => {
  const world = await openWorld();
  const inForce: InForce = { properties: {}, variables: {} };
  const parts: string[] = [];
  for (const statement of statementsOf(readFileSync(join(directory, name), 'utf8'))) {
    const shown = statement.text
      .split('\n')
      .map((line, i) => `${i === 0 ? '> ' : '  '}${line}`)
      .join('\n');
    parts.push(`${shown};\n${await answerTo(world, statement, inForce)}\n`);
  }
  const answer = parts.join('\n');
  const path = join(directory, 'golden', name.replace('.sql', '.txt'));
  if (update || !existsSync(path)) writeFileSync(path, answer);
  expect(answer).toBe(readFileSync(path, 'utf8'));
});
