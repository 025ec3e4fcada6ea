/**
 * All statements: the handler of each, and the definitions of the commands that some of them come to. The mapped types
 * refuse to compile until every statement of the grammar has a handler and every command a definition.
 */

import { assert, UserError } from '../../base/index.ts';
import type { Catalog } from '../catalog.ts';
import type { Statement, StatementOf } from '../parser/statements/index.ts';
import { type AlterSourceCommand, alterSource, alterSourceCommand } from './alter-source.ts';
import { assertSchema, assertTopic } from './assert.ts';
import type { CommandDefinition, Effects } from './command.ts';
import {
  createConnector,
  describeConnector,
  dropConnector,
  showConnectorPlugins,
  showConnectors,
} from './connectors.ts';
import { type CreateAsCommand, createAs, createAsCommand } from './create-as.ts';
import { type CreateSourceCommand, createSource, createSourceCommand } from './create-source.ts';
import { describe, describeSources } from './describe.ts';
import { describeFunction } from './describe-function.ts';
import { type DropSourceCommand, dropSource, dropSourceCommand } from './drop-source.ts';
import { explain } from './explain.ts';
import { type InsertAsCommand, insertAs, insertAsCommand } from './insert-as.ts';
import { insertValues } from './insert-values.ts';
import { type PauseCommand, pauseCommand, pauseOrResume, type ResumeCommand, resumeCommand } from './pause.ts';
import { print } from './print.ts';
import { query } from './query.ts';
import { alterSystem, set, unset } from './set.ts';
import { showFunctions, showProperties, showQueries, showSources, showTopics } from './show.ts';
import type { Handler, PlannedBy, StatementContext } from './statement.ts';
import { type TerminateCommand, terminate, terminateCommand } from './terminate.ts';
import {
  type CreateTypeCommand,
  createType,
  createTypeCommand,
  type DropTypeCommand,
  dropType,
  dropTypeCommand,
  showTypes,
} from './types.ts';
import { define, showVariables, undefine } from './variables.ts';

export type Command =
  | CreateSourceCommand
  | CreateAsCommand
  | InsertAsCommand
  | AlterSourceCommand
  | DropSourceCommand
  | TerminateCommand
  | PauseCommand
  | ResumeCommand
  | CreateTypeCommand
  | DropTypeCommand;
type CommandOf<K extends Command['kind']> = Extract<Command, { readonly kind: K }>;

/** What a statement would do. */
export type Planned = PlannedBy<Command>;

const handlers: { readonly [K in Statement['kind']]: Handler<StatementOf<K>, Command> } = {
  'create-source': createSource,
  'create-as': createAs,
  'insert-values': insertValues,
  'insert-as': insertAs,
  query,
  'drop-source': dropSource,
  'alter-source': alterSource,
  terminate,
  pause: pauseOrResume,
  resume: pauseOrResume,
  'create-type': createType,
  'drop-type': dropType,
  'create-connector': createConnector,
  'drop-connector': dropConnector,
  'assert-topic': assertTopic,
  'assert-schema': assertSchema,
  print,
  'show-sources': showSources,
  'show-topics': showTopics,
  'show-queries': showQueries,
  'show-functions': showFunctions,
  'show-properties': showProperties,
  'show-types': showTypes,
  'show-variables': showVariables,
  'show-connectors': showConnectors,
  'show-connector-plugins': showConnectorPlugins,
  describe,
  'describe-sources': describeSources,
  'describe-connector': describeConnector,
  'describe-function': describeFunction,
  explain,
  set,
  unset,
  'alter-system': alterSystem,
  define,
  undefine,
};

const commands: { readonly [K in Command['kind']]: CommandDefinition<CommandOf<K>> } = {
  'create-source': createSourceCommand,
  'create-as': createAsCommand,
  'insert-as': insertAsCommand,
  'alter-source': alterSourceCommand,
  'drop-source': dropSourceCommand,
  terminate: terminateCommand,
  pause: pauseCommand,
  resume: resumeCommand,
  'create-type': createTypeCommand,
  'drop-type': dropTypeCommand,
};

export const planStatement = (statement: Statement, context: StatementContext): Planned =>
  (handlers[statement.kind] as Handler<Statement, Command>)(statement, context);

const definitionOf = (command: Command): CommandDefinition<Command> => commands[command.kind];

/** Applies the command to the catalog, and gives what has to happen outside of it. */
export const applyCommand = (catalog: Catalog, command: Command): Effects =>
  definitionOf(command).apply(catalog, command);

/** The source whose topic goes with the command. */
export const deletesTopicOf = (command: Command): string | undefined => definitionOf(command).deletesTopicOf?.(command);

/** The topic that goes with the command, by its name. */
export const topicDeletedBy = (command: Command, catalog: Catalog): string | undefined => {
  const source = deletesTopicOf(command);
  return source === undefined ? undefined : catalog.source(source)?.topic;
};

/** The command with the id of its topic: of the one that was made for it, or of the one that goes with it. */
export const withTopicId = (command: Command, topicId: string): Command => {
  const bound = definitionOf(command).withTopicId?.(command, topicId);
  assert(bound !== undefined, `a command ${command.kind} has no topic of its own`);
  return bound;
};

/** A command as it came back from the log; plans of unknown versions and unknown commands are refused. */
export const readCommand = (data: unknown): Command => {
  const command = data as Command;
  if (typeof command !== 'object' || command === null || !Object.hasOwn(commands, command.kind)) {
    throw new UserError(
      'SQL_STATEMENT_UNREADABLE',
      'the entry of the statement log is not a command that this build can read',
    );
  }
  return definitionOf(command).read?.(command) ?? command;
};
