/** SHOW and LIST: streams, tables, topics, queries, functions, properties. */

import type { ExtendedTopicRow, TopicRow } from '../facade.ts';
import type { ShowFunctions, ShowPlain, ShowQueries, ShowSources, ShowTopics } from '../parser/statements/show.ts';
import { knownProperties } from '../settings.ts';
import { describeSource, queryRow, sourceRow } from './describe.ts';
import { describeRunning } from './explain.ts';
import type { Handler, TopicInfo, View } from './statement.ts';
import { topicFigures } from './topic-figures.ts';

export const showSources: Handler<ShowSources> = ({ sourceKind, extended }) => ({
  kind: 'show',
  async show(view) {
    const sources = view.catalog.sources(sourceKind);
    if (extended) {
      const sourceDescriptions = await Promise.all(sources.map((source) => describeSource(source, view, true)));
      return { kind: 'source_descriptions', sourceDescriptions };
    }
    const rows = sources.map(sourceRow);
    return sourceKind === 'stream' ? { kind: 'streams', streams: rows } : { kind: 'tables', tables: rows };
  },
});

/** Topics that are ours begin with `_`; SHOW ALL TOPICS shows them too. */
export const showTopics: Handler<ShowTopics> = ({ all, extended }) => ({
  kind: 'show',
  async show(view) {
    const topics = [...view.topics]
      .filter(([name]) => all || !name.startsWith('_'))
      .sort(([a], [b]) => (a < b ? -1 : 1));
    if (!extended) return { kind: 'kafka_topics', topics: topics.map(topicRow) };
    const rows = await Promise.all(topics.map((topic) => extendedTopicRow(topic, view)));
    return { kind: 'kafka_topics_extended', topics: rows };
  },
});

const topicRow = ([name, { partitions }]: readonly [string, TopicInfo]): TopicRow => ({
  name,
  replicaInfo: new Array<number>(partitions).fill(1),
});

const extendedTopicRow = async (topic: readonly [string, TopicInfo], view: View): Promise<ExtendedTopicRow> => {
  const [name, info] = topic;
  const use = await view.topicUse(name);
  return {
    ...topicRow(topic),
    consumerCount: use.groups.length,
    consumerGroupCount: use.groups.length,
    millrace: topicFigures(info, use),
  };
};

export const showQueries: Handler<ShowQueries> = ({ extended }, context) => ({
  kind: 'show',
  show(view) {
    const queries = view.catalog.queries();
    return extended
      ? {
          kind: 'query_descriptions',
          queryDescriptions: queries.map((query) => describeRunning(query, view, context)),
        }
      : { kind: 'queries', queries: queries.map((query) => queryRow(query, view)) };
  },
});

/** Every property, with its value in force; what SET sets for the queries behind it, and what counts for statements. */
export const showProperties: Handler<ShowPlain> = (_, { settings }) => ({
  kind: 'nothing',
  answer: {
    kind: 'properties',
    properties: Object.keys(knownProperties)
      .sort()
      .map((name) => ({
        name: knownProperties[name]?.ofQueries === true ? `ksql.streams.${name}` : name,
        scope: 'KSQL',
        value: settings.get(name) ?? knownProperties[name]?.byDefault ?? null,
        editable: knownProperties[name]?.atStart !== true,
        level: knownProperties[name]?.ofQueries === true ? 'QUERY' : 'SERVER',
      })),
    overwrittenProperties: Object.keys(settings.toRecord()),
    defaultProperties: Object.keys(knownProperties).filter((name) => settings.get(name) === undefined),
  },
});

export const showFunctions: Handler<ShowFunctions> = () => ({
  kind: 'show',
  show: (view) => ({
    kind: 'function_names',
    functions: view.functions.list().map(({ name, kind, category }) => ({ name, type: kind.toUpperCase(), category })),
  }),
});
