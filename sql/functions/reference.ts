/** The page about the functions, made from their declarations: what each is called, takes and gives, and examples that
 *  are tested. */

import { unreachable } from '../../base/index.ts';
import type { FunctionDefinition } from './define.ts';
import type { Family } from './registry.ts';

export const functionReference = (families: readonly Family[]): string => {
  const parts = [
    '# Functions',
    '',
    'The functions that are built in. Names are read without regard to case. `T`, `K` and `V` stand for any type, the same',
    'wherever the letter stands; `...` repeats a parameter; `literal` needs a constant. Arguments of scalar functions are',
    'widened (INTEGER to BIGINT to DOUBLE, text to TIMESTAMP) where no form takes them as they are. Unless said otherwise a',
    'NULL argument makes the result NULL.',
  ];
  for (const category of new Set(families.map((family) => family.category))) {
    const functions = families.flatMap((family) => (family.category === category ? family.functions : []));
    parts.push('', `## ${category}`);
    for (const [name, definitions] of byName(functions)) parts.push('', ...section(name, definitions));
  }
  return `${parts.join('\n')}\n`;
};

/** Entries of one name stand together: forms of one function with bodies of their own. */
const byName = (functions: readonly FunctionDefinition[]): Map<string, FunctionDefinition[]> => {
  const found = new Map<string, FunctionDefinition[]>();
  for (const definition of functions) {
    const name = definition.signatures[0]?.name ?? '';
    found.set(name, [...(found.get(name) ?? []), definition]);
  }
  return found;
};

const section = (name: string, definitions: readonly FunctionDefinition[]): string[] => [
  `### ${name}`,
  '',
  ...[...new Set(definitions.map((definition) => definition.doc))].flatMap(wrapped),
  ...(definitions.some((definition) => definition.kind === 'aggregate' && definition.undo)
    ? ['', 'Works on tables too.']
    : []),
  '',
  '```',
  ...definitions.flatMap((definition) => definition.signatures.map((signature) => signature.described)),
  '```',
  '',
  ...definitions.flatMap(examples),
];

const pageWidth = 120;

/** A paragraph in lines of the page's width. */
const wrapped = (text: string): readonly string[] => {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > pageWidth) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
};

const examples = (definition: FunctionDefinition): string[] => {
  switch (definition.kind) {
    case 'scalar':
      return definition.examples.map(([expression, result]) => `- \`${expression}\` is \`${result}\``);
    case 'table':
      return definition.examples.map(([call, rows]) =>
        rows.length === 0
          ? `- \`${call}\` makes no rows`
          : `- \`${call}\` makes the rows ${rows.map((row) => `\`${row}\``).join(', ')}`,
      );
    case 'aggregate':
      return definition.examples.map(({ call, rows, result }) =>
        rows.length === 0
          ? `- \`${call}\` over no rows is \`${result}\``
          : `- \`${call}\` over ${rows.map((row) => `\`${row.join(', ')}\``).join(', ')} is \`${result}\``,
      );
    default:
      return unreachable(definition);
  }
};
