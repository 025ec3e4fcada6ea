/** What holds of every tree and of every text. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { UserError } from '../../../base/index.ts';
import { parseExpression, parseStatements, parseType } from '../../../sql/parser/parse.ts';
import { printExpression, printType } from '../../../sql/parser/print.ts';
import { printStatement } from '../../../sql/parser/statements/index.ts';
import { keywords } from '../../../sql/parser/words.ts';
import { corpus } from '../support/corpus.ts';
import { expression, statement, type } from './arbitrary.ts';
import { bare } from './outline.ts';

test('printing an expression and parsing the text gives the same expression', () => {
  fc.assert(
    fc.property(expression, (tree) => {
      expect(bare(parseExpression(printExpression(tree)))).toEqual(bare(tree));
    }),
    { numRuns: 1000 },
  );
});

test('printing a type and parsing the text gives the same type', () => {
  fc.assert(
    fc.property(type, (tree) => {
      expect(bare(parseType(printType(tree)))).toEqual(bare(tree));
    }),
  );
});

test('printing a statement and parsing the text gives the same statement', () => {
  fc.assert(
    fc.property(statement, (tree) => {
      expect(parseStatements(`${printStatement(tree)};`).map((one) => bare(one.statement))).toEqual([bare(tree)]);
    }),
    { numRuns: 500 },
  );
});

test('every statement of the golden scripts prints to a text that parses to the same statement', () => {
  for (const text of corpus) {
    let parsed: ReturnType<typeof parseStatements>;
    try {
      parsed = parseStatements(text);
    } catch {
      // Some are there for their faults.
      continue;
    }
    for (const { statement: tree } of parsed) {
      expect(parseStatements(printStatement(tree)).map((one) => bare(one.statement))).toEqual([bare(tree)]);
    }
  }
});

test('a text of thousands of statements is read in the time of its length', () => {
  const timeOf = (count: number): number => {
    const text = "INSERT INTO s (v) VALUES ('a');\n".repeat(count);
    const start = performance.now();
    parseStatements(text);
    return performance.now() - start;
  };
  timeOf(1_000);
  // Eight times the text took some forty times as long where each statement counted the lines before it.
  expect(timeOf(8_000)).toBeLessThan(Math.max(24 * timeOf(1_000), 2_000));
  expect(() => parseStatements('SHOW STREAMS;'.repeat(10_001))).toThrow('at most 10000 statements');
});

/** Either it parses, or it is a fault of the user's, with a place inside the text. */
const answersWell = (text: string): void => {
  try {
    for (const { at } of parseStatements(text)) expect(at.offset + (at.length ?? 0)).toBeLessThanOrEqual(text.length);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    expect(error.message).not.toBe('');
    expect(error.at).toBeDefined();
    const { line, column, offset } = error.at ?? { line: 0, column: 0, offset: -1 };
    expect(offset).toBeGreaterThanOrEqual(0);
    expect(offset).toBeLessThanOrEqual(text.length);
    const lines = text.split(/\r\n?|\n/);
    expect(line).toBeLessThanOrEqual(lines.length);
    expect(column).toBeLessThanOrEqual((lines[line - 1] ?? '').length + 1);
  }
};

test('any text at all is parsed or refused with a place', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 60 }), answersWell), { numRuns: 1000 });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => answersWell(new TextDecoder('latin1').decode(bytes))),
  );
});

test('any row of words of the language is parsed or refused with a place', () => {
  const word = fc.oneof(
    fc.constantFrom(...keywords),
    fc.constantFrom(
      'a',
      's',
      '1',
      '2.5',
      "'x'",
      '`q`',
      '"q"',
      '(',
      ')',
      '[',
      ']',
      ',',
      ';',
      '*',
      '=',
      '->',
      '=>',
      ':=',
      '\n',
    ),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 30 }), (words) => answersWell(words.join(' '))),
    { numRuns: 2000 },
  );
});

test('a statement with one word taken away, doubled or swapped is parsed or refused with a place', () => {
  const edit = fc.tuple(statement, fc.nat(), fc.constantFrom('drop', 'double', 'swap'));
  fc.assert(
    fc.property(edit, ([tree, where, how]) => {
      const words = printStatement(tree).split(' ');
      const index = where % words.length;
      const word = words[index] ?? '';
      if (how === 'drop') words.splice(index, 1);
      else if (how === 'double') words.splice(index, 0, word);
      else words.splice(index, 2, words[index + 1] ?? '', word);
      answersWell(words.join(' '));
    }),
    { numRuns: 300 },
  );
});
