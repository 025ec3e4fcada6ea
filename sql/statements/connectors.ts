/** Connectors: their statements are of the dialect, and there is no runtime for them. Lists are empty; everything else
 *  is refused, unless IF EXISTS makes that a warning. */

import { type Position, UserError } from '../../base/index.ts';
import type { CreateConnector } from '../parser/statements/create.ts';
import type { DropNamed } from '../parser/statements/drop.ts';
import type { DescribeConnector, ShowConnectors, ShowPlain } from '../parser/statements/show.ts';
import type { Handler } from './statement.ts';

const noRuntime = (what: string, at: Position): UserError =>
  new UserError('SQL_NO_CONNECT', `${what}: there is no Connect runtime`, {
    at,
    hint: 'Run Kafka Connect beside Millrace, and create a stream over the topic that the connector writes or reads.',
  });

export const createConnector: Handler<CreateConnector> = ({ name, at }) => {
  throw noRuntime(`the connector "${name.name}" cannot be created`, at);
};

export const dropConnector: Handler<DropNamed> = ({ name, ifExists, at }) => {
  if (!ifExists) throw noRuntime(`the connector "${name.name}" does not exist`, at);
  return {
    kind: 'nothing',
    answer: { kind: 'warning_entity', message: `Connector '${name.name}' does not exist.` },
  };
};

export const describeConnector: Handler<DescribeConnector> = ({ name, at }) => {
  throw noRuntime(`the connector "${name.name}" does not exist`, at);
};

export const showConnectors: Handler<ShowConnectors> = () => ({
  kind: 'nothing',
  answer: { kind: 'connector_list', connectors: [] },
});

export const showConnectorPlugins: Handler<ShowPlain> = () => ({
  kind: 'nothing',
  answer: { kind: 'connector_plugins_list', connectorPlugins: [] },
});
