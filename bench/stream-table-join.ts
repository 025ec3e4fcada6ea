/** Claim: a stream joined with a table of a hundred thousand keys, by the record key, every row out. */

import type { BenchRecord, Schema } from './records.ts';
import { fill, sqlPathClaim } from './sql-path.ts';

const KEYS = 100_000;
const encoder = new TextEncoder();

/** One row a key, older than every stream record. */
const people: Schema = {
  name: 'narrow',
  columns: '',
  record(i): BenchRecord {
    const key = new Uint8Array(8);
    new DataView(key.buffer).setBigInt64(0, BigInt(i));
    return { key, value: encoder.encode(`{"name":"person ${i}","level":${i % 10}}`), timestamp: 0 };
  },
};

export const streamTableJoin = sqlPathClaim({
  name: 'stream-table-join',
  about: 'join with a 1e5-key table, every row out',
  atLeast: 0.3,
  keys: KEYS,
  sinkKind: 'STREAM',
  async prepare(millrace) {
    await millrace.sql(
      `CREATE TABLE people ("p" BIGINT PRIMARY KEY, "name" VARCHAR, "level" INTEGER) WITH (kafka_topic = 'people', partitions = 1, value_format = 'JSON');`,
    );
    await fill(millrace, 'people', people, KEYS, KEYS);
  },
  statement: (sink) =>
    `CREATE STREAM ${sink} AS SELECT s."k" AS "k", s."id" AS "id", s."amount" AS "amount", p."name" AS "name", p."level" AS "level"
       FROM source s JOIN people p ON s."k" = p."p";`,
});
