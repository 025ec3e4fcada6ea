/**
 * How every SQL figure is measured: one query, from its statement to its last commit.
 *
 * A data directory with a source topic of one partition on the file log; then, for each round: BASE over the source's
 * segments, the statement through the public API (exactly once, changelog on, tasks on the calling thread), the time
 * until all is read and committed, BASE again. The round's ratio is the query's rate over the mean of the two. A first
 * round warms up and is not counted; each round's output is dropped.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Millrace, open } from '../millrace.ts';
import { measureBase } from './base.ts';
import type { Claim, Round, Variant } from './claim.ts';
import { type Schema, schemas } from './records.ts';

export interface SqlPath {
  readonly name: string;
  readonly about: string;
  readonly atLeast: number;
  readonly keys: number;
  /** Statements before the query: a table to join with. */
  readonly prepare?: (millrace: Millrace, schema: Schema) => Promise<void>;
  /** The query's statement. The source is called `source`. */
  readonly statement: (sink: string) => string;
  readonly sinkKind: 'STREAM' | 'TABLE';
  /** The format of the values that the query reads and writes; JSON when left out. BASE reads JSON in any case: the
   *  source is a copy of the same rows. */
  readonly valueFormat?: string;
}

const RECORDS_PER_CALL = 10_000;

export const fill = async (
  millrace: Millrace,
  topic: string,
  schema: Schema,
  records: number,
  keys: number,
): Promise<void> => {
  for (let from = 0; from < records; from += RECORDS_PER_CALL) {
    const count = Math.min(RECORDS_PER_CALL, records - from);
    await millrace.produce(
      topic,
      Array.from({ length: count }, (_, i) => schema.record(from + i, keys)),
      { acks: 'append' },
    );
  }
};

export const createSource = (schema: Schema, name: string, partitions: number): string =>
  `CREATE STREAM ${name} (${schema.columns}) WITH (kafka_topic = '${name}', partitions = ${partitions}, value_format = 'JSON');`;

/** Runs the statement and waits until it has read and committed everything; answers the milliseconds. */
export const timeStatement = async (millrace: Millrace, statement: string): Promise<number> => {
  const started = performance.now();
  await millrace.sql(statement, { properties: { 'auto.offset.reset': 'earliest' } });
  await millrace.awaitIdle();
  return performance.now() - started;
};

export const withDataDirectory = async <T>(run: (directory: string) => Promise<T>): Promise<T> => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  try {
    return await run(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

export const sqlPathClaim = (path: SqlPath): Claim => ({
  name: path.name,
  about: path.about,
  unit: 'records/s',
  asked: { atLeast: path.atLeast },
  cores: 1,
  variants: true,
  run: (variant) => withDataDirectory((directory) => runPath(path, variant, directory)),
});

const runPath = async (
  path: SqlPath,
  { schema: name, records, rounds }: Variant,
  directory: string,
): Promise<Round[]> => {
  const schema = schemas[name];
  const millrace = await open({ data: directory, workers: 0 });
  try {
    const rows = path.valueFormat === undefined ? 'source' : 'json_rows';
    await millrace.sql(createSource(schema, rows, 1));
    await fill(millrace, rows, schema, records, path.keys);
    if (path.valueFormat !== undefined) await copyRows(millrace, rows, path.valueFormat);
    await path.prepare?.(millrace, schema);
    const segments = await millrace.partitionDirectory(rows, 0);
    const measured: Round[] = [];
    for (let round = 0; round <= rounds; round++) {
      const sink = `sink_${round}`;
      const before = measureBase(segments);
      const elapsedMs = await timeStatement(millrace, path.statement(sink));
      const after = measureBase(segments);
      await checkRead(millrace, records);
      await millrace.sql(`DROP ${path.sinkKind} ${sink} DELETE TOPIC;`);
      if (round > 0) measured.push({ value: records / (elapsedMs / 1000), base: (before + after) / 2 });
    }
    return measured;
  } finally {
    await millrace.close();
  }
};

/** Makes `source` a stream of the same rows in another format. */
const copyRows = async (millrace: Millrace, rows: string, valueFormat: string): Promise<void> => {
  await timeStatement(
    millrace,
    `CREATE STREAM source WITH (value_format = '${valueFormat}') AS SELECT * FROM ${rows};`,
  );
  const [copy] = await millrace.engine.queries();
  if (copy === undefined) throw new Error('the rows were not copied');
  await millrace.sql(`TERMINATE ${copy.id};`);
};

/** A figure of a query that did not read everything would be a lie. */
const checkRead = async (millrace: Millrace, records: number): Promise<void> => {
  const [query] = await millrace.engine.queries();
  if (query === undefined || query.state !== 'RUNNING' || query.recordsRead < records || query.lag !== 0)
    throw new Error(`the query did not do its work: ${JSON.stringify(query)}`);
};
