/**
 * The records that the benchmarks read: two schemas.
 *
 * `narrow` is the record for which the targets were set: six columns, a 98-byte JSON value, an 8-byte key (KAFKA
 * BIGINT), 117 bytes on disk. `wide` keeps us honest: 26 columns, about 360 bytes, five of them used, a nested struct,
 * text beyond ASCII. The same seed makes the same records.
 */

export interface BenchRecord {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly timestamp: number;
}

export interface Schema {
  readonly name: 'narrow' | 'wide';
  /** The columns between the brackets of CREATE STREAM, key first. */
  readonly columns: string;
  /** Record `i` of a topic over `keys` keys, `i` counted from 0. */
  record(i: number, keys: number): BenchRecord;
}

const START_MS = 1_700_000_000_000;
/** Ten records a millisecond: two million records are a little over three minutes of event time. */
const RECORDS_PER_MS = 10;
const encoder = new TextEncoder();
const regions = ['eu-west-1', 'us-east-1', 'ap-east-1', 'sa-east-1'];
const cities = ['Zürich', 'São Paulo', 'København', 'Kraków', '東京', 'München'];

const bigEndian = (key: number): Uint8Array => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(key));
  return bytes;
};

const timeOf = (i: number): number => START_MS + Math.floor(i / RECORDS_PER_MS);

export const narrow: Schema = {
  name: 'narrow',
  columns: '"k" BIGINT KEY, "id" BIGINT, "user" VARCHAR, "region" VARCHAR, "amount" DOUBLE, "qty" INTEGER, "ts" BIGINT',
  record(i, keys) {
    const key = spread(i, keys);
    const timestamp = timeOf(i);
    const amount = (10_000 + (spread(i, 89_999) % 89_999)) / 100;
    const text = `{"id":${1000 + (i % 9000)},"user":"user_${String(key).padStart(8, '0')}","region":"${regions[i & 3]}","amount":${amount.toFixed(2)},"qty":${1 + (i % 9)},"ts":${timestamp}}`;
    return { key: bigEndian(key), value: encoder.encode(text), timestamp };
  },
};

export const wide: Schema = {
  name: 'wide',
  columns: `"k" BIGINT KEY, "id" BIGINT, "user" VARCHAR, "region" VARCHAR, "amount" DOUBLE, "qty" INTEGER, "ts" BIGINT, "city" VARCHAR,
    "place" STRUCT<"lat" DOUBLE, "lon" DOUBLE>, ${Array.from({ length: 9 }, (_, n) => `"c${n}" INTEGER`).join(', ')},
    ${Array.from({ length: 8 }, (_, n) => `"t${n}" VARCHAR`).join(', ')}`,
  record(i, keys) {
    const key = spread(i, keys);
    const timestamp = timeOf(i);
    const amount = (10_000 + (spread(i, 89_999) % 89_999)) / 100;
    const numbers = Array.from({ length: 9 }, (_, n) => `"c${n}":${(i * (n + 1)) % 1000}`).join(',');
    const texts = Array.from({ length: 8 }, (_, n) => `"t${n}":"text ${100 + ((i + n) % 897)}"`).join(',');
    const text =
      `{"id":${1_000_000 + i},${numbers},"city":"${cities[i % cities.length]}","user":"user_${String(key).padStart(8, '0')}",` +
      `"place":{"lat":${(47 + (i % 100) / 100).toFixed(2)},"lon":${(8 + (i % 100) / 100).toFixed(2)}},"region":"${regions[i & 3]}",${texts},` +
      `"amount":${amount.toFixed(2)},"qty":${1 + (i % 9)},"ts":${timestamp}}`;
    return { key: bigEndian(key), value: encoder.encode(text), timestamp };
  },
};

export const schemas = { narrow, wide };

/** A fixed pseudo-random number below `limit` for record `i`. */
const spread = (i: number, limit: number): number => {
  let x = (i + 0x9e3779b9) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return ((x ^ (x >>> 16)) >>> 0) % limit;
};
