/** CREATE STREAM … AS SELECT and CREATE TABLE … AS SELECT: a new source and the query that writes it. */

import { UserError } from '../../base/index.ts';
import { readProperties } from '../analyze/properties.ts';
import { type AnalyzedQuery, analyzeQuery } from '../analyze/query.ts';
import type { Source } from '../analyze/sources.ts';
import { milliseconds } from '../analyze/window.ts';
import type { PersistentQuery } from '../catalog.ts';
import type { FormatChoice } from '../formats/choices.ts';
import { defaultKeyFormat, formatNamed, keylessFormat } from '../formats/index.ts';
import { inheritedProperties } from '../formats/properties.ts';
import type { Identifier } from '../parser/ast.ts';
import type { CreateAs } from '../parser/statements/create.ts';
import { sourcesOf } from '../plan/plan.ts';
import { planQuery } from '../plan/planner.ts';
import { readPlan } from '../plan/read-plan.ts';
import { replacementOf } from '../plan/replacement.ts';
import { checkNotInternal } from '../queries/internal-topics.ts';
import { isPseudoColumn } from '../types/schema.ts';
import { structOf } from '../types/type.ts';
import { checkPlan } from './check-plan.ts';
import type { CommandDefinition } from './command.ts';
import { checkReplacedSource } from './replace.ts';
import { withSchema } from './schemas.ts';
import {
  checkName,
  chooseFormats,
  chooseTimestamp,
  chooseTopic,
  type Formats,
  statusAnswer,
  topicConfigs,
} from './sources.ts';
import type { Handler, StatementContext } from './statement.ts';

export interface CreateAsCommand {
  readonly kind: 'create-as';
  readonly source: Source;
  readonly query: PersistentQuery;
  /** Of the topic that was made for the statement, if one was. */
  readonly topicId?: string;
}

export const createAsCommand: CommandDefinition<CreateAsCommand> = {
  apply(catalog, { source, query }) {
    const replaces = catalog.query(query.id) !== undefined;
    catalog.add(source);
    catalog.addQuery(query);
    return replaces ? { replace: query, stop: [] } : { start: query, stop: [] };
  },
  read: (command) => ({ ...command, query: { ...command.query, plan: readPlan(command.query.plan) } }),
  withTopicId: (command, topicId) => ({ ...command, topicId }),
};

export const createAs: Handler<CreateAs, CreateAsCommand> = (statement, context) => {
  const { sourceKind: kind, name, at } = statement;
  const nothing = checkName(name, statement, context);
  const properties = readProperties(statement.properties, 'create-as');
  const { catalog, settings, typer } = context;
  const analyzed = analyzeQuery(statement.query, {
    catalog,
    typer,
    purpose: 'persistent',
    sink: name.name,
    timestamp: properties.timestamp,
    noFinal: settings.isTrue('ksql.suppress.enabled') === false,
  });
  if (analyzed.flow !== kind) {
    const [word, other] = kind === 'stream' ? ['STREAM', 'TABLE'] : ['TABLE', 'STREAM'];
    throw new UserError('SQL_WRONG_KIND', `the query of CREATE ${word} "${name.name}" delivers a ${analyzed.flow}`, {
      at,
      hint: `Write CREATE ${other} ${name.name} AS SELECT ….`,
    });
  }
  checkColumnNames(analyzed);
  checkInputFormats(analyzed);
  const { schema } = analyzed.plan;
  const wanted = sinkFormats(analyzed, properties.keyFormat, properties.valueFormat?.value, context);
  const formats = chooseFormats(wanted, properties, schema, context);
  const timestamp = chooseTimestamp(properties, schema);
  const topic = properties.topic?.value ?? `${settings.get('ksql.output.topic.name.prefix') ?? ''}${name.name}`;
  const left = context.topics.get((analyzed.sources[0] as (typeof analyzed.sources)[number]).source.topic);
  const where = { source: name.name, topic, properties, context };
  const key = withSchema(
    { ...where, side: 'key', formatName: formats.key.name },
    formats.key,
    schema.key,
    'create-as',
    false,
  );
  const value = withSchema(
    { ...where, side: 'value', formatName: formats.value.name },
    formats.value,
    schema.value,
    'create-as',
    false,
  );
  const target = {
    topic,
    keyFormat: key.choice,
    valueFormat: value.choice,
    timestamp,
    timesMustBeValid: settings.isTrue('ksql.timestamp.throw.on.invalid'),
  };
  const { physical } = planQuery(analyzed.plan, context, target);
  const retention = statement.query.window?.retention;
  checkNotInternal(topic, 'written', properties.topic?.at ?? name.at);
  const newTopic = chooseTopic(
    topic,
    properties.topic?.at ?? name.at,
    properties,
    {
      partitions: context.topics.has(topic) ? undefined : left?.partitions,
      configs: topicConfigs(kind, schema, properties, retention === undefined ? 0 : milliseconds(retention)),
    },
    context,
  );
  checkPlan(physical, context);
  if (nothing !== undefined) return nothing;
  const existing = catalog.source(name.name);
  const replaced = existing === undefined ? undefined : replacedQuery(name, context);
  const id = replaced?.id ?? `${kind === 'stream' ? 'CSAS' : 'CTAS'}_${name.name}_${context.number}`;
  const source: Source = {
    name: name.name,
    kind,
    schema,
    topic,
    keyFormat: key.choice,
    valueFormat: value.choice,
    ...(timestamp === undefined ? {} : { timestamp }),
    readOnly: false,
    statement: context.text,
    query: id,
  };
  if (existing !== undefined) checkReplacedSource(existing, source, at);
  const plan = replaced === undefined ? physical : replacementOf(id, replaced.plan, physical, at);
  const query: PersistentQuery = {
    id,
    kind: 'create-as',
    sink: name.name,
    sources: sourcesOf(plan).map((step) => step.source),
    statement: context.text,
    plan,
    properties: settings.toRecord(),
  };
  return {
    kind: 'command',
    command: { kind: 'create-as', source, query },
    topic: newTopic,
    schemas: [...key.register, ...value.register],
    answer: statusAnswer(kind, name.name, 'create', `Created query with ID ${id}`, context, id),
  };
};

/** The query that writes what is to be replaced, if one does: the new one takes over its id, offsets and state. */
const replacedQuery = (name: Identifier, { catalog }: StatementContext): PersistentQuery | undefined => {
  const [writer, ...others] = catalog.writersOf(name.name);
  if (others.length === 0) return writer;
  throw new UserError(
    'SQL_NOT_REPLACEABLE',
    `"${name.name}" cannot be replaced: ${catalog
      .writersOf(name.name)
      .map(({ id }) => id)
      .join(', ')} write it`,
    { at: name.at, hint: 'Stop all of them but one first, with TERMINATE.' },
  );
};

const checkColumnNames = (analyzed: AnalyzedQuery): void => {
  // A key may be called so: PARTITION BY ROWTIME names it.
  for (const { name, isKey } of analyzed.columns) {
    if (isKey || !isPseudoColumn(name)) continue;
    throw new UserError('SQL_RESERVED_NAME', `"${name}" is a reserved column name and needs an alias here`, {
      hint: `Write ${name} AS another_name.`,
    });
  }
};

/** A value format that holds one column only cannot be grouped or joined, as in ksqlDB. */
export const checkInputFormats = (analyzed: AnalyzedQuery): void => {
  const stateful = (node: AnalyzedQuery['plan']): boolean => {
    switch (node.kind) {
      case 'source':
        return false;
      case 'aggregate':
      case 'join':
        return true;
      case 'filter':
      case 'project':
      case 'flat-map':
      case 'rekey':
        return stateful(node.input);
    }
  };
  if (!stateful(analyzed.plan)) return;
  checkIntermediates(analyzed, analyzed.plan);
  for (const { source, at } of analyzed.sources) {
    if (formatNamed(source.valueFormat.name).columns !== 'one') continue;
    throw new UserError(
      'SQL_KAFKA_VALUES',
      `"${source.name}" has the value format ${source.valueFormat.name}, which does not support GROUP BY and JOIN`,
      {
        at,
        hint: `Copy it into another format first: CREATE … WITH (VALUE_FORMAT='JSON') AS SELECT * FROM ${source.name};`,
      },
    );
  }
};

/** ksqlDB keeps what an aggregate needs in the value format of its first source, as one column for each call: a struct
 *  where that is several values. Statements that it refuses for this are refused here too, so that they mean the same
 *  in both. */
const checkIntermediates = (analyzed: AnalyzedQuery, node: AnalyzedQuery['plan']): void => {
  if (node.kind === 'source' || node.kind === 'join') return;
  if (node.kind !== 'aggregate') return checkIntermediates(analyzed, node.input);
  const format = formatNamed(analyzed.formats.value.name);
  for (const call of node.aggregates) {
    const [only, ...others] = call.slots;
    const type =
      only !== undefined && others.length === 0
        ? only
        : structOf(call.slots.map((slot, i) => ({ name: `S${i}`, type: slot })));
    const types = [type, ...call.args.map((arg) => arg.type)];
    if (types.every((each) => format.unsupported([{ name: 'STATE', type: each }]) === undefined)) continue;
    const name = analyzed.sources[0]?.source.name;
    throw new UserError(
      'SQL_FORMAT_TYPE',
      `${call.function} cannot be used on a source with the value format ${format.name}, which does not hold what the function keeps between rows`,
      { hint: `Copy it into another format first: CREATE … WITH (VALUE_FORMAT='JSON') AS SELECT * FROM ${name};` },
    );
  }
};

/** Formats of a sink: those that WITH names, else those of the first source; where the query adds or drops the key,
 * another key format. */
const sinkFormats = (
  analyzed: AnalyzedQuery,
  keyFormat: { readonly value: string; readonly at: CreateAs['at'] } | undefined,
  valueFormat: string | undefined,
  context: StatementContext,
): Formats => {
  const value = chosenOr(valueFormat, analyzed.formats.value);
  const hasKey = analyzed.plan.schema.key.length > 0;
  if (analyzed.keyDropped) {
    if (keyFormat !== undefined && keyFormat.value !== keylessFormat.name) {
      throw new UserError(
        'SQL_PROPERTY_CONFLICT',
        `PARTITION BY NULL drops the key, so the key format can only be ${keylessFormat.name}, not ${keyFormat.value}`,
        { at: keyFormat.at, hint: 'Leave KEY_FORMAT out.' },
      );
    }
    return { key: { name: keylessFormat.name }, value };
  }
  const { key: inherited } = analyzed.formats;
  if (keyFormat !== undefined || !hasKey || formatNamed(inherited.name).columns !== 'none') {
    return { key: chosenOr(keyFormat?.value, inherited), value };
  }
  const fallback = context.settings.get('ksql.persistence.default.format.key') ?? defaultKeyFormat.name;
  return { key: { name: fallback }, value };
};

/** The format that was named, with the properties of the source where that has the same one; the source's where none
 *  was named. */
const chosenOr = (name: string | undefined, source: FormatChoice): FormatChoice => {
  if (name !== undefined && name !== source.name) return { name };
  return { name: source.name, properties: inheritedProperties(formatNamed(source.name), source.properties) };
};
