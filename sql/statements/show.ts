/** SHOW and LIST: streams, tables, topics, queries, functions. */

import type { ShowFunctions, ShowQueries, ShowSources, ShowTopics } from '../parser/statements/show.ts';
import { describeSource, queryRow, sourceRow } from './describe.ts';
import type { Handler } from './statement.ts';

export const showSources: Handler<ShowSources> = ({ sourceKind, extended }) => ({
  kind: 'show',
  show(view) {
    const sources = view.catalog.sources(sourceKind);
    if (extended) {
      return {
        kind: 'source_descriptions',
        sourceDescriptions: sources.map((source) => describeSource(source, view, true)),
      };
    }
    const rows = sources.map(sourceRow);
    return sourceKind === 'stream' ? { kind: 'streams', streams: rows } : { kind: 'tables', tables: rows };
  },
});

/** Topics that are ours begin with `_`; SHOW ALL TOPICS shows them too. */
export const showTopics: Handler<ShowTopics> = ({ all }) => ({
  kind: 'show',
  show: (view) => ({
    kind: 'kafka_topics',
    topics: [...view.topics]
      .filter(([name]) => all || !name.startsWith('_'))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { partitions }]) => ({ name, replicaInfo: new Array<number>(partitions).fill(1) })),
  }),
});

export const showQueries: Handler<ShowQueries> = () => ({
  kind: 'show',
  show: (view) => ({ kind: 'queries', queries: view.catalog.queries().map((query) => queryRow(query, view)) }),
});

export const showFunctions: Handler<ShowFunctions> = () => ({
  kind: 'show',
  show: (view) => ({
    kind: 'function_names',
    functions: view.functions.list().map(({ name, kind, category }) => ({ name, type: kind.toUpperCase(), category })),
  }),
});
