/** CREATE STREAM … AS SELECT and CREATE TABLE … AS SELECT: a new source and the query that writes it. */

import { UserError } from '../../base/index.ts';
import { readProperties } from '../analyze/properties.ts';
import { type AnalyzedQuery, analyzeQuery } from '../analyze/query.ts';
import { milliseconds } from '../analyze/window.ts';
import type { Query, Source } from '../catalog.ts';
import type { CreateAs } from '../parser/ast.ts';
import { sourcesOf } from '../plan/plan.ts';
import { planQuery } from '../plan/planner.ts';
import { isPseudoColumn } from '../types/schema.ts';
import { checkPlan } from './check-plan.ts';
import { checkNotInternal } from './internal-topics.ts';
import { checkName, chooseFormats, chooseTimestamp, chooseTopic, statusAnswer, topicConfigs } from './sources.ts';
import type { Handler, StatementContext } from './statement.ts';

export const createAs: Handler<CreateAs> = (statement, context) => {
  const { sourceKind: kind, name, at } = statement;
  const skipped = checkName(name, statement, context);
  if (skipped !== undefined) return skipped;
  const properties = readProperties(statement.properties, 'create-as');
  const { catalog, settings, typer } = context;
  const analyzed = analyzeQuery(statement.query, {
    catalog,
    typer,
    purpose: 'persistent',
    sink: name.name,
    timestamp: properties.timestamp,
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
  const names = sinkFormats(analyzed, properties.keyFormat, properties.valueFormat?.value, context);
  const formats = chooseFormats(names, properties, schema, context);
  const timestamp = chooseTimestamp(properties, schema);
  const topic = properties.topic?.value ?? `${settings.get('ksql.output.topic.name.prefix') ?? ''}${name.name}`;
  const left = context.topics.get((analyzed.sources[0] as (typeof analyzed.sources)[number]).source.topic);
  const target = {
    topic,
    keyFormat: formats.key,
    valueFormat: formats.value,
    timestamp,
    timesMustBeValid: settings.isTrue('ksql.timestamp.throw.on.invalid'),
  };
  const { physical } = planQuery(analyzed.plan, catalog, target);
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
  const id = `${kind === 'stream' ? 'CSAS' : 'CTAS'}_${name.name}_${context.number}`;
  const source: Source = {
    name: name.name,
    kind,
    schema,
    topic,
    keyFormat: formats.key,
    valueFormat: formats.value,
    ...(timestamp === undefined ? {} : { timestamp }),
    readOnly: false,
    statement: context.text,
    query: id,
  };
  const query: Query = {
    id,
    kind: 'create-as',
    sink: name.name,
    sources: sourcesOf(physical).map((step) => step.source),
    statement: context.text,
    plan: physical,
    properties: settings.toRecord(),
  };
  return {
    kind: 'command',
    command: { kind: 'create-as', source, query },
    topic: newTopic,
    answer: statusAnswer(kind, name.name, 'create', `Created query with ID ${id}`, context, id),
  };
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

/** A value that is one bare datum cannot be grouped or joined. */
export const checkInputFormats = (analyzed: AnalyzedQuery): void => {
  const stateful = (node: AnalyzedQuery['plan']): boolean =>
    node.kind === 'aggregate' || node.kind === 'join' || (node.kind !== 'source' && stateful(node.input));
  if (!stateful(analyzed.plan)) return;
  for (const { source, at } of analyzed.sources) {
    if (source.valueFormat.name !== 'KAFKA') continue;
    throw new UserError(
      'SQL_KAFKA_VALUES',
      `"${source.name}" has the value format KAFKA, which does not support GROUP BY and JOIN`,
      {
        at,
        hint: `Copy it into another format first: CREATE … WITH (VALUE_FORMAT='JSON') AS SELECT * FROM ${source.name};`,
      },
    );
  }
};

/** Formats of a sink: what WITH says, else what the first source has; a key that came or went changes that. */
const sinkFormats = (
  analyzed: AnalyzedQuery,
  keyFormat: { readonly value: string; readonly at: CreateAs['at'] } | undefined,
  valueFormat: string | undefined,
  context: StatementContext,
): { readonly key: string; readonly value: string } => {
  const value = valueFormat ?? analyzed.formats.value.name;
  const hasKey = analyzed.plan.schema.key.length > 0;
  if (analyzed.keyDropped) {
    if (keyFormat !== undefined && keyFormat.value !== 'NONE') {
      throw new UserError(
        'SQL_PROPERTY_CONFLICT',
        `PARTITION BY NULL drops the key, so the key format can only be NONE, not ${keyFormat.value}`,
        { at: keyFormat.at, hint: 'Leave KEY_FORMAT out.' },
      );
    }
    return { key: 'NONE', value };
  }
  if (keyFormat !== undefined) return { key: keyFormat.value, value };
  const inherited = analyzed.formats.key.name;
  const usable = inherited !== 'NONE' || !hasKey;
  return {
    key: usable ? inherited : (context.settings.get('ksql.persistence.default.format.key') ?? 'KAFKA'),
    value,
  };
};
