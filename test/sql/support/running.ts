/** Running persistent queries without a log or a clock: statements and records in, what every query writes out. */

import { readI64 } from '../../../base/index.ts';
import { TopologyTestDriver } from '../../../engine/test-driver.ts';
import { windowBytesOf } from '../../../sql/compile/keys.ts';
import {
  builtInFunctions,
  compileTopology,
  type FunctionRegistry,
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
  const queries: {
    readonly driver: TopologyTestDriver;
    readonly inputs: ReadonlySet<string>;
    readonly out: string;
    readonly windowed: WindowedKey | undefined;
  }[] = [];
  for (const statement of parseStatements(statements)) {
    const { planned } = own.plan(statement);
    if (planned.kind !== 'command') continue;
    const { command } = planned;
    if (command.kind !== 'create-as' && command.kind !== 'insert-as') continue;
    // As from the statement log.
    const plan = readPlan(JSON.parse(writePlan(command.query.plan)));
    const { root } = plan;
    if (root.kind === 'result' || !('topic' in root)) throw new Error('a persistent query has a sink');
    const topology = compileTopology(plan, {
      functions,
      context: { now: () => 0, random: () => 0 },
      scans: new ScanRegistry(),
    });
    const inputs = new Set(sourcesOf(plan).map((source) => source.topic));
    const driver = new TopologyTestDriver(topology, { applicationId: 'query' });
    queries.push({ driver, inputs, out: root.topic, windowed: root.schema.windowed });
  }
  const written = new Map<string, string[][]>();
  const pipe = (topic: string, key: Uint8Array | null, value: Uint8Array | null, timestamp: number): void => {
    for (const { driver, inputs, out, windowed } of queries) {
      if (!inputs.has(topic)) continue;
      driver.pipe(topic, [{ key, value, timestamp }]);
      for (const record of driver.take(out)) {
        const lines = written.get(out) ?? [];
        written.set(out, lines);
        lines.push([`${shownKey(record.key, windowed)} ${shown(record.value)}`, ` @${record.timestamp}`]);
        pipe(out, record.key, record.value, record.timestamp);
      }
    }
  };
  for (const [topic, key, value, timestamp = 0] of records) pipe(topic, bytesOf(key), bytesOf(value), timestamp);
  const drops = queries.flatMap(({ driver }) => driver.drops.map(({ reason, detail }) => `${reason}: ${detail}`));
  for (const { driver } of queries) driver.close();
  return {
    lines: (topic, times) =>
      (written.get(topic) ?? []).map(([line, time]) => `${line}${times === undefined ? '' : time}`),
    drops,
  };
};

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

const shown = (bytes: Uint8Array | null): string => {
  if (bytes === null) return 'null';
  // Control characters: not a text but a number's bytes, or a window behind a key.
  if (!bytes.some((byte) => byte < 32)) return decoder.decode(bytes);
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
};
