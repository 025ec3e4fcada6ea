/** CREATE TYPE, DROP TYPE and SHOW TYPES: names for types. Where a name is used the type itself is meant: what was made
 *  with it stays as it is when the name goes. */

import { closest, UserError } from '../../base/index.ts';
import { typeOfNode } from '../analyze/type-of-node.ts';
import type { CreateType } from '../parser/statements/create.ts';
import type { DropNamed } from '../parser/statements/drop.ts';
import type { ShowPlain } from '../parser/statements/show.ts';
import { typeWords } from '../parser/words.ts';
import { describeType, printType, type SqlType } from '../types/type.ts';
import type { CommandDefinition } from './command.ts';
import { statusAnswer } from './sources.ts';
import type { Handler } from './statement.ts';

export interface CreateTypeCommand {
  readonly kind: 'create-type';
  readonly name: string;
  readonly type: SqlType;
}

export const createTypeCommand: CommandDefinition<CreateTypeCommand> = {
  apply(catalog, { name, type }) {
    catalog.addType(name, type);
    return { stop: [] };
  },
};

export interface DropTypeCommand {
  readonly kind: 'drop-type';
  readonly name: string;
}

export const dropTypeCommand: CommandDefinition<DropTypeCommand> = {
  apply(catalog, { name }) {
    catalog.removeType(name);
    return { stop: [] };
  },
};

export const createType: Handler<CreateType, CreateTypeCommand> = ({ name, type: node, ifNotExists }, context) => {
  const { catalog } = context;
  const type = typeOfNode(node, (one) => catalog.type(one));
  const existing = catalog.type(name.name);
  if (existing !== undefined && ifNotExists) {
    const message = `${name.name} is already registered with type ${printType(existing)}`;
    return { kind: 'nothing', answer: { kind: 'warning_entity', message } };
  }
  if (existing !== undefined) {
    throw new UserError('SQL_DUPLICATE_TYPE', `there is already a type called "${name.name}": ${printType(existing)}`, {
      at: name.at,
      hint: `Choose another name, DROP TYPE ${name.name}; or write CREATE TYPE IF NOT EXISTS.`,
    });
  }
  if (typeWords.includes(name.name.toUpperCase())) {
    throw new UserError('SQL_RESERVED_NAME', `"${name.name}" is a built-in type`, {
      at: name.at,
      hint: 'Choose another name.',
    });
  }
  const message = `Registered custom type with name '${name.name}' and SQL type ${printType(type)}`;
  return {
    kind: 'command',
    command: { kind: 'create-type', name: name.name, type },
    answer: statusAnswer('type', name.name, 'create', message, context),
  };
};

export const dropType: Handler<DropNamed, DropTypeCommand> = ({ name, ifExists }, context) => {
  const { catalog } = context;
  if (catalog.type(name.name) === undefined) {
    if (ifExists) {
      return {
        kind: 'nothing',
        answer: { kind: 'warning_entity', message: `Type '${name.name}' does not exist` },
      };
    }
    const near = closest(name.name, [...catalog.types().keys()]);
    throw new UserError('SQL_UNKNOWN_TYPE', `there is no type called "${name.name}"`, {
      at: name.at,
      hint: near === undefined ? 'SHOW TYPES; lists those that were made.' : `Did you mean "${near}"?`,
    });
  }
  return {
    kind: 'command',
    command: { kind: 'drop-type', name: name.name },
    answer: statusAnswer('type', name.name, 'drop', `Dropped type '${name.name}'`, context),
  };
};

export const showTypes: Handler<ShowPlain> = () => ({
  kind: 'show',
  show: ({ catalog }) => ({
    kind: 'type_list',
    types: Object.fromEntries(Array.from(catalog.types(), ([name, type]) => [name, describeType(type)])),
  }),
});
