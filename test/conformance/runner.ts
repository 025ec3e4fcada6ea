/**
 * Runs one case on the engine, without a server and without a log.
 *
 * Statements are planned by a session as a server would; every persistent query becomes a topology in the synchronous test driver, fed as
 * the cases' own rules say: first the input records on its source topics in the order listed, then, for source topics that no
 * input names, what earlier queries or INSERT VALUES wrote there.
 */

import { ByteWriter, readI64, UserError } from '../../base/index.ts';
import { type PipedRecord, TopologyTestDriver } from '../../engine/test-driver.ts';
import {
  builtInFunctions,
  Catalog,
  type Column,
  compileTopology,
  type FunctionContext,
  isKnownProperty,
  keyReader,
  keyWriter,
  type PhysicalPlan,
  parseStatements,
  printSchema,
  type Row,
  ScanRegistry,
  Session,
  Settings,
  type SinkStep,
  type Source,
  type SqlType,
  sourcesOf,
  type Topics,
  type Value,
  windowBytesOf,
} from '../../sql/index.ts';
import { type Case, type CaseRecord, type CaseSource, type Json, readJson, writeJson } from './cases.ts';
import { difference, show } from './compare.ts';
import { registerCaseFunctions } from './functions.ts';
import { skipReason } from './skip-rule.ts';

export interface Outcome {
  readonly id: string;
  readonly result: 'pass' | 'fail' | 'skip';
  /** Why it was left out, or the first difference. */
  readonly why?: string;
}

interface WrittenRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly timestamp: number;
  readonly headers: readonly { readonly key: string; readonly value: Uint8Array | null }[];
}

/** How the records of a topic are read and written: what a source over it, or a sink into it, says. */
type Forms = Pick<Source, 'schema' | 'keyFormat' | 'valueFormat'>;

export const runCase = (one: Case): Outcome => {
  const why = skipReason(one);
  if (why !== undefined) return { id: one.id, result: 'skip', why };
  let run: CaseRun | undefined;
  let error: unknown;
  let found: string | undefined;
  try {
    run = new CaseRun(one);
    run.execute();
    if (one.expectedException === undefined) found = run.compare();
  } catch (thrown) {
    error = thrown;
  } finally {
    run?.close();
  }
  if (one.expectedException !== undefined) found = rejection(one.expectedException.message, error);
  else if (error !== undefined) found = describeError(error);
  return found === undefined ? { id: one.id, result: 'pass' } : { id: one.id, result: 'fail', why: found };
};

const describeError = (error: unknown): string => {
  if (error instanceof UserError) return `${error.code}: ${error.message}`;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
};

/** A rejection is right when it is a user's error and names one of the things that the expected message names. */
const rejection = (message: string | undefined, error: unknown): string | undefined => {
  if (error === undefined) return `expected an error${message === undefined ? '' : `: ${message}`}`;
  if (!(error instanceof UserError)) return describeError(error);
  if (error.code.startsWith('SQL_UNSUPPORTED')) return `not rejected for the fault, but because it is unsupported: ${error.message}`;
  if (message === undefined) return undefined;
  const things = thingsIn(message);
  if (things.length === 0) return undefined;
  const ours = `${error.message} ${error.hint ?? ''}`.toUpperCase();
  if (things.some((thing) => ours.includes(thing))) return undefined;
  return `rejected for something else: expected "${message}", got "${error.message}"`;
};

const commonWords: ReadonlySet<string> = new Set(['SELECT', 'CREATE', 'LINE', 'A', 'I', 'THE', 'AS', 'NOT', 'OR', 'AND', 'KSQL']);

/** Names between quotes or backticks, and words in capitals: columns, types, clauses, topics, functions. */
const thingsIn = (message: string): readonly string[] => {
  const quoted = [...message.matchAll(/[`'"]([^`'"\n]+)[`'"]/g)].map((found) => found[1] as string);
  const capitals = message.match(/\b[A-Z][A-Z0-9_]+\b/g) ?? [];
  return [...new Set([...quoted, ...capitals].map((thing) => thing.toUpperCase().trim()))].filter(
    (thing) => thing.length > 1 && !commonWords.has(thing),
  );
};

class CaseRun {
  readonly #case: Case;
  readonly #functions = builtInFunctions();
  readonly #context: FunctionContext;
  readonly #session: Session;
  readonly #written = new Map<string, WrittenRecord[]>();
  readonly #sinks = new Map<string, SinkStep>();
  readonly #internal: string[] = [];
  readonly #drivers: TopologyTestDriver[] = [];
  readonly #plans: { readonly id: string; readonly plan: PhysicalPlan }[] = [];

  constructor(one: Case) {
    this.#case = one;
    let seed = 0.5;
    this.#context = {
      now: () => 1_600_000_000_000,
      random: () => {
        seed = (seed * 997 + 0.125) % 1;
        return seed;
      },
    };
    registerCaseFunctions(this.#functions);
    const topics: Topics = new Map();
    const add = (name: string, partitions = 4): void => {
      if (!topics.has(name)) topics.set(name, { partitions, configs: {} });
    };
    for (const { name, partitions } of one.topics) add(name, partitions);
    for (const { topic } of one.inputs) add(topic);
    for (const statement of one.statements) {
      if (/\bAS\s+SELECT\b/i.test(statement)) continue;
      const topic = /KAFKA_TOPIC\s*=\s*'([^']*)'/i.exec(statement)?.[1];
      const partitions = /\bPARTITIONS\s*=\s*(\d+)/i.exec(statement)?.[1];
      if (topic !== undefined) add(topic, partitions === undefined ? 4 : Number(partitions));
    }
    const known = Object.entries(one.properties).filter(([name]) => isKnownProperty(name));
    this.#session = new Session({
      catalog: new Catalog(),
      topics,
      settings: Settings.of(Object.fromEntries(known)),
      functions: this.#functions,
      functionContext: this.#context,
      number: 0,
    });
  }

  execute(): void {
    for (const text of this.#case.statements) {
      for (const statement of parseStatements(text)) {
        const { planned } = this.#session.plan(statement);
        if (planned.kind === 'record') {
          const { topic, key, value, timestamp } = planned.record;
          this.#topic(topic).push({ key, value, timestamp, headers: [] });
        }
        if (planned.kind !== 'command') continue;
        const { command } = planned;
        if (command.kind === 'create-as' || command.kind === 'insert-as') {
          this.#plans.push({ id: command.query.id, plan: command.query.plan });
        }
        if (command.kind === 'terminate') {
          for (const id of command.queryIds) this.#forget(id);
        }
      }
    }
    for (const { plan } of this.#plans) this.#run(plan);
  }

  #forget(id: string): void {
    const at = this.#plans.findIndex((one) => one.id === id);
    if (at >= 0) this.#plans.splice(at, 1);
  }

  close(): void {
    for (const driver of this.#drivers) driver.close();
  }

  #topic(name: string): WrittenRecord[] {
    let records = this.#written.get(name);
    if (records === undefined) {
      records = [];
      this.#written.set(name, records);
    }
    return records;
  }

  #run(plan: PhysicalPlan): void {
    const { root } = plan;
    if (root.kind !== 'streamSink' && root.kind !== 'tableSink') throw new Error('a persistent query has a sink');
    this.#sinks.set(root.topic, root);
    const topology = compileTopology(plan, {
      functions: this.#functions,
      context: this.#context,
      scans: new ScanRegistry(),
    });
    const driver = new TopologyTestDriver(topology, { applicationId: 'query' });
    this.#drivers.push(driver);
    for (const { topic } of topology.repartitions) this.#internal.push(topic);
    const sources = sourcesOf(plan);
    const pipe = (topic: string, record: PipedRecord<Uint8Array, Uint8Array>): void => {
      driver.pipe(topic, [record]);
      this.#topic(root.topic).push(...driver.take(root.topic));
    };
    const topics = new Set(sources.map((source) => source.topic));
    const named = new Set(this.#case.inputs.map((input) => input.topic));
    for (const input of this.#case.inputs) {
      const source = sources.find((one) => one.topic === input.topic);
      if (source !== undefined) pipe(input.topic, this.#encode(input, source));
    }
    for (const topic of topics) {
      if (named.has(topic)) continue;
      for (const record of this.#topic(topic).slice()) pipe(topic, record);
    }
  }

  #encode(input: CaseRecord, forms: Forms): PipedRecord<Uint8Array, Uint8Array> {
    return {
      key: keyBytes(input, forms),
      value: valueBytes(input.value ?? null, forms),
      timestamp: input.timestamp ?? 0,
      headers: (input.headers ?? []).map(({ KEY, VALUE }) => ({ key: KEY, value: Buffer.from(VALUE, 'base64') })),
    };
  }

  compare(): string | undefined {
    const topics = [...new Set(this.#case.outputs.map((output) => output.topic))];
    for (const topic of topics) {
      const expected = this.#case.outputs.filter((output) => output.topic === topic);
      const actual = this.#written.get(topic) ?? [];
      const sink = this.#sinks.get(topic) ?? this.#session.catalog.sources().find((source) => source.topic === topic);
      if (sink === undefined) return `nothing writes the topic ${topic}`;
      for (let i = 0; i < Math.max(expected.length, actual.length); i++) {
        const want = expected[i];
        const got = actual[i];
        const at = `${topic}[${i}]`;
        if (got === undefined) return `${at}: expected ${show((want as CaseRecord).value)}, got nothing (${actual.length} of ${expected.length} records)`;
        if (want === undefined) return `${at}: expected no more than ${expected.length} records, got ${actual.length}: ${got.value === null ? 'null' : new TextDecoder().decode(got.value)}`;
        const found = recordDifference(want, got, sink, at);
        if (found !== undefined) return found;
      }
    }
    return this.#comparePost();
  }

  #comparePost(): string | undefined {
    const { post } = this.#case;
    for (const expected of post?.sources ?? []) {
      const source = this.#session.catalog.source(expected.name);
      if (source === undefined) return `the source ${expected.name} does not exist`;
      const found = sourceDifference(expected, source);
      if (found !== undefined) return found;
    }
    const blacklist = post?.topics?.blacklist;
    if (blacklist !== undefined) {
      const unwanted = this.#internal.find((topic) => new RegExp(`^${blacklist}$`).test(topic));
      if (unwanted !== undefined) return `the topic ${unwanted} should not exist`;
    }
    for (const { name, partitions } of post?.topics?.topics ?? []) {
      if (name.startsWith('_confluent') || partitions === undefined) continue;
      const topic = this.#session.topics.get(name);
      if (topic?.partitions !== partitions) return `the topic ${name} has ${topic?.partitions} partitions, expected ${partitions}`;
    }
    return undefined;
  }
}

const sourceDifference = (expected: CaseSource, source: Source): string | undefined => {
  const { name, type, schema, keyFormat, valueFormat, valueFeatures } = expected;
  if (source.kind !== type) return `${name} is a ${source.kind}, expected a ${type}`;
  if (schema !== undefined) {
    const word = /KEY/.test(schema) ? '' : '';
    const [parsed] = parseStatements(`CREATE STREAM X (${schema}${word}) WITH (KAFKA_TOPIC='x', VALUE_FORMAT='JSON', KEY_FORMAT='JSON');`);
    if (parsed?.statement.kind === 'create-source') {
      const texts = parsed.statement.elements.map(
        (element) => `${element.name} ${typeText(schema, element)}${element.constraint.kind === 'none' ? '' : ' KEY'}`,
      );
      const wanted = canonicalSchema(schema, texts.length);
      const got = canonicalSchema(printSchema(source.schema), source.schema.key.length + source.schema.value.length);
      if (wanted !== got) return `the schema of ${name} is ${printSchema(source.schema)}, expected ${schema}`;
    }
  }
  const wantedKey = typeof keyFormat === 'string' ? keyFormat : keyFormat?.format;
  if (wantedKey !== undefined && wantedKey !== source.keyFormat.name) return `the key format of ${name} is ${source.keyFormat.name}, expected ${wantedKey}`;
  const window = typeof keyFormat === 'object' ? keyFormat : undefined;
  if (window?.windowType !== undefined && window.windowType !== source.schema.windowed?.type) {
    return `the windows of ${name} are ${source.schema.windowed?.type}, expected ${window.windowType}`;
  }
  if (window?.windowSize !== undefined && window.windowSize !== null && window.windowSize !== source.schema.windowed?.sizeMs) {
    return `the windows of ${name} have ${source.schema.windowed?.sizeMs} ms, expected ${window.windowSize}`;
  }
  if (valueFormat !== undefined && valueFormat !== source.valueFormat.name) return `the value format of ${name} is ${source.valueFormat.name}, expected ${valueFormat}`;
  if (valueFeatures?.includes('UNWRAP_SINGLES') === true && source.valueFormat.wrapSingleValue !== false) {
    return `${name} wraps its single value`;
  }
  if (valueFeatures?.includes('WRAP_SINGLES') === true && source.valueFormat.wrapSingleValue === false) {
    return `${name} does not wrap its single value`;
  }
  return undefined;
};

const typeText = (_schema: string, element: { readonly type: { readonly kind: string } }): string => element.type.kind;

/** One spelling of a schema's text: names in backticks or not, synonyms of types, blanks. */
const canonicalSchema = (text: string, _columns: number): string =>
  text
    .replaceAll(/PRIMARY\s+KEY/gi, 'KEY')
    .replaceAll(/\bINT\b/gi, 'INTEGER')
    .replaceAll(/\bVARCHAR\b/gi, 'STRING')
    .replaceAll(/`/g, '')
    .replaceAll(/\s*([,<>()])\s*/g, '$1')
    .replaceAll(/\s+/g, ' ')
    .trim();

const keyBytes = ({ key, window }: CaseRecord, { schema, keyFormat }: Forms): Uint8Array | null => {
  if (key === null || key === undefined) return null;
  const out = new ByteWriter(64);
  if (schema.key.length === 0 || keyFormat.name === 'NONE') out.utf8(typeof key === 'string' ? key : writeJson(key));
  else if (keyFormat.name === 'JSON') out.utf8(writeJson(key));
  else keyWriter(schema.key, keyFormat).write(schema.key.map((column) => fromJson(key, column.type)), out);
  if (window !== undefined) {
    if (window.type === 'session') out.i64(window.end);
    out.i64(window.start);
  }
  return out.slice();
};

const valueBytes = (value: Json, { schema, valueFormat }: Forms): Uint8Array | null => {
  if (value === null) return null;
  if (valueFormat.name === 'JSON') return new TextEncoder().encode(writeJson(value));
  const out = new ByteWriter(64);
  const column = schema.value[0] as Column;
  const writer = keyWriter([column], valueFormat);
  const bare = typeof value === 'object' && !Array.isArray(value) ? ((Object.values(value)[0] ?? null) as Json) : value;
  return writer.write([fromJson(bare, column.type)], out) ? out.slice() : null;
};

const fromJson = (value: Json, type: SqlType): Value => {
  if (type.kind === 'STRING') return typeof value === 'string' ? value : writeJson(value);
  return typeof value === 'string' ? Number(value) : (value as Value);
};

const recordDifference = (expected: CaseRecord, actual: WrittenRecord, forms: Forms, at: string): string | undefined => {
  const { schema, keyFormat } = forms;
  const windowBytes = windowBytesOf(schema.windowed);
  if (expected.window !== undefined && actual.key !== null) {
    const start = readI64(actual.key, actual.key.length - 8);
    if (start !== expected.window.start) return `${at}.window: expected to start at ${expected.window.start}, got ${start}`;
    const end = schema.windowed?.sizeMs === undefined ? readI64(actual.key, actual.key.length - 16) : start + schema.windowed.sizeMs;
    if (end !== expected.window.end) return `${at}.window: expected to end at ${expected.window.end}, got ${end}`;
  }
  const key = actual.key === null ? null : readKey(actual.key.subarray(0, actual.key.length - windowBytes), schema.key, keyFormat);
  const keyType = schema.key.length === 1 ? (schema.key[0] as Column).type : structType(schema.key);
  const keyFound = difference(expected.key ?? null, key, keyType, `${at}.key`);
  if (keyFound !== undefined) return keyFound;
  const value = actual.value === null ? null : readValue(actual.value, forms);
  const wrapped = typeof expected.value === 'object' && expected.value !== null && !Array.isArray(expected.value);
  const single = schema.value.length === 1 && forms.valueFormat.wrapSingleValue === false;
  const valueType = single || !wrapped ? schema.value[0]?.type : structType(schema.value);
  const valueFound = difference(expected.value ?? null, value, valueType, `${at}.value`);
  if (valueFound !== undefined) return valueFound;
  if (expected.timestamp !== undefined && expected.timestamp !== actual.timestamp) {
    return `${at}.timestamp: expected ${expected.timestamp}, got ${actual.timestamp}`;
  }
  const headers = (expected.headers ?? []).map(({ KEY, VALUE }) => `${KEY}=${VALUE}`).join();
  const got = actual.headers.map(({ key: name, value: bytes }) => `${name}=${Buffer.from(bytes ?? []).toString('base64')}`).join();
  return expected.headers === undefined || headers === got ? undefined : `${at}.headers: expected ${headers}, got ${got}`;
};

const structType = (columns: readonly Column[]): SqlType => ({ kind: 'STRUCT', fields: columns });

const readKey = (bytes: Uint8Array, columns: readonly Column[], format: Forms['keyFormat']): Json => {
  if (columns.length === 0) return new TextDecoder().decode(bytes);
  if (format.name === 'JSON') return readJson(new TextDecoder().decode(bytes));
  const row: Row = columns.map(() => null);
  keyReader(columns, format).read(bytes, 0, bytes.length, row);
  return row[0] as Json;
};

const readValue = (bytes: Uint8Array, { schema, valueFormat }: Forms): Json => {
  if (valueFormat.name === 'JSON') return readJson(new TextDecoder().decode(bytes));
  return readKey(bytes, schema.value, valueFormat);
};
