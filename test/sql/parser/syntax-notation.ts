/**
 * The notation in which the pages about statements show their syntax, and the statements that it describes.
 *
 *   CREATE [OR REPLACE] {STREAM | TABLE} name [(column type [, ...])]
 *
 * Brackets hold what may be left out, braces hold alternatives, `[, ...]` repeats what stands before it. Words in lower
 * case stand for something, which `samples` gives an example of.
 */

import { assert } from '../../../base/index.ts';

const samples: Readonly<Record<string, string>> = {
  name: 'orders',
  alias: 'o',
  column: 'total',
  function: 'LCASE',
  type: 'DECIMAL(8, 2)',
  field: 'street',
  property: 'KAFKA_TOPIC',
  setting: "'auto.offset.reset'",
  variable: 'place',
  value: "'text'",
  expression: 'total + 1',
  condition: 'total > 1',
  query: 'SELECT * FROM orders',
  statement: 'SHOW STREAMS',
  id: 'CTAS_TOTALS_1',
  number: '3',
  duration: '10 SECONDS',
  topic: "'orders'",
  subject: "'orders-value'",
  header: "'trace'",
  connector: 'files',
  file: "'more.sql'",
};

type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'optional'; readonly parts: readonly Part[] }
  | { readonly kind: 'one of'; readonly choices: readonly (readonly Part[])[] };

/** Statements that hold each part of the notation at least once, and each with as little else as may be. */
export const statementsLike = (notation: string): readonly string[] => {
  const tokens = notation
    .replaceAll(/\[,? ?\.\.\.\]/g, '')
    .split(/([[\]{}|])/)
    .map((token) => token.replaceAll(/\s+/g, ' '))
    .filter((token) => token.trim() !== '');
  let next = 0;
  const read = (until: string): readonly Part[][] => {
    const choices: Part[][] = [[]];
    for (;;) {
      const token = tokens[next++];
      if (token === until || token === undefined) {
        assert((token ?? '') === until, `the notation lacks a "${until}": ${notation}`);
        return choices;
      }
      const last = choices.at(-1) as Part[];
      if (token === '[') {
        const [parts = [], ...others] = read(']');
        assert(others.length === 0, `alternatives stand in braces: ${notation}`);
        last.push({ kind: 'optional', parts });
      } else if (token === '{') last.push({ kind: 'one of', choices: read('}') });
      else if (token === '|') choices.push([]);
      else last.push({ kind: 'text', text: token.replaceAll(/(?<![\w'.])[a-z]+\b/g, sampleOf) });
    }
  };
  const [whole = []] = read('');
  return variantsOf(whole).map((text) => text.replaceAll(/\s+/g, ' ').trim());
};

const sampleOf = (word: string): string => {
  const sample = samples[word];
  assert(sample !== undefined, `there is no sample of "${word}"`);
  return sample;
};

/** The first is the shortest. */
const variantsOf = (parts: readonly Part[]): readonly string[] => {
  const each = parts.map((part): readonly string[] => {
    switch (part.kind) {
      case 'text':
        return [part.text];
      case 'optional':
        return ['', ...variantsOf(part.parts).map((text) => ` ${text} `)];
      case 'one of':
        return part.choices.flatMap((choice) => variantsOf(choice).map((text) => ` ${text} `));
    }
  });
  const shortest = each.map(([first = '']) => first);
  const others = each.flatMap((variants, i) =>
    variants.slice(1).map((variant) => shortest.map((text, j) => (i === j ? variant : text)).join('')),
  );
  return [shortest.join(''), ...others];
};
