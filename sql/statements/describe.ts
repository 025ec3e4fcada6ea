/** DESCRIBE: a source's columns, formats, topic, and the queries around it. Also the descriptions that other statements
 *  show. */

import { closest, UserError } from '../../base/index.ts';
import { type Source, unknownSource } from '../analyze/sources.ts';
import type { Catalog, PersistentQuery } from '../catalog.ts';
import type { FieldDescription, QueryRow, SourceDescription, SourceRow } from '../facade.ts';
import type { Describe } from '../parser/statements/show.ts';
import type { Schema } from '../types/schema.ts';
import { describeType } from '../types/type.ts';
import type { Handler, View } from './statement.ts';

export const describe: Handler<Describe> = ({ name, extended }, { catalog }) => {
  if (catalog.source(name.name) === undefined) {
    if (name.name === 'TABLES') {
      return {
        kind: 'show',
        show: (view) => ({
          kind: 'source_descriptions',
          sourceDescriptions: view.catalog.sources('table').map((source) => describeSource(source, view, extended)),
        }),
      };
    }
    throw unknownSource(catalog, name.name, name.at);
  }
  return {
    kind: 'show',
    show: (view) => ({
      kind: 'sourceDescription',
      sourceDescription: describeSource(requireSource(view.catalog, name.name), view, extended),
    }),
  };
};

const requireSource = (catalog: Catalog, name: string): Source => catalog.require(name);

export const fieldsOf = (schema: Schema): readonly FieldDescription[] => [
  ...schema.key.map((column) => ({ name: column.name, schema: describeType(column.type), type: 'KEY' as const })),
  ...schema.value.map((column) => ({ name: column.name, schema: describeType(column.type) })),
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
  sinks: [query.sink],
  sinkKafkaTopics: [view.catalog.source(query.sink)?.topic ?? query.sink],
  queryType: 'PERSISTENT',
  state: view.state(query.id),
  millrace: { ...view.drops(query.id), ...errorOf(view.errors(query.id)) },
});

const errorOf = ([error]: readonly string[]): { readonly error?: string } => (error === undefined ? {} : { error });

export const describeSource = (source: Source, view: View, extended: boolean): SourceDescription => ({
  name: source.name,
  type: source.kind === 'stream' ? 'STREAM' : 'TABLE',
  windowType: source.schema.windowed?.type ?? null,
  fields: fieldsOf(source.schema),
  timestamp: source.timestamp?.column ?? '',
  keyFormat: source.keyFormat.name,
  valueFormat: source.valueFormat.name,
  topic: source.topic,
  partitions: view.topics.get(source.topic)?.partitions ?? 0,
  replication: 1,
  statement: source.statement,
  readQueries: view.catalog.readersOf(source.name).map((query) => queryRow(query, view)),
  writeQueries: view.catalog.writersOf(source.name).map((query) => queryRow(query, view)),
  extended,
  statistics: extended ? view.statistics(source.topic) : '',
  errorStats: extended
    ? view.catalog
        .writersOf(source.name)
        .flatMap((query) => view.errors(query.id))
        .join('\n')
    : '',
});

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
