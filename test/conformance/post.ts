/** What must be known when a case is over: its sources with their schemas and formats, and its topics. */

import { typeOfNode } from '../../sql/analyze/type-of-node.ts';
import { printType, type Session, type Source } from '../../sql/index.ts';
import { parseStatements } from '../../sql/parser/parse.ts';
import type { Case, CaseSource, CaseTopic } from './cases.ts';
import type { CaseSchemas } from './schemas.ts';

/** The first difference, or undefined. `internal` are the topics that the queries keep for themselves. */
export const postDifference = (
  post: Case['post'],
  { catalog, topics }: Pick<Session, 'catalog' | 'topics'>,
  internal: readonly string[],
  schemas: CaseSchemas,
): string | undefined => {
  for (const expected of post?.sources ?? []) {
    const source = catalog.source(expected.name);
    if (source === undefined) return `the source ${expected.name} does not exist`;
    const found = sourceDifference(expected, source);
    if (found !== undefined) return found;
  }
  const { blacklist, topics: expectedTopics = [] } = post?.topics ?? {};
  if (blacklist !== undefined) {
    const unwanted = internal.find((topic) => new RegExp(`^(?:${blacklist})$`).test(topic));
    if (unwanted !== undefined) return `the topic ${unwanted} should not exist`;
  }
  for (const expected of expectedTopics) {
    const { name, partitions, keyFormat, valueFormat } = expected;
    const registered = schemas.registeredDifference(expected);
    if (registered !== undefined) return registered;
    const topic = topics.get(name);
    if (partitions !== undefined && topic?.partitions !== partitions) {
      return `the topic ${name} has ${topic?.partitions} partitions, expected ${partitions}`;
    }
    const source = catalog.sources().find((one) => one.topic === name);
    if (source === undefined) continue;
    const formats = [
      ['key', formatName(keyFormat), source.keyFormat.name],
      ['value', formatName(valueFormat), source.valueFormat.name],
    ] as const;
    for (const [side, wanted, got] of formats) {
      if (wanted !== undefined && wanted !== got)
        return `the ${side} format of the topic ${name} is ${got}, expected ${wanted}`;
    }
  }
  return undefined;
};

const formatName = (format: CaseTopic['keyFormat']): string | undefined =>
  typeof format === 'string' ? format : format?.format;

const sourceDifference = (expected: CaseSource, source: Source): string | undefined => {
  const { name, type, schema, keyFormat, valueFormat, valueFeatures } = expected;
  if (source.kind !== type.toLowerCase()) return `${name} is a ${source.kind}, expected a ${type}`;
  if (schema !== undefined) {
    const wanted = columnsOfText(schema);
    const got = columnsOf(source);
    if (wanted !== got) return `the schema of ${name} is ${got}, expected ${wanted}`;
  }
  const wantedKey = typeof keyFormat === 'string' ? keyFormat : keyFormat?.format;
  if (wantedKey !== undefined && wantedKey !== source.keyFormat.name) {
    return `the key format of ${name} is ${source.keyFormat.name}, expected ${wantedKey}`;
  }
  const { windowType, windowSize } = typeof keyFormat === 'object' ? keyFormat : {};
  const windowed = source.schema.windowed;
  if (windowType !== undefined && windowType !== windowed?.type) {
    return `the windows of ${name} are ${windowed?.type}, expected ${windowType}`;
  }
  if (typeof windowSize === 'number' && windowSize !== windowed?.sizeMs) {
    return `the windows of ${name} have ${windowed?.sizeMs} ms, expected ${windowSize}`;
  }
  if (valueFormat !== undefined && valueFormat !== source.valueFormat.name) {
    return `the value format of ${name} is ${source.valueFormat.name}, expected ${valueFormat}`;
  }
  const unwrapped = source.valueFormat.wrapSingleValue === false;
  if (valueFeatures?.includes('UNWRAP_SINGLES') === true && !unwrapped) return `${name} wraps its single value`;
  if (valueFeatures?.includes('WRAP_SINGLES') === true && unwrapped) return `${name} does not wrap its single value`;
  return undefined;
};

/** `K INTEGER KEY, V STRING`: names as they are, types in their one spelling. */
const columnsOf = ({ schema }: Source): string =>
  [
    ...schema.key.map((column) => `${column.name} ${printType(column.type)} KEY`),
    ...schema.value.map((column) => `${column.name} ${printType(column.type)}`),
  ].join(', ');

/** The same of a schema in SQL. It is read as columns are, so that quotes, case and synonyms of types mean what they
 *  mean there. */
const columnsOfText = (schema: string): string => {
  const [parsed] = parseStatements(`CREATE STREAM EXPECTED (${schema}) WITH (KAFKA_TOPIC='expected');`);
  const statement = parsed?.statement;
  if (statement?.kind !== 'create-source') return schema;
  return statement.elements
    .map(({ name, type, constraint }) => {
      const key = constraint.kind === 'key' || constraint.kind === 'primary-key';
      return `${name} ${printType(typeOfNode(type))}${key ? ' KEY' : ''}`;
    })
    .join(', ');
};
