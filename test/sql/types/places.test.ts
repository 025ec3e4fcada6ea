/**
 * Where scalar types are named in the code: adding one touches three files, and nothing else may have to know it.
 *
 * The files below name one or the other type because a rule of the language is about that very type: conditions are
 * BOOLEAN, LIKE is for STRING, event time is a BIGINT or a TIMESTAMP. A file that tells types apart, so that the next
 * one needs a line in it, belongs into the definition of the type (`sql/types/definition.ts`) or goes by the carrier.
 */

import { globSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { expect, test } from 'vitest';
import type { ScalarKind } from '../../../sql/types/kinds.ts';
import { scalarDefinitions } from '../../../sql/types/scalars/index.ts';

const home = join(import.meta.dirname, '../../..');

/** What has to be written for a type, in three files: its line among the kinds, its definition, its line in the
 *  list. */
const places = (kind: string): readonly string[] => [
  'sql/types/kinds.ts',
  `sql/types/scalars/${kind.toLowerCase()}.ts`,
  'sql/types/scalars/index.ts',
];

/** Files that name types beside those three, and why they do. */
const rules: Readonly<Record<string, { readonly kinds: readonly ScalarKind[]; readonly why: string }>> = {
  'sql/types/type.ts': {
    kinds: ['BOOLEAN', 'INTEGER', 'BIGINT', 'DOUBLE', 'STRING', 'TIMESTAMP'],
    why: 'constants for types that operators, literals and functions have as their result',
  },
  'sql/formats/schema-columns.ts': { kinds: ['STRING'], why: 'keys of maps are texts in other schemas' },
  'sql/types/cast.ts': { kinds: ['STRING'], why: 'every type converts to and from text' },
  'sql/parser/words.ts': {
    kinds: ['DECIMAL', 'INTEGER', 'DATE', 'TIME', 'TIMESTAMP', 'STRING'],
    why: 'the keywords of the language',
  },
  'sql/parser/build.ts': { kinds: ['BIGINT', 'DOUBLE'], why: 'the ranges of literals' },
  'sql/analyze/type-of-node.ts': { kinds: ['DECIMAL'], why: 'the one type with a form of its own in the grammar' },
  'sql/analyze/type-expression.ts': { kinds: ['BOOLEAN'], why: 'conditions are BOOLEAN' },
  'sql/analyze/properties.ts': { kinds: ['TIMESTAMP'], why: 'a property of WITH has that name' },
  'sql/analyze/expressions/arithmetic.ts': {
    kinds: ['STRING', 'TIMESTAMP'],
    why: 'texts are joined by +, and a hint names the functions for points in time',
  },
  'sql/analyze/expressions/common-type.ts': {
    kinds: ['DECIMAL', 'STRING'],
    why: 'a number that is written as a text widens a list of DECIMALs',
  },
  'sql/analyze/expressions/compare.ts': {
    kinds: ['BIGINT', 'DECIMAL', 'STRING'],
    why: 'what a text is compared with, texts beside ROWTIME, which is a BIGINT, and texts of parameters beside a DECIMAL',
  },
  'sql/analyze/expressions/constructors.ts': { kinds: ['STRING'], why: 'keys of maps are STRING' },
  'sql/analyze/expressions/draft.ts': {
    kinds: ['BOOLEAN', 'DECIMAL', 'STRING'],
    why: 'conditions are BOOLEAN, patterns STRING, literals with a point DECIMAL',
  },
  'sql/evaluate/expression.ts': { kinds: ['STRING'], why: 'texts are joined by +' },
  'sql/parser/parameters.ts': {
    kinds: ['BYTES', 'TIMESTAMP'],
    why: 'a Date and bytes that a program gives have no literals of their own',
  },
  'sql/types/schema.ts': { kinds: ['BYTES'], why: 'the values of headers are BYTES' },
  'sql/functions/module.ts': { kinds: ['BYTES'], why: 'a program may change the bytes that it is given' },
  'sql/functions/signature.ts': { kinds: ['DECIMAL'], why: 'a DECIMAL of any form is a parameter' },
  'sql/compile/timestamps.ts': {
    kinds: ['BIGINT', 'STRING', 'TIMESTAMP'],
    why: 'the columns that can be the event time',
  },
  'sql/formats/text-span.ts': { kinds: ['STRING'], why: 'only texts can be left where they stand as bytes' },
  'sql/queries/pull/union.ts': { kinds: ['STRING'], why: 'a text converts to other types, but not every text does' },
  'sql/formats/json.ts': { kinds: ['STRING'], why: 'keys of maps are names in JSON' },
  'sql/formats/json-plain.ts': {
    kinds: ['BOOLEAN', 'INTEGER', 'BIGINT', 'DECIMAL', 'DOUBLE', 'BYTES'],
    why: 'messages name the plain type of a carrier',
  },
  'sql/plan/upgrade-version-1.ts': { kinds: ['INTEGER'], why: 'what plans of a former version meant' },
  'sql/formats/json-schema.ts': {
    kinds: ['BOOLEAN', 'DECIMAL', 'BYTES'],
    why: 'schemas have words of their own for them',
  },
  'cli/entities.ts': { kinds: ['INTEGER', 'BIGINT'], why: 'columns of numbers are aligned to the right' },
};

const code = globSync('{base,storage,engine,sql,library,server,cli}/**/*.ts', { cwd: home })
  .map((path) => path.split(sep).join('/'))
  .concat('millrace.ts')
  .map((path) => ({ path, text: readFileSync(join(home, path), 'utf8').replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, '') }));

/** Signatures of functions are declarations: which types a function takes is the function's own matter. */
const isFunction = (path: string): boolean => path.startsWith('sql/functions/');

/** Schemas of other languages, and TypeScript, have types of their own, each of which stands for one of ours. */
const isTranslation = (path: string): boolean =>
  path === 'cli/types.ts' || /^sql\/formats\/(?:avro|protobuf)\//.test(path);

const filesThatName = (kind: string): readonly string[] =>
  code
    .filter(({ path, text }) => {
      if (isFunction(path)) return new RegExp(`(?:kind [!=]==|case) '${kind}'`).test(text);
      return text.includes(`'${kind}'`) || new RegExp(`^\\s*${kind}:`, 'm').test(text);
    })
    .map(({ path }) => path);

test.each(scalarDefinitions.map(({ kind }) => kind))(
  '%s is defined in three files, and else named by rules only',
  (kind) => {
    const found = filesThatName(kind);
    const own = places(kind);
    expect(own.filter((path) => !found.includes(path))).toEqual([]);
    const mayName = (path: string): boolean =>
      own.includes(path) || rules[path]?.kinds.includes(kind) === true || isConversion(path) || isTranslation(path);
    expect(found.filter((path) => !mayName(path))).toEqual([]);
  },
);

/** The definition of another type, which has the conversions between the two. */
const isConversion = (path: string): boolean => path.startsWith('sql/types/scalars/') && !path.endsWith('index.ts');

test('no rule is in the list that does not name its types', () => {
  for (const [path, { kinds }] of Object.entries(rules)) {
    for (const kind of kinds) expect([path, kind, filesThatName(kind).includes(path)]).toEqual([path, kind, true]);
  }
});
