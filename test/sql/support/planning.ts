/** Planning without a log: statements in, plans or errors out. */

import { type UserError } from '../../../base/index.ts';
import {
  builtInFunctions,
  Catalog,
  type Command,
  type FunctionRegistry,
  type Planned,
  Session,
  type SessionOptions,
  Settings,
  type Topics,
} from '../../../sql/index.ts';
import { parseStatements } from '../../../sql/parser/parse.ts';

/** Sources that most tests speak of. */
export const sources = `
  CREATE STREAM orders (id BIGINT KEY, customer VARCHAR, amount DOUBLE, items ARRAY<INT>, place STRUCT<city VARCHAR, zip INT>, ts BIGINT)
    WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON', PARTITIONS=4, TIMESTAMP='ts');
  CREATE TABLE customers (name VARCHAR PRIMARY KEY, city VARCHAR, since BIGINT) WITH (KAFKA_TOPIC='customers', VALUE_FORMAT='JSON', PARTITIONS=4);
  CREATE STREAM pairs (a INT KEY, b INT KEY, v VARCHAR) WITH (KAFKA_TOPIC='pairs', FORMAT='JSON', PARTITIONS=1);
  CREATE STREAM windows (k VARCHAR KEY, n BIGINT)
    WITH (KAFKA_TOPIC='windows', VALUE_FORMAT='JSON', PARTITIONS=1, WINDOW_TYPE='TUMBLING', WINDOW_SIZE='10 SECONDS');
  CREATE STREAM bare (v VARCHAR) WITH (KAFKA_TOPIC='bare', VALUE_FORMAT='KAFKA', PARTITIONS=1);`;

export const session = (
  settings: Readonly<Record<string, unknown>> = {},
  functions: FunctionRegistry = builtInFunctions(),
  more: Pick<SessionOptions, 'rules' | 'schemas'> = {},
): Session => {
  const topics: Topics = new Map();
  return new Session({
    catalog: new Catalog(),
    topics,
    settings: Settings.of(settings),
    functions,
    functionContext: { now: () => 1_000_000, random: () => 0.5 },
    number: 0,
    ...more,
  });
};

/** What the last of the statements would do. */
export const planAll = (text: string, into: Session = session()): Planned => {
  let planned: Planned | undefined;
  for (const statement of parseStatements(text)) planned = into.plan(statement).planned;
  if (planned === undefined) throw new Error('no statement');
  return planned;
};

export const commandOf = (text: string): Command => {
  const planned = planAll(`${sources}${text}`);
  if (planned.kind !== 'command') throw new Error(`the statement is no command but ${planned.kind}`);
  return planned.command;
};

/** The error that the last of the statements gets: `CODE at line:column: sentence | hint`; places count from the
 *  statement itself. */
export const faultOf = (text: string, before = sources): string => {
  const own = session();
  if (before !== '') planAll(before, own);
  try {
    planAll(text, own);
  } catch (error) {
    const { code, message, hint, at } = error as UserError;
    if (code === undefined) throw error;
    const place = at === undefined ? '' : ` at ${at.line}:${at.column}`;
    return `${code}${place}: ${message}${hint === undefined ? '' : ` | ${hint}`}`;
  }
  return 'no fault';
};
