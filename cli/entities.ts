/**
 * What statements answer, as something to read: each shape of answer becomes tables, texts and messages.
 *
 * Answers come from another process, so everything in them is checked: a field that is not what it should be is shown
 * as it is, and a shape that is not known is shown as JSON.
 */

import type { Entity } from '../server/protocol.ts';
import type { Cell } from './cell.ts';
import type { Column } from './table.ts';

export type Block =
  | { readonly kind: 'table'; readonly columns: readonly Column[]; readonly rows: readonly (readonly Cell[])[] }
  /** Data that is a text already, such as a plan. */
  | { readonly kind: 'text'; readonly text: string }
  /** Something to know, not data. */
  | { readonly kind: 'message'; readonly text: string };

type Fields = Readonly<Record<string, unknown>>;

/** A column of a table over a list of objects: its head, and how its cell is found. */
type View = readonly [head: string, cell: (row: Fields) => unknown, type?: string];

const field =
  (name: string): ((row: Fields) => unknown) =>
  (row) =>
    row[name];

const sourceViews: readonly View[] = [
  ['Name', field('name')],
  ['Topic', field('topic')],
  ['Key format', field('keyFormat')],
  ['Value format', field('valueFormat')],
  ['Windowed', field('isWindowed')],
];

const lists: Readonly<Record<string, readonly [list: string, views: readonly View[]]>> = {
  streams: ['streams', sourceViews],
  tables: ['tables', sourceViews],
  kafka_topics: [
    'topics',
    [
      ['Topic', field('name')],
      ['Partitions', (row) => (Array.isArray(row['replicaInfo']) ? row['replicaInfo'].length : undefined), 'INTEGER'],
    ],
  ],
  kafka_topics_extended: [
    'topics',
    [
      ['Topic', field('name')],
      ['Partitions', (row) => (Array.isArray(row['replicaInfo']) ? row['replicaInfo'].length : undefined), 'INTEGER'],
      ['Offsets', (row) => fieldsOf(row['millrace'])['offsets'], 'BIGINT'],
      ['Bytes', (row) => fieldsOf(row['millrace'])['bytes'], 'BIGINT'],
      ['Retention ms', (row) => fieldsOf(row['millrace'])['retentionMs'], 'BIGINT'],
      ['Cleanup', (row) => fieldsOf(row['millrace'])['cleanupPolicy']],
      ['Read by (lag)', (row) => groupsText(fieldsOf(row['millrace'])['groups'])],
    ],
  ],
  properties: [
    'properties',
    [
      ['Property', field('name')],
      ['Level', field('level')],
      ['Value', field('value')],
    ],
  ],
  variables: [
    'variables',
    [
      ['Variable', field('name')],
      ['Value', field('value')],
    ],
  ],
  connector_list: ['connectors', [['Connector', field('name')]]],
  connector_plugins_list: ['connectorPlugins', [['Plugin', field('className')]]],
  queries: [
    'queries',
    [
      ['Id', field('id')],
      ['Kind', field('queryType')],
      ['State', field('state')],
      ['Writes to', (row) => (Array.isArray(row['sinks']) ? row['sinks'].join(', ') : undefined)],
      ['Dropped', (row) => droppedText(row, (reason) => reason !== 'late')],
      ['Late', (row) => droppedText(row, (reason) => reason === 'late')],
      ['Statement', (row) => oneLine(row['queryString'])],
    ],
  ],
  function_names: [
    'functions',
    [
      ['Name', field('name')],
      ['Kind', field('type')],
      ['Category', field('category')],
    ],
  ],
};

export function blocksOf(entity: Entity): readonly Block[] {
  const warnings = (Array.isArray(entity.warnings) ? entity.warnings : []).map(
    (warning): Block => ({ kind: 'message', text: `warning: ${textOf(warning?.message)}` }),
  );
  return [...warnings, ...ownBlocks(entity)];
}

function ownBlocks(entity: Entity): readonly Block[] {
  const type = entity['@type'];
  const list = lists[type];
  const table = list && tableOf(entity[list[0]], list[1]);
  if (type === 'queries' && table !== undefined) return [table, ...errorsOf(entity['queries'])];
  if (table !== undefined) return [table];
  switch (type) {
    case 'describe_function':
      return describeFunction(entity);
    case 'currentStatus':
      return [{ kind: 'message', text: statusText(textOf(entity['commandId']), fieldsOf(entity['commandStatus'])) }];
    case 'warning_entity':
      return [{ kind: 'message', text: `warning: ${textOf(entity['message'])}` }];
    case 'sourceDescription':
      return describeSource(fieldsOf(entity['sourceDescription']));
    case 'source_descriptions':
      return rowsOf(entity['sourceDescriptions']).flatMap(describeSource);
    case 'queryDescription':
      return describeQuery(fieldsOf(entity['queryDescription']));
    case 'query_descriptions':
      return rowsOf(entity['queryDescriptions']).flatMap(describeQuery);
    case 'type_list':
      return [
        tableOf(
          Object.entries(fieldsOf(entity['types'])).map(([name, schema]) => ({ name, schema })),
          [
            ['Type', field('name')],
            ['Meaning', (row) => typeText(row['schema'])],
          ],
        ),
      ];
    case 'assert_topic':
      return [{ kind: 'message', text: `the topic ${textOf(entity['topicName'])} ${existsText(entity)}` }];
    case 'assert_schema': {
      const { subject, id } = entity;
      const parts = [subject === null ? '' : ` of ${textOf(subject)}`, id === null ? '' : ` with the id ${textOf(id)}`];
      return [{ kind: 'message', text: `the schema${parts.join('')} ${existsText(entity)}` }];
    }
    default:
      return [{ kind: 'text', text: JSON.stringify(entity, undefined, 2) }];
  }
}

const existsText = ({ exists }: Fields): string => (exists === true ? 'exists.' : 'does not exist.');

const groupsText = (groups: unknown): string =>
  rowsOf(groups)
    .map(({ group, lag }) => `${textOf(group)} (${textOf(lag)})`)
    .join(', ');

/** What was done, to what, and by which query. The second part of a command's id is the name. */
function statusText(commandId: string, { message, queryId }: Fields): string {
  const name = commandId.split('/')[1]?.replace(/^`(.*)`$/s, '$1') ?? '';
  const sentence = textOf(message);
  const words = sentence.split(/[^\w@-]+/);
  const saysQuery = typeof queryId === 'string' && words.includes(queryId);
  const named = name === '' || saysQuery || words.includes(name) ? sentence : `${sentence}: ${name}`;
  return typeof queryId === 'string' && !saysQuery ? `${named} (query ${queryId})` : named;
}

function describeSource(source: Fields): readonly Block[] {
  const facts: readonly (readonly [name: string, value: unknown])[] = [
    [source['type'] === 'TABLE' ? 'Table' : 'Stream', source['name']],
    ['Topic', source['topic']],
    ['Partitions', source['partitions']],
    ['Key format', source['keyFormat']],
    ['Value format', source['valueFormat']],
    ['Timestamp', source['timestamp']],
    ['Window', source['windowType']],
    ['Statement', source['extended'] === true ? oneLine(source['statement']) : undefined],
    ['Written by', queryIds(source['writeQueries'])],
    ['Read by', queryIds(source['readQueries'])],
    ['Left out', droppedLines(source['writeQueries'])],
    ['Made from it', listed(source['sourceConstraints'])],
    ['Statistics', source['statistics']],
    ['Errors', source['extended'] === true ? source['errorStats'] : listed(errorLines(source['writeQueries']))],
  ];
  const positions = rowsOf(source['queryOffsetSummaries']).flatMap(({ groupId, offsets }) =>
    rowsOf(offsets).map((offset) => ({ groupId, ...offset })),
  );
  return [
    factsOf(facts),
    fieldTable(source['fields']),
    ...(positions.length === 0 ? [] : [tableOf(positions, positionViews)]),
  ];
}

const positionViews: readonly View[] = [
  ['Read by', field('groupId')],
  ['Partition', field('partition'), 'INTEGER'],
  ['Start', field('logStartOffset'), 'BIGINT'],
  ['Position', field('consumerOffset'), 'BIGINT'],
  ['End', field('logEndOffset'), 'BIGINT'],
];

function describeFunction(entity: Entity): readonly Block[] {
  const forms = Array.isArray(entity['functions']) ? (entity['functions'] as readonly unknown[]).map(fieldsOf) : [];
  const form = (one: Fields): string => {
    const args = Array.isArray(one['arguments']) ? (one['arguments'] as readonly unknown[]).map(fieldsOf) : [];
    const list = args.map((arg) =>
      [textOf(arg['name']), `${textOf(arg['type'])}${arg['isVariadic'] === true ? '...' : ''}`]
        .filter((word) => word !== '')
        .join(' '),
    );
    return `${textOf(entity['name'])}(${list.join(', ')}) -> ${textOf(one['returnType'])}`;
  };
  const built = entity['path'] === 'internal';
  return [
    factsOf([
      ['Function', entity['name']],
      ['Kind', entity['type']],
      ...(built ? [] : ([['Module', `${textOf(entity['author'])} ${textOf(entity['version'])}`]] as const)),
    ]),
    { kind: 'message', text: textOf(entity['description']) },
    tableOf(
      forms.map((one) => ({ form: form(one) })),
      [['Form', field('form')]],
    ),
  ];
}

function describeQuery(query: Fields): readonly Block[] {
  const facts: readonly (readonly [name: string, value: unknown])[] = [
    ['Query', query['id']],
    ['Kind', query['queryType']],
    ['State', query['state']],
    ['Statement', oneLine(query['statementText'])],
    ['Reads', listed(query['sources'])],
    ['Writes to', listed(query['sinks'])],
    ['Errors', listed(query['queryErrors'])],
  ];
  const parts: readonly (readonly [title: string, text: unknown])[] = [
    ['Plan', query['executionPlan']],
    ['Topology', query['topology']],
  ];
  return [
    factsOf(facts),
    fieldTable(query['fields']),
    ...parts.flatMap(([title, text]): Block[] =>
      typeof text === 'string' && text !== '' ? [{ kind: 'text', text: `${title}\n${indent(text)}` }] : [],
    ),
  ];
}

/** How many records a query has left out for such reasons. */
function droppedText(query: Fields, counts: (reason: string) => boolean): number {
  let sum = 0;
  for (const [reason, count] of Object.entries(fieldsOf(fieldsOf(query['millrace'])['dropped']))) {
    if (counts(reason) && typeof count === 'number') sum += count;
  }
  return sum;
}

/** Why queries do not run, or wait. */
function errorLines(queries: unknown): readonly string[] {
  return rowsOf(queries).flatMap(({ id, millrace }) => {
    const { error } = fieldsOf(millrace);
    return error === undefined ? [] : [`${textOf(id)}: ${textOf(error)}`];
  });
}

const errorsOf = (queries: unknown): readonly Block[] =>
  errorLines(queries).map((text): Block => ({ kind: 'message', text }));

/** What the queries that write a source have left out, a line each. */
function droppedLines(queries: unknown): string {
  const lines = rowsOf(queries).flatMap((query) => {
    const { dropped, lastDropped } = fieldsOf(query['millrace']);
    const counts = Object.entries(fieldsOf(dropped)).map(([reason, count]) => `${textOf(count)} ${reason}`);
    if (counts.length === 0) return [];
    const { reason, detail, topic, partition, offset, time } = fieldsOf(lastDropped);
    const position = typeof offset === 'number' ? ` at ${textOf(topic)}-${textOf(partition)} offset ${offset}` : '';
    const last =
      lastDropped === undefined ? '' : `; the last${position}, ${textOf(time)}: ${textOf(reason)}, ${textOf(detail)}`;
    return [`${textOf(query['id'])}: ${counts.join(', ')}${last}`];
  });
  return lines.join('\n');
}

const fieldTable = (fields: unknown): Block =>
  tableOf(fields, [
    ['Column', field('name')],
    ['Type', (row) => typeText(row['schema'])],
    ['Role', (row) => (row['headerKey'] === undefined ? row['type'] : `HEADER('${textOf(row['headerKey'])}')`)],
  ]);

/** A type as it would be written in a statement. */
function typeText(schema: unknown): string {
  const { type, fields, memberSchema } = fieldsOf(schema);
  switch (type) {
    case 'ARRAY':
      return `ARRAY<${typeText(memberSchema)}>`;
    case 'MAP':
      return `MAP<STRING, ${typeText(memberSchema)}>`;
    case 'STRUCT':
      return `STRUCT<${rowsOf(fields)
        .map((one) => `${textOf(one['name'])} ${typeText(one['schema'])}`)
        .join(', ')}>`;
    default:
      return textOf(type);
  }
}

// ------------------------------------------------------------------------------------------------------ small helpers

const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {});

const rowsOf = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.map(fieldsOf) : []);

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value);

const oneLine = (value: unknown): string => textOf(value).replace(/\s+/g, ' ').trim();

const listed = (value: unknown): string => (Array.isArray(value) ? value.map(textOf).join(', ') : textOf(value));

const queryIds = (value: unknown): string =>
  rowsOf(value)
    .map(({ id }) => textOf(id))
    .join(', ');

const indent = (text: string): string =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');

function tableOf(value: unknown, views: readonly View[]): Block {
  return {
    kind: 'table',
    columns: views.map(([name, , type]) => ({ name, type })),
    rows: rowsOf(value).map((row) => views.map(([, cell]) => textOf(cell(row)))),
  };
}

/** Names and values, those without a value left out. */
function factsOf(facts: readonly (readonly [name: string, value: unknown])[]): Block {
  const known = facts.filter(([, value]) => value !== undefined && value !== null && value !== '');
  const width = Math.max(0, ...known.map(([name]) => name.length));
  return { kind: 'text', text: known.map(([name, value]) => `${name.padEnd(width)}  ${textOf(value)}`).join('\n') };
}
