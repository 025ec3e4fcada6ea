/** The page about what is supported of ksqlDB, made from what is registered: statements, functions, types, formats,
 *  properties, endpoints. */

import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import Fastify from 'fastify';
import { routes } from '../server/routes/index.ts';
import { propertyNames } from '../sql/analyze/properties.ts';
import { formats } from '../sql/formats/index.ts';
import { families } from '../sql/functions/index.ts';
import { statementKinds } from '../sql/parser/statements/index.ts';
import { knownProperties } from '../sql/settings.ts';
import { scalarDefinitions } from '../sql/types/scalars/index.ts';

const home = join(import.meta.dirname, '..');

const code = (text: string): string => `\`${text}\``;

const listed = (names: Iterable<string>): string => [...names].map(code).join(', ');

const table = (head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);

/** The pages of statements by their titles. */
const statements = (): readonly (readonly string[])[] =>
  globSync('docs/sql/statements/*.md', { cwd: home })
    .sort()
    .map((page) => {
      const [, title = '', syntax = ''] =
        /^# (.*?)\n\n```text\n(.*?)```/s.exec(readFileSync(join(home, page), 'utf8')) ?? [];
      const forms = syntax.split(';\n').filter((form) => form.trim() !== '').length;
      return [`[${title}](statements/${basename(page)})`, String(forms)];
    });

const functions = (): readonly (readonly string[])[] => {
  const categories = [...new Set(families.map(({ category }) => category))];
  const rows = categories.map((category) => {
    const signatures = families
      .filter((family) => family.category === category)
      .flatMap((family) => family.functions.flatMap((definition) => definition.signatures));
    return { category, names: new Set(signatures.map(({ name }) => name)), forms: signatures.length };
  });
  const sum = (of: (row: (typeof rows)[number]) => number): string =>
    String(rows.reduce((all, row) => all + of(row), 0));
  return [
    ...rows.map(({ category, names, forms }) => [category, String(names.size), String(forms)]),
    ['all', sum(({ names }) => names.size), sum(({ forms }) => forms)],
  ];
};

/** Method and path of each endpoint; those of the schema registry by their first part. */
const endpoints = (): readonly string[] => {
  const app = Fastify();
  const found = new Set<string>();
  app.addHook('onRoute', ({ method, url }) => {
    const methods = [method].flat().filter((one) => one !== 'HEAD');
    if (methods.length > 0 && !url.endsWith('/*')) found.add(`${methods.join('|')} ${url}`);
  });
  // Nothing is asked of them: what they are given is not used.
  for (const route of routes) route(app, {} as Parameters<typeof route>[1]);
  return [...found].sort();
};

const wordsOf = { create: 'CREATE', 'create-as': 'CREATE … AS', insert: 'INSERT INTO … SELECT' } as const;

/** Each property with the statements that take it. */
const withProperties = (): readonly (readonly string[])[] => {
  const targets = ['create', 'create-as', 'insert'] as const;
  return [...new Set(targets.flatMap(propertyNames))].map((name) => [
    code(name),
    targets
      .filter((target) => propertyNames(target).includes(name))
      .map((target) => wordsOf[target])
      .join(', '),
  ]);
};

export const sqlSupport = (): string =>
  [
    '# Coming from ksqlDB',
    '',
    'Statements mean here what they mean in ksqlDB, over topics with the same records. This page lists what there is. It is',
    'made from what is registered in the code (`node tools/sql-support.ts`), and a test fails when it is out of date.',
    '[Conformance](../conformance.md) counts which of the published cases pass.',
    '',
    '## The most important differences',
    '',
    '- One process: no cluster, no Kafka beside it, no Java.',
    '- Every query is exactly once; `processing.guarantee` is accepted and changes nothing.',
    '- Bad data never stops a query; ksqlDB stops on some of it.',
    '- NULL in arithmetic and comparisons has one meaning in every clause, and `0.0` equals `-0.0`.',
    '- Regular expressions are matched in linear time, so references to groups and lookaheads are refused.',
    '- Pull queries can sort, group, join and more; see [pull queries](pull-queries.md).',
    '- Final results can also be sent by the clock: `millrace.closing`; see [windows and time](windows-and-time.md).',
    '- There is no Connect runtime: statements about connectors are understood and refused.',
    '',
    '[Differences](../differences.md) lists every difference in meaning, with its reason and the test that holds it.',
    '',
    '## Statements',
    '',
    `${statementKinds.length} kinds of statements.`,
    '',
    ...table(['page', 'forms'], statements()),
    '',
    '## Functions',
    '',
    ...table(['category', 'functions', 'forms'], functions()),
    '',
    '[Functions](../functions.md) describes each of them.',
    '',
    '## Types',
    '',
    `${listed(scalarDefinitions.flatMap(({ words }) => words))}, ${listed(['ARRAY', 'MAP', 'STRUCT'])}.`,
    '',
    '## Formats',
    '',
    ...table(
      ['format', 'properties, behind `KEY_` or `VALUE_`'],
      formats.map(({ name, properties }) => [code(name), listed(properties.map((property) => property.name)) || '–']),
    ),
    '',
    '## Properties of WITH',
    '',
    ...table(['property', 'in'], withProperties()),
    '',
    '## Properties of SET',
    '',
    ...table(
      ['property', 'what it does'],
      Object.entries(knownProperties).map(([name, { doc }]) => [code(name), doc.replaceAll('|', '\\|')]),
    ),
    '',
    '## Endpoints',
    '',
    ...endpoints().map((endpoint) => `- ${code(endpoint)}`),
    '',
  ].join('\n');
