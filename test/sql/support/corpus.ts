/** Statements that people wrote: the sources of the tests, and those of the golden scripts. */

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sources } from './planning.ts';

const scripts = join(import.meta.dirname, '..', '..', 'scripts');

export const corpus: readonly string[] = [
  ...sources.split(/;\s*$/m),
  ...globSync('*.sql', { cwd: scripts })
    .toSorted()
    .flatMap((name) => readFileSync(join(scripts, name), 'utf8').split(/;[ \t]*$/m)),
]
  .map((text) => text.trim())
  .filter((text) => text !== '');
