/** Running persistent queries without a log or a clock: statements and records in, what every query writes out. */

import { readI64 } from '../../../base/index.ts';
import { type TestRecord, TopologyTestDriver } from '../../../engine/test-driver.ts';
import type { PipedRecord } from '../../../engine/test-records.ts';
import { windowBytesOf } from '../../../sql/compile/keys.ts';
import type { WriterSchemas } from '../../../sql/formats/writer-schemas.ts';
import {
  builtInFunctions,
  compileTopology,
  type FunctionRegistry,
  type PhysicalPlan,
  readPlan,
  ScanRegistry,
  sourcesOf,
  writePlan,
} from '../../../sql/index.ts';
import { parseStatements } from '../../../sql/parser/parse.ts';
import type { WindowedKey } from '../../../sql/types/schema.ts';
import { session } from './planning.ts';

/** A topic, a key, a value, a time in milliseconds (0 when left out). Texts and bytes go as they are, null is null,
 *  anything else as JSON. */
export type Sent = readonly [topic: string, key: unknown, value: unknown, timestamp?: number];

export interface Ran {
  /** What each topic got, in order, as `key value` or, with `times`, `key value @timestamp`. */
  lines(topic: string, times?: 'times'): string[];
  /** What was left out, as `reason: detail`. */
  readonly drops: readonly string[];
}

/** A record on its way to a topic. */
export interface Piped extends PipedRecord<Uint8Array, Uint8Array> {
  readonly topic: string;
}

/** What a topic got, in order. */
export interface Written {
  readonly records: TestRecord<Uint8Array, Uint8Array>[];
  readonly windowed: WindowedKey | undefined;
}

export interface RunOptions {
  readonly functions?: FunctionRegistry;
  readonly schemas?: WriterSchemas;
  /** Of every topic; default 1. */
  readonly partitions?: number;
}

/**
 * Runs the queries, then the records, group after group: those of a group, which are for one topic, come in one batch.
 * What a query writes is read by the queries behind it before the next group comes.
 */
export const runPlans = (
  plans: readonly PhysicalPlan[],
  groups: Iterable<readonly Piped[]>,
  { functions = builtInFunctions(), schemas, partitions = 1 }: RunOptions = {},
): { readonly written: ReadonlyMap<string, Written>; readonly drops: readonly string[] } => {
  const written = new Map<string, Written>();
  const queries = plans.map((planned) => {
    // As from the statement log.
    const plan = readPlan(JSON.parse(writePlan(planned)));
    const { root } = plan;
    if (root.kind === 'result' || !('topic' in root)) throw new Error('a persistent query has a sink');
    const topology = compileTopology(plan, {
      functions,
      context: { now: () => 0, random: () => 0 },
      scans: new ScanRegistry(),
      ...(schemas === undefined ? {} : { schemas }),
    });
    written.set(root.topic, { records: [], windowed: root.schema.windowed });
    return {
      driver: new TopologyTestDriver(topology, { applicationId: 'query', partitions }),
      inputs: new Set(sourcesOf(plan).map((source) => source.topic)),
      out: root.topic,
    };
  });
  const pipe = (topic: string, records: readonly PipedRecord<Uint8Array, Uint8Array>[]): void => {
    for (const { driver, inputs, out } of queries) {
      if (!inputs.has(topic)) continue;
      driver.pipe(topic, records);
      const made = driver.take(out);
      written.get(out)?.records.push(...made);
      if (made.length > 0) pipe(out, made);
    }
  };
  for (const group of groups) pipe(group[0]?.topic ?? '', group);
  const drops = queries.flatMap(({ driver }) => driver.drops.map(({ reason, detail }) => `${reason}: ${detail}`));
  for (const { driver } of queries) driver.close();
  return { written, drops };
};

/**
 * Runs the statements (the first make the sources), then the records one after the other; what a query writes is read
 * by the queries behind it before the next record comes. Keys of other formats than text are shown as hexadecimal
 * digits, the windows of keys behind them: `a@[0,10000)`, of sessions `a@[0,10000]`.
 */
export const runSql = (
  statements: string,
  records: readonly Sent[],
  functions: FunctionRegistry = builtInFunctions(),
): Ran => {
  const own = session({}, functions);
  const plans: PhysicalPlan[] = [];
  for (const statement of parseStatements(statements)) {
    const { planned } = own.plan(statement);
    if (planned.kind !== 'command') continue;
    const { command } = planned;
    if (command.kind === 'create-as' || command.kind === 'insert-as') plans.push(command.query.plan);
  }
  const groups = records.map(([topic, key, value, timestamp = 0]) => [
    { topic, key: bytesOf(key), value: bytesOf(value), timestamp },
  ]);
  const { written, drops } = runPlans(plans, groups, { functions });
  return {
    lines: (topic, times) => {
      const { records: lines = [], windowed } = written.get(topic) ?? {};
      return lines.map(
        (record) => `${shownRecord(record, windowed)}${times === undefined ? '' : ` @${record.timestamp}`}`,
      );
    },
    drops,
  };
};

/** `key value`, as `runSql` shows it. */
export const shownRecord = (
  { key, value }: Pick<TestRecord<Uint8Array, Uint8Array>, 'key' | 'value'>,
  windowed: WindowedKey | undefined,
): string => `${shownKey(key, windowed)} ${shown(value)}`;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

const bytesOf = (part: unknown): Uint8Array | null => {
  if (part === null || part === undefined) return null;
  if (part instanceof Uint8Array) return part;
  return encoder.encode(typeof part === 'string' ? part : JSON.stringify(part));
};

const shownKey = (bytes: Uint8Array | null, windowed: WindowedKey | undefined): string => {
  if (bytes === null || windowed === undefined) return shown(bytes);
  const ownEnd = bytes.length - windowBytesOf(windowed);
  const start = readI64(bytes, bytes.length - 8);
  const end = windowed.type === 'SESSION' ? `${readI64(bytes, ownEnd)}]` : `${start + (windowed.sizeMs ?? 0)})`;
  return `${shown(bytes.subarray(0, ownEnd))}@[${start},${end}`;
};

export const shown = (bytes: Uint8Array | null): string => {
  if (bytes === null) return 'null';
  // Control characters, or no UTF-8: not a text but a number's bytes, or a window behind a key.
  if (!bytes.some((byte) => byte < 32)) {
    try {
      return decoder.decode(bytes);
    } catch {}
  }
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
};
