/** Mutations of texts of SQL, by words and by characters. */

import type { Random } from '../../base/index.ts';
import { tokenize } from '../../sql/parser/tokens.ts';
import { keywords } from '../../sql/parser/words.ts';
import { corpus } from '../sql/support/corpus.ts';

const pieces: readonly string[] = [
  ...keywords,
  ...[
    'a',
    's',
    'k',
    'v',
    '1',
    '0',
    '-1',
    '2.5',
    '1E400',
    '99999999999999999999',
    "'x'",
    "''",
    '`q`',
    '"q"',
    '(',
    ')',
    '[',
    ']',
  ],
  ...[
    ',',
    ';',
    '*',
    '=',
    '->',
    '=>',
    ':=',
    '.',
    '<',
    '>',
    '||',
    '+',
    '-',
    '%',
    '${x}',
    '\n',
    '--',
    '/*',
    '*/',
    "'",
    '`',
    'COUNT(*)',
  ],
  ...['NULL', 'orders', 'customers', 'CASE', 'x => x', 'ARRAY[', 'MAP(', 'STRUCT(', 'INT', 'DECIMAL(40, 2)', 'ROWTIME'],
];
const characters = Array.from('abzAZ019_@ \t\n\r\'"`()[]<>=-+*/%.,;:|{}$#!?\\~^&é数\u0000\u00a0\ufeff\ud800😀');

/** One to three edits of words or characters. */
export const mutated = (text: string, random: Random): string => {
  let result = text;
  for (let edits = random.between(1, 3); edits > 0; edits--) {
    result = random.chance(0.6) ? ofWords(result, random) : ofCharacters(result, random);
  }
  return result;
};

const ofCharacters = (text: string, random: Random): string => {
  const at = random.below(text.length + 1);
  const cut = random.pick([0, 1, 1, 2, 10]);
  return `${text.slice(0, at)}${random.chance(0.6) ? random.pick(characters) : ''}${text.slice(at + cut)}`;
};

const ofWords = (text: string, random: Random): string => {
  const words = wordsOf(text);
  const at = random.below(words.length);
  const word = words[at] ?? '';
  switch (random.below(7)) {
    case 0:
      words.splice(at, 1);
      break;
    case 1:
      words.splice(at, 0, word);
      break;
    case 2:
      words.splice(at, 2, words[at + 1] ?? '', word);
      break;
    case 3:
      words.splice(at, 1, random.pick(pieces));
      break;
    case 4:
      words.splice(at, 0, random.pick(pieces));
      break;
    case 5: {
      // A piece of another statement.
      const other = wordsOf(random.pick(corpus));
      const from = random.below(other.length);
      words.splice(at, random.below(4), ...other.slice(from, from + random.between(1, 8)));
      break;
    }
    default:
      words.splice(at);
  }
  return words.join(' ');
};

const wordsOf = (text: string): string[] => {
  try {
    return tokenize(text).map(({ image }) => image);
  } catch {
    return text.split(' ');
  }
};
