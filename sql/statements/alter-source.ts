/** ALTER STREAM and ALTER TABLE: value columns are added behind those that are there. Queries that read the source keep
 *  the columns that they were made with. */

import { UserError } from '../../base/index.ts';
import type { Source } from '../analyze/sources.ts';
import { typeOfNode } from '../analyze/type-of-node.ts';
import type { AlterSource } from '../parser/statements/alter.ts';
import { type Column, isPseudoColumn, type Schema } from '../types/schema.ts';
import type { CommandDefinition } from './command.ts';
import { withSchema } from './schemas.ts';
import { chooseFormats, statusAnswer } from './sources.ts';
import type { Handler } from './statement.ts';

export interface AlterSourceCommand {
  readonly kind: 'alter-source';
  /** As it is with its new columns. */
  readonly source: Source;
}

export const alterSourceCommand: CommandDefinition<AlterSourceCommand> = {
  apply(catalog, { source }) {
    catalog.add(source);
    return { stop: [] };
  },
};

export const alterSource: Handler<AlterSource, AlterSourceCommand> = (statement, context) => {
  const { name, sourceKind: kind, at } = statement;
  const { catalog } = context;
  const source = catalog.require(name.name, name.at);
  if (source.readOnly) {
    throw new UserError(
      'SQL_READ_ONLY',
      `the ${source.kind} "${source.name}" was created as a SOURCE and cannot be altered`,
      { at, hint: 'DROP it, and create it again with the new columns.' },
    );
  }
  if (source.kind !== kind) {
    throw new UserError('SQL_WRONG_KIND', `"${source.name}" is a ${source.kind}, not a ${kind}`, {
      at: name.at,
      hint: `Write ALTER ${source.kind.toUpperCase()} ${source.name} ADD COLUMN ….`,
    });
  }
  if (source.query !== undefined) {
    throw new UserError(
      'SQL_NOT_ALTERABLE',
      `"${source.name}" has the columns that its query ${source.query} delivers, and cannot be altered`,
      { at, hint: 'Write CREATE OR REPLACE … AS SELECT with the new columns at the end.' },
    );
  }
  const added: Column[] = [];
  const known = new Set(
    [...source.schema.key, ...source.schema.value, ...(source.schema.headers ?? [])].map((column) => column.name),
  );
  for (const column of statement.columns) {
    const { name: written, at: place } = column.name;
    if (isPseudoColumn(written)) {
      throw new UserError('SQL_RESERVED_NAME', `"${written}" is a reserved column name`, {
        at: place,
        hint: 'Every source has that column already; choose another name.',
      });
    }
    if (known.has(written)) {
      throw new UserError('SQL_DUPLICATE_COLUMN', `the ${kind} "${source.name}" has a column "${written}" already`, {
        at: place,
      });
    }
    known.add(written);
    added.push({ name: written, type: typeOfNode(column.type, (one) => catalog.type(one)) });
  }
  const schema: Schema = { ...source.schema, value: [...source.schema.value, ...added] };
  const formats = chooseFormats({ key: source.keyFormat, value: source.valueFormat }, {}, schema, context);
  const side = {
    source: source.name,
    topic: source.topic,
    side: 'value',
    formatName: formats.value.name,
    properties: {},
    context,
  } as const;
  const { schema: former } = source.valueFormat;
  const before = former === undefined ? formats.value : { ...formats.value, schema: former };
  const value = withSchema(side, before, schema.value, 'alter', false);
  const altered: Source = { ...source, schema, valueFormat: value.choice };
  const names = added.map((column) => column.name).join(', ');
  return {
    kind: 'command',
    command: { kind: 'alter-source', source: altered },
    schemas: value.register,
    answer: statusAnswer(kind, source.name, 'alter', `Added to \`${source.name}\`: ${names}`, context),
  };
};
