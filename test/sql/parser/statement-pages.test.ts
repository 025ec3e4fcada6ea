/** The pages about statements: their syntax is that of the grammar, in both directions. */

import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { grammarWords, parseStatements } from '../../../sql/parser/parse.ts';
import { statementKinds } from '../../../sql/parser/statements/index.ts';
import { statementsLike } from './syntax-notation.ts';

const home = join(import.meta.dirname, '..', '..', '..');
const read = (page: string): string => readFileSync(join(home, page), 'utf8');
const pages = globSync('docs/sql/statements/*.md', { cwd: home }).sort();

/** The forms that the page shows, without their semicolons. */
const formsOf = (page: string): readonly string[] => {
  const shown = /^# .*?\n\n```text\n(.*?)```/s.exec(read(page))?.[1] ?? '';
  return shown.split(';\n').filter((form) => form.trim() !== '');
};

/** RUN SCRIPT is of the terminal. */
const ofGrammar = (form: string): boolean => !form.startsWith('RUN SCRIPT');

describe.each(pages)('%s', (page) => {
  test('every form of its syntax is accepted by the parser', () => {
    const forms = formsOf(page);
    expect(forms.length).toBeGreaterThan(0);
    for (const text of forms.filter(ofGrammar).flatMap(statementsLike)) {
      expect(() => parseStatements(`${text};`), text).not.toThrow();
    }
  });

  test('the guide has a link to it', () => {
    expect(read('docs/sql/README.md')).toContain(`(statements/${basename(page)})`);
  });
});

test('every kind of statement has a page', () => {
  const kinds = pages
    .flatMap(formsOf)
    .filter(ofGrammar)
    .flatMap(statementsLike)
    .flatMap((text) => parseStatements(`${text};`).map(({ statement }) => statement.kind));
  expect([...new Set(kinds)].sort()).toEqual([...statementKinds].sort());
});

test('every word of the grammar of statements is in the syntax of a page', () => {
  const shown = pages.flatMap(formsOf).join(' ');
  const missing = grammarWords().filter((word) => !new RegExp(`\\b${word}\\b`).test(shown));
  expect(missing).toEqual([]);
});
