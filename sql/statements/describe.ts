/** DESCRIBE: a source's columns, formats, topic, and the queries around it. Also the descriptions that other statements
 *  show. */

import { closest, UserError } from '../../base/index.ts';
import { type Source, unknownSource } from '../analyze/sources.ts';
import { applicationIdOf } from '../application-id.ts';
import type { Catalog, PersistentQuery } from '../catalog.ts';
import type {
  FieldDescription,
  QueryOffsets,
  QueryRow,
  SourceDescription,
  SourceRow,
  TopicFigures,
} from '../facade.ts';
import type { Describe, DescribeSources } from '../parser/statements/show.ts';
import type { Schema } from '../types/schema.ts';
import { describeType } from '../types/type.ts';
import type { Handler, TopicUse, View } from './statement.ts';
import { topicFigures } from './topic-figures.ts';

export const describe: Handler<Describe> = ({ name, extended }, { catalog }) => {
  if (catalog.source(name.name) === undefined) throw unknownSource(catalog, name.name, name.at);
  return {
    kind: 'show',
    async show(view) {
      const source = requireSource(view.catalog, name.name);
      return { kind: 'sourceDescription', sourceDescription: await describeSource(source, view, extended) };
    },
  };
};

export const describeSources: Handler<DescribeSources> = ({ sourceKind, extended }) => ({
  kind: 'show',
  async show(view) {
    const sources = view.catalog.sources(sourceKind);
    const sourceDescriptions = await Promise.all(sources.map((source) => describeSource(source, view, extended)));
    return { kind: 'source_descriptions', sourceDescriptions };
  },
});

const requireSource = (catalog: Catalog, name: string): Source => catalog.require(name);

export const fieldsOf = (schema: Schema): readonly FieldDescription[] => [
  ...schema.key.map((column) => ({ name: column.name, schema: describeType(column.type), type: 'KEY' as const })),
  ...schema.value.map((column) => ({ name: column.name, schema: describeType(column.type) })),
  ...(schema.headers ?? []).map(({ name, type, headerKey }) => ({
    name,
    schema: describeType(type),
    type: 'HEADER' as const,
    ...(headerKey === undefined ? {} : { headerKey }),
  })),
];

export const sourceRow = (source: Source): SourceRow => ({
  type: source.kind === 'stream' ? 'STREAM' : 'TABLE',
  name: source.name,
  topic: source.topic,
  keyFormat: source.keyFormat.name,
  valueFormat: source.valueFormat.name,
  isWindowed: source.schema.windowed !== undefined,
});

export const queryRow = (query: PersistentQuery, view: View): QueryRow => ({
  id: query.id,
  queryString: query.statement,
  sinks: query.kind === 'source-table' ? [] : [query.sink],
  sinkKafkaTopics: query.kind === 'source-table' ? [] : [view.catalog.source(query.sink)?.topic ?? query.sink],
  queryType: 'PERSISTENT',
  state: view.state(query.id),
  millrace: { ...view.drops(query.id), ...errorOf(view.errors(query.id)) },
});

const errorOf = ([error]: readonly string[]): { readonly error?: string } => (error === undefined ? {} : { error });

export const describeSource = async (source: Source, view: View, extended: boolean): Promise<SourceDescription> => {
  const use = extended ? await view.topicUse(source.topic) : undefined;
  const topic = view.topics.get(source.topic);
  const figures = use && topicFigures(topic ?? { configs: {} }, use);
  const readers = view.catalog.readersOf(source.name);
  const writers = view.catalog.writersOf(source.name).filter(({ kind }) => kind !== 'source-table');
  return {
    name: source.name,
    type: source.kind === 'stream' ? 'STREAM' : 'TABLE',
    windowType: source.schema.windowed?.type ?? null,
    fields: fieldsOf(source.schema),
    timestamp: source.timestamp?.column ?? '',
    keyFormat: source.keyFormat.name,
    valueFormat: source.valueFormat.name,
    topic: source.topic,
    partitions: topic?.partitions ?? 0,
    replication: 1,
    statement: source.statement,
    readQueries: readers.map((query) => queryRow(query, view)),
    writeQueries: writers.map((query) => queryRow(query, view)),
    extended,
    statistics: figures === undefined ? '' : statisticsOf(figures),
    errorStats: extended ? writers.flatMap((query) => view.errors(query.id)).join('\n') : '',
    queryOffsetSummaries: use === undefined ? [] : readers.flatMap((query) => offsetsOf(query, source, use)),
    sourceConstraints: [...new Set(readers.filter(({ sink }) => sink !== source.name).map(({ sink }) => sink))],
    ...(figures && { millrace: figures }),
  };
};

const statisticsOf = ({ offsets, bytes, retentionMs, cleanupPolicy, groups }: TopicFigures): string =>
  [
    `offsets held: ${offsets}`,
    `bytes: ${bytes}`,
    `cleanup: ${cleanupPolicy}`,
    `retention: ${retentionMs === null ? 'default' : retentionMs < 0 ? 'for ever' : `${retentionMs} ms`}`,
    ...groups.map(({ group, lag }) => `lag of ${group}: ${lag}`),
  ].join(', ');

/** Where a query that reads the source stands; nothing before its first commit. */
const offsetsOf = (query: PersistentQuery, { topic }: Source, use: TopicUse): readonly QueryOffsets[] => {
  const groupId = applicationIdOf(query.id);
  const group = use.groups.find((one) => one.group === groupId);
  if (group === undefined) return [];
  const offsets = use.partitions.map(({ partition, start, end }) => ({
    partition,
    logStartOffset: start,
    logEndOffset: end,
    consumerOffset: group.offsets.find((one) => one.partition === partition)?.offset ?? 0,
  }));
  return [{ groupId, kafkaTopic: topic, offsets }];
};

/** A query by its id, or an error with what is close. */
export const requireQuery = (catalog: Catalog, id: string, at: Describe['at']): PersistentQuery => {
  const query = catalog.findQuery(id);
  if (query !== undefined) return query;
  const near = closest(
    id,
    catalog.queries().map((one) => one.id),
  );
  throw new UserError('SQL_UNKNOWN_QUERY', `there is no query called "${id}"`, {
    at,
    hint: near === undefined ? 'SHOW QUERIES; lists what runs.' : `Did you mean "${near}"?`,
  });
};
