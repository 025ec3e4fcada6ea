/** The pages about the language: the statements of a page run one after the other, and each answer that it shows is the
 *  one that the statements above it got last. */

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { builtInFunctions, type FunctionRegistry, loadModule } from '../sql/index.ts';
import { answerTo, type InForce, statementsOf } from './scripts/run-script.ts';
import { closeWorlds, openWorld } from './sql/support/world.ts';

afterEach(closeWorlds);

const home = join(import.meta.dirname, '..');

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

describe.each(globSync('docs/sql/*.md', { cwd: home }).sort())('%s', (page) => {
  test('its statements are accepted, and answer what it shows', async () => {
    const text = readFileSync(join(home, page), 'utf8');
    const world = await openWorld({ engine: { functions: await functionsOf(text) } });
    const inForce: InForce = { properties: {}, variables: {} };
    const examples = [...text.matchAll(example)];
    expect(examples.length).toBeGreaterThan(0);
    for (const [, sql = '', shown] of examples) {
      const answers: string[] = [];
      for (const statement of statementsOf(sql)) answers.push(await answerTo(world, statement, inForce));
      if (shown !== undefined) expect(answers.pop()).toBe(shown);
      for (const answer of answers) expect(answer).not.toMatch(/^[A-Z]+_[A-Z_]+(?: at \d+:\d+)?: /);
    }
  });
});
