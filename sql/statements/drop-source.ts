/** DROP STREAM and DROP TABLE: the source goes, and the CREATE … AS query that writes it; its topic only with DELETE
 *  TOPIC. */

import { UserError } from '../../base/index.ts';
import { unknownSource } from '../analyze/sources.ts';
import type { DropSource } from '../parser/statements/drop.ts';
import { checkNotInternal } from '../queries/internal-topics.ts';
import type { CommandDefinition } from './command.ts';
import { statusAnswer } from './sources.ts';
import type { Handler } from './statement.ts';

export interface DropSourceCommand {
  readonly kind: 'drop-source';
  readonly name: string;
  readonly deleteTopic: boolean;
  /** Of the topic that is to be deleted; set when the command is logged. */
  readonly topicId?: string;
}

export const dropSourceCommand: CommandDefinition<DropSourceCommand> = {
  apply(catalog, { name, deleteTopic, topicId }) {
    const topic = catalog.source(name)?.topic;
    const query = catalog.remove(name);
    const id = deleteTopic ? topicId : undefined;
    return {
      stop: query === undefined ? [] : [query],
      deleteTopic: topic === undefined || id === undefined ? undefined : { name: topic, id },
    };
  },
  deletesTopicOf: ({ name, deleteTopic }) => (deleteTopic ? name : undefined),
  withTopicId: (command, topicId) => ({ ...command, topicId }),
};

export const dropSource: Handler<DropSource, DropSourceCommand> = (statement, context) => {
  const { name, sourceKind: kind, ifExists, deleteTopic, at } = statement;
  const { catalog } = context;
  const source = catalog.source(name.name);
  if (source === undefined) {
    if (!ifExists) throw unknownSource(catalog, name.name, name.at);
    return {
      kind: 'nothing',
      answer: {
        kind: 'warning_entity',
        message: `${kind === 'stream' ? 'Stream' : 'Table'} ${name.name} does not exist.`,
      },
    };
  }
  if (source.kind !== kind) {
    throw new UserError('SQL_WRONG_KIND', `"${name.name}" is a ${source.kind}, not a ${kind}`, {
      at: name.at,
      hint: `Write DROP ${source.kind.toUpperCase()} ${name.name};`,
    });
  }
  if (deleteTopic && source.readOnly) {
    throw new UserError(
      'SQL_READ_ONLY',
      `"${name.name}" was created as a SOURCE: its topic cannot be deleted with it`,
      {
        at,
        hint: 'Leave DELETE TOPIC out.',
      },
    );
  }
  if (deleteTopic) checkNotInternal(source.topic, 'deleted', at);
  catalog.checkDrop(name.name, name.at);
  return {
    kind: 'command',
    command: { kind: 'drop-source', name: name.name, deleteTopic },
    answer: statusAnswer(
      kind,
      name.name,
      'drop',
      `Source \`${name.name}\` (topic: ${source.topic}) was dropped.`,
      context,
    ),
  };
};
